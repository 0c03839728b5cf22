"""Settings of a task: a frozen preset whose fields may be changed one by one, each with its range.

Every field of a preset carries a rule (what values it takes); a setting that is unknown or out of
its range is refused in one sentence.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from camber.errors import CamberError, DtypeError, UnknownNameError, unknown_name

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)


class Rule(Protocol):
    """What values a setting takes."""

    def read(self, name: str, value: object) -> object:
        """Return ``value``, or raise where it will not do; ``name`` is what a sentence calls it."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``least`` to ``most``.

    Example:
        >>> Whole(1, 9).read("depth", 12)
        Traceback (most recent call last):
        camber.errors.CamberError: depth must be at least 1 and at most 9, but got 12
    """

    least: int = 1
    most: int | None = None

    def read(self, name: str, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int):
            raise DtypeError(f"{name} must be a whole number, but got {value!r:.60}")
        if value < self.least or (self.most is not None and value > self.most):
            upper = "" if self.most is None else f" and at most {self.most}"
            raise CamberError(f"{name} must be at least {self.least}{upper}, but got {value}")
        return value


@dataclass(frozen=True, slots=True)
class Real:
    """A finite number in [``least``, ``most``]; without its lower end where ``open`` says so."""

    least: float = 0.0
    most: float = math.inf
    open: bool = False

    def read(self, name: str, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DtypeError(f"{name} must be a number, but got {value!r:.60}")
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            raise CamberError(
                f"{name} must be finite, but got a number of {value.bit_length()} bits"
            )
        above = value > self.least if self.open else value >= self.least
        if not (above and value <= self.most and math.isfinite(value)):
            low = f"above {self.least:g}" if self.open else f"at least {self.least:g}"
            high = "finite" if self.most == math.inf else f"at most {self.most:g}"
            raise CamberError(f"{name} must be {low} and {high}, but got {value!r}")
        return float(value)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, name: str, value: object) -> object:
        if not isinstance(value, str):
            raise DtypeError(f"{name} must be text, but got {value!r:.60}")
        if value not in self.words:
            *first, last = map(repr, self.words)
            known = f"{', '.join(first)} or {last}" if first else last
            raise UnknownNameError(f"{name} is {known}, but got {value!r:.60}")
        return value


@dataclass(frozen=True, slots=True)
class Text:
    """Text that whoever uses it reads and checks."""

    def read(self, name: str, value: object) -> object:
        if not isinstance(value, str):
            raise DtypeError(f"{name} must be text, but got {value!r:.60}")
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """True or False, or a word for one of them, as a command line gives it."""

    def read(self, name: str, value: object) -> object:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        found = words.get(str(value).lower())
        if found is None:
            raise DtypeError(f"{name} must be true or false, but got {value!r:.60}")
        return found


def setting(rule: Rule, default: Any) -> Any:
    """Return a dataclass field of a preset: its ``default``, and the ``rule`` for other values.

    A default of None stays allowed beside what the rule allows.
    """
    return field(default=default, metadata={"rule": rule})


def settle(
    task: str, presets: Mapping[str, Settings], preset: str, settings: Mapping[str, object]
) -> Settings:
    """Return ``presets[preset]`` with ``settings`` changed.

    Raises:
        UnknownNameError: for an unknown preset or setting, with the nearest known ones.
        DtypeError, CamberError: for a value of another type, or out of its range.

    Example:
        >>> @dataclass(frozen=True)
        ... class Sizes:
        ...     steps: int = setting(Whole(), 100)
        >>> settle("mine", {"default": Sizes()}, "default", {"steps": 7})
        Sizes(steps=7)
    """
    if preset not in presets:
        raise unknown_name(f"preset of {task}", str(preset), presets)
    chosen = presets[preset]
    known = {entry.name: entry for entry in fields(chosen)}
    read: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in known:
            raise unknown_name(f"setting of {task}", name, known)
        rule: Rule = known[name].metadata["rule"]
        optional = known[name].default is None
        keep = value is None and optional
        read[name] = value if keep else rule.read(f"{task}: {name}", value)
    return replace(chosen, **read)


def given_path(name: str, value: object) -> Path:
    """Return the path ``value``; ``name`` is what a sentence calls it.

    Raises:
        DtypeError: it is no path.
        CamberError: it is empty, as an unset variable of a shell is, or holds a NUL.

    Example:
        >>> given_path("images: data", "pictures").name
        'pictures'
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise DtypeError(f"{name} is a path, but got {type(value).__name__}")
    if not os.fspath(value):
        raise CamberError(f"{name} is an empty path; write . for the current folder")
    if "\0" in os.fspath(value):
        raise CamberError(f"{name} is no path: it holds a NUL character")
    return Path(value)


@contextlib.contextmanager
def memory_for(task: str) -> Iterator[None]:
    """Say in one sentence that a model is larger than this machine's memory.

    Raises:
        CamberError: the block asked for more memory than there is.
    """
    try:
        yield
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        raise CamberError(
            f"{task}: a model of these sizes does not fit into the memory of this machine; give "
            f"a smaller width or depth"
        ) from error
