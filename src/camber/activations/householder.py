"""Householder activations: reflect a group of features when it lies on the wrong side of a plane.

With a unit vector h per group, y = x where h.x >= 0 and y = x - 2 h (h.x) elsewhere; that is
continuous, and its Jacobian is the identity or a reflection: orthogonal everywhere. With
h = (1, -1)/sqrt(2) a pair is swapped when it ascends: MaxMin in descending order.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from camber.activations.base import Place
from camber.activations.by_formula import widened
from camber.activations.groupsort import check_groups
from camber.activations.kinds import Along
from camber.activations.parameters import Initial, positive_integer
from camber.activations.registry import register
from camber.activations.source import Source
from camber.errors import CamberError
from camber.fast import Backend
from camber.formula import Formula


@register("householder")
class Householder(Along):
    """Reflect each group of features onto one side of a learnable plane.

    ``y = x - 2 h min(h.x, 0)`` per group, with ``h = direction / |direction|``.

    Args:
        group_size: how many neighbours form a group; must divide the axis.
        groups: 1 for one direction that all groups share, or the number of groups for one each.
        dim: the axis of the features.
        backend: one body serves all; kept for uniformity.

    Parameters: ``direction`` (groups, group_size), initially (1, -1, 1, -1, ...); only its
    direction matters, its length is divided out.

    Shape: any whose axis ``dim`` is a multiple of ``group_size``; same shape and dtype out.

    Raises:
        CamberError: where the groups do not divide the axis, or their number is another.
        DtypeError: for integer or complex input.

    Example:
        >>> Householder()(torch.tensor([1.0, 2.0, 4.0, 3.0]))
        tensor([2., 1., 4., 3.], grad_fn=...)

    References:
        Sahil Singla, Surbhi Singla, S. Feizi, "Householder Activations for Provable Robustness
        against Adversarial Attacks", 2021, arXiv:2108.04062.
    """

    source = Source(
        authors="Singla, Singla and Feizi",
        title="Householder Activations for Provable Robustness against Adversarial Attacks",
        year=2021,
        arxiv="2108.04062",
    )

    def __init__(
        self,
        group_size: int = 2,
        groups: int = 1,
        dim: int = -1,
        *,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(dim=dim, backend=backend)
        self.group_size = positive_integer(group_size, "group_size")
        self.groups = positive_integer(groups, "groups")
        over = f"over=feature, size={group_size}"
        self._formula = Formula.parse(
            f"x - 2*direction*min(sum(direction*x, {over}), 0)/sum(direction**2, {over})"
        )
        start = tuple(1.0 - 2.0 * (place % 2) for place in range(group_size))
        self._initial["direction"] = Initial(
            start, "not all 0", "shared" if groups == 1 else "group"
        )
        self.direction = nn.Parameter(torch.tensor(start).repeat(groups, 1))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Point every direction along (1, -1, 1, -1, ...)."""
        start = torch.tensor(self._initial["direction"].value)
        self.direction.copy_(start.expand_as(self.direction))

    def for_site(self, site: Place) -> Self:
        """A fresh copy; with one direction per group, as many groups as the site has."""
        fresh = super().for_site(site)
        if self.groups > 1 and site.channels is not None:
            fresh.groups = max(1, site.channels // self.group_size)
            start = self.direction.new_empty(fresh.groups, self.group_size)
            fresh.direction = nn.Parameter(start)
            fresh.reset_parameters()
        return fresh

    def parameter_values(self) -> dict[str, float | np.ndarray]:
        """The directions, one number per feature."""
        return {"direction": self.direction.detach().double().cpu().numpy().reshape(-1)}

    def _arguments(self, x: Tensor, channel_dim: int | None = None) -> dict[str, Tensor]:
        """The directions laid out along the features of ``x``, whose last axis they are."""
        copies = x.shape[-1] // (self.group_size * self.groups)
        return {"direction": self.direction.repeat(copies, 1).reshape(-1)}

    def _values(self, x: Tensor) -> Tensor:
        check_groups(x, self.group_size, self.dim, self.label)
        count = x.shape[self.dim] // self.group_size
        if self.groups not in (1, count):
            raise CamberError(
                f"{self.label} holds directions for {self.groups} groups of {self.group_size}, but "
                f"axis {self.dim} of an input of shape {tuple(x.shape)} has {count}"
            )
        moved = widened(x).movedim(self.dim, -1)
        groups = moved.unflatten(-1, (count, self.group_size))  # (..., groups, group_size)
        h = self.direction.to(groups.dtype)
        h = h / h.square().sum(-1, keepdim=True).sqrt()
        side = (groups * h).sum(-1, keepdim=True)
        reflected = groups - 2 * h * torch.where(side >= 0, torch.zeros_like(side), side)
        return reflected.flatten(-2).movedim(-1, self.dim).to(x.dtype)
