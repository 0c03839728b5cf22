"""The worker's side of :class:`~camber.train.processes.ProcessExecutor`.

``python -m camber.train.worker`` reads JSON lines from standard input (first the import path and
the function, then jobs) and answers with JSON lines on what was its standard output; whatever the
job itself prints goes to the job's ``log.txt``. When standard input ends, whoever started the
worker has finished or died, and the worker leaves at once, in the middle of a job if need be:
everything it writes is atomic.
"""

import contextlib
import importlib
import json
import math
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from camber.errors import CamberError
from camber.train.job import Job, JobFunction, Outcome
from camber.train.perform import perform
from camber.train.plain_json import plain_dict

#: Progress reports closer together than this (seconds) are dropped: nobody could read them.
REPORT_EVERY: Final = 0.1


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


class _Line:
    """The line to the parent: one JSON object per message, from any thread."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.begin()

    def say(self, **message: object) -> None:
        with self._lock:
            try:
                self._stream.write(json.dumps(message, allow_nan=False) + "\n")
                self._stream.flush()
            except OSError:
                os._exit(0)  # the parent is gone

    def begin(self) -> None:
        """Let the first report of a job through."""
        self._reported = -math.inf

    def report(self, fields: Mapping[str, object]) -> None:
        now = time.monotonic()
        if now - self._reported >= REPORT_EVERY:
            self._reported = now
            self.say(kind="progress", fields=plain_dict(fields, where="a progress report"))


@contextlib.contextmanager
def _prints_to(path: Path | None) -> Iterator[None]:
    """Send what this process prints, at the level of file descriptors, to ``path``."""
    if path is None:
        yield
        return
    saved = os.dup(2)
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
        os.dup2(saved, 1)
        os.dup2(saved, 2)
        os.close(saved)
        with contextlib.suppress(OSError):
            if path.stat().st_size == 0:
                path.unlink()


def _do(function: JobFunction, order: Mapping[str, object], line: _Line) -> Outcome:
    job = Job.from_dict(order["job"])
    directory = None if order["directory"] is None else Path(str(order["directory"]))
    log = None if directory is None else directory / job.short / "log.txt"
    line.begin()
    with _prints_to(log):
        try:
            return perform(function, job, directory, line.report)
        except Exception as error:  # a mistake in one job must not take the others' worker away
            traceback.print_exc()
            text = f"{type(error).__name__}: {error}"
    if log is not None:
        text += f" (the traceback stands in {log})"
    return Outcome(job=job, status="failed", error=text)


def _listen(orders: "queue.SimpleQueue[dict[str, object]]") -> None:
    for text in sys.stdin:
        orders.put(json.loads(text))
    os._exit(0)


def main() -> None:
    """Work until standard input ends."""
    # Ctrl-C reaches the whole process group; the parent alone decides what to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = _Line(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    orders: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    start = orders.get()
    path, threads = start["path"], start["threads"]
    if isinstance(path, list):
        sys.path[:] = [str(entry) for entry in path]
    try:
        function = resolve(str(start["function"]))
    except CamberError as error:
        line.say(kind="broken", error=str(error))
        os._exit(0)  # not by return: the listening thread holds standard input
    if "torch" in sys.modules and isinstance(threads, int):
        import torch

        torch.set_num_threads(threads)
    line.say(kind="ready")
    while True:
        outcome = _do(function, orders.get(), line)
        line.say(
            kind=outcome.status,
            result=dict(outcome.result),
            error=outcome.error,
            seconds=outcome.seconds,
        )


if __name__ == "__main__":
    main()
