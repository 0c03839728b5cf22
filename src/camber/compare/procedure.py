"""A comparison from request to verdict, as a function of the outcomes of its runs.

Paces (at equal time), then learning rates (tuned), then the runs of the verdict, then what the
activations cost. Every step follows from the request and from outcomes, so that a comparison cut
short at any point goes on to the same answer, and a finished one is read without training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from camber.compare import notes
from camber.compare.assemble import Findings, assemble
from camber.compare.comparison import Comparison
from camber.compare.gap import neighbours
from camber.compare.job import run_job
from camber.compare.outcomes import Source
from camber.compare.pace import steps_at
from camber.compare.request import Request
from camber.compare.statistics import Sequential, sequential
from camber.compare.subject import Run, metrics_of
from camber.compare.tuning import (
    Trial,
    Tuning,
    trials_of,
    tune,
    tuning_job,
    with_steps,
)
from camber.errors import CamberError
from camber.train import FitConfig, Job

Configs = Mapping[str, FitConfig]
Runs = dict[str, tuple[Run, ...]]


def conclude(request: Request, directory: Path, source: Source) -> Comparison:
    """Ask ``source`` for everything that ``request`` needs, and draw the conclusions.

    Raises:
        RunError: the source has not all that is asked for.
        CamberError: every entry has a run that diverged.
    """
    configs = {entry.label: request.config for entry in request.entries}
    paces: Mapping[str, float] = {}
    if request.equal == "time":
        paces = source.paces()
        configs = {
            label: with_steps(config, steps_at(paces[label], config.steps))
            for label, config in configs.items()
        }
    tunings: Mapping[str, Tuning] = {}
    if request.tune:
        tunings = _tuned(request, configs, source)
        configs = {
            label: replace(config, learning_rate=tunings[label].learning_rate)
            for label, config in configs.items()
        }
    runs, looked = _verdict(request, configs, source, directory)
    prices, damage = source.prices(request.entries)
    ranked = sum(not any(run.failed for run in own) for own in runs.values())
    first = runs[request.entries[0].label][0]
    findings = Findings(
        runs=runs,
        configs=configs,
        paces=paces,
        tunings=tunings,
        prices=prices,
        looked=looked,
        notes=(
            notes.scope(request, first.parameters),
            *notes.equal_time(configs, paces),
            *notes.tuned(tunings),
            *notes.looked(request, looked),
            notes.selection(len(request.entries), ranked),
            *neighbours(request.entries),
            notes.data(request.facts),
            *([damage] if damage else []),
        ),
    )
    return assemble(request, findings, directory)


def runs_expected(request: Request) -> int:
    """How many runs the request takes, at the least where seeds may join."""
    tuning = trials_of(len(request.entries)) if request.tune else 0
    return tuning + len(request.entries) * request.seeds


def _tuned(request: Request, configs: Configs, source: Source) -> dict[str, Tuning]:
    entries = {entry.label: entry for entry in request.entries}
    facts, options = request.facts, request.options
    after = len(entries) * request.seeds

    def ask(trials: Sequence[Trial], left: int) -> list[float]:
        jobs = [
            tuning_job(run_job(entries[label], facts, options, config, seed))
            for label, config, seed in trials
        ]
        outcomes = source.outcomes(jobs, left + after)
        return [Run.from_result(out.job.seed, out.result).metric for out in outcomes]

    return tune(configs, ask, sign=facts.metric.sign)


def verdict_jobs(
    request: Request, configs: Configs, seeds: Sequence[int]
) -> list[tuple[str, int, Job]]:
    """Return label, seed and job of each run of the verdict, seed by seed."""
    return [
        (
            entry.label,
            seed,
            run_job(entry, request.facts, request.options, configs[entry.label], seed),
        )
        for seed in seeds
        for entry in request.entries
    ]


def _verdict(
    request: Request, configs: Configs, source: Source, directory: Path
) -> tuple[Runs, Sequential | None]:
    """Return the runs of the verdict: all at once, or look by look until the rule stops."""
    runs = _runs(request, configs, range(request.seeds), source)
    _refuse_if_all_failed(runs, directory)
    if request.looks is None:
        return runs, None
    lower = request.facts.metric.better == "lower"
    while True:
        found = sequential(metrics_of(runs), request.looks, lower_is_better=lower)
        if found.stop:
            return runs, found
        have = len(runs[request.entries[0].label])
        more = _runs(request, configs, range(have, found.seeds_wanted), source)
        runs = {label: own + more[label] for label, own in runs.items()}
        _refuse_if_all_failed(runs, directory)


def _runs(request: Request, configs: Configs, seeds: Sequence[int], source: Source) -> Runs:
    """Return the runs of the verdict by entry, seeds ascending."""
    grid = verdict_jobs(request, configs, seeds)
    outcomes = source.outcomes([job for _, _, job in grid], 0)
    runs: dict[str, list[Run]] = {}
    for (label, seed, job), outcome in zip(grid, outcomes, strict=True):
        runs.setdefault(label, []).append(Run.from_result(seed, outcome.result, job.short))
    return {label: tuple(own) for label, own in runs.items()}


def _refuse_if_all_failed(runs: Runs, directory: Path) -> None:
    """Raise where no entry can be ranked: there is no verdict to print."""
    if any(not any(run.failed for run in own) for own in runs.values()):
        return
    label, run = next((label, r) for label, own in runs.items() for r in own if r.failed)
    others = "" if len(runs) == 1 else " (and every other entry with some seed)"
    raise CamberError(
        f"{label} diverged with seed {run.seed}{others}: {run.reason}; nothing is left to rank, "
        f"and the runs are kept in {directory}"
    )
