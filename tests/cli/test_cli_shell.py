"""What a shell sees: slips of the finger, pipes that close, full disks and Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest


def _start(*arguments: str, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "camber", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        **more,
    )


@pytest.mark.parametrize(
    ("arguments", "offers"),
    [
        (["compre"], "Did you mean 'compare'"),
        (["study", "rn"], "Did you mean 'run'"),
        (["bench", "activtions"], "Did you mean 'activations'"),
        (["compare", "--sedes", "3"], "--seeds"),
        (["study", "run", "polycom", "--sise", "tiny"], "--size"),
        (["card", "gelo"], "'gelu'"),
        (["list", "--kind", "gate"], "'gated'"),
        (["study", "run", "polycon"], "'polycom'"),
        (["compare", "relu", "--task", "charlmm"], "'charlm'"),
        (["compare", "relu", "--executor", "rya"], "'ray'"),
        (["compare", "relu", "--executor", "processes:worker=2"], "did you mean 'workers'"),
    ],
)
def test_a_slip_is_answered_with_near_names(
    camber: Callable[..., Any], arguments: list[str], offers: str
) -> None:
    said = camber(*arguments)
    assert said.code == 2
    assert offers in said.error
    assert said.out == ""


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["card", "relu"], ["study", "list"], ["study", "report", "polycom"], ["doctor"]],
)
def test_json_is_one_object_also_on_a_terminal_of_any_width(
    camber: Callable[..., Any], arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    said = camber(*arguments, "--json")
    if arguments[1:2] == ["report"]:  # nothing was run here: a refusal leaves the output empty
        assert said.sentence.startswith("camber: ")
    else:
        assert isinstance(json.loads(said.out), dict)


def test_a_pipe_that_closes_is_no_error() -> None:
    # camber list | head -1
    with _start("list", "--json", stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        command.stdout.close()
        assert command.stderr is not None
        assert command.stderr.read() == ""
        assert command.wait(timeout=120) in (0, 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_full_disk_under_the_output_is_one_sentence() -> None:
    with open("/dev/full", "w") as full, _start("card", "relu", stdout=full) as command:  # noqa: PTH123
        assert command.stderr is not None
        assert command.stderr.read() == "camber: No space left on device\n"
        assert command.wait(timeout=120) == 2


def test_ctrl_c_in_a_comparison_says_how_to_go_on(tmp_path: Any) -> None:
    place = tmp_path / "run"
    arguments = ("--quick", "--seeds", "1", "--jobs", "1", "--directory", str(place))
    with _start(
        "compare", "relu", *arguments, stdout=subprocess.DEVNULL, start_new_session=True
    ) as command:
        assert command.stderr is not None
        deadline = time.monotonic() + 100
        while not list(place.glob("jobs/*/job.json")) and command.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(command.pid, signal.SIGINT)  # as a terminal does
        said = command.stderr.read()
        assert command.wait(timeout=60) == 130
    assert said.splitlines()[-1] == (
        "camber: interrupted; every finished run is kept, and the same command takes up the rest"
    )
    assert "Traceback" not in said
