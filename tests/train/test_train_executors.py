"""Executors: the same outcomes wherever jobs run; deaths, mistakes and refusals as sentences."""

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
import train_job_functions as functions

from camber.errors import CamberError, RunError, UnknownNameError
from camber.train import (
    Event,
    InlineExecutor,
    Job,
    JobFunction,
    ProcessExecutor,
    executor,
    run_jobs,
)


def _jobs(*numbers: int, **more: object) -> list[Job]:
    return [Job({"n": n, **more}, seed=0, label=f"n={n}") for n in numbers]


def test_both_executors_give_the_same_outcomes() -> None:
    jobs = _jobs(1, 2, 3)
    events: list[Event] = []
    inline = list(InlineExecutor().map(functions.square, jobs))
    processes = list(ProcessExecutor(2).map(functions.square, jobs, on_event=events.append))
    assert [o.result["square"] for o in inline] == [1, 4, 9]
    assert {o.job: o.result["square"] for o in processes} == dict(zip(jobs, [1, 4, 9], strict=True))
    # A job that needs no torch does not pay for it.
    assert not any(o.result["torch"] for o in processes)
    assert {e.fields["n"] for e in events if e.kind == "progress"} == {1, 2, 3}
    assert sum(e.kind == "started" for e in events) == 3


def test_workers_have_one_thread_each_and_do_several_jobs() -> None:
    outcomes = list(ProcessExecutor(1).map(functions.environment_seen, _jobs(1, 2, 3)))
    assert {o.result["threads"] for o in outcomes} == {"1"}
    assert len({o.result["pid"] for o in outcomes}) == 1


def test_torch_in_a_worker_has_one_thread() -> None:
    (outcome,) = ProcessExecutor(1).map(functions.torch_threads, _jobs(1))
    assert outcome.result["threads"] == 1


def test_refusals_and_mistakes_fail_their_job_only(tmp_path: Path) -> None:
    pool = ProcessExecutor(1)
    refused, fine = run_jobs(functions.refuse, _jobs(1, 2), tmp_path / "a", pool)
    assert (refused.status, refused.error) == ("failed", "one is not allowed: give two")
    assert fine.status == "finished"
    mistaken, fine = run_jobs(functions.stumble, _jobs(1, 2), tmp_path / "b", pool)
    assert mistaken.error.startswith("ZeroDivisionError: a mistake (the traceback stands in ")
    log = tmp_path / "b" / mistaken.job.short / "log.txt"
    assert "stumble" in log.read_text()
    assert fine.status == "finished"
    # In this process a mistake keeps its traceback.
    with pytest.raises(ZeroDivisionError):
        list(InlineExecutor().map(functions.stumble, _jobs(1)))
    assert [o.status for o in InlineExecutor().map(functions.refuse, _jobs(1, 2))] == [
        "failed",
        "finished",
    ]


def test_a_killed_worker_costs_a_retry(tmp_path: Path) -> None:
    events: list[Event] = []
    jobs = _jobs(1, 2, 3, always=False)
    outcomes = run_jobs(functions.die, jobs, tmp_path, ProcessExecutor(2), events.append)
    assert [o.result["n"] for o in outcomes] == [1, 2, 3]
    (retried,) = [e for e in events if e.kind == "retried"]
    assert retried.job == jobs[0]
    assert "SIGKILL" in str(retried.fields["reason"])


def test_a_job_that_kills_twice_fails_with_a_sentence(tmp_path: Path) -> None:
    outcomes = run_jobs(functions.die, _jobs(1, 2, 3, always=True), tmp_path, ProcessExecutor(2))
    assert [o.status for o in outcomes] == ["failed", "finished", "finished"]
    assert outcomes[0].error == (
        "the worker process of n=1 (seed 0) died twice: it was killed by signal 9 (SIGKILL), as "
        "the system does when memory runs out; use fewer workers or a smaller model"
    )


