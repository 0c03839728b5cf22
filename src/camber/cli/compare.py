"""``camber compare A B C ...``: the fair fight, on real data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camber.cli import names
from camber.cli.verb import Json, console, print_json, say
from camber.errors import CamberError

if TYPE_CHECKING:
    from camber.compare import Comparison

RESUME = "interrupted; every finished run is kept, and the same command takes up the rest"


def compare(
    entries: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, formulas or NAME:key=value; if none: relu gelu swiglu polyrelu polynorm, "
            "with silu for swiglu on a model of yours.",
            show_default=False,
            autocompletion=names.entries,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="What to learn: charlm (unless given), digits, images, regress, "
            "or package.module:build for a task of yours.",
            autocompletion=names.tasks,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A model of the task: dense or moe on charlm, mlp, resnet or vit on digits and "
            "images; or hf:DIR, the Hugging Face model in that folder.",
            autocompletion=names.models,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="The data of a task that takes some, such as images.", metavar="PATH"),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(help="Train on this text file, folder or pattern.", metavar="FILE"),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Size of model and budget: default or quick; on charlm also paper and d256.",
            autocompletion=names.presets,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The quick preset: about a minute.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Change one setting of the preset, such as steps=200; "
            "--help-settings lists those of the task.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    help_settings: Annotated[
        bool,
        typer.Option("--help-settings", help="List presets and settings of the task and exit."),
    ] = False,
    seeds: Annotated[int | None, typer.Option(help="Paired seeds; 5 unless given.")] = None,
    max_seeds: Annotated[
        int | None,
        typer.Option(
            help="Go on to at most this many seeds, until the order is clear.", metavar="N"
        ),
    ] = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="Search the learning rate of each entry first.")
    ] = False,
    equal: Annotated[
        str | None,
        typer.Option(
            help="What entries share: tokens (unless given), or time on this machine.",
            autocompletion=names.budgets,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Where models train: cpu (unless given), cuda or mps.",
            autocompletion=names.devices,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "--workers", help="Runs at a time; one per processor unless given."),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help="What runs them: processes (unless given), inline, ray or slurm.",
            autocompletion=names.executors,
        ),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Where runs are kept; runs/compare-HASH unless given.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Finish the comparison begun in this folder.", metavar="DIR")
    ] = None,
    show: Annotated[
        Path | None,
        typer.Option(
            help="Print the verdict of the finished comparison in this folder and write its "
            "report anew; nothing trains.",
            metavar="DIR",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train each entry on real data and say which is better, and how sure that is.

    Equal parameters, budget and seeds for every entry. Finished runs are kept: the same command
    after Ctrl-C resumes, and one with further entries trains only those. A report stands in the
    folder of the runs.
    """
    if quick and preset not in (None, "quick"):
        raise CamberError(f"--quick and --preset {preset} contradict each other: give one of them")
    asked: dict[str, Any] = {
        "task": task, "preset": "quick" if quick else preset, "model": model, "data": data,
        "text": text, "settings": settings(set_ or []) or None, "seeds": seeds,
        "max_seeds": max_seeds, "tune": tune or None, "equal": equal, "device": device,
        "directory": directory,
    }  # fmt: skip
    asked = {name: value for name, value in asked.items() if value is not None}
    where = {"workers": jobs, "executor": executor}
    if help_settings:
        from camber.cli.settings_help import print_settings

        print_settings(task or "charlm", model, json=json)
        return
    if show is not None:
        given = {**asked, **{name: value for name, value in where.items() if value is not None}}
        _refuse_more("--show", show, [*(entries or []), *given], resume)
        from camber.compare import read
        from camber.compare.reporting import reported

        _print(reported(read(show)), json=json)
        return
    if resume is not None:
        _refuse_more("--resume", resume, [*(entries or []), *asked], None)
    _print(_run(entries, asked, where, resume), json=json)


def _run(
    entries: list[str] | None, asked: dict[str, Any], where: dict[str, Any], begun: Path | None
) -> Comparison:
    from camber import compare as package
    from camber.cli.progress import RunProgress

    with RunProgress() as progress:
        if begun is not None:
            return package.resume(begun, on_event=progress, on_start=say, **where)
        # ":" is in what is the user's own: package.module:build and hf:DIR
        own = any(":" in asked.get(name, "") for name in ("task", "model"))
        usual = package.PLAIN_ENTRIES if own else package.DEFAULT_ENTRIES
        return package.run(entries or usual, on_event=progress, on_start=say, **where, **asked)


def _print(comparison: Comparison, *, json: bool) -> None:
    if json:
        print_json({**comparison.to_dict(), "report": comparison.report})
    else:
        console().print(comparison.table())
    if comparison.report is not None:
        say(f"the report stands in {comparison.report}")


def _refuse_more(option: str, directory: Path, given: list[str], other: Path | None) -> None:
    """Refuse what contradicts a comparison that is already described in its directory."""
    if other is not None:
        raise CamberError(f"{option} and --resume contradict each other: give one of them")
    if given:
        words = {"settings": "--set", "workers": "--jobs", "max_seeds": "--max-seeds"}
        options = {
            "task", "preset", "model", "data", "text", "seeds", "tune", "equal", "device",
            "directory", "executor",
        }  # fmt: skip
        first = words.get(given[0]) or (f"--{given[0]}" if given[0] in options else given[0])
        raise CamberError(
            f"{option} {directory} takes everything from the request that stands there, and "
            f"{first!r} would change it: leave that out, or give the whole comparison again"
        )


def settings(pairs: list[str]) -> dict[str, int | float | str]:
    """Read ``KEY=VALUE`` options."""
    found: dict[str, int | float | str] = {}
    for pair in pairs:
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (equals and key and value):
            raise CamberError(f"--set {pair!r} is not KEY=VALUE, such as --set steps=200")
        if str(found.get(key, value)) != value:
            raise CamberError(f"--set gives {key} twice ({found[key]} and {value}): leave one out")
        try:
            found[key] = int(value)
        except ValueError:
            try:
                found[key] = float(value)
            except ValueError:
                found[key] = value
    return found
