"""``camber card NAME_OR_FORMULA``: everything known about one nonlinearity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camber.cli import names
from camber.cli.verb import Json, console, print_json, say


def card(
    spec: Annotated[
        str,
        typer.Argument(
            help="A registered name or a formula, such as 'x*sigmoid(x)'.",
            autocompletion=names.entries,
        ),
    ],
    plot: Annotated[
        Path | None,
        typer.Option(help="Also draw function and derivative into this .svg, .png or .pdf."),
    ] = None,
    json: Json = False,
) -> None:
    """Print formula, derivative, source, facts with their provenance, gains, and how to use it."""
    from camber.compare import card as make_card

    made = make_card(spec)
    if plot is not None:
        made.plot(plot)
    if json:
        print_json(made.to_dict())
        return
    console().print(made.table())
    if plot is not None:
        say(f"drawn in {plot}")
