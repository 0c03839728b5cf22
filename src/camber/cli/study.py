"""``camber study list|run|report``: reproductions of papers, with claims that hold or do not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camber.cli import names
from camber.cli.verb import REFUTED, Json, console, guarded, print_json, say

app = typer.Typer(help="Reproduce papers: list the studies, run one, read its report.")

RESUME = "interrupted; every finished job is kept, and the same command takes up the rest"

Name = Annotated[
    str,
    typer.Argument(help="A study, as camber study list names it.", autocompletion=names.studies),
]
SizeOption = Annotated[
    str,
    typer.Option(
        help="tiny (seconds), smoke (minutes) or full (see camber study list).",
        autocompletion=names.sizes,
    ),
]
Directory = Annotated[
    Path | None, typer.Option(help="Where it is kept; runs/studies/NAME/SIZE unless given.")
]


def list_studies(json: Json = False) -> None:
    """List the studies that come with camber."""
    import camber.studies  # noqa: F401  # registers them
    from camber.train import study, study_names

    studies = [study(name) for name in study_names()]
    if json:
        print_json(
            {
                "studies": [
                    {
                        "name": found.name,
                        "title": found.title,
                        "source": found.source,
                        "needs": {str(size): need for size, need in found.needs.items()},
                    }
                    for found in studies
                ]
            }
        )
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("study", "title", "source", "what each size takes")
    for found in studies:
        needs = "\n".join(f"{size}: {need}" for size, need in found.needs.items())
        table.add_row(found.name, Text(found.title), Text(found.source), Text(needs))
    console().print(table)


def run(
    name: Name,
    size: SizeOption = "smoke",
    directory: Directory = None,
    workers: Annotated[
        int | None,
        typer.Option("--jobs", "--workers", help="Jobs at a time; one per processor unless given."),
    ] = None,
    executor: Annotated[
        str,
        typer.Option(
            help="What runs them: processes, inline, ray or slurm.",
            autocompletion=names.executors,
        ),
    ] = "processes",
    json: Json = False,
) -> None:
    """Run a study and print its claims; exit code 1 if one is refuted."""
    import camber.studies  # noqa: F401  # registers them
    from camber.cli.progress import RunProgress
    from camber.train import executor as executor_named
    from camber.train import run_study

    chosen = executor_named(executor, **({} if workers is None else {"workers": workers}))
    with RunProgress() as progress:
        result = run_study(name, size, directory, chosen, progress, say)
    if json:
        print_json(result.to_dict())
    else:
        console().print(result.render())
        say(f"the report stands in {result.directory}/report.html")
    if result.refuted:
        raise typer.Exit(REFUTED)


def report(
    name: Name, size: SizeOption = "smoke", directory: Directory = None, json: Json = False
) -> None:
    """Print the result of a study that was run before; exit code 1 if a claim is refuted."""
    import camber.studies  # noqa: F401  # registers them
    from camber.train import read_study, study

    known = study(name)
    known.config(size)
    place = directory or Path("runs", "studies", known.name, size)
    result = read_study(place)
    if json:
        print_json(result.to_dict())
    else:
        console().print(result.render())
    if result.refuted:
        raise typer.Exit(REFUTED)


app.command("list")(guarded(list_studies))
app.command("run")(guarded(run, interrupted=RESUME))
app.command("report")(guarded(report))
