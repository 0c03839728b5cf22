"""``camber list``: the catalogue of activations."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from camber.cli import names
from camber.cli.verb import Json, console, print_json
from camber.errors import CamberError, unknown_name

if TYPE_CHECKING:
    from camber.activations import Entry


def list_names(
    pattern: Annotated[
        str | None,
        typer.Argument(
            help="Only names, aliases or tags like this: 'poly*', torch.nn.",
            autocompletion=names.entries,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Only one kind: pointwise, gated, along or normed.", autocompletion=names.kinds
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the registered activations: name, kind, formula, where else they are known."""
    if kind is not None and kind not in names.KINDS:
        raise unknown_name("kind", kind, names.KINDS)
    from camber.activations import lookup
    from camber.activations import names as registered

    entries = [lookup(name) for name in registered()]
    if kind is not None:
        entries = [entry for entry in entries if entry.kind == kind]
    if pattern is not None:
        entries = [entry for entry in entries if _matches(entry, pattern)]
    if not entries:
        what = f" like {pattern!r}" if pattern else ""
        raise CamberError(f"no activation{what} is registered; camber list shows all of them")
    if json:
        print_json({"activations": [_to_dict(entry) for entry in entries]})
        return
    _print(entries)


def _matches(entry: Entry, pattern: str) -> bool:
    wanted = pattern if any(character in pattern for character in "*?[") else f"*{pattern}*"
    known = (entry.name, *entry.aliases, *entry.tags)
    return any(fnmatchcase(name.lower(), wanted.lower()) for name in known)


def _to_dict(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "aliases": list(entry.aliases),
        "kind": entry.kind,
        "formula": str(entry.formula),
        "summary": entry.summary,
        "source": None if entry.source is None else str(entry.source),
        "tags": list(entry.tags),
    }


def _print(entries: list[Entry]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("name", "kind", "formula", "what it is", "also known in")
    for entry in entries:
        formula = str(entry.formula)
        table.add_row(
            ", ".join((entry.name, *entry.aliases)),
            entry.kind,
            Text(formula if len(formula) <= 60 else f"{formula[:57]}..."),
            Text(entry.summary),
            ", ".join(entry.tags),
        )
    console().print(table)
    console().print(f"{len(entries)} activations; camber card NAME shows one")
