"""A run directory read again, resumed, damaged, mismatched: nothing trains that stands."""

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_comparisons import TINY, Fight

import camber.studies  # noqa: F401  # registers them
from camber.compare import read
from camber.compare.request import Request, stored_request
from camber.errors import CamberError
from camber.train import atomic
from camber.train.plain_json import digest_of


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading must neither train nor time nor look for the data."""

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("this was to be read, not done again")

    for name in (
        "outcomes.run_jobs",
        "prices.measure_costs",
        "pace._measured",
        "asking.task_named",
    ):
        monkeypatch.setattr(f"camber.compare.{name}", refuse)


def test_what_was_run_is_read_again(
    fight: Fight, place: Path, text: Path, request: pytest.FixtureRequest
) -> None:
    made = fight(("relu", "polynorm:order=2", "x*sigmoid(beta*x):beta=fixed(1.7)"))
    text.unlink()  # the data are not needed
    request.getfixturevalue("no_training")
    found = read(place)
    assert found.to_dict() == made.to_dict()
    assert found.entries == made.entries


def test_labels_of_a_mapping_are_read_again(fight: Fight, place: Path) -> None:
    made = fight({"mine": "x*sigmoid(1.7*x)", "theirs": "gelu"})
    assert read(place).ranking == made.ranking
    assert set(made.ranking) == {"mine", "theirs"}


def test_a_directory_may_be_moved(fight: Fight, place: Path, tmp_path: Path) -> None:
    fight()
    moved = tmp_path / "elsewhere" / "kept"
    moved.parent.mkdir()
    place.rename(moved)
    found = read(moved)
    assert found.directory == str(moved)
    assert found.log(found.runs["relu"][0])


def test_equal_time_and_its_paces_are_read_again(
    fight: Fight, place: Path, request: pytest.FixtureRequest
) -> None:
    made = fight(equal="time")
    request.getfixturevalue("no_training")
    assert read(place).to_dict() == made.to_dict()


def test_diverged_runs_are_read_again(fight: Fight, place: Path) -> None:
    made = fight(("relu", "log(x)"))
    assert read(place).sentences == made.sentences
    assert "diverged in 2 of 2 seeds" in made.sentences["log(x)"]
    assert "not compared" in made.pair_sentences["relu", "log(x)"]
    assert not made.pairs
    shutil.rmtree(place)
    with pytest.raises(CamberError, match="nothing is left to rank"):
        fight(("log(x)",))
    with pytest.raises(CamberError, match="nothing is left to rank"):
        read(place)


def test_every_pair_has_a_sentence(fight: Fight) -> None:
    found = fight(("relu", "gelu", "silu"))
    assert list(found.pair_sentences) == [("relu", "gelu"), ("relu", "silu"), ("gelu", "silu")]
    record = found.to_dict()["pairs"]
    assert isinstance(record, list)
    assert [pair["entries"] for pair in record] == [list(pair) for pair in found.pair_sentences]
    for pair, difference in found.pairs.items():
        means = [found.estimates[label].mean for label in pair]
        assert means[0] is not None
        assert means[1] is not None
        assert difference.mean == pytest.approx(means[0] - means[1], abs=1e-12)  # rounding


def test_logs_of_runs_are_read(fight: Fight, place: Path) -> None:
    found = fight(("relu",), settings={**TINY, "steps": 25})
    first = found.runs["relu"][0]
    log = found.log(first)
    assert [record["step"] for record in log] == [10, 20, 25]
    assert {"loss", "learning_rate", "gradient_norm", "tokens", "seconds"} <= set(log[0])
    path = place / "jobs" / first.job / "metrics.jsonl"
    path.write_text(path.read_text()[:-4])  # a last line that a kill cut short
    assert [record["step"] for record in found.log(first)] == [10, 20]
    path.write_bytes(b"\xff\xfe")
    assert found.log(first) == ()
    path.unlink()
    assert found.log(first) == ()


def test_a_gpu_gets_one_run_at_a_time_unless_told_otherwise() -> None:
    from camber.compare.run import _executor

    assert repr(_executor(None, None, "cuda")) == "ProcessExecutor(workers=1, threads=1)"
    assert repr(_executor("processes", None, "cuda")) == "ProcessExecutor(workers=1, threads=1)"
    assert repr(_executor("processes", 3, "cuda")) == "ProcessExecutor(workers=3, threads=1)"


# -- the report and the environment ----------------------------------------------------------------


def test_a_report_that_cannot_be_written_loses_nothing(
    fight: Fight, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from camber.compare import report

    def full(_: object) -> Path:
        raise atomic.write_error(
            place / "report.html", OSError(errno.ENOSPC, "No space left on device")
        )

    monkeypatch.setattr(report, "write_report", full)
    found = fight(report=True)
    assert found.report is None
    assert "the disk is full" in found.notes[-1]
    assert f"camber compare --show {place}" in found.notes[-1]
    assert json.loads((place / "result.json").read_text())["best"] == found.best
    monkeypatch.setattr(report, "write_report", lambda found: Path(found.directory, "report.html"))
    assert fight(report=True).report == str(place / "report.html")


def test_the_environment_is_that_of_the_first_command(
    fight: Fight, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fight().environment
    assert first["torch"]
    monkeypatch.setattr("camber.compare.asking.environment", lambda: {"torch": "other"})
    assert fight().environment == first
    assert fight(("relu", "silu")).environment == {"torch": "other"}


def test_a_request_is_plain_data_and_back(fight: Fight, place: Path) -> None:
    fight(("relu", "polynorm:order=2"), equal="time", tune=True)
    request = stored_request(place)
    assert request is not None
    assert Request.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    record = request.to_dict()
    assert record.pop("digest") == digest_of(record)
