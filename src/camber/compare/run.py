"""The main job: which of these nonlinearities trains better, and how sure is that?

Every entry trains the same model on the same data with the same seeds: equal parameters (gated
networks get a narrower hidden layer), equal tokens or equal time, equal optimiser settings or a
learning rate found by the same search, equal initial weights wherever shapes agree, equal batches.
Runs are jobs addressed by content: what is finished is never trained again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from camber.compare.asking import as_request
from camber.compare.comparison import Comparison
from camber.compare.entries import EntryLike
from camber.compare.job import check_entry
from camber.compare.outcomes import Training
from camber.compare.procedure import conclude, runs_expected, verdict_jobs
from camber.compare.read import asked_in
from camber.compare.reporting import reported
from camber.compare.request import Equal, Request
from camber.tasks import Task
from camber.tasks import task as task_named
from camber.train import EventSink, Executor, ProcessExecutor, RunDirectory
from camber.train import executor as executor_named
from camber.train.job_runner import already_there
from camber.train.lock import locked
from camber.train.plain_json import digest_of
from camber.train.randomness import device_named


def run(
    entries: str | Sequence[EntryLike] | Mapping[str, EntryLike],
    task: str = "charlm",
    *,
    preset: str = "default",
    model: str | None = None,
    data: str | os.PathLike[str] | None = None,
    text: str | os.PathLike[str] | None = None,
    settings: Mapping[str, bool | int | float | str] | None = None,
    seeds: int | None = None,
    max_seeds: int | None = None,
    tune: bool = False,
    equal: Equal = "tokens",
    device: str = "cpu",
    directory: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    executor: Executor | str | None = None,
    report: bool = True,
    on_event: EventSink | None = None,
    on_start: Callable[[str], None] | None = None,
) -> Comparison:
    """Train every entry at equal parameters and budget, and say what differs.

    Args:
        entries: names, formulas (``"x*sigmoid(1.7*x)"``), names with options
            (``"polynorm:order=2"``), or a mapping from labels to them.
        task: a registered task, or ``"package.module:build"`` for one of your own.
        preset: sizes of model and budget; ``"default"`` takes minutes on two cores, ``"quick"``
            less than one, ``"d256"`` a workstation or a GPU.
        model: a model that the task offers, such as ``"vit"``; or ``"hf:DIR"`` to swap the
            activation of the Hugging Face model in that folder.
        data: a file or folder for tasks that learn from data of yours.
        text: a text file, folder or pattern to learn from; the task's own data unless given.
        settings: single settings of the preset to change, such as ``{"steps": 200}``.
        seeds: how many paired seeds, >= 1; the preset's own number (5) unless given.
        max_seeds: go on from ``seeds`` in a few looks, up to this many, until the order is clear;
            the error of all looks together is that of a single one.
        tune: first search the learning rate of each entry, see :mod:`camber.compare.tuning`.
        equal: "tokens", or "time": as many steps as the first entry's budget takes, see
            :mod:`camber.compare.pace`.
        device: where models train: "cpu", "cuda" or "mps".
        directory: where runs are kept; ``runs/compare-<hash>`` unless given, named by the content
            of data, sizes and budget. Entries and seeds may join later: only they are trained.
        workers: runs at a time; one per usable processor unless given, one on a GPU.
        executor: where jobs run: an executor or the name of one; worker processes unless given.
        report: whether to write ``report.html`` into the directory at the end.
        on_event: is told of every :class:`~camber.train.Event`.
        on_start: is told once, in a sentence, what is about to run, where, and what stands there.

    Returns:
        A :class:`~camber.compare.Comparison`: ``best``, ``sentences``, ``table()``, ``to_dict()``.

    Raises:
        UnknownNameError: an unknown entry, task, preset, setting or executor.
        CamberError: a malformed entry, one that stands twice, one that the model cannot hold,
            seeds below 1, data that cannot be used, or nothing but diverged runs.
        RunError: a directory of something else, a damaged one, or a full disk.

    Example:
        >>> import tempfile
        >>> tiny = {"steps": 2, "warmup_steps": 1, "batch": 2, "context": 8, "width": 8}
        >>> with tempfile.TemporaryDirectory() as place:
        ...     found = run(["relu", "gelu"], preset="quick", seeds=2, settings=tiny,
        ...                 directory=place, executor="inline", report=False)
        >>> sorted(found.ranking), len(found.sentences)
        (['gelu', 'relu'], 2)
    """
    chosen = _executor(executor, workers, device)
    device_named(device)  # refused here, not in every worker
    request, problem = as_request(
        entries,
        task,
        preset=preset,
        model=model,
        data=data,
        text=text,
        settings=settings or {},
        seeds=seeds,
        max_seeds=max_seeds,
        tune=tune,
        equal=equal,
        device=device,
        named=directory is None,
    )
    named = Path("runs", f"compare-{digest_of(request.identity)[:12]}")
    path = named if directory is None else Path(directory)
    return _perform(request, problem, path, chosen, report, on_event, on_start)


def resume(
    directory: str | os.PathLike[str],
    *,
    workers: int | None = None,
    executor: Executor | str | None = None,
    report: bool = True,
    on_event: EventSink | None = None,
    on_start: Callable[[str], None] | None = None,
) -> Comparison:
    """Finish the comparison that was begun in ``directory``, exactly as it was asked.

    Args:
        directory: of an earlier :func:`run`.
        workers, executor, report, on_event, on_start: as for :func:`run`.

    Returns:
        The same :class:`~camber.compare.Comparison` as that :func:`run` would have given.

    Raises:
        RunError: there is no comparison in it, its data changed, or a file is damaged.

    Example:
        >>> import shutil, tempfile
        >>> tiny = {"steps": 2, "warmup_steps": 1, "batch": 2, "context": 8, "width": 8}
        >>> with tempfile.TemporaryDirectory() as place:
        ...     first = run(["relu", "gelu"], preset="quick", seeds=2, settings=tiny,
        ...                 directory=place, executor="inline", report=False)
        ...     shutil.rmtree(f"{place}/jobs/{first.runs['gelu'][1].job}")
        ...     again = resume(place, executor="inline", report=False)
        >>> again.estimates == first.estimates
        True
    """
    path = Path(directory)
    asked = asked_in(path)
    device = asked.config.device
    chosen = _executor(executor, workers, device)
    device_named(device)
    problem = task_named(asked.facts.name, **asked.options)
    # The description anew: where the data changed since, the directory says so.
    request = replace(asked, facts=type(asked.facts).of(problem))
    return _perform(request, problem, path, chosen, report, on_event, on_start)


def _perform(
    request: Request,
    problem: Task,
    path: Path,
    executor: Executor,
    report: bool,
    on_event: EventSink | None,
    on_start: Callable[[str], None] | None,
) -> Comparison:
    for entry in request.entries:
        check_entry(entry, problem)
    with locked(path):
        place = RunDirectory(path, request.identity)
        asked = request.store(path)
        if on_start is not None:
            on_start(_announcement(asked, path))
        source = Training(asked, problem, path, executor, on_event)
        comparison = conclude(asked, path, source)
        place.write_result(comparison.to_dict())
        return reported(comparison) if report else comparison


def _executor(given: Executor | str | None, workers: int | None, device: str) -> Executor:
    if given in (None, "processes"):
        alone = 1 if device != "cpu" else None  # a GPU is shared badly
        return ProcessExecutor(alone if workers is None else workers)
    if isinstance(given, str):
        return executor_named(given, **({} if workers is None else {"workers": workers}))
    return given


def _announcement(request: Request, path: Path) -> str:
    """Say what is about to run, where, and how much of it stands there."""
    count, config = len(request.entries), request.config
    total = runs_expected(request)
    steps = f"{config.steps} steps" if request.equal == "tokens" else "equal time"
    grid = f"{count} x {request.seeds} seeds"
    if request.max_seeds is not None:
        grid += f", up to {request.max_seeds} seeds"
    search = f" and {total - count * request.seeds} to find learning rates" if request.tune else ""
    if request.tune or request.equal == "time":  # which runs follow is not known yet
        there = len(list(path.glob("jobs/*/outcome.json")))
        already = f"; {there} {'is' if there == 1 else 'are'} already there" if there else ""
    else:
        configs = {entry.label: request.config for entry in request.entries}
        grid_jobs = [job for _, _, job in verdict_jobs(request, configs, range(request.seeds))]
        already = already_there(grid_jobs, path / "jobs")
    return f"{count * request.seeds} runs ({grid}) of {steps}{search}, kept in {path}{already}"
