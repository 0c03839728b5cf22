"""From what a caller asks to a checked :class:`~camber.compare.request.Request`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camber.compare.entries import EntryLike, as_entries
from camber.compare.request import Equal, Request
from camber.compare.task_facts import TaskFacts
from camber.compare.tuning import TUNING_SEED
from camber.errors import CamberError
from camber.tasks import TASKS, Task
from camber.tasks import task as task_named
from camber.train import FitConfig, environment

#: The task behind ``model="hf:DIR"``.
HUGGING_FACE = "hf"

#: Which shipped tasks learn from data of the user's; what a builder of theirs takes, it says.
_TAKERS = {"data": ("images", HUGGING_FACE), "text": ("charlm", HUGGING_FACE)}


def as_request(
    entries: str | Sequence[EntryLike] | Mapping[str, EntryLike],
    task: str,
    *,
    preset: str,
    model: str | None,
    data: str | os.PathLike[str] | None,
    text: str | os.PathLike[str] | None,
    settings: Mapping[str, Any],
    seeds: int | None,
    max_seeds: int | None,
    tune: bool,
    equal: Equal,
    device: str,
    named: bool,
) -> tuple[Request, Task]:
    """Return the request and its task; the arguments are those of :func:`camber.compare.run`.

    Raises:
        CamberError: something in it cannot be done; nothing was written yet.
    """
    _check_seeds(seeds, max_seeds)
    chosen = as_entries(entries)
    name, options = task_options(
        task, preset=preset, model=model, data=data, text=text, settings=settings
    )
    problem = task_named(name, **options)
    count = problem.seeds if seeds is None else seeds
    if max_seeds is not None and max_seeds <= count:
        raise CamberError(
            f"max_seeds is {max_seeds} and the first look takes {count}: give more than that, "
            "or leave it out"
        )
    if max_seeds is not None and len(chosen) < 2:
        raise CamberError(
            f"max_seeds is {max_seeds} and {chosen[0].label} stands alone: "
            "more seeds decide between two entries or more"
        )
    request = Request(
        entries=chosen,
        options=options,
        facts=TaskFacts.of(problem),
        config=FitConfig(**problem.recommended, device=device),
        seeds=count,
        max_seeds=max_seeds,
        tune=tune,
        equal=equal,
        named=named,
        environment=environment(),
    )
    return request, problem


def task_options(
    task: str,
    *,
    preset: str,
    model: str | None,
    data: str | os.PathLike[str] | None,
    text: str | os.PathLike[str] | None,
    settings: Mapping[str, Any],
) -> tuple[str, dict[str, object]]:
    """Return the task's name and its options, paths absolute so that they hold anywhere.

    Raises:
        CamberError: two arguments contradict each other.

    Example:
        >>> task_options("charlm", preset="quick", model=None, data=None, text=None,
        ...              settings={"steps": 9})
        ('charlm', {'preset': 'quick', 'steps': 9})
    """
    options: dict[str, object] = {"preset": preset}
    given = {
        "model": model,
        "data": None if data is None else str(Path(data).absolute()),
        "text": None if text is None else str(Path(text).absolute()),
    }
    if model is not None and model.startswith(f"{HUGGING_FACE}:"):
        if task not in ("charlm", HUGGING_FACE):
            raise CamberError(f"the model {model} brings its own task: leave out the task {task!r}")
        folder = model.partition(":")[2]
        if not folder:
            raise CamberError("the model 'hf:' names no folder: write hf:DIR")
        task, given["model"] = HUGGING_FACE, None
        options["checkpoint"] = str(Path(folder).absolute())
    for key, takers in _TAKERS.items():
        if given[key] is not None and task in TASKS and task not in takers:
            instead = "; give it a text" if task == "charlm" else ""
            raise CamberError(
                f"the task {task} takes no {key}{instead} (those that do: {', '.join(takers)})"
            )
    for key, value in given.items():
        if value is not None and key in settings:
            raise CamberError(f"{key} is given twice, by itself and as a setting: give it once")
    options |= settings
    options |= {key: value for key, value in given.items() if value is not None}
    return task, options


def _check_seeds(seeds: int | None, max_seeds: int | None) -> None:
    for name, count in (("seeds", seeds), ("max_seeds", max_seeds)):
        if isinstance(count, bool) or (count is not None and count < 1):
            raise CamberError(
                f"{name} is {count}: give at least 1, or 5 for an interval worth having"
            )
        if count is not None and count > TUNING_SEED:
            raise CamberError(f"{name} is {count}: give at most {TUNING_SEED}")
