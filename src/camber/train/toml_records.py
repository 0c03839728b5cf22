"""TOML out, for configurations: the standard library reads TOML and does not write it.

The writer covers what a configuration is made of: text, booleans, numbers, lists, and tables of
these. ``tomllib.loads(to_toml(table))`` gives the table back, except that keys whose value is None
are left out, for TOML has no null: in a complete record a missing key *is* None.
"""

import dataclasses
import math
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from typing import TypeVar

from camber.errors import CamberError
from camber.train.plain_json import plain_dict

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}

Config = TypeVar("Config")


def _text(value: str) -> str:
    escaped = "".join(
        _ESCAPES.get(char) or (char if char.isprintable() else _code(char)) for char in value
    )
    return f'"{escaped}"'


def _code(char: str) -> str:
    number = ord(char)
    if 0xD800 <= number <= 0xDFFF:
        raise CamberError(f"a configuration holds the lone surrogate {char!r}, which is not text")
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        # repr gives the shortest text that reads back as the same number; TOML spells inf and nan
        # alike but wants a digit on both sides of a point and accepts 1e-05.
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return "{" + ", ".join(pairs) + "}"
    raise CamberError("a configuration list holds None, which TOML cannot write: leave it out")


def _lines(table: Mapping[str, object], path: tuple[str, ...]) -> list[str]:
    lines = [
        f"{_key(key)} = {_value(value)}"
        for key, value in table.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    for key, value in table.items():
        if isinstance(value, Mapping):
            inner = (*path, key)
            lines += ["", f"[{'.'.join(_key(part) for part in inner)}]", *_lines(value, inner)]
    return lines


def to_toml(table: object) -> str:
    """Return ``table``, a mapping or a dataclass, as TOML text.

    Raises:
        CamberError: a value has no TOML form.

    Example:
        >>> print(to_toml({"size": "tiny", "fit": {"learning_rate": 1e-05, "clip": None}}), end="")
        size = "tiny"
        <BLANKLINE>
        [fit]
        learning_rate = 1e-05
    """
    lines = _lines(plain_dict(table, where="the configuration"), ())
    return "\n".join(lines).lstrip("\n") + "\n"


def from_toml(kind: type[Config], text: str) -> Config:
    """Build the dataclass ``kind`` from the TOML text of a complete record.

    Lists become tuples where the field says so, integers floats, and a missing key None where the
    field admits it (see the module's note on None).

    Raises:
        CamberError: unknown or missing keys, named.
    """
    if not dataclasses.is_dataclass(kind):
        raise CamberError(f"{kind.__name__} is not a dataclass: a record is read into one")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CamberError(f"not valid TOML: {error}") from error
    hints = typing.get_type_hints(kind)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}
    if unknown := sorted(table.keys() - fields.keys()):
        raise CamberError(f"{kind.__name__} has no field {unknown[0]!r}: it has {sorted(fields)}")
    values = {}
    for name, hint in fields.items():
        if name in table:
            values[name] = _as_declared(table[name], hint)
        elif _admits_none(hint):
            values[name] = None
        else:
            raise CamberError(f"the record has no {name!r}, which {kind.__name__} needs")
    return kind(**values)


def _admits_none(hint: object) -> bool:
    return type(None) in typing.get_args(hint)


def _as_declared(value: object, hint: object) -> object:
    arms = typing.get_args(hint) if _is_union(hint) else (hint,)
    if isinstance(value, list) and any(typing.get_origin(arm) is tuple for arm in arms):
        return tuple(value)
    if isinstance(value, int) and not isinstance(value, bool) and float in arms and int not in arms:
        return float(value)
    return value


def _is_union(hint: object) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)
