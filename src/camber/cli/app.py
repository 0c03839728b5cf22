"""The ``camber`` command: its verbs, and what its exit codes mean.

0 done; 1 a claim refuted; 2 bad input, said in one sentence on standard error; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from camber.cli import bench, card, compare, doctor, study
from camber.cli import list as list_verb
from camber.cli.verb import INTERRUPTED, guarded

#: Set by the completion scripts of bash, zsh and fish.
COMPLETION: Final = "_CAMBER_COMPLETE"

app = typer.Typer(
    name="camber",
    help="The nonlinearity of neural networks: run it, explain it, measure it, compare it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a plain traceback is for a mistake of ours, not of the user's
    rich_markup_mode=None,  # rich's help costs 60 ms; plain text reads as well
)


def _version(wanted: bool) -> None:
    if wanted:
        from camber import __version__

        print(f"camber {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print and exit.")
    ] = False,
) -> None:
    """The nonlinearity of neural networks: run it, explain it, measure it, compare it."""


app.command("compare")(guarded(compare.compare, interrupted=compare.RESUME))
app.command("card")(guarded(card.card))
app.command("list")(guarded(list_verb.list_names))
app.command("doctor")(guarded(doctor.doctor))
app.add_typer(study.app, name="study")
app.add_typer(bench.app, name="bench")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on ``arguments`` (default: those of the process) and exit."""
    if COMPLETION in os.environ:
        # A shell asks for names while somebody types: whatever fails must not be printed there.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (to the end)
    try:
        app(args=None if arguments is None else list(arguments), prog_name="camber")
    except KeyboardInterrupt:  # before a verb had begun
        sys.exit(INTERRUPTED)
