"""The abstract class of all activations: what they know of themselves and what they promise.

A new activation rarely needs a class: ``register(name, formula=...)`` is enough. Where it does,
subclass one of the four kinds, call :meth:`Activation._define` in ``__init__`` and, for a
hand-written forward, implement ``_values``; the conformance suite holds it to the formula.
"""

from __future__ import annotations

import copy
from abc import ABC
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from camber.activations.definition import Definition, refuse_division_by_zero
from camber.activations.parameters import Fixed, Granularity, Initial, Layout, Value, number
from camber.activations.source import Source
from camber.errors import CamberError, DtypeError, unknown_name
from camber.fast import Backend, pointwise
from camber.formula import Formula

if TYPE_CHECKING:
    from camber.facts import Facts

Kind: TypeAlias = Literal["pointwise", "gated", "along", "normed"]
BACKENDS: tuple[Backend, ...] = ("auto", "reference", "compile", "fused")


class Place(Protocol):
    """What :meth:`Activation.for_site` reads of a site in a model."""

    @property
    def channels(self) -> int | None: ...
    @property
    def channel_dim(self) -> int | None: ...


class StateError(CamberError, RuntimeError):
    """A saved state that does not fit the module it is loaded into."""


class Activation(nn.Module, ABC):
    """Abstract: a nonlinearity that carries its formula, its parameters and its source.

    Attributes:
        name: the registered name, or None for a formula typed by the user.
        source: the publication that defines it, or None.
        kind: what it sees.
        backend: how it is computed; ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.
        layout: how many copies of each parameter it holds and along which axis.
    """

    name: str | None = None
    source: Source | None = None
    kind: ClassVar[Kind]

    def __init__(
        self,
        *,
        granularity: Granularity = "shared",
        channels: int | None = None,
        groups: int | None = None,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__()
        if backend not in BACKENDS:
            raise unknown_name("backend", str(backend), BACKENDS)
        self.backend: Backend = backend
        self.layout = Layout(granularity, channels, groups, channel_dim)
        self._initial: dict[str, Initial] = {}
        self._formula: Formula | None = None
        self._program: Definition | None = None
        self._fixed: dict[str, float] = {}

    # --- what it is -------------------------------------------------------------------------

    @property
    def formula(self) -> Formula:
        """The definition, with constants written in; learnable parameters stay names."""
        if self._formula is None:
            raise CamberError(f"{self.label} was built from a Python function and has no formula")
        return self._formula

    @property
    def program(self) -> Formula:
        """The formula as it is computed: the same function, written so that floats survive."""
        return self.formula if self._program is None else self._program.formula

    @property
    def label(self) -> str:
        """How messages and reports call it: the registered name, or the formula."""
        if self.name is not None:
            return self.name
        return type(self).__name__ if self._formula is None else str(self._formula)

    @property
    def params(self) -> dict[str, Initial]:
        """Learnable parameters: name to initial value, constraint and granularity."""
        return dict(self._initial)

    def parameter_values(self) -> dict[str, float | np.ndarray]:
        """Current values in float64: a float, or an array whose last axis is channels or groups.

        A family ``weight[0..n-1]`` has its index on the first axis.
        """
        values: dict[str, float | np.ndarray] = {}
        for name, initial in self._initial.items():
            stored = self.get_parameter(name).detach()
            if stored.is_meta:
                raise CamberError(f"{self.label} is on the meta device: its {name} has no values")
            array = stored.double().cpu().numpy()
            single = self.layout.granularity == "shared" and not isinstance(initial.value, tuple)
            values[name] = float(array[0]) if single else array
        return values

    @property
    def facts(self) -> Facts:
        """What is true of it at its current parameter values."""
        from camber import facts

        return facts.of(self)

    def no_weight_decay(self) -> set[str]:
        """Names of parameters that an optimiser should not shrink: all of its coefficients.

        Decay pulls a learned shape towards the zero function, which no one asks for.
        """
        return {name for name, _ in self.named_parameters()}

    # --- making and remaking ----------------------------------------------------------------

    def _define(
        self,
        formula: Formula,
        values: Mapping[str, Value],
        *,
        program: Formula | None = None,
    ) -> None:
        """State the formula and create its learnable parameters.

        Args:
            formula: the definition; its parameters are the names below.
            values: parameter to initial value; :class:`Fixed` writes a constant into the formula.
                A parameter that is not named starts at 1.
            program: the same function written so that floating point survives where the
                definition as written would not (inf * 0 far out); what ``forward`` computes.
        """
        known = formula.parameters
        for name in values:
            if name not in known:
                raise _no_parameter(self.label if self.name else str(formula), name, known)
        fixed = {name: given.value for name, given in values.items() if isinstance(given, Fixed)}
        for name in fixed:
            if known[name] is not None:
                raise CamberError(f"{name} is a family of parameters; Fixed holds one number")
        self._fixed = fixed
        self._formula = formula.substitute(fixed) if fixed else formula
        refuse_division_by_zero(self._formula)
        run = self._formula if program is None else program.substitute(fixed)
        self._program = Definition(run)
        # Parameters are made in the order they were given: a state dict shows it.
        for name in [*values, *(name for name in known if name not in values)]:
            if name not in fixed:
                self._learn(name, values.get(name, 1.0), known[name])

    def _learn(self, name: str, given: Value, count: int | None) -> None:
        """Create one learnable parameter of the module's granularity."""
        constraint = given.constraint if isinstance(given, Initial) else None
        value = given.value if isinstance(given, Initial | Fixed) else given
        start: float | tuple[float, ...]
        if count is None:
            start = number(value, name)
        elif isinstance(value, int | float):
            start = (number(value, name),) * count
        else:
            start = tuple(number(entry, f"{name}[{i}]") for i, entry in enumerate(value))
            if len(start) != count:
                raise CamberError(f"{name} has {count} entries, but {len(start)} were given")
        initial = Initial(start, constraint, self.layout.granularity)
        self._initial[name] = initial
        self.register_parameter(name, nn.Parameter(self.layout.initial(start)))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set every learnable parameter to its initial value, in place."""
        for name, initial in self._initial.items():
            self.get_parameter(name).copy_(self.layout.initial(initial.value))

    def for_site(self, site: Place) -> Self:
        """A fresh copy made for a place in a model: its channels and its channel axis.

        Parameters start from their initial values; a layer-wide activation needs nothing from the
        site and is simply copied.
        """
        fresh = copy.deepcopy(self)
        fresh.layout = self.layout.resized(site.channels, site.channel_dim)
        if self.layout.granularity != "shared":
            for name, initial in self._initial.items():
                stored = self.get_parameter(name)
                start = fresh.layout.initial(initial.value).to(stored)
                setattr(fresh, name, nn.Parameter(start, requires_grad=stored.requires_grad))
        fresh.reset_parameters()
        return fresh

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *others: object
    ) -> None:
        for name, stored in self.named_parameters(recurse=False):
            saved = state_dict.get(prefix + name)
            if saved is None or saved.shape == stored.shape:
                continue
            if saved.ndim == 0 and stored.shape == (1,):
                # Other libraries keep single coefficients 0-dimensional.
                state_dict[prefix + name] = saved.reshape(1)
                continue
            raise StateError(
                f"the saved {prefix}{name} has shape {tuple(saved.shape)}, but {self.label} holds "
                f"{tuple(stored.shape)}; build it with the settings it was saved with"
            )
        super()._load_from_state_dict(state_dict, prefix, *others)

    # --- running ------------------------------------------------------------------------------

    def _arguments(self, x: Tensor, channel_dim: int | None = None) -> dict[str, Tensor]:
        """The formula's parameters as tensors that broadcast against ``x``.

        Scalars are 0-dimensional, so that float32 parameters never promote half precision input.
        ``channel_dim`` says where the channels are if not where the layout has them.
        """
        layout = self.layout if channel_dim is None else self.layout.resized(None, channel_dim)
        layout.check(x, self.label)
        arguments = {}
        for name, initial in self._initial.items():
            # getattr, not get_parameter: torch.func.functional_call puts plain tensors there
            stored: Tensor = getattr(self, name)
            if layout.granularity == "shared" and not isinstance(initial.value, tuple):
                arguments[name] = stored.unbind()[0]
            else:
                arguments[name] = layout.spread(stored, x)
        return arguments

    def _stored(self) -> dict[str, Tensor]:
        """The formula's parameters as :mod:`camber.fast` takes them: stored, index first."""
        return {name: getattr(self, name) for name in self._initial}

    def _evaluate(self, x: Tensor) -> Tensor:
        """The program by its definition, plain torch operations."""
        if self._program is None:
            raise CamberError(f"{self.label} has no formula to evaluate")
        return self._program(x, **self._arguments(x))

    def _pointwise(self, x: Tensor) -> Tensor:
        """The program of a pointwise activation on the module's back end."""
        if torch.compiler.is_compiling():
            return self._evaluate(x)
        self.layout.check(x, self.label)
        return pointwise(
            self.program,
            x,
            self._stored(),
            channel_dim=self.layout.channel_dim,
            backend=self.backend,
        )

    def _check_input(self, x: Tensor) -> None:
        if not isinstance(x, Tensor):
            raise DtypeError(f"{self.label} takes a tensor, not {type(x).__name__}")
        if not x.dtype.is_floating_point:
            raise DtypeError(
                f"{self.label} needs a floating-point tensor, but got {x.dtype}; "
                f"convert it first, for example with .float()"
            )

    def extra_repr(self) -> str:
        parts = []
        if self.name is not None:
            parts.append(repr(self.name))
        if self._formula is not None:
            text = str(self._formula)
            parts.append(repr(text if len(text) <= 120 else text[:117] + "..."))
        if self.layout.granularity != "shared":
            copies = self.layout.copies
            parts.append(f"granularity={self.layout.granularity!r}, copies={copies}")
        return ", ".join(parts)


def _no_parameter(owner: str, name: str, known: Mapping[str, object]) -> CamberError:
    if not known:
        return CamberError(f"{owner} has no parameters, but {name!r} was given")
    return unknown_name(f"parameter of {owner}", name, known)
