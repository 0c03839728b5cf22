"""`camber compare` beyond the plain fight: tune, equal time, looks, other tasks, resume, show."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from camber.cli.settings_help import presets_of_task
from camber.compare import read
from camber.train import Event

SETTINGS = (
    "steps=3", "warmup_steps=1", "batch=2", "context=8", "width=8", "layers=1",
    "evaluation_tokens=16",
)  # fmt: skip
TINY = ("--quick", "--seeds", "2", *(word for pair in SETTINGS for word in ("--set", pair)))
Camber = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is tested by itself: here it is a file that says it was written."""
    from camber.compare import report

    def write(found: Any) -> Path:
        path = Path(found.directory, "report.html")
        path.write_text(found.best)
        return path

    monkeypatch.setattr(report, "write_report", write)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 200)
    return path


@pytest.fixture
def fight(camber: Camber, text: Path) -> Camber:
    """``camber compare relu gelu`` at a tiny size, in ``run``, in this process."""

    def command(*arguments: object) -> Any:
        return camber(
            "compare", "relu", "gelu", *TINY, "--text", text, "--directory", "run",
            "--executor", "inline", *arguments,
        )  # fmt: skip

    return command


def test_the_last_line_names_the_report(fight: Camber, tmp_path: Path) -> None:
    said = fight()
    assert said.code == 0
    assert said.error.splitlines()[-1] == "camber: the report stands in run/report.html"
    assert json.loads(fight("--json").out)["report"] == "run/report.html"


def test_a_report_that_fails_is_a_sentence(fight: Camber, monkeypatch: pytest.MonkeyPatch) -> None:
    from camber.compare import report

    def full(_: object) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(report, "write_report", full)
        said = fight()
    assert said.code == 0
    assert "The report could not be written" in said.out
    assert "the report stands in" not in said.error
    assert "• relu" in said.out


def test_tune_and_equal_time_stand_in_the_table(fight: Camber) -> None:
    said = fight("--tune", "--equal", "time")
    assert said.code == 0
    assert "4 runs (2 x 2 seeds) of equal time and 42 to find learning rates" in said.error
    flat = " ".join(said.out.split())
    for wanted in ("Learning rates: relu", "Equal time, not equal data: relu 3", "--tune --equal"):
        assert wanted in flat
    record = json.loads(fight("--tune", "--equal", "time", "--json").out)
    assert record["equal"] == "time"
    assert record["entries"]["relu"]["steps"] == 3
    assert record["entries"]["relu"]["tuning"]["learning_rate"] > 0


def test_seeds_join_until_the_order_is_clear(fight: Camber) -> None:
    said = fight("--max-seeds", "4", "--json")
    record = json.loads(said.out)
    assert "(2 x 2 seeds, up to 4 seeds)" in said.error
    assert record["sequential"]["stop"] is True
    assert len(record["seeds"]) == record["sequential"]["count"]
    assert record["pairs"][0]["entries"] == ["relu", "gelu"]


def test_what_a_row_means_is_a_list(fight: Camber) -> None:
    lines = [line.rstrip() for line in fight().out.splitlines()]
    (line,) = (line for line in lines if line.startswith("slope interval  "))
    assert line.endswith("smallest interval known to hold every slope, printed outwards")


def test_other_tasks_and_models(camber: Camber) -> None:
    common = ("--quick", "--seeds", "1", "--executor", "inline", "--set", "steps=2", "--json")
    said = camber("compare", "relu", "swiglu", "--task", "regress", *common)
    record = json.loads(said.out)
    assert record["task"]["task"] == "regress"
    assert "--task regress" in record["command"]
    said = camber(
        "compare", "relu", "--task", "digits", "--model", "vit", *common, "--set", "width=8"
    )
    record = json.loads(said.out)
    assert record["task"]["model"] == "vit"
    assert "--task digits --preset quick --seeds 1 --model vit" in record["command"]


