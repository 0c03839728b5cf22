"""`camber compare`: what it prints, what it refuses, and that a kill loses nothing."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import camber.compare as package
from camber.cli import compare as verb
from camber.compare import run
from camber.train import Event, InlineExecutor

SETTINGS = ("steps=3", "warmup_steps=1", "batch=2", "context=8", "width=8", "evaluation_tokens=64")
TINY = ("--quick", "--seeds", "2", *(word for pair in SETTINGS for word in ("--set", pair)))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 200)
    return path


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run jobs in this process: a worker takes seconds to start."""

    def here(*args: Any, **kwargs: Any) -> object:
        return run(*args, **{**kwargs, "executor": InlineExecutor(), "report": False})

    monkeypatch.setattr(package, "run", here)


@pytest.mark.usefixtures("inline")
def test_a_table_and_a_sentence_each(camber: Callable[..., Any], text: Path) -> None:
    said = camber("compare", "relu", "x*sigmoid(1.7*x)", *TINY, "--text", text)
    assert said.code == 0
    for wanted in ("validation loss", "95 % interval", "dead units", "slope interval", "gain"):
        assert wanted in said.out
    assert said.out.count("•") == 2
    assert "This verdict speaks for models of" in said.out
    assert "corpus sha256" in said.out
    assert "Again: camber compare relu" in said.out
    assert "4 runs" in said.error


@pytest.mark.usefixtures("inline")
def test_json_is_one_object(camber: Callable[..., Any], text: Path) -> None:
    said = camber("compare", "relu", "gelu", *TINY, "--text", text, "--json")
    record = json.loads(said.out)
    assert set(record["entries"]) == {"relu", "gelu"}
    assert record["best"] in record["ranking"]
    assert Path(record["directory"]).parts[0] == "runs"


@pytest.mark.usefixtures("inline")
def test_without_entries_the_five_of_the_main_job_run(
    camber: Callable[..., Any], text: Path
) -> None:
    said = camber("compare", *TINY[:-12], *TINY[-12:], "--seeds", "1", "--text", text, "--json")
    assert list(json.loads(said.out)["entries"]) == [
        "relu", "gelu", "swiglu", "polyrelu", "polynorm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["polynrom"], "nearest known names are 'polynorm'"),
        (["x*sigmoid(1.7*x"], "^"),
        (["relu", "relu"], "stands twice"),
        (["relu", "--preset", "hugee"], "unknown preset"),
        (["relu", "--quick", "--preset", "d256"], "contradict"),
        (["relu", "--seeds", "0"], "seeds is 0"),
        (["relu", "--workers", "0"], "workers is 0"),
        (["relu", "--set", "steps"], "not KEY=VALUE"),
        (["relu", "--set", "stepz=3"], "'steps'"),
        (["relu", "--set", "steps=3", "--set", "steps=4"], "steps twice (3 and 4)"),
        (["relu", "--set", "steps=-3"], "must be at least 1"),
        (["relu", "--set", "steps=many"], "steps"),
        (["relu", "--device", "warp"], "warp"),
        (["groupsort:group_size=4096", "--quick"], "does not fit charlm"),
        (["relu", "--text", "absent.txt"], "absent.txt; give a file"),
    ],
)
def test_bad_input_is_one_sentence(
    camber: Callable[..., Any], arguments: list[str], wanted: str
) -> None:
    assert wanted in camber("compare", *arguments).sentence


def test_empty_and_binary_texts_are_refused(camber: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\x00\x00" * 1000)
    (tmp_path / "short.txt").write_text("hello")
    assert "is empty" in camber("compare", "relu", "--text", "empty.txt").sentence
    assert "binary" in camber("compare", "relu", "--text", "picture.png").sentence
    assert "longer text" in camber("compare", "relu", "--text", "short.txt").sentence


@pytest.mark.usefixtures("inline")
def test_a_formula_that_is_nan_on_the_data(camber: Callable[..., Any], text: Path) -> None:
    alone = camber("compare", "log(x)", *TINY, "--text", text)
    assert alone.code == 2
    assert "log(x) diverged" in alone.error
    beside = camber("compare", "relu", "log(x)", *TINY, "--text", text)
    assert beside.code == 0
    assert "log(x) diverged in 2 of 2 seeds" in beside.out


@pytest.mark.usefixtures("inline")
def test_foreign_and_corrupted_directories(
    camber: Callable[..., Any], text: Path, tmp_path: Path
) -> None:
    place = tmp_path / "runs-of-mine"
    place.mkdir()
    (place / "thesis.tex").write_text("mine")
    command = ("compare", "relu", *TINY, "--text", text, "--directory")
    said = camber(*command, place)
    assert said.code == 2
    assert "no run directory" in said.error
    fresh = tmp_path / "fresh"
    assert camber(*command, fresh).code == 0
    (fresh / "study.toml").write_text("schema = [")
    said = camber(*command, fresh)
    assert said.code == 2
    assert "damaged" in said.error
    said = camber(*command, text)  # a file where a directory belongs
    assert said.code == 2
    assert "not a directory" in said.error


@pytest.mark.usefixtures("inline")
def test_a_full_disk_is_said_and_loses_nothing(
    camber: Callable[..., Any], text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    place = tmp_path / "run"
    command = ("compare", "relu", *TINY, "--text", text, "--directory", place)
    assert camber(*command).code == 0
    kept = {path: path.read_bytes() for path in place.glob("jobs/*/outcome.json")}
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        said = camber("compare", "gelu", *command[1:])
    assert said.code == 2
    assert "the disk is full" in said.error
    assert {path: path.read_bytes() for path in kept} == kept
    assert camber("compare", "gelu", *command[1:]).code == 0


def test_an_error_of_the_system_is_one_sentence(
    camber: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/root/secret")

    monkeypatch.setattr(package, "run", deny)
    assert camber("compare", "relu").sentence == "camber: Permission denied (/root/secret)\n"


@pytest.mark.usefixtures("inline")
def test_ctrl_c_says_how_to_go_on(
    camber: Callable[..., Any], text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from camber.cli.progress import RunProgress

    def interrupt(self: RunProgress, event: Event) -> None:
        if event.kind == "finished":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunProgress, "__call__", interrupt)
        said = camber("compare", "relu", "gelu", *TINY, "--text", text)
    assert said.code == 130
    assert verb.RESUME in said.error
    assert "already there" not in said.error
    again = camber("compare", "relu", "gelu", *TINY, "--text", text)
    assert again.code == 0
    assert "; 1 is already there, 3 are left" in again.error


@pytest.mark.usefixtures("inline")
def test_a_kill_loses_no_finished_run(
    camber: Callable[..., Any], text: Path, tmp_path: Path
) -> None:
    # A real worker and a real SIGKILL, then the same command again.
    arguments = (
        "compare", "relu", "gelu", *TINY, "--workers", "1", "--text", str(text),
        "--directory", str(tmp_path / "run"), "--json",
    )  # fmt: skip
    first = subprocess.Popen(
        [sys.executable, "-m", "camber", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    jobs = tmp_path / "run" / "jobs"
    deadline = time.monotonic() + 60
    while not list(jobs.glob("*/outcome.json")) and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = {path: path.stat().st_mtime_ns for path in jobs.glob("*/outcome.json")}
    assert kept
    # the worker notices that its parent is gone and leaves the directory
    while (again := camber(*arguments)).code == 2 and "another camber command" in again.error:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert again.code == 0, again.error
    assert set(json.loads(again.out)["entries"]) == {"relu", "gelu"}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
