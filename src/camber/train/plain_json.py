"""Plain JSON: what camber's records are made of, and the address of a piece of it.

A record must be readable by any JSON reader in ten years, so nothing but null, booleans, numbers,
text, lists and objects goes in, and no ``NaN`` or ``Infinity`` (which JSON does not have).
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import SupportsFloat, SupportsIndex

from camber.errors import CamberError


def plain(value: object, *, where: str = "value", non_finite: bool = True) -> object:
    """Return ``value`` as plain JSON data.

    Dataclasses and mappings become objects, tuples and other sequences lists, paths text, numpy
    and torch scalars numbers. A number that is not finite becomes ``None`` (JSON has no NaN).

    Args:
        value: what to convert.
        where: how error sentences call the value.
        non_finite: False refuses numbers that are not finite instead.

    Raises:
        CamberError: the value has no plain form (it is a function, a module, a large tensor...).

    Example:
        >>> plain({"seeds": (0, 1), "loss": float("nan")})
        {'seeds': [0, 1], 'loss': None}
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        if non_finite:
            return None
        raise CamberError(f"{where} is {value}, which a record cannot hold: give a finite number")
    if isinstance(value, PurePath):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        converted = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise CamberError(f"{where} has the key {key!r}: the keys of a record are text")
            converted[key] = plain(item, where=f"{where}[{key!r}]", non_finite=non_finite)
        return converted
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [
            plain(item, where=f"{where}[{index}]", non_finite=non_finite)
            for index, item in enumerate(value)
        ]
    # numpy and torch scalars, without importing either
    if isinstance(value, SupportsIndex):
        try:
            return value.__index__()
        except TypeError:
            pass  # a floating scalar tensor has the method and refuses
    if isinstance(value, SupportsFloat) and getattr(value, "ndim", 0) == 0:
        return plain(float(value), where=where, non_finite=non_finite)
    raise CamberError(
        f"{where} is a {type(value).__name__}, which a record cannot hold: "
        "give numbers, text, lists and dicts"
    )


def plain_dict(value: object, *, where: str = "value") -> dict[str, object]:
    """Return ``value`` (a mapping or a dataclass) as a plain JSON object."""
    converted = plain(value, where=where)
    if not isinstance(converted, dict):
        raise CamberError(f"{where} is a {type(value).__name__}: give a dict or a dataclass")
    return converted


def _without_none(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value


def canonical_json(value: object) -> str:
    """Return the one text that stands for ``value``: keys sorted, no spaces, ASCII.

    A key whose value is None counts as absent, because TOML, in which configurations are kept,
    has no null.

    Example:
        >>> canonical_json({"b": 1.5, "a": [1, 2], "unused": None})
        '{"a":[1,2],"b":1.5}'
    """
    data = _without_none(plain(value, where="the configuration", non_finite=False))
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(value: object) -> str:
    """Return the content address of ``value``: 64 hex digits, SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()
