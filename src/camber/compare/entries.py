"""What a comparison compares: entries, each a name or formula with the options it is built with.

On the command line an entry is a registered name, a formula, or a name with options after a colon:
``gelu``, ``"x*sigmoid(1.7*x)"``, ``polynorm:order=2``, ``"x*sigmoid(beta*x):beta=fixed(1.7)"``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from camber.errors import CamberError, DtypeError

if TYPE_CHECKING:
    from camber.activations import Activation
    from camber.formula import Formula

Option: TypeAlias = "bool | int | float | str | Mapping[str, float]"

#: The entries of ``camber compare`` without arguments.
DEFAULT_ENTRIES: Final = ("relu", "gelu", "swiglu", "polyrelu", "polynorm")

#: The same where the model is not camber's own: none of them needs a second projection.
PLAIN_ENTRIES: Final = ("relu", "gelu", "silu", "polyrelu", "polynorm")

_OPTIONS: Final = re.compile(r"^(?P<text>[^:]*):(?P<options>\s*[A-Za-z_]\w*\s*=[^:]*)$")
_FIXED: Final = re.compile(r"^fixed\((?P<value>[^()]*)\)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One nonlinearity of a comparison.

    Args:
        text: a registered name or a formula.
        options: what :func:`camber.activation` is given beside it; ``{"fixed": v}`` for a constant.
        label: how tables call it; the entry as it was written unless given.

    Example:
        >>> Entry.parse("polynorm:order=2").options["order"]
        2
    """

    text: str
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))
    label: str = ""

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.text)

    @classmethod
    def parse(cls, written: str) -> Entry:
        """Read an entry as it is written on the command line."""
        found = _OPTIONS.match(written)
        if found is None:
            return cls(written.strip(), label=written.strip())
        options: dict[str, Option] = {}
        for pair in found["options"].split(","):
            key, equals, value = (part.strip() for part in pair.partition("="))
            if not equals or not key or not value:
                raise CamberError(
                    f"the entry {written!r} has the option {pair.strip()!r}: "
                    "write NAME:key=value,key=value"
                )
            options[key] = _option(value)
        return cls(found["text"].strip(), MappingProxyType(options), written.strip())

    def activation(self) -> Activation:
        """Return a fresh module.

        Raises:
            CamberError: the name is not known, the formula is malformed, or an option is wrong.
        """
        from camber.activations import Fixed, activation

        options: dict[str, Any] = {
            key: Fixed(float(value["fixed"])) if isinstance(value, Mapping) else value
            for key, value in self.options.items()
        }
        return activation(self.text, **options)

    def to_dict(self) -> dict[str, object]:
        """Return what identifies the entry; the label is no part of it."""
        return {
            "text": self.text,
            "options": {key: self.options[key] for key in sorted(self.options)},
        }

    @property
    def written(self) -> str:
        """The entry as the command line takes it."""
        pairs = [
            f"{key}=fixed({value['fixed']})" if isinstance(value, Mapping) else f"{key}={value}"
            for key, value in self.options.items()
        ]
        return f"{self.text}:{','.join(pairs)}" if pairs else self.text

    def usage(self) -> str:
        """The line of Python that builds it.

        Example:
            >>> Entry.parse("x*sigmoid(beta*x):beta=fixed(1.7)").usage()
            "camber.activation('x*sigmoid(beta*x)', beta=camber.Fixed(1.7))"
        """
        options = [
            f"{key}=camber.Fixed({value['fixed']})"
            if isinstance(value, Mapping)
            else f"{key}={value!r}"
            for key, value in self.options.items()
        ]
        return f"camber.activation({', '.join([repr(self.text), *options])})"

    @classmethod
    def from_dict(cls, record: Mapping[str, object], label: str = "") -> Entry:
        """Return the entry that :meth:`to_dict` described."""
        options = record["options"]
        if not isinstance(options, Mapping):
            raise CamberError("an entry's options are an object")
        return cls(str(record["text"]), MappingProxyType(dict(options)), label)


#: What :func:`camber.compare.run` takes as one entry.
EntryLike: TypeAlias = "str | Formula | Entry"


def as_entries(given: str | Sequence[EntryLike] | Mapping[str, EntryLike]) -> tuple[Entry, ...]:
    """Return the entries of a comparison, each checked to be buildable and none twice.

    Args:
        given: names, formulas or entries; or a mapping from labels to them.

    Raises:
        CamberError: there is none, one stands twice, one cannot be built, or a label is no text.
        DtypeError: one is of another type, such as a module (whose constructor cannot be repeated
            in another process).
    """
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        named = [
            Entry(entry.text, entry.options, label)
            for label, entry in ((label, _entry(item)) for label, item in given.items())
        ]
    else:
        named = [_entry(item) for item in given]
    if not named:
        raise CamberError("there is nothing to compare: give at least one name or formula")
    seen: dict[str, Entry] = {}
    for entry in named:
        if any("\ud800" <= letter <= "\udfff" for letter in entry.label):
            raise CamberError(
                f"the label {entry.label!r:.80} holds half of a character (a lone surrogate), "
                "which no file can hold: give it another"
            )
        if entry.label in seen:
            raise CamberError(
                f"the entry {entry.label!r} stands twice: every entry runs with the same seeds, "
                "so the second would repeat the first; remove it"
            )
        seen[entry.label] = entry
    for entry in named:
        entry.activation()
    return tuple(named)


def _entry(item: EntryLike) -> Entry:
    from camber.formula import Formula

    if isinstance(item, Entry):
        return item
    if isinstance(item, str):
        return Entry.parse(item)
    if isinstance(item, Formula):
        return Entry(str(item))
    raise DtypeError(
        f"an entry of a comparison is a name, formula text or a Formula, "
        f"but got {type(item).__name__}; an activation with options is written as text, "
        f"such as 'polynorm:order=2'"
    )


def _option(text: str) -> Option:
    if fixed := _FIXED.match(text):
        value = _number(fixed["value"])
        if value is None:
            raise CamberError(f"{text!r} fixes no number: write fixed(1.7)")
        return {"fixed": float(value)}
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    value = _number(text)
    return text if value is None else value


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
