"""The main job: which of these nonlinearities trains better, and how sure is that?

Every entry trains the same model on the same text with the same seeds: equal parameters (gated
networks get a narrower hidden layer), equal tokens, equal optimiser settings, equal initial weights
wherever shapes agree, equal batches. Runs are jobs in worker processes, addressed by content: what
is finished is never trained again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from camber.compare import notes
from camber.compare.comparison import Comparison, assemble
from camber.compare.entries import Entry, EntryLike, as_entries
from camber.compare.gap import neighbours
from camber.compare.job import PROTOCOL, check_entry, run_job, train_entry
from camber.compare.prices import prices
from camber.compare.subject import Run
from camber.errors import CamberError, RunError
from camber.tasks import Task
from camber.tasks import task as task_named
from camber.train import (
    EventSink,
    Executor,
    FitConfig,
    Job,
    Outcome,
    ProcessExecutor,
    RunDirectory,
    run_jobs,
)
from camber.train.job_runner import already_there
from camber.train.lock import locked
from camber.train.plain_json import digest_of, plain_dict
from camber.train.randomness import device_named


def run(
    entries: str | Sequence[EntryLike] | Mapping[str, EntryLike],
    task: str = "charlm",
    *,
    preset: str = "default",
    seeds: int | None = None,
    workers: int | None = None,
    directory: str | os.PathLike[str] | None = None,
    text: str | os.PathLike[str] | None = None,
    settings: Mapping[str, int | float | str] | None = None,
    device: str = "cpu",
    executor: Executor | None = None,
    on_event: EventSink | None = None,
    on_start: Callable[[str], None] | None = None,
) -> Comparison:
    """Train every entry at equal parameters, tokens and budget, and say what differs.

    Args:
        entries: names, formulas (``"x*sigmoid(1.7*x)"``), names with options
            (``"polynorm:order=2"``), or a mapping from labels to them.
        task: a registered task.
        preset: sizes of model and budget; ``"default"`` takes minutes on two cores, ``"quick"``
            less than one, ``"d256"`` a workstation or a GPU.
        seeds: how many paired seeds, >= 1; the preset's own number (5) unless given.
        workers: runs at a time; one per usable processor unless given, one on a GPU.
        directory: where runs are kept; ``runs/compare-<hash>`` unless given, named by the content
            of text, sizes and budget. Entries and seeds may join later: only they are trained.
        text: a text file, folder or pattern to learn from; the task's own data unless given.
        settings: single settings of the preset to change, such as ``{"steps": 200}``.
        device: where models train: "cpu", "cuda" or "mps".
        executor: where jobs run; worker processes unless given.
        on_event: is told of every :class:`~camber.train.Event`.
        on_start: is told once, in a sentence, what is about to run, where, and what stands there.

    Returns:
        A :class:`~camber.compare.Comparison`: ``best``, ``sentences``, ``table()``, ``to_dict()``.

    Raises:
        UnknownNameError: an unknown entry, task, preset or setting.
        CamberError: a malformed entry, one that stands twice, one that the model cannot hold,
            seeds below 1, a text that is empty or binary, or nothing but diverged runs.
        RunError: a directory of something else, a damaged one, or a full disk.

    Example:
        >>> import tempfile
        >>> from camber.train import InlineExecutor
        >>> tiny = {"steps": 2, "warmup_steps": 1, "batch": 2, "context": 8, "width": 8}
        >>> with tempfile.TemporaryDirectory() as place:
        ...     found = run(["relu", "gelu"], preset="quick", seeds=2, settings=tiny,
        ...                 directory=place, executor=InlineExecutor())
        >>> sorted(found.ranking), len(found.sentences)
        (['gelu', 'relu'], 2)
    """
    if isinstance(seeds, bool) or (seeds is not None and seeds < 1):
        raise CamberError(f"seeds is {seeds}: give at least 1, or 5 for an interval worth having")
    if executor is None:
        alone = 1 if device != "cpu" else None  # a GPU is shared badly
        executor = ProcessExecutor(alone if workers is None else workers)
    device_named(device)  # refused here, not in every worker
    chosen = as_entries(entries)
    options: dict[str, object] = {"preset": preset, **(settings or {})}
    if text is not None:
        options["text"] = str(Path(text).absolute())
    problem = task_named(task, **options)
    count = problem.seeds if seeds is None else seeds
    config = FitConfig(**problem.recommended, device=device)
    for entry in chosen:
        check_entry(entry, problem)
    identity = _identity(problem, options, config)
    named = Path("runs", f"compare-{digest_of(identity)[:12]}")
    path = named if directory is None else Path(directory)
    grid = [(entry, seed) for seed in range(count) for entry in chosen]
    jobs = [run_job(entry, problem, options, config, seed) for entry, seed in grid]
    command = notes.command(
        chosen,
        task=task,
        preset=preset,
        seeds=count,
        text=None if text is None else str(text),
        settings=settings or {},
        device=device,
        directory=None if directory is None else str(directory),
    )
    with locked(path):
        place = RunDirectory(path, identity)
        if on_start is not None:
            on_start(
                f"{len(jobs)} runs ({len(chosen)} x {count} seeds) of {config.steps} steps, "
                f"kept in {path}{already_there(jobs, path / 'jobs')}"
            )
        runs = _runs(grid, jobs, run_jobs(train_entry, jobs, path / "jobs", executor, on_event))
        _refuse_if_all_failed(runs, path)
        comparison = assemble(
            chosen,
            problem,
            runs,
            prices=prices(chosen, path),
            notes=_notes(chosen, problem, runs, config.steps),
            command=command,
            directory=str(path),
        )
        place.write_result(comparison.to_dict())
    return comparison


def _identity(task: Task, options: Mapping[str, object], config: FitConfig) -> dict[str, object]:
    """Data, sizes and budget: what all runs in one directory share."""
    return {
        "kind": "comparison",
        "protocol": PROTOCOL,
        "task": {"name": task.name, "options": dict(options), "describe": dict(task.describe())},
        "fit": plain_dict(config),
    }


def _notes(
    entries: Sequence[Entry], task: Task, runs: Mapping[str, tuple[Run, ...]], steps: int
) -> tuple[str, ...]:
    ranked = sum(not any(run.failed for run in own) for own in runs.values())
    return (
        notes.scope(task, runs[entries[0].label][0].parameters, steps),
        notes.selection(len(entries), ranked),
        *neighbours(entries),
        notes.data(task),
    )


def _runs(
    grid: Sequence[tuple[Entry, int]], jobs: Sequence[Job], outcomes: Sequence[Outcome]
) -> dict[str, tuple[Run, ...]]:
    """Sort outcomes by entry, seeds ascending.

    Raises:
        RunError: a run could not be made; those that are finished are kept.
    """
    # Two labels may name one job: it ran once and has one outcome.
    found = {outcome.job: outcome for outcome in outcomes}
    runs: dict[str, list[Run]] = {}
    for (entry, seed), job in zip(grid, jobs, strict=True):
        outcome = found[job]
        if outcome.status == "failed":
            raise RunError(f"{entry.label}, seed {seed}: {outcome.error}")
        runs.setdefault(entry.label, []).append(Run.from_result(seed, outcome.result, job.short))
    return {label: tuple(own) for label, own in runs.items()}


def _refuse_if_all_failed(runs: Mapping[str, tuple[Run, ...]], path: Path) -> None:
    """Raise where no entry can be ranked: there is no verdict to print."""
    if any(not any(run.failed for run in own) for own in runs.values()):
        return
    label, run = next((label, r) for label, own in runs.items() for r in own if r.failed)
    others = "" if len(runs) == 1 else f" (and so did the other {len(runs) - 1})"
    raise CamberError(
        f"{label} diverged with seed {run.seed}{others}: {run.reason}; nothing is left to rank, "
        f"and the runs are kept in {path}"
    )
