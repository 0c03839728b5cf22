"""The Slurm executor, through submitit's local executor: the same hand-over without a cluster."""

import contextlib
import os
import sys
import time
from pathlib import Path

import pytest
import train_job_functions as functions

from camber.errors import CamberError, MissingExtraError, RunError, UnknownNameError
from camber.train import Event, Job, SlurmExecutor, executor, run_jobs, slurm_executor
from camber.train.elsewhere import job_order, start_order
from camber.train.slurm_job import SlurmJob, last_report

pytest.importorskip("submitit")


def _local(workers: int = 2) -> SlurmExecutor:
    made = executor("slurm", cluster="local", workers=workers, minutes=5)
    assert isinstance(made, SlurmExecutor)
    return made


def _jobs(*numbers: int, **more: object) -> list[Job]:
    return [Job({"n": n, **more}, seed=0, label=f"n={n}") for n in numbers]


def test_outcomes_events_refusals_and_deaths(tmp_path: Path) -> None:
    # One command, because every job starts two interpreters: 1 dies once, 2 dies always.
    events: list[Event] = []
    jobs = _jobs(1, 2, 3)
    place = tmp_path / "jobs"
    outcomes = run_jobs(functions.many_fates, jobs, place, _local(3), events.append)
    assert [o.status for o in outcomes] == ["finished", "failed", "finished"]
    assert [o.result.get("square") for o in outcomes] == [1, None, 9]
    assert outcomes[1].error.startswith("the Slurm job of n=2 (seed 0) died twice: it ended as ")
    kinds = [(e.job.config["n"], e.kind) for e in events if e.kind in ("started", "retried")]
    assert sorted(kinds) == [
        (1, "retried"), (1, "started"), (1, "started"),
        (2, "retried"), (2, "started"), (2, "started"),
        (3, "started"),
    ]  # fmt: skip
    assert {e.fields["step"] for e in events if e.kind == "progress"} == {1}
    assert {path.name for path in (place / jobs[2].short).iterdir()} == {
        ".attempt", "job.json", "log.txt", "outcome.json",
    }  # fmt: skip
    assert "working on 3" in (place / jobs[2].short / "log.txt").read_text()
    events.clear()
    again = run_jobs(functions.many_fates, [jobs[0], jobs[2]], place, _local(), events.append)
    assert [e.kind for e in events] == ["stands", "stands"]
    assert [o.result["square"] for o in again] == [1, 9]


def test_refusals_are_failed_outcomes(tmp_path: Path) -> None:
    refused, fine = run_jobs(functions.refuse, _jobs(1, 2), tmp_path, _local())
    assert (refused.status, refused.error) == ("failed", "one is not allowed: give two")
    assert fine.status == "finished"


def test_closing_cancels_what_runs(tmp_path: Path) -> None:
    (job,) = (Job({"seconds": 600}, seed=0),)
    running = _local().map(functions.sleep, [job], directory=tmp_path, on_event=_stop_at_start)
    with contextlib.closing(running), pytest.raises(KeyboardInterrupt):
        next(running)
    pid = int((tmp_path / job.short / "pid").read_text())
    deadline = time.monotonic() + 30
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        with contextlib.suppress(OSError):
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                break  # dead, and nobody in this container collects it
        assert time.monotonic() < deadline, "the job outlived its command"
        time.sleep(0.02)


def _stop_at_start(event: Event) -> None:
    if event.kind == "started":
        time.sleep(0.5)  # the function writes its process id first
        raise KeyboardInterrupt


def test_a_function_that_the_cluster_cannot_import(tmp_path: Path) -> None:
    def local(job: Job, place: object) -> dict[str, object]:
        return {}

    with pytest.raises(CamberError, match="a worker process cannot import"):
        list(_local().map(local, _jobs(1), directory=tmp_path))
    local.__qualname__ = "nowhere"
    with pytest.raises(CamberError, match=r"a worker process could not import .*:nowhere"):
        list(_local().map(local, _jobs(1), directory=tmp_path))


def test_a_requeued_job_is_the_same_job(tmp_path: Path) -> None:
    (job,) = _jobs(4)
    order = SlurmJob(start_order(functions.token, None), job_order(job, tmp_path))
    first = order()
    # What submitit runs after a preemption: it finds the outcome, and the token stays.
    again = order.checkpoint()
    assert again.function() == first
    assert first["kind"] == "finished"
    assert last_report(tmp_path / job.short) == {}


def test_a_damaged_progress_file_is_no_news(tmp_path: Path) -> None:
    assert last_report(tmp_path) is None
    for text in ("", '{"step": 1', "[1]"):
        (tmp_path / ".progress.json").write_text(text)
        assert last_report(tmp_path) is None


