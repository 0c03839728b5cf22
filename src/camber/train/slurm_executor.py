"""Jobs as jobs of Slurm, handed over by submitit.

Every job becomes one element of a Slurm array. What came of it is read from its own directory, so
that this command may be killed, or its machine restarted, while Slurm works on.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from camber.errors import CamberError, RunError, require, unknown_name
from camber.train.deaths import Deaths
from camber.train.elsewhere import (
    check_number,
    check_whole,
    job_order,
    nobody,
    outcome_of,
    start_order,
    variables,
)
from camber.train.job import Event, EventSink, Job, JobFunction, Outcome
from camber.train.machine import usable_cpus
from camber.train.perform import stored_outcome
from camber.train.slurm_job import SlurmJob, last_report

#: Seconds between looks at the jobs' directories, by cluster.
_LOOK_EVERY: Final = {"slurm": 5.0, "local": 0.2}

#: Seconds that the files of a job which has ended may take to appear on a shared disk.
_GRACE: Final = {"slurm": 30.0, "local": 0.0}

#: Seconds that jobs on this machine are given to leave.
STOP_WITHIN: Final = 10.0

#: How many elements of the array Slurm may run at a time, unless told.
_AT_A_TIME: Final = 256


class SlurmExecutor:
    """Jobs as jobs of Slurm.

    ``map`` needs a ``directory``, and it must lie on a file system that this machine and the
    machines of the cluster share. Slurm's own logs lie in its ``.slurm``. A job that is preempted,
    requeued or out of time goes on from its last checkpoint. Ctrl-C cancels what was submitted; if
    this command is killed instead, its jobs go on, and the same command finds their outcomes.

    Args:
        partition: of the cluster; None for its default.
        minutes: time limit of a job; at the limit it is requeued, three times at most.
        cpus: processors of a job, and threads inside its operations.
        gpus: GPUs of a job.
        memory: of a job, in GB; None for the cluster's default.
        workers: jobs at a time; 256 unless given.
        cluster: "slurm", or "local" for processes on this machine that are handed over in the same
            way, to try things without a cluster; ``workers`` is then one per usable processor.

    Raises:
        MissingExtraError: submitit is not installed.
        CamberError: a value out of range, or no Slurm on this machine.
    """

    def __init__(
        self,
        partition: str | None = None,
        minutes: int = 60,
        cpus: int = 1,
        gpus: int = 0,
        memory: float | None = None,
        workers: int | None = None,
        cluster: Literal["slurm", "local"] = "slurm",
    ) -> None:
        check_whole(1, minutes=minutes, cpus=cpus, workers=workers)
        check_whole(0, gpus=gpus)
        if memory is not None:
            check_number("memory", memory, positive=True)
        if cluster not in _LOOK_EVERY:
            raise unknown_name("cluster", cluster, _LOOK_EVERY)
        # submitit would log to standard output, which belongs to the result
        with variables({"SUBMITIT_LOG_LEVEL": "NOCONFIG"}):
            require("submitit", extra="slurm", feature="executor('slurm')")
        if cluster == "slurm" and shutil.which("srun") is None:
            raise CamberError(
                "there is no Slurm on this machine (srun is not on the PATH): run the command on a "
                "login node of the cluster, or use the executor 'processes'"
            )
        self.partition, self.minutes, self.cpus, self.gpus = partition, minutes, cpus, gpus
        self.memory, self.cluster = memory, cluster
        here = usable_cpus() if cluster == "local" else _AT_A_TIME
        self.workers = here if workers is None else workers

    def __repr__(self) -> str:
        return (
            f"SlurmExecutor(partition={self.partition!r}, minutes={self.minutes}, "
            f"cpus={self.cpus}, gpus={self.gpus}, memory={self.memory}, workers={self.workers}, "
            f"cluster={self.cluster!r})"
        )

    def map(
        self,
        function: JobFunction,
        jobs: Iterable[Job],
        *,
        directory: Path | None = None,
        on_event: EventSink | None = None,
    ) -> Generator[Outcome, None, None]:
        """Yield an outcome for each job, in the order in which they are seen to have ended.

        See :meth:`camber.train.executors.Executor.map`. ``function`` must be importable: defined
        at the top level of a module that every machine finds.

        Raises:
            CamberError: there is no directory, or the function cannot be imported elsewhere.
            RunError: Slurm refuses the jobs, or a stored outcome is damaged.
        """
        if directory is None:
            raise CamberError(
                "executor('slurm') needs a directory that the machines of the cluster share: "
                "pass directory="
            )
        crew = _Crew(self, function, directory, on_event or nobody)
        waiting = list(jobs)
        # Slurm keeps to `workers` by itself; here nobody else would.
        window = len(waiting) if self.cluster == "slurm" else self.workers
        try:
            while waiting or crew.running:
                room = window - len(crew.running)
                crew.submit(waiting[:room])
                del waiting[:room]
                seen = list(crew.look())
                yield from seen
                if not seen and crew.running:
                    time.sleep(_LOOK_EVERY[self.cluster])
        finally:
            crew.stop()

    def submitter(self, folder: Path) -> Any:
        """Return submitit's executor with these settings, which keeps its files in ``folder``."""
        import submitit

        given: dict[str, object] = {
            "name": "camber",
            "timeout_min": self.minutes,
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus,
        }
        if self.memory is not None:
            given["mem_gb"] = self.memory
        if self.cluster == "slurm":
            given["slurm_array_parallelism"] = self.workers
            if self.partition is not None:
                given["slurm_partition"] = self.partition
        made = submitit.AutoExecutor(folder, cluster=self.cluster)
        made.update_parameters(**given)
        return made


