"""The catalogue: one name, one function; a fresh module at every call.

register("telu", formula="x * tanh(exp(x))", summary=..., source=...)   # a formula
@register("polynorm") on a class                                         # a class
activation("telu"), activation("x * sigmoid(beta * x)", beta=1.5)        # build
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import TypeVar, overload

from camber.activations.base import Activation
from camber.activations.by_formula import Native
from camber.activations.entry import Entry, parse_formula
from camber.activations.source import Source
from camber.errors import CamberError, DtypeError, unknown_name
from camber.formula import Input
from camber.formula.tree import walk

Made = TypeVar("Made", bound=type[Activation])

_NAME = re.compile(r"[a-z][a-z0-9_]*")

_ENTRIES: dict[str, Entry] = {}
_ALIASES: dict[str, str] = {}


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
    if not any(isinstance(node, Input) for node in walk(definition.root)):
        raise CamberError(f"the formula of {name!r}, {formula}, does not use x")
    for given in values:
        if given not in definition.parameters:
            raise unknown_name(f"parameter of {definition}", given, definition.parameters)
    if native is not None and definition.kind != "pointwise":
        raise CamberError(f"{name!r} is {definition.kind}; native= serves pointwise formulas only")
    if program is not None:
        written, _ = parse_formula(program, values)
        if written.kind != definition.kind or set(written.parameters) != set(definition.parameters):
            raise CamberError(
                f"the program of {name!r} is {written}, which does not see the inputs and "
                f"parameters of its formula {definition}"
            )
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


def names() -> list[str]:
    """All registered names, sorted, without aliases."""
    return sorted(_ENTRIES)


def known_names() -> list[str]:
    """All registered names and aliases, sorted."""
    return sorted([*_ENTRIES, *_ALIASES])


def is_known(name: str) -> bool:
    """Whether ``name`` is registered, as a name or as an alias."""
    return name in _ENTRIES or name in _ALIASES


def lookup(name: str) -> Entry:
    """The entry of a name or alias.

    Raises:
        UnknownNameError: with the three nearest names.
        DtypeError: for a name that is no text.

    Example:
        >>> lookup("swish").name
        'silu'
    """
    if not isinstance(name, str):
        raise DtypeError(f"an activation is looked up by its name, not by {type(name).__name__}")
    entry = _ENTRIES.get(_ALIASES.get(name, name))
    if entry is None:
        raise unknown_name("activation", name, known_names())
    return entry


def _class_entry(
    name: str,
    target: Callable[..., Activation],
    aliases: tuple[str, ...],
    summary: str | None,
    source: Source | None,
    tags: tuple[str, ...],
    values: Mapping[str, object],
) -> Entry:
    foreign = isinstance(target, type) and not issubclass(target, Activation)
    if foreign or not callable(target):
        raise DtypeError(f"{name!r} must be registered with a class of activations, not {target!r}")
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
        if is_known(name):
            raise CamberError(f"the activation name {name!r} is taken; choose another")
    if len({entry.name, *entry.aliases}) != 1 + len(entry.aliases):
        raise CamberError(f"an alias of {entry.name!r} is given twice")
    _ENTRIES[entry.name] = entry
    _ALIASES.update(dict.fromkeys(entry.aliases, entry.name))
    return entry
