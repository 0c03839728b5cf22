"""Where the outcomes of a comparison's runs come from: trained now, or read from the directory.

The comparison itself is a function of outcomes alone (see :mod:`camber.compare.procedure`), so
running it, resuming it and reading it again are one procedure with another source.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from camber.compare.entries import Entry
from camber.compare.job import train_entry
from camber.compare.pace import paces
from camber.compare.prices import Price, prices
from camber.compare.request import Request
from camber.errors import RunError
from camber.tasks import Task
from camber.train import Event, EventSink, Executor, Job, Outcome, run_jobs
from camber.train.perform import stored_outcome


class Source(Protocol):
    """Answers what the procedure asks for."""

    def outcomes(self, jobs: Sequence[Job], left: int) -> list[Outcome]:
        """Return the outcome of each job; ``left`` more are certain to be asked for later."""
        ...

    def paces(self) -> Mapping[str, float]:
        """Return the time of a training step of each entry over that of the first one."""
        ...

    def prices(self, entries: Sequence[Entry]) -> tuple[Mapping[str, Price | None], str]:
        """Return what each activation costs by itself, and a note on the answer or ""."""
        ...


class Training:
    """Trains and measures what does not stand in the directory yet.

    Args:
        request: what was asked.
        task: to train on.
        directory: where everything is kept.
        executor: where jobs run.
        on_event: is told of every event, with counts over all stages of the comparison.
    """

    def __init__(
        self,
        request: Request,
        task: Task,
        directory: Path,
        executor: Executor,
        on_event: EventSink | None,
    ) -> None:
        self._request = request
        self._task = task
        self._directory = directory
        self._executor = executor
        self._on_event = on_event
        self._before = 0

    def outcomes(self, jobs: Sequence[Job], left: int) -> list[Outcome]:
        """Run what has no outcome yet.

        Raises:
            RunError: a run could not be made; those that are finished are kept.
        """
        before = self._before

        def tell(event: Event) -> None:
            if self._on_event is not None:
                done, total = before + event.done, before + event.total + left
                self._on_event(replace(event, done=done, total=total))

        found = run_jobs(train_entry, jobs, self._directory / "jobs", self._executor, tell)
        for outcome in found:
            if outcome.status == "failed":
                raise RunError(f"{outcome.job.label}, seed {outcome.job.seed}: {outcome.error}")
        self._before += len(found)
        # Two labels may name one job: it ran once and has one outcome.
        by_job = {outcome.job: outcome for outcome in found}
        return [by_job[job] for job in jobs]

    def paces(self) -> Mapping[str, float]:
        """Measure what ``pace.json`` does not hold yet."""
        request = self._request
        return paces(request.entries, self._directory, self._task, request.config)

    def prices(self, entries: Sequence[Entry]) -> tuple[Mapping[str, Price | None], str]:
        """Measure what ``prices.json`` does not hold yet."""
        return prices(entries, self._directory)


class Finished:
    """Reads what stands in the directory, and trains and measures nothing.

    Args:
        request: what was asked.
        directory: where everything is kept.
    """

    def __init__(self, request: Request, directory: Path) -> None:
        self._request = request
        self._directory = directory

    def outcomes(self, jobs: Sequence[Job], left: int) -> list[Outcome]:
        """Read outcomes.

        Raises:
            RunError: some are missing, or one is damaged.
        """
        distinct = dict.fromkeys(jobs)
        found = {job: stored_outcome(job, self._directory / "jobs") for job in distinct}
        missing = left + sum(outcome is None for outcome in found.values())
        standing = [outcome for outcome in (found[job] for job in jobs) if outcome is not None]
        if len(standing) < len(jobs):
            raise self._unfinished(missing)
        return standing

    def paces(self) -> Mapping[str, float]:
        """Read paces.

        Raises:
            RunError: one is missing or the file is damaged.
        """
        request = self._request
        return paces(request.entries, self._directory, None, request.config)

    def prices(self, entries: Sequence[Entry]) -> tuple[Mapping[str, Price | None], str]:
        """Read prices: None for what was not measured."""
        return prices(entries, self._directory, measure=False)

    def _unfinished(self, missing: int) -> RunError:
        least = "" if self._request.max_seeds is None else "at least "
        runs = "run is" if missing == 1 else "runs are"
        return RunError(
            f"{self._directory} is not finished, {least}{missing} {runs} missing: "
            f"camber compare --resume {shlex.quote(str(self._directory))} takes up the rest"
        )
