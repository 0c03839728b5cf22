"""Packages that hold one thing per file, so that a new one enters by adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterable
from typing import Protocol, TypeVar

from camber.errors import CamberError


class _Ordered(Protocol):
    @property
    def key(self) -> str: ...

    @property
    def order(self) -> int: ...


Thing = TypeVar("Thing", bound=_Ordered)


def one_per_file(
    package: str, path: Iterable[str], name: str, kind: type[Thing], *, shared: Collection[str]
) -> tuple[Thing, ...]:
    """Return what the files of a package define, by order and then by key.

    Args:
        package: its dotted name.
        path: its ``__path__``.
        name: what every file calls its own, such as ``"ROW"``.
        kind: the class of that.
        shared: files that define none, because the others use them.

    Raises:
        CamberError: a file defines none, or two have one key; the sentence names them.

    Example:
        >>> from camber.compare import rows
        >>> found = one_per_file(rows.__name__, rows.__path__, "ROW", rows.Row, shared={"row"})
        >>> found[0].key
        'metric'
    """
    found: dict[str, tuple[Thing, str]] = {}
    for file in sorted(module.name for module in pkgutil.iter_modules(path)):
        if file in shared:
            continue
        thing = getattr(importlib.import_module(f"{package}.{file}"), name, None)
        if not isinstance(thing, kind):
            raise CamberError(
                f"{package}.{file} defines no {name} that is a {kind.__name__}: each file of "
                f"{package} defines one, and what they share stands elsewhere"
            )
        if thing.key in found:
            raise CamberError(
                f"{package}.{file} and {package}.{found[thing.key][1]} both have the key "
                f"{thing.key!r}: give each its own"
            )
        found[thing.key] = thing, file
    things = (thing for thing, _ in found.values())
    return tuple(sorted(things, key=lambda thing: (thing.order, thing.key)))
