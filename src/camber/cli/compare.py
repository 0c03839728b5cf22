"""``camber compare A B C ...``: the fair fight, on real text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camber.cli.verb import Json, console, print_json, say
from camber.errors import CamberError

RESUME = "interrupted; every finished run is kept, and the same command takes up the rest"


def compare(
    entries: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, formulas or NAME:key=value; relu gelu swiglu polyrelu polynorm if none.",
            show_default=False,
        ),
    ] = None,
    task: Annotated[str, typer.Option(help="What to learn.")] = "charlm",
    text: Annotated[
        str | None,
        typer.Option(help="Train on this text file, folder or pattern.", metavar="FILE"),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Paired seeds; 5 unless given.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Size of model and budget: default, quick, d256.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The quick preset: about a minute.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one setting of the preset.", metavar="KEY=VALUE"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Runs at a time; one per processor unless given.")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Where runs are kept; runs/compare-HASH unless given.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where models train: cpu, cuda or mps.")] = "cpu",
    json: Json = False,
) -> None:
    """Train each entry on real text and say which is better, and how sure that is.

    Equal parameters, tokens, budget and seeds for every entry. Finished runs are kept: the same
    command after Ctrl-C resumes, and one with further entries trains only those.
    """
    if quick and preset not in (None, "quick"):
        raise CamberError(f"--quick and --preset {preset} contradict each other: give one of them")
    from camber.cli.progress import RunProgress
    from camber.compare import DEFAULT_ENTRIES, run

    with RunProgress() as progress:
        comparison = run(
            entries or DEFAULT_ENTRIES,
            task,
            preset="quick" if quick else preset or "default",
            seeds=seeds,
            workers=workers,
            directory=directory,
            text=text,
            settings=settings(set_ or []),
            device=device,
            on_event=progress,
            on_start=say,
        )
    if json:
        print_json(comparison.to_dict())
    else:
        console().print(comparison.table())


def settings(pairs: list[str]) -> dict[str, int | float | str]:
    """Read ``KEY=VALUE`` options."""
    found: dict[str, int | float | str] = {}
    for pair in pairs:
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (equals and key and value):
            raise CamberError(f"--set {pair!r} is not KEY=VALUE, such as --set steps=200")
        try:
            found[key] = int(value)
        except ValueError:
            try:
                found[key] = float(value)
            except ValueError:
                found[key] = value
    return found