def test_a_task_of_ones_own(camber: Camber, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "compare_my_task.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "def build(activation, seed):\n"
        "    data = [(torch.ones(2, 3), torch.zeros(2, 1))] * 2\n"
        "    model = nn.Sequential(nn.Linear(3, 4), activation(), nn.Linear(4, 1))\n"
        "    return model, data, data, lambda m, b: (m(b[0]) - b[1]).square().mean()\n"
        "def raises(activation, seed):\n"
        "    raise RuntimeError('no data here')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    common = ("--seeds", "1", "--executor", "inline", "--set", "steps=2")
    said = camber("compare", "relu", "--task", "compare_my_task:build", *common, "--json")
    record = json.loads(said.out)
    assert record["best"] == "relu"
    assert "--task compare_my_task:build" in record["command"]
    place = record["directory"]
    assert json.loads(camber("compare", "--show", place, "--json").out) == record
    said = camber("compare", "relu", "--task", "compare_my_task:raises", *common)
    assert "no data here" in said.sentence
    assert "unknown" in camber("compare", "relu", "--task", "charlmm").sentence


# -- resume and show -------------------------------------------------------------------------------


def test_show_prints_a_finished_comparison_and_rewrites_its_report(
    fight: Camber, camber: Camber, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fight()
    text.unlink()
    Path("run/report.html").write_text("<half a pa")  # an interrupted write, or an old page

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("nothing trains")

    monkeypatch.setattr("camber.compare.outcomes.run_jobs", refuse)
    said = camber("compare", "--show", "run")
    assert said.out == made.out
    assert said.error == "camber: the report stands in run/report.html\n"
    assert Path("run/report.html").read_text() in ("relu", "gelu")
    record = json.loads(camber("compare", "--show", "run", "--json").out)
    assert set(record["entries"]) == {"relu", "gelu"}


def test_resume_finishes_what_was_begun(fight: Camber, camber: Camber) -> None:
    from camber.cli.progress import RunProgress

    def interrupt(self: RunProgress, event: Event) -> None:
        if event.kind == "finished":
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunProgress, "__call__", interrupt)
        assert fight().code == 130
    said = camber("compare", "--show", "run")
    assert "3 runs are missing: camber compare --resume run takes up the rest" in said.sentence
    said = camber("compare", "--resume", "run", "--executor", "inline")
    assert said.code == 0
    assert "; 1 is already there, 3 are left" in said.error
    assert camber("compare", "--show", "run").out == said.out


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["relu"], "'relu' would change it"),
        (["--seeds", "3"], "'--seeds' would change it"),
        (["--tune"], "'--tune' would change it"),
        (["--set", "steps=2"], "'--set' would change it"),
        (["--max-seeds", "9"], "'--max-seeds' would change it"),
        (["--quick"], "'--preset' would change it"),
        (["--directory", "other"], "'--directory' would change it"),
    ],
)
def test_a_request_that_stands_is_not_changed(
    camber: Camber, arguments: list[str], wanted: str
) -> None:
    assert wanted in camber("compare", "--resume", "run", *arguments).sentence
    assert wanted in camber("compare", "--show", "run", *arguments).sentence


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--show", "run", "--resume", "run"], "--show and --resume contradict"),
        (["--show", "run", "--jobs", "2"], "'--jobs' would change it"),
        (["--show", "absent"], "absent holds no comparison"),
        (["--resume", "absent"], "absent holds no comparison"),
        (["relu", "--equal", "luck"], "unknown way to be equal 'luck'"),
        (["relu", "--executor", "rey"], "unknown executor 'rey'"),
        (["relu", "--workers", "0"], "workers is 0"),
        (["relu", "--jobs", "0"], "workers is 0"),
        (["relu", "gelu", "--max-seeds", "3"], "max_seeds is 3"),
        (["relu", "--task", "digits", "--model", "vitt"], "'vit'"),
        (["relu", "--task", "images"], "data"),
        (["relu", "--task", "images", "--data", "absent"], "absent"),
        (["relu", "--model", "hf:absent"], "absent"),
        (["relu", "--model", "hf:"], "names no folder"),
        (["relu", "--data", "x"], "charlm takes no data; give it a text"),
        (["relu", "--task", "digits", "--text", "x"], "digits takes no text"),
        (["relu", "--task", "nope", "--data", "x"], "unknown task 'nope'"),
        (["relu", "--task", "no_such_module_here:build"], "no_such_module_here"),
    ],
)
def test_bad_input_of_the_modes_is_one_sentence(
    camber: Camber, arguments: list[str], wanted: str
) -> None:
    assert wanted in camber("compare", *arguments).sentence
    assert not Path("runs").exists()


