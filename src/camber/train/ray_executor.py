"""Jobs as Ray tasks: on this machine, or on a cluster that runs already.

Only tasks of Ray Core are used. Each is a generator that yields plain messages: that it began, its
progress, and last what came of it; a job function crosses by address, as it does to any worker.
"""

from __future__ import annotations

import builtins
import contextlib
import logging
import os
import queue
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from camber.errors import CamberError, RunError, require
from camber.train.deaths import Deaths
from camber.train.elsewhere import (
    Reports,
    carry_out,
    check_number,
    check_whole,
    job_order,
    nobody,
    outcome_of,
    prepare,
    variables,
)
from camber.train.elsewhere import start_order as start_order_of
from camber.train.job import Event, EventSink, Job, JobFunction, Outcome
from camber.train.machine import usable_cpus

#: Seconds between progress reports of one job: each is a message through Ray's object store.
REPORT_EVERY: Final = 0.5

#: Results are small; Ray would otherwise take a third of the memory for its object store.
_STORE_BYTES: Final = 100 * 2**20

# Read by Ray as it is imported and as its processes start: nothing is sent to its makers, and a
# local cluster listens on the loopback interface only.
_QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


class RayExecutor:
    """Jobs as tasks of Ray, here or on a cluster.

    Without ``address``, a Ray of its own starts on this machine for the time of one ``map``: no
    dashboard, no usage statistics, and it listens on the loopback interface only (Ray guards it
    with a token of its own, which it keeps in ``~/.ray``). A Ray that runs already is used and left
    as it is. A job writes its own directory where it runs, so on a cluster
    ``directory`` must lie on a file system that all its machines share.

    Args:
        workers: jobs at a time on this machine; None for one per usable processor. A cluster
            decides for itself.
        address: of a running cluster, such as ``"10.0.0.5:6379"`` or ``"auto"``.
        gpus_per_job: GPUs that each job is given; a fraction shares one.
        threads: processors of each job, and threads inside its operations.

    Raises:
        MissingExtraError: Ray is not installed.
        CamberError: a value out of range, or an address of Ray's client (``ray://``).
    """

    def __init__(
        self,
        workers: int | None = None,
        address: str | None = None,
        gpus_per_job: float = 0,
        threads: int = 1,
    ) -> None:
        check_whole(1, workers=workers, threads=threads)
        check_number("gpus_per_job", gpus_per_job, positive=False)
        if address is not None and workers is not None:
            raise CamberError(
                f"workers is {workers} and address is {address!r}: a running cluster decides "
                "itself how many jobs run at a time, so give one of the two"
            )
        if address is not None and address.startswith("ray://"):
            raise CamberError(
                f"the address {address!r} is one of Ray's client: run the command on a machine of "
                "the cluster and give 'auto', or give the cluster's own address, HOST:6379"
            )
        self.workers, self.address = workers, address
        self.gpus_per_job, self.threads = gpus_per_job, threads
        with variables(_QUIET):
            require("ray", extra="ray", feature="executor('ray')")

    def __repr__(self) -> str:
        return (
            f"RayExecutor(workers={self.workers}, address={self.address!r}, "
            f"gpus_per_job={self.gpus_per_job}, threads={self.threads})"
        )

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
        at the top level of a module that every machine finds.

        Raises:
            CamberError: the function cannot be imported, or no machine has the GPUs asked for.
            RunError: Ray does not start, or there is none at the address.
        """
        start = start_order_of(function, self.threads)
        waiting = list(jobs)
        if not waiting:
            return
        with self._connected() as ray:
            task = ray.remote(_work).options(
                num_returns="streaming",
                max_retries=0,  # a death is counted, and told, here
                num_cpus=self.threads,
                num_gpus=self.gpus_per_job,
            )
            crew = _Crew(ray, task, start, directory, on_event or nobody)
            try:
                for job in waiting:
                    crew.submit(job)
                while crew.running:
                    outcome = crew.hear()
                    if outcome is not None:
                        yield outcome
            finally:
                crew.stop()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        import ray

        if ray.is_initialized():  # the caller's own: neither configured nor shut down here
            self._check_gpus(ray)
            yield ray
            return
        try:
            with variables(_QUIET):
                if self.address is None:
                    workers = usable_cpus() if self.workers is None else self.workers
                    ray.init(
                        "local",
                        num_cpus=workers * self.threads,
                        object_store_memory=_STORE_BYTES,
                        include_dashboard=False,
                        log_to_driver=False,
                        logging_level=logging.ERROR,
                    )
                else:
                    ray.init(self.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
            ray.shutdown()
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            if self.address is None:
                raise RunError(f"Ray did not start on this machine ({reason})") from error
            raise RunError(
                f"there is no Ray at {self.address} ({reason}): "
                "start one with `ray start --head`, set RAY_AUTH_MODE=token if it asks for one, "
                "or leave the address away"
            ) from error
        with _quiet():
            try:
                self._check_gpus(ray)
                yield ray
            finally:
                ray.shutdown()  # stops a Ray that was started here, and leaves any other

    def _check_gpus(self, ray: Any) -> None:
        # Ray would wait for ever for a machine that may join.
        there = ray.cluster_resources().get("GPU", 0)
        if self.gpus_per_job > there:
            raise CamberError(
                f"gpus_per_job is {self.gpus_per_job} and this Ray has {there:g} GPUs: "
                "ask for fewer, or connect to a cluster that has them"
            )


class _Crew:
    """The tasks of one ``map``."""

    def __init__(
        self,
        ray: Any,
        task: Any,
        start: Mapping[str, object],
        directory: Path | None,
        tell: EventSink,
    ) -> None:
        self._ray, self._task, self._start = ray, task, start
        self._directory, self._tell = directory, tell
        self._deaths = Deaths()
        self.running: dict[Any, Job] = {}  # a task's stream of messages -> its job

    def submit(self, job: Job) -> None:
        """Hand ``job`` to Ray, which starts it when there is room."""
        self.running[self._task.remote(self._start, job_order(job, self._directory))] = job

    def hear(self) -> Outcome | None:
        """Wait for one message; return the outcome it makes, if it makes one."""
        (stream,), _ = self._ray.wait(list(self.running), num_returns=1)
        job = self.running[stream]
        try:
            message = self._ray.get(next(stream))
        except self._ray.exceptions.RayTaskError:
            raise  # a mistake in this file, not in a job
        except (self._ray.exceptions.RayError, StopIteration) as error:
            return self._bury(stream, str(error).strip().partition("\n")[0])
        if message["kind"] == "started":
            self._deaths.started(job)
            self._tell(Event(kind="started", job=job))
        elif message["kind"] == "progress":
            self._deaths.reported(job, message["fields"])
            self._tell(Event(kind="progress", job=job, fields=message["fields"]))
        elif message["kind"] == "broken":
            raise CamberError(message["error"])
        else:
            del self.running[stream]
            return outcome_of(job, message)
        return None

    def _bury(self, stream: Any, how: str) -> Outcome | None:
        job = self.running.pop(stream)
        if self._deaths.fatal(job):
            error = f"the Ray worker of {job.title} died twice: {how or 'no reason is known'}"
            return Outcome(job=job, status="failed", error=error)
        self._tell(Event(kind="retried", job=job, fields={"reason": how}))
        self.submit(job)
        return None

    def stop(self) -> None:
        """Kill the workers of what still runs."""
        for stream in self.running:
            self._ray.cancel(stream, force=True)
        if self.running:
            # Until they are gone they still write to the jobs' directories.
            self._ray.wait(list(self.running), num_returns=len(self.running), timeout=10)


def _work(
    start: Mapping[str, object], order: Mapping[str, object]
) -> Generator[dict[str, object], None, None]:
    """Do one job inside a worker of Ray; yield messages, the outcome's last."""
    messages: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()

    def send(fields: dict[str, object]) -> None:
        messages.put({"kind": "progress", "fields": fields})

    def work() -> None:
        try:
            messages.put(carry_out(prepare(start), order, Reports(send, REPORT_EVERY)))
        except CamberError as error:
            messages.put({"kind": "broken", "error": str(error)})
        except BaseException:  # a job that leaves its process ends the worker, here as anywhere
            os._exit(1)

    yield {"kind": "started"}
    # The job has a thread of its own, because it reports by a call and a stream flows by yields.
    threading.Thread(target=work, daemon=True).start()
    while True:
        message = messages.get()
        yield message
        if message["kind"] != "progress":
            return


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray's notices of dead workers off standard output, which belongs to the result.

    Ray prints them there from a thread of its own, until it is shut down, and has no setting
    against it; the deaths themselves are told as events. It also replaces Python's own ``print``,
    which is given back.
    """
    from ray._private import worker

    own_print = builtins.print
    before = getattr(worker, "print_to_stdstream", None)
    if before is not None:
        worker.print_to_stdstream = lambda *_, **__: None
    try:
        yield
    finally:
        builtins.print = own_print
        if before is not None:
            worker.print_to_stdstream = before