@dataclass
class _Submitted:
    """A job, and what submitit calls it."""

    job: Job
    handle: Any
    reported: object = None
    started: bool = False
    ended: float | None = field(default=None)


class _Crew:
    """The jobs of one ``map`` that Slurm has."""

    def __init__(
        self, executor: SlurmExecutor, function: JobFunction, directory: Path, tell: EventSink
    ) -> None:
        self._start = start_order(function, executor.cpus)
        self._grace = _GRACE[executor.cluster]
        self._directory, self._tell = directory, tell
        self._deaths = Deaths()
        self._folder = directory.absolute() / ".slurm"
        self._submitter = executor.submitter(self._folder)
        self.running: list[_Submitted] = []
        self._leaving: list[_Submitted] = []  # their outcome stands; Slurm may not know yet

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand ``jobs`` to Slurm as one array."""
        if not jobs:
            return
        for job in jobs:
            # What an earlier attempt said last would be taken for news.
            (self._directory / job.short / ".progress.json").unlink(missing_ok=True)
        orders = [SlurmJob(self._start, job_order(job, self._directory)) for job in jobs]
        try:
            with self._submitter.batch():
                handles = [self._submitter.submit(order) for order in orders]
        except (RuntimeError, ValueError, OSError) as error:
            # submitit's own errors are RuntimeErrors and carry what sbatch said.
            reason = str(error).strip().rpartition("\n")[2]
            raise RunError(
                f"Slurm did not take the jobs ({reason}): correct the partition or the resources"
            ) from error
        self.running += [_Submitted(*pair) for pair in zip(jobs, handles, strict=True)]

    def look(self) -> Iterator[Outcome]:
        """Look at every job once; yield the outcomes of those that have ended."""
        for item in list(self.running):
            self._hear(item)
            outcome = stored_outcome(item.job, self._directory) or self._ending(item)
            if outcome is not None:
                self.running.remove(item)
                self._leaving.append(item)
                if outcome.status == "finished":
                    self._tidy(item)
                yield outcome

    def _hear(self, item: _Submitted) -> None:
        report = last_report(self._directory / item.job.short)
        if report is None or report == item.reported:
            return
        item.reported = report
        if not item.started:
            item.started = True
            self._deaths.started(item.job)
            self._tell(Event(kind="started", job=item.job))
        if report:
            self._deaths.reported(item.job, report)
            self._tell(Event(kind="progress", job=item.job, fields=report))

    def _ending(self, item: _Submitted) -> Outcome | None:
        """Return the outcome of a job that ended without a stored one; None if it goes on."""
        if not item.handle.done():
            return None
        if item.handle.paths.result_pickle.exists():
            return self._told(item)
        now = time.monotonic()
        item.ended = item.ended or now
        if now - item.ended < self._grace:
            return None
        return self._bury(item, f"it ended as {item.handle.state} and left no outcome")

    def _told(self, item: _Submitted) -> Outcome | None:
        error = item.handle.exception()
        if error is not None:  # out of time once too often, or a mistake in camber
            return self._bury(item, _last_line(str(error)))
        message = item.handle.result()
        if message["kind"] == "broken":
            raise CamberError(message["error"])
        return outcome_of(item.job, message)

    def _bury(self, item: _Submitted, how: str) -> Outcome | None:
        job = item.job
        if self._deaths.fatal(job):
            error = f"the Slurm job of {job.title} died twice: {how}; its log is {self._log(item)}"
            return Outcome(job=job, status="failed", error=error)
        self._tell(Event(kind="retried", job=job, fields={"reason": how}))
        self.running.remove(item)
        self.submit([job])
        return None

    def _log(self, item: _Submitted) -> Path:
        return Path(item.handle.paths.stderr)

    def _tidy(self, item: _Submitted) -> None:
        (self._directory / item.job.short / ".progress.json").unlink(missing_ok=True)

    def stop(self) -> None:
        """Cancel what still waits or runs."""
        for item in self.running:
            with contextlib.suppress(OSError):
                item.handle.cancel(check=False)
        if self._grace:
            # Slurm's affair from here on; what comes after finds the directory locked or finished.
            return
        deadline = time.monotonic() + STOP_WITHIN
        while time.monotonic() < deadline:
            if all(item.handle.done() for item in (*self.running, *self._leaving)):
                return
            time.sleep(0.05)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip("- ")]
    return lines[-1] if lines else "no reason is known"
