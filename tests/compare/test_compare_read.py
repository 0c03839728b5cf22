"""A run directory read again, resumed, damaged, mismatched: nothing trains that stands."""

import errno
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import camber.studies  # noqa: F401  # registers them
from camber.compare import Comparison, read, resume, run
from camber.compare.request import Request, stored_request
from camber.errors import CamberError, RunError
from camber.train import Event, InlineExecutor, atomic, run_study
from camber.train.plain_json import digest_of

TINY = {"steps": 3, "warmup_steps": 1, "batch": 2, "context": 8, "width": 8, "layers": 1,
        "evaluation_tokens": 16}  # fmt: skip
Fight = Callable[..., Comparison]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 200)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def fight(text: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Fight:
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 2)

    def tiny(entries: Sequence[str] = ("relu", "gelu"), **changes: object) -> Comparison:
        given: dict[str, object] = {
            "preset": "quick", "seeds": 2, "settings": TINY, "text": text, "directory": place,
            "executor": InlineExecutor(), "report": False,
        }  # fmt: skip
        return run(entries, **{**given, **changes})  # type: ignore[arg-type]  # by name

    return tiny


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


# -- what is not finished, foreign or damaged ------------------------------------------------------


def test_an_unfinished_directory_says_what_is_missing(fight: Fight, place: Path) -> None:
    fight()
    shutil.rmtree(next((place / "jobs").glob("*/job.json")).parent)
    with pytest.raises(RunError, match="1 run is missing: camber compare --resume"):
        read(place)
    events: list[Event] = []
    found = resume(place, executor=InlineExecutor(), report=False, on_event=events.append)
    assert sum(event.kind == "started" for event in events) == 1
    assert read(place).to_dict() == found.to_dict()


def test_a_comparison_killed_before_its_first_run(fight: Fight, place: Path) -> None:
    class Dead:
        def map(self, *_: object, **__: object) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fight(executor=Dead())
    with pytest.raises(RunError, match="4 runs are missing"):
        read(place)
    assert resume(place, executor="inline", report=False).best


def test_resume_takes_everything_from_the_request(fight: Fight, place: Path, text: Path) -> None:
    made = fight(tune=True, equal="time", seeds=3)
    request = stored_request(place)
    assert request is not None
    shutil.rmtree(place / "jobs")
    again = resume(place, executor="inline", report=False)
    assert stored_request(place) == request
    assert again.seeds == made.seeds
    assert again.tunings == made.tunings
    assert again.configs == made.configs
    assert again.command == made.command
    text.write_text("other words entirely. " * 500)
    with pytest.raises(RunError, match="another configuration"):
        resume(place, executor="inline", report=False)


def test_the_latest_request_is_the_one_that_is_read(fight: Fight, place: Path) -> None:
    fight()
    fight(("relu", "silu"), seeds=3)
    found = read(place)
    assert set(found.ranking) == {"relu", "silu"}
    assert found.seeds == (0, 1, 2)


