"""One seam for many jobs: ``map(function, jobs)`` gives outcomes as they come.

An executor decides *where* jobs run, never what they mean: a job is idempotent, writes its own
directory, and its outcome is the same object wherever it ran.
"""

import contextlib
import inspect
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

from camber.errors import CamberError, nearest, unknown_name
from camber.train.elsewhere import nobody
from camber.train.job import Event, EventSink, Job, JobFunction, Outcome
from camber.train.perform import perform
from camber.train.processes import ProcessExecutor
from camber.train.ray_executor import RayExecutor
from camber.train.slurm_executor import SlurmExecutor


class Executor(Protocol):
    """Where jobs run."""

    def map(
        self,
        function: JobFunction,
        jobs: Iterable[Job],
        *,
        directory: Path | None = None,
        on_event: EventSink | None = None,
    ) -> Generator[Outcome, None, None]:
        """Yield an outcome for each job, in the order in which they end.

        Args:
            function: what each job runs.
            jobs: which jobs; those whose outcome stands in ``directory`` are not run again.
            directory: the parent of the jobs' directories; None to keep nothing.
            on_event: is told of "started", "progress" and "retried", in the caller's thread.

        Closing the generator (or an exception at the caller, such as Ctrl-C) stops what runs.
        """
        ...


class InlineExecutor:
    """Jobs one after the other in this process: for tests, debugging and single jobs.

    A :class:`~camber.errors.CamberError` is a failed outcome; any other exception passes through
    with its traceback, which is what one wants while writing a job.

    Example:
        >>> jobs = [Job({"n": n}, seed=0) for n in (2, 3)]
        >>> def square(job, place):
        ...     return {"square": job.config["n"] ** 2}
        >>> [outcome.result["square"] for outcome in InlineExecutor().map(square, jobs)]
        [4, 9]
    """

    def map(
        self,
        function: JobFunction,
        jobs: Iterable[Job],
        *,
        directory: Path | None = None,
        on_event: EventSink | None = None,
    ) -> Generator[Outcome, None, None]:
        """Yield an outcome for each job, in order (see :meth:`Executor.map`)."""
        tell = on_event or nobody
        for job in jobs:
            tell(Event(kind="started", job=job))
            yield perform(function, job, directory, _reporter(job, tell))


def _reporter(job: Job, tell: EventSink) -> Callable[[Mapping[str, object]], None]:
    return lambda fields: tell(Event(kind="progress", job=job, fields=fields))


#: Name -> executor class. Those of optional worlds import them as they are made.
EXECUTORS: Final[dict[str, Callable[..., Executor]]] = {
    "inline": InlineExecutor,
    "processes": ProcessExecutor,
    "ray": RayExecutor,
    "slurm": SlurmExecutor,
}


def executor(name: str = "processes", **options: object) -> Executor:
    """Return the executor called ``name``.

    Args:
        name: "inline", "processes", "ray" or "slurm"; options may follow as text, so that a command
            line has them: "slurm:partition=gpu,minutes=30".
        options: passed to its class, such as ``workers=2``.

    Raises:
        UnknownNameError: there is no such executor.
        CamberError: it has no such option, or a value is out of range.
        MissingExtraError: it needs a package that is not installed.

    Example:
        >>> executor("processes", workers=2)
        ProcessExecutor(workers=2, threads=1)
        >>> executor("processes:workers=2,threads=4")
        ProcessExecutor(workers=2, threads=4)
    """
    name, _, text = name.partition(":")
    if name not in EXECUTORS:
        raise unknown_name("executor", name, EXECUTORS)
    kind = EXECUTORS[name]
    options = {**_options(name, text), **options}
    known = list(inspect.signature(kind).parameters)
    if unknown := sorted(options.keys() - set(known)):
        has = f"it has {', '.join(known)}" if known else "it has none, and runs one job at a time"
        near = [f"; did you mean {near!r}?" for near in nearest(unknown[0], known, count=1)]
        raise CamberError(
            f"the executor {name!r} has no option {unknown[0]!r}: {has}{''.join(near)}"
        )
    return kind(**options)


def _options(name: str, text: str) -> dict[str, object]:
    """Read ``key=value,key=value``; whole numbers and decimals become numbers."""
    found: dict[str, object] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (equals and key and value):
            raise CamberError(
                f"{pair!r} is no option of the executor {name!r}: write key=value, such as "
                f"'{name}:workers=2'"
            )
        found[key] = value
        for kind in (float, int):
            with contextlib.suppress(ValueError):
                found[key] = kind(value)
    return found
