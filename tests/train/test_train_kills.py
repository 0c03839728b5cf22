"""SIGKILL at random moments, to workers and to the command: no finished run is lost or doubled."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from train_kill_driver import job_list

DRIVER = Path(__file__).with_name("train_kill_driver.py")
JOBS = 40

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds workers through /proc")


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _outcomes(place: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in place.glob("*/outcome.json")}


def _check_round(place: Path) -> None:
    jobs = job_list("mark", [str(JOBS)])
    outcomes = _outcomes(place)
    assert set(outcomes) == {job.short for job in jobs}
    for job in jobs:
        result = json.loads(outcomes[job.short])["result"]
        attempts = [
            line.split() for line in (place / job.short / "attempts").read_text().splitlines()
        ]
        assert result["twice"] == 2 * job.seed
        # The outcome is that of the last attempt, and no attempt began where one stood.
        assert result["token"] == attempts[-1][0]
        assert {stood for _, stood in attempts} == {"False"}
    assert not list(place.rglob("*.tmp"))


def _torture(place: Path, kills: int, seed: int) -> Counter[str]:
    """Kill and start again until there were so many kills; check all that was done."""
    chance = random.Random(seed)
    seen: Counter[str] = Counter()
    while seen["workers"] + seen["commands"] < kills:
        seen["rounds"] += 1
        where = place / str(seen["rounds"])
        before: dict[str, str] = {}
        code = None
        while code != 0:  # as a user would: the same command again
            seen["starts"] += 1
            with subprocess.Popen(
                [sys.executable, str(DRIVER), str(where), "mark", str(JOBS)],
                stderr=subprocess.PIPE,
            ) as command:
                while command.poll() is None and seen["workers"] + seen["commands"] < kills:
                    time.sleep(chance.uniform(0.01, 0.25))
                    if chance.random() < 0.1:
                        seen["commands"] += command.poll() is None and _kill(command.pid)
                    elif workers := _children(command.pid):
                        seen["workers"] += _kill(chance.choice(workers))
                code = command.wait(timeout=120)
                said = command.stderr.read().decode() if command.stderr else ""
            # Killed, all done, gave a job up after two deaths, or workers never came to life.
            assert code in (-signal.SIGKILL, 0, 1), said
            assert "Traceback" not in said or "RunError: a worker process did not start" in said
            now = _outcomes(where)
            assert now.items() >= before.items()  # what was finished stays, byte for byte
            before = now
        _check_round(where)
    return seen


def test_fifty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    seen = _torture(tmp_path, kills=50, seed=0)
    assert seen["workers"] > 20
    assert seen["commands"] > 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    assert _torture(tmp_path, kills=1000, seed=1)["workers"] > 500