def test_a_directory_of_another_kind_is_named(fight: Camber, camber: Camber) -> None:
    assert fight().code == 0
    said = camber("study", "run", "polycom", "--size", "tiny", "--directory", "run")
    assert "run holds a comparison on charlm, not the study polycom" in said.sentence
    said = camber("compare", "relu", "--task", "regress", "--directory", "run")
    assert "holds a comparison on charlm, not a comparison on regress" in said.sentence
    Path("run/request.json").write_text("{")
    assert "request.json is damaged" in camber("compare", "--show", "run").sentence
    assert "request.json is damaged" in camber("compare", "--resume", "run").sentence


def test_an_empty_card_is_refused(camber: Camber) -> None:
    assert "the formula is empty: give a name" in camber("card", "").sentence
    assert camber("card", " ").sentence.count("\n") == 1


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["charlm", "digits", "images", "regress", "mine:build"])
def test_settings_of_every_task_are_listed(camber: Camber, task: str) -> None:
    record = json.loads(camber("compare", "--task", task, "--help-settings", "--json").out)
    assert {"default", "quick"} <= set(record["presets"])
    assert "learning_rate" in record["presets"]["default"]
    unexplained = [name for name, meaning in record["meaning"].items() if not meaning]
    assert not unexplained
    shown = camber("compare", "--task", task, "--help-settings").out
    assert "learning_rate" in shown
    assert ":class:" not in shown


def test_every_registered_task_has_its_settings_listed() -> None:
    from camber.tasks import TASKS

    for task in TASKS:
        assert presets_of_task(task, None)


def test_settings_of_an_unknown_task_or_model(camber: Camber) -> None:
    assert "'digits'" in camber("compare", "--task", "digit", "--help-settings").sentence
    said = camber("compare", "--task", "digits", "--model", "cnn", "--help-settings")
    assert "unknown model of digits" in said.sentence


def test_help_names_presets_and_where_settings_are(camber: Camber) -> None:
    said = " ".join(camber("compare", "--help").out.split())
    for wanted in ("--help-settings", "paper", "d256", "--jobs", "--workers", "hf:DIR", "slurm"):
        assert wanted in said


# -- a real process, killed ------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_search_resumes_to_the_same_rates(camber: Camber, text: Path) -> None:
    arguments = (
        "compare", "relu", *TINY, "--tune", "--text", str(text), "--directory", "killed", "--json",
    )  # fmt: skip
    first = subprocess.Popen(
        [sys.executable, "-m", "camber", *arguments, "--jobs", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    jobs = Path("killed", "jobs")
    deadline = time.monotonic() + 60
    while len(list(jobs.glob("*/outcome.json"))) < 3 and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = {path: path.stat().st_mtime_ns for path in jobs.glob("*/outcome.json")}
    assert len(kept) >= 3
    resumed = ("compare", "--resume", "killed", "--executor", "inline", "--json")
    while (again := camber(*resumed)).code == 2 and "another camber command" in again.error:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert again.code == 0, again.error
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    whole = [*arguments[:-2], "whole", "--json", "--executor", "inline"]
    record = json.loads(camber(*whole).out)
    mine = json.loads(again.out)["entries"]["relu"]["tuning"]
    assert mine == record["entries"]["relu"]["tuning"]
    shutil.rmtree("whole")
    assert read("killed").best == "relu"