def test_settings_reach_submitit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An srun that does nothing is all that submitit asks of a cluster before a submission.
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    made = SlurmExecutor(partition="gpu", minutes=30, cpus=4, gpus=1, memory=8, workers=16)
    parameters = made.submitter(tmp_path / "logs").parameters
    assert {name: parameters[name] for name in sorted(parameters)} == {
        "array_parallelism": 16, "cpus_per_task": 4, "gpus_per_node": 1, "job_name": "camber",
        "mem": "8GB", "partition": "gpu", "time": 30,
    }  # fmt: skip
    assert "partition='gpu'" in repr(made)


def test_refused_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for options, says in [
        ({"minutes": 0}, "minutes is 0: give at least 1"),
        ({"gpus": -1}, "gpus is -1: give at least 0"),
        ({"cpus": 0}, "cpus is 0: give at least 1"),
        ({"workers": 0}, "workers is 0: give at least 1"),
        ({"memory": 0}, "memory is 0: give a number, more than 0"),
        ({"partitoin": "x"}, "has no option 'partitoin'.*did you mean 'partition'"),
    ]:
        with pytest.raises(CamberError, match=says):
            executor("slurm", **options)
    with pytest.raises(UnknownNameError, match=r"unknown cluster 'lokal'.*'local'"):
        executor("slurm", cluster="lokal")
    with pytest.raises(CamberError, match="needs a directory"):
        list(_local().map(functions.square, _jobs(1)))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CamberError, match=r"there is no Slurm on this machine .*'processes'"):
        executor("slurm")


def test_without_submitit_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(MissingExtraError) as caught:
        executor("slurm", cluster="local")
    assert str(caught.value) == "executor('slurm') needs submitit: pip install 'camber[slurm]'"


CLUSTER = {
    # Runs each element of the array at once, as Slurm's daemon would; the ids are process ids.
    "sbatch": """#!{python}
import os, re, subprocess, sys
script = open(sys.argv[1]).read()
array = re.search(r"--array=(\\d+)-(\\d+)", script)
places = range(int(array[1]), int(array[2]) + 1) if array else [None]
for place in places:
    mine = {{"SLURM_JOB_ID": "4242", "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}}
    if place is not None:
        mine |= {{"SLURM_ARRAY_JOB_ID": "4242", "SLURM_ARRAY_TASK_ID": str(place)}}
    log = open(os.devnull, "w")
    run = subprocess.Popen(["bash", sys.argv[1]], env={{**os.environ, **mine}}, stdout=log,
                           stderr=log, start_new_session=True)
    name = "4242" if place is None else f"4242_{{place}}"
    open(os.path.join({folder!r}, name + ".pid"), "w").write(str(run.pid))
print("Submitted batch job 4242")
""",
    # What follows the options is the command.
    "srun": """#!/bin/sh
while [ "${{1#--}}" != "$1" ]; do
    case "$1" in --output|--error) shift 2 ;; *) shift ;; esac
done
exec "$@"
""",
    "sacct": """#!/bin/sh
echo "JobID|State|NodeList"
""",
    "scancel": """#!/bin/sh
kill -9 -- "-$(cat {folder}/$1.pid)"
echo "$1" >> {folder}/cancelled
""",
}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands of Slurm, played by scripts: what submitit asks them, and no more."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    for name, text in CLUSTER.items():
        path = folder / name
        path.write_text(text.format(python=sys.executable, folder=str(folder)))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setitem(slurm_executor._LOOK_EVERY, "slurm", 0.1)
    return folder


def test_an_array_of_jobs(cluster: Path, tmp_path: Path) -> None:
    jobs = _jobs(3, 4, 5)
    pool = SlurmExecutor(workers=8)
    outcomes = run_jobs(functions.square, jobs, tmp_path / "jobs", pool)
    assert [o.result["square"] for o in outcomes] == [9, 16, 25]
    # One array, not three jobs.
    assert {path.name for path in cluster.glob("*.pid")} == {
        "4242_0.pid", "4242_1.pid", "4242_2.pid",
    }  # fmt: skip


def test_ctrl_c_cancels_the_array(cluster: Path, tmp_path: Path) -> None:
    jobs = [Job({"seconds": 600}, seed=seed) for seed in (0, 1)]
    running = SlurmExecutor().map(
        functions.sleep, jobs, directory=tmp_path / "jobs", on_event=_stop_at_start
    )
    with contextlib.closing(running), pytest.raises(KeyboardInterrupt):
        next(running)
    assert sorted((cluster / "cancelled").read_text().split()) == ["4242_0", "4242_1"]


def test_slurm_that_refuses_is_quoted(cluster: Path, tmp_path: Path) -> None:
    (cluster / "sbatch").write_text(
        "#!/bin/sh\necho 'invalid partition specified: gpuu' >&2\nexit 1\n"
    )
    pool = SlurmExecutor(partition="gpuu")
    with pytest.raises(RunError, match=r"Slurm did not take the jobs \(.*invalid partition"):
        list(pool.map(functions.square, _jobs(1, 2), directory=tmp_path / "jobs"))
