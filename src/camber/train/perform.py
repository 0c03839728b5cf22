"""One job, done in its own directory: what every executor runs, wherever the job lands.

===================  =============================================================================
``job.json``         what the job is (configuration, seed, digest)
``log.txt``          what the job printed, where it ran in a worker process
``outcome.json``     what it returned; written last, atomically: a job with it is finished
``.attempt``         held while the job runs, so that no two attempts at it ever run at one time
===================  =============================================================================

The outcome is written where the job runs, before anybody is told, so that no finished job can be
lost by a kill of whoever started it.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from camber.errors import CamberError, RunError
from camber.train.atomic import read_json, remove_leftovers, write_json
from camber.train.job import JOB_SCHEMA, Job, JobFunction, Outcome, Workplace
from camber.train.lock import locked
from camber.train.plain_json import plain_dict


def stored_outcome(job: Job, directory: Path) -> Outcome | None:
    """Return the outcome of ``job`` that stands in ``directory``; None if it has none yet.

    Raises:
        RunError: the file is damaged or tells of another job.
    """
    path = directory / job.short / "outcome.json"
    remedy = "delete it and the job runs again"
    stored = read_json(path, schema=JOB_SCHEMA, remedy=remedy)
    if stored is None:
        return None
    result, seconds = stored.get("result"), stored.get("seconds")
    if stored.get("digest") != job.digest:
        raise RunError(f"{path} belongs to another job: {remedy}")
    if not isinstance(result, dict) or not isinstance(seconds, int | float):
        raise RunError(f"{path} is damaged (it has no result): {remedy}")
    return Outcome(job=job, status="finished", result=result, seconds=seconds)


def perform(
    function: JobFunction,
    job: Job,
    directory: Path | None,
    send: Callable[[Mapping[str, object]], None],
) -> Outcome:
    """Run ``job`` and store its outcome under ``directory``, or return the one that stands.

    Args:
        function: what to run.
        job: with what.
        directory: the parent of the jobs' directories; None to store nothing.
        send: where progress reports go.

    Returns:
        The outcome. A :class:`~camber.errors.CamberError` of the function is a failed outcome and
        is not stored (the next command tries again); any other exception is a mistake in the
        program and passes through.
    """
    try:
        if directory is None:
            return _run(function, job, None, send)
        folder = directory / job.short
        # A worker whose command was killed may take a moment to leave: it is waited for.
        # The name is its own: the fit inside holds the same directory by its ".lock".
        with locked(folder, wait=True, name=".attempt"):
            if stored := stored_outcome(job, directory):
                return stored
            remove_leftovers(folder)
            write_json(folder / "job.json", job.to_dict())
            outcome = _run(function, job, folder, send)
            write_json(
                folder / "outcome.json",
                {
                    "schema": JOB_SCHEMA,
                    "digest": job.digest,
                    "seconds": outcome.seconds,
                    "result": outcome.result,
                },
            )
            return outcome
    except CamberError as error:
        return Outcome(job=job, status="failed", error=str(error))


def _run(
    function: JobFunction,
    job: Job,
    folder: Path | None,
    send: Callable[[Mapping[str, object]], None],
) -> Outcome:
    start = time.perf_counter()
    returned = function(job, Workplace(folder, send))
    result = plain_dict(returned, where="the result of a job")
    seconds = time.perf_counter() - start
    return Outcome(job=job, status="finished", result=result, seconds=seconds)