def test_no_comparison_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no comparison"):
        read(tmp_path)
    with pytest.raises(RunError, match="holds no comparison"):
        read(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_a_study_and_a_comparison_are_not_mixed_up(
    fight: Fight, place: Path, tmp_path: Path
) -> None:
    fight(("relu",), seeds=1)
    with pytest.raises(RunError, match="holds a comparison on charlm, not the study polycom"):
        run_study("polycom", "tiny", place, InlineExecutor())
    from camber.train import RunDirectory

    study = tmp_path / "study"
    RunDirectory(study, {"study": "polycom", "size": "tiny"})
    with pytest.raises(RunError, match="holds the study polycom, not a comparison on charlm"):
        fight(directory=study)
    with pytest.raises(RunError, match="holds the study polycom, no comparison"):
        read(study)
    job = next((place / "jobs").glob("*/job.json")).parent
    with pytest.raises(RunError, match="holds a single run, no comparison"):
        read(job)


@pytest.mark.parametrize(
    "damage",
    [
        "{ half",
        "[]",
        '{"schema": 99}',
        '{"schema": 1}',
        '{"schema": 1, "entries": [], "options": {}}',
        "\x00",
    ],
)
def test_a_damaged_request_is_named_and_written_anew(
    fight: Fight, place: Path, damage: str
) -> None:
    made = fight()
    path = place / "request.json"
    path.write_text(damage)
    for verb in (read, resume):
        with pytest.raises(RunError, match=r"request\.json"):
            verb(place)
    assert fight().to_dict() == made.to_dict()
    assert read(place).to_dict() == made.to_dict()


def test_a_request_that_is_missing_or_of_another_directory(
    fight: Fight, place: Path, tmp_path: Path
) -> None:
    fight()
    fight(directory=tmp_path / "other", settings={**TINY, "steps": 2})
    shutil.copy(tmp_path / "other" / "request.json", place)
    with pytest.raises(RunError, match="tell of different comparisons"):
        read(place)
    (place / "request.json").unlink()
    with pytest.raises(RunError, match=r"no request\.json"):
        read(place)


@pytest.mark.parametrize("key", ["seeds", "tune", "fit", "entries", "task"])
def test_a_request_changed_by_hand(fight: Fight, place: Path, key: str) -> None:
    """What is changed is either refused or asks for runs that are not there."""
    fight()
    path = place / "request.json"
    record = json.loads(path.read_text())
    changed = {
        "seeds": 4,
        "tune": True,
        "fit": {**record["fit"], "steps": 9},
        "entries": [{"text": "silu", "options": {}, "label": "silu"}],
        "task": {**record["task"], "name": "digits"},
    }
    path.write_text(json.dumps({**record, key: changed[key]}))
    with pytest.raises(RunError, match=r"changed after|missing"):
        read(place)


def test_an_old_protocol_is_named(fight: Fight, place: Path) -> None:
    fight()
    path = place / "request.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "protocol": 0}))
    with pytest.raises(RunError, match="its runs follow protocol 0"):
        read(place)


def test_mismatched_directories_are_refused(fight: Fight, text: Path) -> None:
    fight(seeds=1)
    with pytest.raises(RunError, match=r"steps is 3 there and 9 here"):
        fight(settings={**TINY, "steps": 9})
    with pytest.raises(RunError, match="another configuration"):
        fight(tune=True)
    with pytest.raises(RunError, match="another configuration"):
        fight(equal="time")
    with pytest.raises(RunError, match="holds a comparison on charlm, not a comparison on regress"):
        fight(task="regress", text=None, settings={"steps": 3})
    text.write_text("other words entirely. " * 500)
    with pytest.raises(RunError, match="corpus_sha256 is "):
        fight()


def test_damaged_prices_are_a_note(fight: Fight, place: Path) -> None:
    made = fight()
    (place / "prices.json").write_text("{ half")
    lost = read(place)
    assert set(lost.rows["time_over_gelu"].values()) == {None}
    assert any("prices.json is damaged" in note for note in lost.notes)
    again = fight()
    assert None not in again.rows["time_over_gelu"].values()
    assert any("was measured again" in note for note in again.notes)
    assert fight().notes == made.notes


def test_a_damaged_pace_is_refused_with_its_remedy(fight: Fight, place: Path) -> None:
    fight(equal="time")
    for damage in ("[", '{"schema": 1, "paces": {"a": "fast"}}', '{"schema": 1, "paces": 3}'):
        (place / "pace.json").write_text(damage)
        for verb in (lambda: fight(equal="time"), lambda: read(place)):
            with pytest.raises(RunError, match=r"pace\.json.*delete it"):
                verb()
    (place / "pace.json").unlink()
    with pytest.raises(RunError, match="does not hold the pace of gelu"):
        read(place)
    assert fight(equal="time").best


def test_too_little_data_is_refused_before_anything_is_written(
    fight: Fight, place: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.txt"
    short.write_text("hello")
    with pytest.raises(CamberError, match="longer text"):
        fight(text=short)
    assert not place.exists()


def test_contradictions_are_refused(fight: Fight) -> None:
    for changes, wanted in (
        ({"equal": "luck"}, "'tokens', 'time'|'time', 'tokens'"),
        ({"max_seeds": 2}, "max_seeds is 2"),
        ({"max_seeds": 0}, "max_seeds is 0"),
        ({"seeds": 10_001}, "at most 10000"),
        ({"seeds": True}, "seeds is True"),
        ({"settings": {**TINY, "text": "a"}}, "text is given twice"),
        ({"executor": "threads"}, "unknown executor 'threads'"),
        ({"executor": "inline", "workers": 2}, "no option 'workers'"),
        ({"model": "hf:"}, "names no folder"),
        ({"model": "hf:x", "task": "digits"}, "brings its own task"),
    ):
        with pytest.raises(CamberError, match=wanted):
            fight(**changes)


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
    assert digest_of(request.identity) == request.to_dict()["digest"]
