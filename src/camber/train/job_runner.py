"""Many jobs in one directory: each done exactly once, whatever kills the command in between."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from camber.errors import CamberError
from camber.train.executors import Executor
from camber.train.executors import executor as executor_named
from camber.train.job import Event, EventSink, Job, JobFunction, Outcome
from camber.train.lock import locked
from camber.train.perform import stored_outcome


def already_there(jobs: Iterable[Job], directory: Path | str) -> str:
    """Return what to say of the jobs whose outcomes stand in ``directory``; "" if none do.

    Raises:
        RunError: an outcome in it is damaged.

    Example:
        >>> import tempfile
        >>> from camber.train import InlineExecutor, Job, run_jobs
        >>> def nothing(job, place):
        ...     return {}
        >>> jobs = [Job({}, seed=seed) for seed in range(3)]
        >>> with tempfile.TemporaryDirectory() as place:
        ...     before = already_there(jobs, place)
        ...     _ = run_jobs(nothing, jobs[:2], place, InlineExecutor())
        ...     after = already_there(jobs, place)
        >>> before, after
        ('', '; 2 are already there, 1 is left')
    """
    stand = [stored_outcome(job, Path(directory)) is not None for job in jobs]
    there, left = sum(stand), len(stand) - sum(stand)
    if there == 0:
        return ""
    if left == 0:
        return "; all are already there"
    are, rest = ("is", "are")[there > 1], ("is", "are")[left > 1]
    return f"; {there} {are} already there, {left} {rest} left"


def run_jobs(
    function: JobFunction,
    jobs: Iterable[Job],
    directory: Path | str,
    executor: Executor | None = None,
    on_event: EventSink | None = None,
) -> list[Outcome]:
    """Run what has no outcome in ``directory`` yet and return all outcomes.

    Idempotent: the same call after a kill, a Ctrl-C or a full disk takes up the rest, and a call
    when all is done runs nothing. A failed job (a sentence in its ``error``) is tried again by
    the next call; a failed one does not keep the others from running.

    Args:
        function: what each job runs (importable, for executors other than "inline").
        jobs: which jobs; the same job twice is one job.
        directory: each job gets ``directory/<first 16 digits of its address>``.
        executor: where they run; default: one worker process per processor.
        on_event: is told of every :class:`~camber.train.job.Event`, with counts.

    Returns:
        One outcome per distinct job, in the order of ``jobs``.

    Raises:
        RunError: another command works in the directory, or an outcome in it is damaged.

    Example:
        >>> import tempfile
        >>> from camber.train import InlineExecutor
        >>> def double(job, place):
        ...     return {"twice": 2 * job.config["n"]}
        >>> with tempfile.TemporaryDirectory() as place:
        ...     done = run_jobs(double, [Job({"n": 4}, seed=0)], place, InlineExecutor())
        >>> done[0].result
        {'twice': 8}
    """
    directory = Path(directory)
    wanted = list(dict.fromkeys(jobs))
    outcomes: dict[Job, Outcome] = {}

    def tell(event: Event) -> None:
        if on_event is not None:
            on_event(replace(event, done=len(outcomes), total=len(wanted)))

    with locked(directory):
        for job in wanted:
            if stored := stored_outcome(job, directory):
                outcomes[job] = stored
                tell(Event(kind="stands", job=job, fields=stored.result))
        rest = [job for job in wanted if job not in outcomes]
        if rest:
            chosen = executor if executor is not None else executor_named()
            running = chosen.map(function, rest, directory=directory, on_event=tell)
            with contextlib.closing(running):
                for outcome in running:
                    outcomes[outcome.job] = outcome
                    fields = outcome.result if outcome.status == "finished" else {}
                    error = {"error": outcome.error} if outcome.error else {}
                    tell(Event(kind=outcome.status, job=outcome.job, fields={**fields, **error}))
    if missing := [job for job in wanted if job not in outcomes]:
        raise CamberError(
            f"the executor {chosen!r} gave no outcome for {missing[0].title}: run the command again"
        )
    return [outcomes[job] for job in wanted]
