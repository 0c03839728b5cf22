"""Jobs in a directory: done once each, whatever kills the command; damage said in a sentence."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import train_job_functions as functions

from camber.errors import CamberError, RunError
from camber.train import Event, InlineExecutor, Job, Workplace, run_jobs

DRIVER = Path(__file__).with_name("train_kill_driver.py")


def _start(directory: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, str(DRIVER), str(directory), *arguments],
        stderr=subprocess.PIPE,
        start_new_session=True,  # a process group of its own, to kill as a whole
    )


def _tokens(directory: Path) -> dict[str, str]:
    return {
        path.parent.name: json.loads(path.read_text())["result"]["token"]
        for path in directory.glob("*/outcome.json")
    }


def test_kills_at_any_moment_lose_and_repeat_nothing(tmp_path: Path) -> None:
    names = [str(n) for n in range(16)]
    chance = random.Random(0)
    seen: dict[str, str] = {}
    for _ in range(6):
        with _start(tmp_path, "token", *names) as command:
            time.sleep(chance.uniform(0.05, 0.35))
            os.killpg(command.pid, signal.SIGKILL)
        now = _tokens(tmp_path)
        assert now.items() >= seen.items()  # what was finished stays as it was
        seen = now
    with _start(tmp_path, "token", *names) as command:
        assert command.wait(timeout=60) == 0, command.stderr and command.stderr.read()
    final = _tokens(tmp_path)
    assert len(final) == 16
    assert final.items() >= seen.items()
    assert not list(tmp_path.rglob("*.tmp"))


def _wait_for_pid(path: Path) -> int:
    deadline = time.monotonic() + 60
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline, "the worker did not start"
        time.sleep(0.01)
    return int(path.read_text())


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return  # dead, and nobody in this container collects it
        time.sleep(0.01)
    pytest.fail("the worker outlived its command")


@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c_stops_workers_and_keeps_outcomes(tmp_path: Path, whole_group: bool) -> None:
    quick, slow = (Job({"seconds": s}, seed=0) for s in (0.0, 600.0))
    with _start(tmp_path, "sleep", "0", "600") as command:
        pid = _wait_for_pid(tmp_path / slow.short / "pid")
        while not (tmp_path / quick.short / "outcome.json").exists():
            time.sleep(0.01)
        if whole_group:
            os.killpg(command.pid, signal.SIGINT)
        else:
            os.kill(command.pid, signal.SIGINT)
        assert command.wait(timeout=30) == 130
    _wait_for_end(pid)
    assert (tmp_path / quick.short / "outcome.json").exists()
    assert not (tmp_path / slow.short / "outcome.json").exists()


def test_workers_leave_when_their_command_is_killed(tmp_path: Path) -> None:
    slow = Job({"seconds": 600.0}, seed=0)
    with _start(tmp_path, "sleep", "600") as command:
        pid = _wait_for_pid(tmp_path / slow.short / "pid")
        command.kill()
    _wait_for_end(pid)


def test_finished_jobs_stand_and_failed_ones_run_again(tmp_path: Path) -> None:
    calls: list[int] = []

    def fussy(job: Job, place: Workplace) -> Mapping[str, object]:
        calls.append(job.seed)
        if job.seed == 1 and len(calls) < 3:
            raise CamberError("not yet: try again")
        place.report(step=1)
        return {"seed": job.seed, "missing": float("nan")}

    jobs = [Job({}, seed=seed) for seed in (0, 1, 0)]
    first = run_jobs(fussy, jobs, tmp_path, InlineExecutor())
    assert [(o.job.seed, o.status) for o in first] == [(0, "finished"), (1, "failed")]
    events: list[Event] = []
    second = run_jobs(fussy, jobs, tmp_path, InlineExecutor(), events.append)
    assert calls == [0, 1, 1]
    assert [o.result for o in second] == [{"seed": s, "missing": None} for s in (0, 1)]
    assert [(e.kind, e.job.seed, e.done, e.total) for e in events] == [
        ("stands", 0, 1, 2),
        ("started", 1, 1, 2),
        ("progress", 1, 1, 2),
        ("finished", 1, 2, 2),
    ]


def test_damaged_and_foreign_outcomes_are_named(tmp_path: Path) -> None:
    job = Job({"n": 2}, seed=0)
    run_jobs(functions.square, [job], tmp_path, InlineExecutor())
    path = tmp_path / job.short / "outcome.json"
    good = json.loads(path.read_text())
    for text, reason in [
        (path.read_text()[:-9], "is damaged (it is not valid JSON)"),
        ("[1]", "was not written by camber (it has no schema version)"),
        (json.dumps({**good, "schema": 99}), "has schema version 99 and this camber reads 1"),
        (json.dumps({**good, "digest": "0"}), "belongs to another job"),
        (json.dumps({**good, "result": 3}), "is damaged (it has no result)"),
    ]:
        path.write_text(text)
        with pytest.raises(RunError) as caught:
            run_jobs(functions.square, [job], tmp_path, InlineExecutor())
        assert str(caught.value) == f"{path} {reason}: delete it and the job runs again"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RunError, match="is damaged"):
        run_jobs(functions.square, [job], tmp_path, InlineExecutor())
    path.unlink()
    assert run_jobs(functions.square, [job], tmp_path, InlineExecutor())[0].result["square"] == 4


def test_a_full_disk_fails_the_job_and_keeps_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Job({"n": 1}, seed=0), Job({"n": 2}, seed=0)
    run_jobs(functions.square, [first], tmp_path, InlineExecutor())

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        outcomes = run_jobs(functions.square, [first, second], tmp_path, InlineExecutor())
    assert outcomes[0].result["square"] == 1
    assert outcomes[1].error.startswith("the disk is full: ")
    assert "run the same command again" in outcomes[1].error
    again = run_jobs(functions.square, [first, second], tmp_path, InlineExecutor())
    assert again[1].result["square"] == 4


def test_one_command_at_a_time(tmp_path: Path) -> None:
    def nested(job: Job, place: Workplace) -> Mapping[str, object]:
        run_jobs(functions.square, [job], tmp_path, InlineExecutor())
        return {}

    (outcome,) = run_jobs(nested, [Job({"n": 1}, seed=0)], tmp_path, InlineExecutor())
    assert outcome.error == (
        f"another camber command is working in {tmp_path}: wait for it or choose another directory"
    )


def test_a_file_in_the_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is not a directory: choose another place"):
        run_jobs(functions.square, [], tmp_path / "file", InlineExecutor())


def test_a_workplace_without_directory_says_so() -> None:
    with pytest.raises(RunError, match="was started without one"):
        Workplace().directory  # noqa: B018