def test_a_death_counts_only_where_nothing_was_gained(tmp_path: Path) -> None:
    # Four deaths, each after another checkpoint, as under preemption: the job ends all the same.
    events: list[Event] = []
    job = Job({"deaths": 4}, seed=0)
    (outcome,) = run_jobs(functions.advance, [job], tmp_path, ProcessExecutor(1), events.append)
    assert outcome.result == {"step": 5}
    assert sum(event.kind == "retried" for event in events) == 4


def test_workers_killed_at_their_start_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    from camber.train import processes, worker_process

    started: list[worker_process.Worker] = []

    class Doomed(worker_process.Worker):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            started.append(self)
            if len(started) <= self.unlucky:
                self._process.kill()

        unlucky = 2

    monkeypatch.setattr(processes, "Worker", Doomed)
    (outcome,) = ProcessExecutor(1).map(functions.square, _jobs(3))
    assert outcome.result["square"] == 9
    Doomed.unlucky = 100
    with pytest.raises(RunError, match=r"a worker process did not start \(it was killed"):
        list(ProcessExecutor(1).map(functions.square, _jobs(3)))


def test_closing_kills_running_workers(tmp_path: Path) -> None:
    jobs = [Job({"seconds": seconds}, seed=0) for seconds in (0, 600)]
    running = ProcessExecutor(2).map(functions.sleep, jobs, directory=tmp_path)
    with contextlib.closing(running):
        assert next(running).job == jobs[0]
        pid_file = tmp_path / jobs[1].short / "pid"
        while not pid_file.exists() or not pid_file.read_text():
            time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert (tmp_path / jobs[0].short / "outcome.json").exists()


def test_a_worker_that_cannot_import_the_function_says_so(tmp_path: Path) -> None:
    def local(job: Job, place: object) -> dict[str, object]:
        return {}

    functions_without_address: list[JobFunction] = [local, lambda job, place: {}]
    for function in functions_without_address:
        with pytest.raises(CamberError, match=r"a worker process cannot import .*executor\('inl"):
            list(ProcessExecutor(1).map(function, _jobs(1)))
    local.__qualname__ = "nowhere"
    with pytest.raises(CamberError, match=r"a worker process could not import .*:nowhere"):
        list(ProcessExecutor(1).map(local, _jobs(1)))


def test_a_worker_that_does_not_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(RunError, match=r"a worker process could not be started"):
        list(ProcessExecutor(1).map(functions.square, _jobs(1)))
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(RunError, match=r"a worker process did not start \(exit code 1\)"):
        list(ProcessExecutor(1).map(functions.square, _jobs(1)))


def test_executors_by_name() -> None:
    assert isinstance(executor("inline"), InlineExecutor)
    assert repr(executor("processes", workers=3)) == "ProcessExecutor(workers=3, threads=1)"
    with pytest.raises(UnknownNameError, match=r"unknown executor 'proceses'.*'processes'"):
        executor("proceses")
    with pytest.raises(CamberError, match="'inline' has no option 'workers': it has none"):
        executor("inline", workers=2)
    with pytest.raises(CamberError, match=r"it has workers, threads; did you mean 'workers'\?"):
        executor("processes", worker=2)
    assert repr(executor("processes:threads=2, workers=3", workers=4)) == (
        "ProcessExecutor(workers=4, threads=2)"
    )
    assert repr(executor("ray:address=auto,gpus_per_job=0.5")) == (
        "RayExecutor(workers=None, address='auto', gpus_per_job=0.5, threads=1)"
    )
    with pytest.raises(CamberError, match=r"'workers' is no option .* such as 'processes:work"):
        executor("processes:workers")
    with pytest.raises(CamberError, match=r"workers is 1\.5: give a whole number"):
        executor("processes:workers=1.5")
    for options in ({"workers": 0}, {"threads": 0}):
        with pytest.raises(CamberError, match="give at least 1"):
            executor("processes", **options)


def test_no_jobs_start_no_workers() -> None:
    assert list(ProcessExecutor(2).map(functions.square, [])) == []
