"""One job in another process: what crosses over, and what both sides do with it.

Every executor whose jobs leave this process (worker processes, Ray, Slurm) sends two orders, plain
data both: what to prepare once (:func:`start_order`) and which job to do (:func:`job_order`). The
other side answers with one message, which :func:`outcome_of` makes an outcome. Functions cross by
address, never as pickles.
"""

import contextlib
import importlib
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from camber.errors import CamberError
from camber.train.job import Event, Job, JobFunction, Outcome
from camber.train.perform import perform
from camber.train.plain_json import plain_dict

#: What the numerical libraries read, as they are loaded, to learn how many threads to use.
THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def address(function: JobFunction) -> str:
    """Return ``"module:qualified.name"``, by which a fresh interpreter finds ``function``.

    Raises:
        CamberError: no fresh interpreter can: a lambda, a local function, or one of a script.

    Example:
        >>> address(address)
        'camber.train.elsewhere:address'
    """
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None)
    if module == "__main__":
        # python -m package.module: the module has a name that can be imported after all
        module = getattr(getattr(sys.modules["__main__"], "__spec__", None), "name", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
        raise CamberError(
            f"a worker process cannot import {name or function!r}: put the function at the top "
            "level of an importable module, or use executor('inline')"
        )
    return f"{module}:{name}"


def start_order(function: JobFunction, threads: int | None) -> dict[str, object]:
    """Return what the other side must know before its first job.

    Args:
        function: what each job runs.
        threads: how many threads operations may use there; None for what that place has set.

    Raises:
        CamberError: the function cannot be imported elsewhere.
    """
    return {
        "function": address(function),
        "path": [entry or str(Path.cwd()) for entry in sys.path],
        "threads": threads,
    }


def job_order(job: Job, directory: Path | None) -> dict[str, object]:
    """Return ``job`` and the parent of its directory as plain data."""
    return {
        "job": job.to_dict(),
        "directory": None if directory is None else str(directory.absolute()),
    }


def prepare(start: Mapping[str, object]) -> JobFunction:
    """Make this process ready for jobs and return the function they run.

    Raises:
        CamberError: there is no such function here.
    """
    path, threads = start["path"], start["threads"]
    if isinstance(path, list):
        here = [entry for entry in sys.path if entry not in path]
        sys.path[:] = [*(str(entry) for entry in path), *here]
    if isinstance(threads, int):
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    function = resolve(str(start["function"]))
    if "torch" in sys.modules and isinstance(threads, int):
        import torch

        torch.set_num_threads(threads)
    return function


def resolve(address: str) -> JobFunction:
    """Import the function at ``"module:qualified.name"``.

    Raises:
        CamberError: there is none.
    """
    module_name, _, qualified = address.partition(":")
    try:
        found: object = importlib.import_module(module_name)
        for part in qualified.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise CamberError(
            f"a worker process could not import {address} ({error}): "
            "put the function at the top level of an importable module"
        ) from error
    if not callable(found):
        raise CamberError(f"{address} is a {type(found).__name__}, not a function")
    return found


def carry_out(
    function: JobFunction,
    order: Mapping[str, object],
    send: Callable[[Mapping[str, object]], None],
) -> dict[str, object]:
    """Do the ordered job and return the message about it: plain data, whatever happened.

    What the job prints goes to its ``log.txt``, and so does the traceback of a mistake.
    """
    job = Job.from_dict(order["job"])
    directory = None if order["directory"] is None else Path(str(order["directory"]))
    log = None if directory is None else directory / job.short / "log.txt"
    with _prints_to(log):
        try:
            outcome = perform(function, job, directory, send)
        except Exception as error:  # a mistake in one job must not take the others' worker away
            traceback.print_exc()
            text = f"{type(error).__name__}: {error}"
            if log is not None:
                text += f" (the traceback stands in {log})"
            outcome = Outcome(job=job, status="failed", error=text)
    return {
        "kind": outcome.status,
        "result": dict(outcome.result),
        "error": outcome.error,
        "seconds": outcome.seconds,
    }


def outcome_of(job: Job, message: Mapping[str, object]) -> Outcome:
    """Return the outcome that a message of :func:`carry_out` tells of."""
    if message["kind"] == "failed":
        return Outcome(job=job, status="failed", error=str(message["error"]))
    result, seconds = message["result"], message["seconds"]
    return Outcome(
        job=job,
        status="finished",
        result=result if isinstance(result, dict) else {},
        seconds=seconds if isinstance(seconds, float) else 0.0,
    )


class Reports:
    """Progress reports on their way: plain data, and no more of them than anybody could read.

    Args:
        send: what carries a report.
        every: reports closer together than this (seconds) are dropped; the first never is.
    """

    def __init__(self, send: Callable[[dict[str, object]], None], every: float) -> None:
        self._send, self._every = send, every
        self._last = -math.inf

    def __call__(self, fields: Mapping[str, object]) -> None:
        """Send a report, if it is time."""
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            self._send(plain_dict(fields, where="a progress report"))


def check_whole(least: int, **values: object) -> None:
    """Refuse options that are no whole numbers of at least ``least``; None is no number given.

    Raises:
        CamberError: one of them is not, named.
    """
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise CamberError(f"{name} is {value!r}: give a whole number")
        if value < least:
            raise CamberError(f"{name} is {value}: give at least {least}")


def check_number(name: str, value: object, *, positive: bool) -> None:
    """Refuse an option that is no finite number, below 0, or 0 where it must be positive.

    Raises:
        CamberError: it is not.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        fits = value > 0 if positive else value >= 0
    else:
        fits = False
    if not fits:
        least = "more than 0" if positive else "0 or more"
        raise CamberError(f"{name} is {value!r}: give a number, {least}")


def nobody(event: Event) -> None:
    """Take an event and do nothing with it."""


@contextlib.contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while, where the user has not set them."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _prints_to(path: Path | None) -> Iterator[None]:
    """Send what this process prints, at the level of file descriptors, to ``path``."""
    if path is None:
        yield
        return
    saved = os.dup(1), os.dup(2)
    try:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
        yield
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        for descriptor, before in zip((1, 2), saved, strict=True):
            os.dup2(before, descriptor)
            os.close(before)
        with contextlib.suppress(OSError):
            if path.stat().st_size == 0:
                path.unlink()
