"""What is known of one registered name, and how a module is built from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from camber.activations.base import Activation, Kind
from camber.activations.by_formula import Native, by_formula
from camber.activations.parameters import Fixed, Initial, Value, number
from camber.activations.source import Source
from camber.errors import CamberError, UnknownNameError, unknown_name
from camber.fast import Backend
from camber.formula import Formula

#: Settings every formula takes besides the values of its parameters.
LAYOUT = ("granularity", "channels", "groups", "channel_dim")


@dataclass(frozen=True)
class Entry:
    """What is registered under one name.

    Attributes:
        name: the canonical name.
        aliases: other names of the same function.
        summary: one line.
        source: where it comes from; None where nobody is known to have named it first.
        tags: other catalogues that have it under some name: ``"torch.nn"``, ``"transformers"``.
        target: the class, for an entry that is not given by a formula alone.
        values: initial values of the formula's parameters, or constructor settings of the class.
    """

    name: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    source: Source | None = None
    tags: tuple[str, ...] = ()
    target: Callable[..., Activation] | None = None
    text: str | None = None
    inputs: tuple[str, ...] = ("x",)
    program: str | None = None
    native: Native | None = field(default=None, repr=False)
    values: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def definition(self) -> Formula | None:
        """The formula with every constant still a name; None for a class."""
        return None if self.text is None else Formula.parse(self.text, self.inputs)

    @cached_property
    def formula(self) -> Formula:
        """The formula at the default settings."""
        return self.build().formula

    @cached_property
    def kind(self) -> Kind:
        """What the nonlinearity sees."""
        return self.build().kind if self.definition is None else self.definition.kind

    def build(self, *, backend: Backend = "auto", **settings: object) -> Activation:
        """A fresh module; see :func:`camber.activation`."""
        if self.target is not None:
            return self._build_class(backend, settings)
        return self._build_formula(backend, settings)

    def _build_formula(self, backend: Backend, settings: Mapping[str, object]) -> Activation:
        definition = self.definition
        if definition is None:
            raise CamberError(f"{self.name} has neither a class nor a formula")
        options, values = _split(definition, settings, self.name)
        merged: dict[str, Value] = dict(self.values)  # type: ignore[arg-type]  # checked by _define
        for name, value in values.items():
            merged[name] = _like(merged.get(name), value, name)
        options |= {"name": self.name, "source": self.source, "backend": backend}
        if self.program is not None:
            options["program"] = Formula.parse(self.program, self.inputs)
        if self.native is not None:
            options["native"] = self.native
        return by_formula(definition, merged, options)

    def _build_class(self, backend: Backend, settings: Mapping[str, object]) -> Activation:
        target = self.target
        if target is None:
            raise CamberError(f"{self.name} has no class")
        accepted = inspect.signature(target).parameters
        for name in settings:
            if name not in accepted:
                raise unknown_name(f"setting of {self.name}", name, accepted)
        return target(**{**self.values, **settings, "backend": backend})


def parse_formula(text: str, values: Mapping[str, object]) -> tuple[Formula, tuple[str, ...]]:
    """Parse in ``x``; a bare ``g`` that is not given a value is the gate."""
    formula = Formula.parse(text)
    if "g" in formula.parameters and "g" not in values:
        return Formula.parse(text, ("x", "g")), ("x", "g")
    return formula, ("x",)


def from_formula(formula: Formula, backend: Backend, params: Mapping[str, object]) -> Activation:
    """Build an activation that the catalogue does not hold; ``params`` as for ``activation``."""
    options, values = _split(formula, params, str(formula))
    return by_formula(formula, values, {**options, "backend": backend})


def _split(
    formula: Formula, settings: Mapping[str, object], owner: str
) -> tuple[dict[str, object], dict[str, Value]]:
    """Tell layout settings from parameter values; the formula's own names win."""
    known = formula.parameters
    allowed = (*LAYOUT, "dim") if formula.kind == "along" else LAYOUT
    options: dict[str, object] = {}
    values: dict[str, Value] = {}
    for name, value in settings.items():
        if name in known:
            values[name] = value  # type: ignore[assignment]  # checked by Activation._define
        elif name in allowed:
            options[name] = value
        elif known:
            raise _unknown_parameter(owner, name, known, allowed)
        else:
            raise CamberError(f"{owner} has no parameters, but {name!r} was given")
    return options, values


def _unknown_parameter(
    owner: str, name: str, own: Iterable[str], settings: Iterable[str]
) -> UnknownNameError:
    """Offer the nearest names, and always some parameters of the function itself."""
    error = unknown_name(f"parameter of {owner}", name, (*own, *settings))
    if any(repr(parameter) in str(error) for parameter in own):
        return error
    first = ", ".join(repr(parameter) for parameter in list(own)[:3])
    return UnknownNameError(f"{error}; the function's own: {first}")


def _like(default: Value | None, given: Value, name: str) -> Value:
    """A bare number moves a default: a constant stays a constant, a constraint stays stated."""
    if isinstance(given, Fixed | Initial) or default is None:
        return given
    if isinstance(default, Fixed) and isinstance(given, int | float):
        return Fixed(number(given, name))
    if isinstance(default, Initial):
        return replace(default, value=given)  # type: ignore[arg-type]  # checked by _learn
    return given
