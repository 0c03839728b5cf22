"""Sorting activations: GroupSort, and MaxMin, its case of pairs.

Neighbouring features form groups; each group is sorted in ascending order. A sort is a permutation
of its input, so the Jacobian is orthogonal almost everywhere: slopes neither shrink nor grow, which
Lipschitz-constrained networks need.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from camber.activations.kinds import Along
from camber.activations.parameters import positive_integer
from camber.activations.registry import register
from camber.activations.source import Source
from camber.errors import CamberError
from camber.fast import Backend
from camber.formula import Formula

_SOURCE: Final = Source(
    authors="Anil, Lucas and Grosse",
    title="Sorting out Lipschitz function approximation",
    year=2018,
    arxiv="1811.05381",
)


def sort_groups(x: Tensor, size: int, dim: int = -1) -> Tensor:
    """Sort each run of ``size`` neighbours along ``dim`` in ascending order.

    Example:
        >>> sort_groups(torch.tensor([3.0, 1.0, 2.0, 5.0, 4.0, 0.0]), 3)
        tensor([1., 2., 3., 0., 4., 5.])
    """
    groups = x.unflatten(dim, (-1, size))
    axis = dim if dim < 0 else dim + 1
    if size != 2:
        return torch.sort(groups, dim=axis).values.flatten(axis - 1, axis)
    first, second = groups.unbind(axis)
    # where, not minimum and maximum: those halve the slope at a tie, and the Jacobian would no
    # longer be a permutation.
    swap = first > second
    pair = (torch.where(swap, second, first), torch.where(swap, first, second))
    return torch.stack(pair, dim=axis).flatten(axis - 1, axis)


def check_groups(x: Tensor, size: int, dim: int, owner: str) -> None:
    """Raise unless ``size`` divides the axis ``dim`` of ``x``."""
    if x.shape[dim] % size:
        raise CamberError(
            f"{owner} sees groups of {size} neighbours, which do not divide axis {dim} of an input "
            f"of shape {tuple(x.shape)}"
        )


@register("groupsort")
class GroupSort(Along):
    """Sort each group of neighbouring features in ascending order.

    ``y = sort(x)`` within each run of ``group_size`` features.

    Args:
        group_size: how many neighbours form a group; must divide the axis.
        dim: the axis of the features.
        backend: one body serves all; kept for uniformity.

    Shape: any whose axis ``dim`` is a multiple of ``group_size``; same shape and dtype out.

    Raises:
        CamberError: where the groups do not divide the axis.
        DtypeError: for integer or complex input.

    Example:
        >>> GroupSort(3)(torch.tensor([3.0, 1.0, 2.0]))
        tensor([1., 2., 3.])

    References:
        C. Anil, J. Lucas, R. Grosse, "Sorting out Lipschitz function approximation", 2018,
        arXiv:1811.05381.
    """

    source = _SOURCE

    def __init__(self, group_size: int = 2, dim: int = -1, *, backend: Backend = "auto") -> None:
        super().__init__(dim=dim, backend=backend)
        self.group_size = positive_integer(group_size, "group_size")
        self._define(Formula.parse(f"sort(x, over=feature, size={group_size})"), {})

    def _values(self, x: Tensor) -> Tensor:
        check_groups(x, self.group_size, self.dim, self.label)
        return sort_groups(x, self.group_size, self.dim)


@register("maxmin")
class MaxMin(Along):
    """Sort each pair of neighbouring features: (min, max).

    ``(y_1, y_2) = (min(x_1, x_2), max(x_1, x_2))``, which is ``GroupSort(2)``.

    Args:
        dim: the axis of the features, of even length.
        backend: one body serves all; kept for uniformity.

    Shape: any whose axis ``dim`` is even; same shape and dtype out.

    Raises:
        CamberError: where the axis is odd.
        DtypeError: for integer or complex input.

    Example:
        >>> MaxMin()(torch.tensor([2.0, 1.0, -1.0, 3.0]))
        tensor([ 1.,  2., -1.,  3.])

    References:
        C. Anil, J. Lucas, R. Grosse, "Sorting out Lipschitz function approximation", 2018,
        arXiv:1811.05381; before that A. Chernodub, D. Nowicki, "Norm-preserving Orthogonal
        Permutation Linear Unit Activation Functions (OPLU)", 2016, arXiv:1604.02313.
    """

    source = _SOURCE

    def __init__(self, dim: int = -1, *, backend: Backend = "auto") -> None:
        super().__init__(dim=dim, backend=backend)
        self._define(Formula.parse("sort(x, over=feature, size=2)"), {})

    def _values(self, x: Tensor) -> Tensor:
        check_groups(x, 2, self.dim, self.label)
        return sort_groups(x, 2, self.dim)
