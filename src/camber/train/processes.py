"""Jobs in worker processes: fresh interpreters, one thread each, fed over pipes.

Workers are started by ``exec``, not by fork (which inherits locks held by torch's threads) and not
by :mod:`multiprocessing` (whose spawn runs the user's script again in each worker, so that scripts
without a ``__main__`` guard break). They and the parent exchange JSON lines, never pickles.
"""

import collections
import queue
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Final

from camber.errors import CamberError, RunError
from camber.train.deaths import Deaths
from camber.train.elsewhere import check_whole, nobody, outcome_of, start_order
from camber.train.job import Event, EventSink, Job, JobFunction, Outcome
from camber.train.machine import usable_cpus
from camber.train.worker_process import Inbox, Worker

#: How many workers in a row may be killed before they are ready.
START_LIMIT: Final = 5


class ProcessExecutor:
    """Jobs in worker processes on this machine: the default.

    Args:
        workers: how many at a time; None for one per usable processor.
        threads: how many threads each may use inside its operations.

    A worker that dies (out of memory, a kill) costs nothing but time: its job starts again, from
    its last checkpoint if it keeps any. A second death with nothing gained in between makes it a
    failed outcome with a sentence. Ctrl-C kills the workers at once;
    finished jobs keep their outcomes. Workers leave by themselves when the parent dies.

    Raises:
        CamberError: workers or threads below 1.
    """

    def __init__(self, workers: int | None = None, threads: int = 1) -> None:
        check_whole(1, workers=workers, threads=threads)
        self.workers = workers if workers is not None else usable_cpus()
        self.threads = threads

    def __repr__(self) -> str:
        return f"ProcessExecutor(workers={self.workers}, threads={self.threads})"

    def map(
        self,
        function: JobFunction,
        jobs: Iterable[Job],
        *,
        directory: Path | None = None,
        on_event: EventSink | None = None,
    ) -> Generator[Outcome, None, None]:
        """Yield an outcome for each job, in the order in which they end.

        See :meth:`camber.train.executors.Executor.map`. ``function`` must be importable: defined
        at the top level of a module that a fresh interpreter finds.

        Raises:
            CamberError: the function cannot be imported by a worker.
            RunError: workers do not start.
        """
        crew = _Crew(self, function, collections.deque(jobs), directory, on_event or nobody)
        try:
            while crew.unfinished:
                crew.dispatch()
                outcome = crew.hear()
                # The worker that just became free goes on before anybody looks at its outcome.
                crew.dispatch()
                if outcome is not None:
                    yield outcome
        finally:
            crew.stop()


class _Crew:
    """The workers and the jobs of one ``map``."""

    def __init__(
        self,
        executor: ProcessExecutor,
        function: JobFunction,
        waiting: collections.deque[Job],
        directory: Path | None,
        tell: EventSink,
    ) -> None:
        self._executor = executor
        self._start = start_order(function, executor.threads)
        self._waiting = waiting
        self._directory = directory
        self._tell = tell
        self._deaths = Deaths()
        self._failed_starts = 0
        self._inbox: Inbox = queue.SimpleQueue()
        self._workers: list[Worker] = []

    @property
    def _busy(self) -> int:
        return sum(worker.job is not None for worker in self._workers)

    @property
    def unfinished(self) -> bool:
        """Whether a job waits or runs."""
        return bool(self._waiting) or self._busy > 0

    def dispatch(self) -> None:
        """Hand waiting jobs to free workers and start workers that are wanted."""
        for worker in self._workers:
            if self._waiting and worker.ready and worker.job is None:
                job = self._waiting.popleft()
                worker.give(job, self._directory)
                self._deaths.started(job)
                self._tell(Event(kind="started", job=job))
        wanted = min(self._executor.workers, len(self._waiting) + self._busy)
        while len(self._workers) < wanted:
            self._workers.append(Worker(self._start, self._executor.threads, self._inbox))

    def hear(self) -> Outcome | None:
        """Wait for one message; return the outcome it makes, if it makes one."""
        worker, message = self._inbox.get()
        job = worker.job
        if message is None:
            return self._bury(worker)
        kind = message["kind"]
        if kind == "broken":
            raise CamberError(str(message["error"]))
        if kind == "progress":
            fields = message["fields"]
            if job is not None and isinstance(fields, dict):
                self._deaths.reported(job, fields)
                self._tell(Event(kind="progress", job=job, fields=fields))
            return None
        worker.ready, worker.job = True, None
        self._failed_starts = 0
        return None if job is None else outcome_of(job, message)

    def _bury(self, worker: Worker) -> Outcome | None:
        self._workers.remove(worker)
        how = worker.obituary()
        job = worker.job
        if not worker.ready:
            # One killed as it started is as innocent as one killed at work; one that says why it
            # does not start will say so again.
            self._failed_starts += 1
            if not worker.killed or self._failed_starts >= START_LIMIT:
                raise RunError(f"a worker process did not start ({how})")
            return None
        if job is None:
            return None
        if self._deaths.fatal(job):
            return Outcome(
                job=job,
                status="failed",
                error=f"the worker process of {job.title} died twice: {how}",
            )
        self._tell(Event(kind="retried", job=job, fields={"reason": how}))
        self._waiting.appendleft(job)
        return None

    def stop(self) -> None:
        """Kill all workers."""
        for worker in self._workers:
            worker.stop()
