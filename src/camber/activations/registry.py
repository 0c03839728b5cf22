"""The catalogue: one name, one function; a fresh module at every call.

register("telu", formula="x * tanh(exp(x))", summary=..., source=...)   # a formula
@register("polynorm") on a class                                         # a class
activation("telu"), activation("x * sigmoid(beta * x)", beta=1.5)        # build
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar, overload

from camber.activations.base import Activation, Kind
from camber.activations.by_formula import Native, by_formula
from camber.activations.parameters import Fixed, Initial, Value
from camber.activations.source import Source
from camber.errors import CamberError, DtypeError, FormulaError, unknown_name
from camber.activations.engine import Backend
from camber.formula import Formula

Made = TypeVar("Made", bound=type[Activation])

#: Settings every formula takes besides the values of its parameters.
LAYOUT = ("granularity", "channels", "groups", "channel_dim")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LIKE_A_NAME = re.compile(r"[A-Za-z_][\w\- ]*")

_ENTRIES: dict[str, Entry] = {}
_ALIASES: dict[str, str] = {}


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
        """A fresh module; see :func:`activation`."""
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
            merged[name] = _like(merged.get(name), value)
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


@overload
def register(
    name: str,
    target: None = ...,
    *,
    formula: str,
    program: str | None = ...,
    native: Native | None = ...,
    aliases: tuple[str, ...] = ...,
    summary: str | None = ...,
    source: Source | None = ...,
    tags: tuple[str, ...] = ...,
    **values: object,
) -> Entry: ...
@overload
def register(
    name: str,
    target: Callable[..., Activation],
    *,
    formula: None = ...,
    program: None = ...,
    native: None = ...,
    aliases: tuple[str, ...] = ...,
    summary: str | None = ...,
    source: Source | None = ...,
    tags: tuple[str, ...] = ...,
    **values: object,
) -> Entry: ...
@overload
def register(
    name: str,
    target: None = ...,
    *,
    formula: None = ...,
    program: None = ...,
    native: None = ...,
    aliases: tuple[str, ...] = ...,
    summary: str | None = ...,
    source: Source | None = ...,
    tags: tuple[str, ...] = ...,
    **values: object,
) -> Callable[[Made], Made]: ...
def register(
    name: str,
    target: Callable[..., Activation] | None = None,
    *,
    formula: str | None = None,
    program: str | None = None,
    native: Native | None = None,
    aliases: tuple[str, ...] = (),
    summary: str | None = None,
    source: Source | None = None,
    tags: tuple[str, ...] = (),
    **values: object,
) -> Entry | Callable[[Made], Made]:
    """Put a nonlinearity into the catalogue: as a formula, as a class, or as a decorator.

    Args:
        name: lower-case letters, digits and underscores; denotes exactly one function.
        target: a class with keyword settings, one of them ``backend``.
        formula: the definition as text, in ``x`` and, for a gated one, ``g``.
        program: the same function written so that floating point survives far from 0.
        native: PyTorch's own function for the formula, used by ``backend="auto"``.
        aliases: other names of the same function, computed by the same code.
        summary: one line for tables; a class gives its docstring's first line.
        source: the publication; a class gives its own.
        tags: where else it is known, such as ``"torch.nn"``.
        **values: initial values of the formula's parameters (1 where not named, :class:`Fixed`
            for constants, :class:`Initial` to state a constraint), or settings of the class.

    Returns:
        The new :class:`Entry`, or a decorator that registers a class and returns it.

    Raises:
        CamberError: where a name is taken, malformed, or there is not exactly one definition.

    Example:
        >>> import torch
        >>> from camber.activations import activation, register, unregister
        >>> entry = register("cubed", formula="x**3", summary="The cube.")
        >>> activation("cubed")(torch.tensor([2.0]))
        tensor([8.])
        >>> unregister("cubed")
    """
    if formula is None and target is None:

        def decorate(made: Made) -> Made:
            made.name = name
            _add(_class_entry(name, made, aliases, summary, source, tags, values))
            return made

        return decorate
    if target is not None:
        if formula is not None:
            raise CamberError(f"{name!r} is given by a class and by a formula; choose one")
        return _add(_class_entry(name, target, aliases, summary, source, tags, values))
    definition, inputs = parse_formula(formula or "", values)
    for given in values:
        if given not in definition.parameters:
            raise unknown_name(f"parameter of {definition}", given, definition.parameters)
    return _add(
        Entry(
            name=name,
            aliases=aliases,
            summary=summary or "",
            source=source,
            tags=tags,
            text=formula,
            inputs=inputs,
            program=program,
            native=native,
            values=values,
        )
    )


def unregister(name: str) -> None:
    """Take a name and its aliases out of the catalogue again.

    Raises:
        UnknownNameError: where nothing is registered under ``name``.
    """
    entry = lookup(name)
    del _ENTRIES[entry.name]
    for alias in entry.aliases:
        del _ALIASES[alias]


def activation(
    spec: str | Formula | Activation, *, backend: Backend = "auto", **params: object
) -> Activation:
    """Build a fresh activation module.

    Args:
        spec: a registered name; formula text in ``x`` (and ``g`` for a gated one); a
            :class:`~camber.formula.Formula`; or an activation, which is copied.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.
        **params: initial values of parameters, by name: a number starts a learnable parameter
            there (or moves the constant, where the entry declares a constant), :class:`Fixed`
            makes it a constant, :class:`Initial` makes it learnable. Also ``granularity=`` with
            ``channels=``, ``groups=`` and ``channel_dim=``, and settings of the entry's class.

    Returns:
        A new :class:`Activation`; two calls never share a parameter.

    Raises:
        UnknownNameError: for an unknown name or parameter, with the three nearest.
        FormulaError: for text that is no formula, with a caret under the place.

    Example:
        >>> import torch
        >>> activation("gelu")(torch.tensor([1.0]))
        tensor([0.8413])
        >>> sorted(activation("x * sigmoid(beta * x)", beta=1.5).state_dict())
        ['beta']
    """
    if isinstance(spec, Activation):
        if params:
            raise CamberError(
                f"an activation module is copied as it is; {', '.join(params)} cannot be changed "
                f"on the way; pass its name or formula instead"
            )
        copied = copy.deepcopy(spec)
        if backend != "auto":
            copied.backend = backend
        return copied
    if isinstance(spec, Formula):
        return _from_formula(spec, backend, params)
    if not isinstance(spec, str):
        raise DtypeError(
            f"an activation is given by a name, a formula or an activation module, not by "
            f"{type(spec).__name__}"
        )
    text = spec.strip()
    if text in _ENTRIES or text in _ALIASES:
        return lookup(text).build(backend=backend, **params)
    if text.isidentifier() and text not in ("x", "g"):
        raise unknown_name("activation", text, known_names())
    try:
        formula, _ = parse_formula(text, params)
    except FormulaError:
        if _LIKE_A_NAME.fullmatch(text):
            raise unknown_name("activation", text, known_names()) from None
        raise
    return _from_formula(formula, backend, params)


def names() -> list[str]:
    """All registered names, sorted, without aliases."""
    return sorted(_ENTRIES)


def known_names() -> list[str]:
    """All registered names and aliases, sorted."""
    return sorted([*_ENTRIES, *_ALIASES])


def lookup(name: str) -> Entry:
    """The entry of a name or alias.

    Raises:
        UnknownNameError: with the three nearest names.

    Example:
        >>> lookup("swish").name
        'silu'
    """
    entry = _ENTRIES.get(_ALIASES.get(name, name))
    if entry is None:
        raise unknown_name("activation", name, known_names())
    return entry


def parse_formula(text: str, values: Mapping[str, object]) -> tuple[Formula, tuple[str, ...]]:
    """Parse in ``x``; a bare ``g`` that is not given a value is the gate."""
    formula = Formula.parse(text)
    if "g" in formula.parameters and "g" not in values:
        return Formula.parse(text, ("x", "g")), ("x", "g")
    return formula, ("x",)


def _from_formula(formula: Formula, backend: Backend, params: Mapping[str, object]) -> Activation:
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
            raise unknown_name(f"parameter of {owner}", name, (*known, *allowed))
        else:
            raise CamberError(f"{owner} has no parameters, but {name!r} was given")
    return options, values


def _like(default: Value | None, given: Value) -> Value:
    """A bare number moves a default: a constant stays a constant, a constraint stays stated."""
    if isinstance(given, Fixed | Initial) or default is None:
        return given
    if isinstance(default, Fixed) and isinstance(given, int | float):
        return Fixed(given)
    if isinstance(default, Initial):
        return replace(default, value=given)  # type: ignore[arg-type]  # checked by _learn
    return given


def _class_entry(
    name: str,
    target: Callable[..., Activation],
    aliases: tuple[str, ...],
    summary: str | None,
    source: Source | None,
    tags: tuple[str, ...],
    values: Mapping[str, object],
) -> Entry:
    if not callable(target):
        raise DtypeError(f"{name!r} must be registered with a class, not {target!r}")
    first = (inspect.getdoc(target) or "").partition("\n")[0]
    return Entry(
        name=name,
        aliases=aliases,
        summary=summary or first,
        source=source or getattr(target, "source", None),
        tags=tags,
        target=target,
        values=values,
    )


def _add(entry: Entry) -> Entry:
    for name in (entry.name, *entry.aliases):
        if not _NAME.fullmatch(name) or name in ("x", "g"):
            raise CamberError(
                f"{name!r} cannot be the name of an activation: use lower-case letters, digits "
                f"and underscores, a letter first, and neither 'x' nor 'g'"
            )
        if name in _ENTRIES or name in _ALIASES:
            raise CamberError(f"the activation name {name!r} is taken; choose another")
    if len({entry.name, *entry.aliases}) != 1 + len(entry.aliases):
        raise CamberError(f"an alias of {entry.name!r} is given twice")
    _ENTRIES[entry.name] = entry
    _ALIASES.update(dict.fromkeys(entry.aliases, entry.name))
    return entry
