"""Activations that are nothing but their formula, one final class per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from camber.activations.base import Activation
from camber.activations.kinds import Along, Gated, Normed, Pointwise
from camber.activations.parameters import Granularity, Value
from camber.activations.source import Source
from camber.errors import CamberError
from camber.fast import Backend, gated
from camber.formula import Formula

#: A function of PyTorch's own that computes the formula; it takes the fixed constants by name.
Native: TypeAlias = Callable[..., Tensor]

_NOTHING: Mapping[str, Value] = {}


class FormulaPointwise(Pointwise):
    """A pointwise nonlinearity given by its formula.

    Args:
        formula: a :class:`~camber.formula.Formula` of kind ``pointwise``, or its text.
        values: initial values of its parameters; :class:`Fixed` for constants; 1 where not named.
        program: the same function written for floating point; see :meth:`Activation._define`.
        native: PyTorch's own function for it, used by ``backend="auto"``.
        granularity, channels, groups, channel_dim: how many copies of each parameter.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Shape: any; the output has the shape and dtype of the input.

    Example:
        >>> swish = FormulaPointwise("x * sigmoid(beta * x)", {"beta": 1.5})
        >>> swish(torch.tensor([0.0, 2.0]))
        tensor([0.0000, 1.9051], grad_fn=...)
    """

    def __init__(
        self,
        formula: Formula | str,
        values: Mapping[str, Value] = _NOTHING,
        *,
        program: Formula | str | None = None,
        native: Native | None = None,
        name: str | None = None,
        source: Source | None = None,
        granularity: Granularity = "shared",
        channels: int | None = None,
        groups: int | None = None,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            granularity=granularity,
            channels=channels,
            groups=groups,
            channel_dim=channel_dim,
            backend=backend,
        )
        self.name, self.source = name, source
        definition = as_formula(formula, "pointwise")
        guarded = None if program is None else as_formula(program, "pointwise")
        self._define(definition, values, program=guarded)
        # A native function knows the constants, not learnable parameters.
        self._native = native if not self._initial else None

    def _values(self, x: Tensor) -> Tensor:
        if self._native is not None and self.backend == "auto":
            return self._native(x, **self._fixed)
        return self._pointwise(x)


class FormulaGated(Gated):
    """A gated nonlinearity given by its formula in the value ``x`` and the gate ``g``.

    Args: as for :class:`FormulaPointwise`, without ``native``.

    Shape: value and gate (..., C), or both side by side (..., 2 C); the output is (..., C).

    Example:
        >>> unit = FormulaGated("x * tanh(g)")
        >>> unit(torch.tensor([2.0, 0.0]))  # value 2, gate 0
        tensor([0.])
    """

    def __init__(
        self,
        formula: Formula | str,
        values: Mapping[str, Value] = _NOTHING,
        *,
        program: Formula | str | None = None,
        name: str | None = None,
        source: Source | None = None,
        granularity: Granularity = "shared",
        channels: int | None = None,
        groups: int | None = None,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            granularity=granularity,
            channels=channels,
            groups=groups,
            channel_dim=channel_dim,
            backend=backend,
        )
        self.name, self.source = name, source
        definition = as_formula(formula, "gated")
        guarded = None if program is None else as_formula(program, "gated")
        self._define(definition, values, program=guarded)

    def _values(self, x: Tensor, g: Tensor) -> Tensor:
        self.layout.check(x, self.label)
        if torch.compiler.is_compiling() and self._program is not None:
            return self._program(x, g, **self._arguments(x))
        return gated(
            self.program,
            x,
            g,
            self._stored(),
            channel_dim=self.layout.channel_dim,
            backend=self.backend,
        )


class FormulaAlong(Along):
    """A nonlinearity along one axis, given by a formula with statistics over the features.

    Args: as for :class:`FormulaPointwise`, without ``native``; ``dim`` is the axis of the features.

    Shape: any with a non-empty axis ``dim``; the output has the shape and dtype of the input.
    Half precision is computed in float32 inside.

    Example:
        >>> normalised = FormulaAlong("x / rms(x, 1e-6)")
        >>> normalised(torch.tensor([3.0, 4.0]))
        tensor([0.8485, 1.1314])
    """

    def __init__(
        self,
        formula: Formula | str,
        values: Mapping[str, Value] = _NOTHING,
        *,
        dim: int = -1,
        program: Formula | str | None = None,
        name: str | None = None,
        source: Source | None = None,
        granularity: Granularity = "shared",
        channels: int | None = None,
        groups: int | None = None,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            dim=dim,
            granularity=granularity,
            channels=channels,
            groups=groups,
            channel_dim=channel_dim,
            backend=backend,
        )
        self.name, self.source = name, source
        guarded = None if program is None else as_formula(program, "along")
        self._define(as_formula(formula, "along"), values, program=guarded)

    def _values(self, x: Tensor) -> Tensor:
        return along_last(self, x)


class FormulaNormed(Normed):
    """A nonlinearity whose statistics span several axes, given by its formula; no running state.

    Args: as for :class:`FormulaPointwise`, without ``native``.

    Shape: (batch, ..., features); the output has the shape and dtype of the input.

    Example:
        >>> standardised = FormulaNormed("(x - mean(x, over=batch)) / std(x, 1e-5, over=batch)")
        >>> standardised(torch.tensor([[1.0], [3.0]])).flatten()
        tensor([-1.0000,  1.0000])
    """

    def __init__(
        self,
        formula: Formula | str,
        values: Mapping[str, Value] = _NOTHING,
        *,
        program: Formula | str | None = None,
        name: str | None = None,
        source: Source | None = None,
        granularity: Granularity = "shared",
        channels: int | None = None,
        groups: int | None = None,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            granularity=granularity,
            channels=channels,
            groups=groups,
            channel_dim=channel_dim,
            backend=backend,
        )
        self.name, self.source = name, source
        guarded = None if program is None else as_formula(program, "normed")
        self._define(as_formula(formula, "normed"), values, program=guarded)

    def _values(self, x: Tensor) -> Tensor:
        return self._evaluate(x)


def as_formula(formula: Formula | str, kind: str) -> Formula:
    """Return ``formula``, parsed if it is text, or raise unless it is of ``kind``."""
    if isinstance(formula, str):
        formula = Formula.parse(formula, ("x", "g") if kind == "gated" else ("x",))
    if formula.kind != kind:
        raise CamberError(f"{formula} is a {formula.kind} formula, not a {kind} one")
    return formula


def along_last(module: Along, x: Tensor) -> Tensor:
    """Compute the program of ``module`` with its axis ``dim`` moved to the end and back."""
    last = x.ndim - 1
    axis = module.dim % x.ndim
    if axis == last or module._program is None:
        return module._evaluate(x)
    moved = x.movedim(axis, -1)
    channel = module.layout.channel_dim % x.ndim
    channel = last if channel == axis else channel - (channel > axis)
    return module._program(moved, **module._arguments(moved, channel)).movedim(-1, axis)


def widened(x: Tensor) -> Tensor:
    """``x`` in float32 where it is in half precision, else ``x`` itself."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def by_formula(
    formula: Formula, values: Mapping[str, Value], options: Mapping[str, object]
) -> Activation:
    """Build the final class that fits the kind of ``formula``."""
    classes: dict[str, Callable[..., Activation]] = {
        "pointwise": FormulaPointwise,
        "gated": FormulaGated,
        "along": FormulaAlong,
        "normed": FormulaNormed,
    }
    return classes[formula.kind](formula, values, **options)
