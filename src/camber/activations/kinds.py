"""The four kinds of activation, by what they see.

:class:`Pointwise` (each number alone), :class:`Gated` (a value and a gate), :class:`Along` (one
feature axis, no state), :class:`Normed` (several axes). All abstract: ``_values`` computes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Self

from torch import Tensor

from camber.activations.base import Activation, Kind, Place
from camber.errors import CamberError, DtypeError


class Pointwise(Activation):
    """Abstract: acts on each number alone; any shape in, the same shape out."""

    kind: ClassVar[Kind] = "pointwise"

    def forward(self, x: Tensor) -> Tensor:
        """Apply to each element of ``x``; same shape, dtype and device.

        Raises:
            DtypeError: for integer or complex input.
        """
        self._check_input(x)
        return self._values(x)

    @abstractmethod
    def _values(self, x: Tensor) -> Tensor:
        """The output for a floating-point ``x``, in its dtype."""
        raise NotImplementedError


class Gated(Activation):
    """Abstract: a value ``x`` and a gate ``g`` of the same shape; the output has that shape.

    With one argument the last axis is halved, first half value, second half gate, the order of
    ``torch.nn.functional.glu``.
    """

    kind: ClassVar[Kind] = "gated"

    def forward(self, x: Tensor, g: Tensor | None = None) -> Tensor:
        """Combine value and gate.

        Args:
            x: the value (..., C); or, without ``g``, value and gate side by side (..., 2 C).
            g: the gate (..., C).

        Returns:
            (..., C) in the dtype of ``x``.

        Raises:
            DtypeError: for integer or complex input.
            CamberError: where the shapes differ or the last axis cannot be halved.
        """
        self._check_input(x)
        if g is None:
            if x.ndim == 0 or x.shape[-1] % 2:
                raise CamberError(
                    f"{self.label} halves the last axis into value and gate, but the input has "
                    f"shape {tuple(x.shape)}; pass value and gate, or an even last axis"
                )
            x, g = x.chunk(2, dim=-1)
        self._check_input(g)
        if x.shape != g.shape:
            raise CamberError(
                f"{self.label} needs value and gate of one shape, but got {tuple(x.shape)} and "
                f"{tuple(g.shape)}"
            )
        return self._values(x, g)

    @abstractmethod
    def _values(self, x: Tensor, g: Tensor) -> Tensor:
        """The output for floating-point ``x`` and ``g`` of one shape, in the dtype of ``x``."""
        raise NotImplementedError


class Along(Activation):
    """Abstract: sees one whole feature axis, ``dim``; rows are independent; no state."""

    kind: ClassVar[Kind] = "along"

    def __init__(self, *, dim: int = -1, **layout: object) -> None:
        super().__init__(**layout)  # type: ignore[arg-type]  # Layout checks each of them
        if isinstance(dim, bool) or not isinstance(dim, int):
            raise DtypeError(f"dim must be an integer, not {dim!r}")
        self.dim = dim

    def for_site(self, site: Place) -> Self:
        """A fresh copy whose feature axis is the channel axis of the site."""
        fresh = super().for_site(site)
        if site.channel_dim is not None:
            fresh.dim = site.channel_dim
        return fresh

    def forward(self, x: Tensor) -> Tensor:
        """Apply along the axis ``dim`` of ``x``; same shape, dtype and device.

        Raises:
            DtypeError: for integer or complex input.
            CamberError: where the axis is missing or empty.
        """
        self._check_input(x)
        if not -x.ndim <= self.dim < x.ndim:
            raise CamberError(
                f"{self.label} works along axis {self.dim}, which an input of shape "
                f"{tuple(x.shape)} does not have"
            )
        if x.shape[self.dim] == 0:
            raise CamberError(
                f"{self.label} works along axis {self.dim}, which is empty in an input of shape "
                f"{tuple(x.shape)}"
            )
        return self._values(x)

    @abstractmethod
    def _values(self, x: Tensor) -> Tensor:
        """The output for a floating-point ``x`` with a non-empty axis ``dim``, in its dtype."""
        raise NotImplementedError


class Normed(Activation):
    """Abstract: its statistics run over several axes, or over an axis that is not the features."""

    kind: ClassVar[Kind] = "normed"

    def forward(self, x: Tensor) -> Tensor:
        """Apply to ``x`` of shape (batch, ..., features); same shape, dtype and device.

        Raises:
            DtypeError: for integer or complex input.
        """
        self._check_input(x)
        return self._values(x)

    @abstractmethod
    def _values(self, x: Tensor) -> Tensor:
        """The output for a floating-point ``x``, in its dtype."""
        raise NotImplementedError
