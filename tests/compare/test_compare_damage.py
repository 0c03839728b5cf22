"""Directories of a comparison that are unfinished, foreign, damaged, mismatched or contradicted."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_comparisons import TINY, Fight

import camber.studies  # noqa: F401  # registers them
from camber.compare import read, resume
from camber.compare.request import stored_request
from camber.errors import CamberError, RunError
from camber.train import Event, InlineExecutor, run_study


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
    with pytest.raises(RunError, match="changed after it was written"):
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
