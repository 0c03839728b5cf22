"""The fight itself, at a size of seconds: fairness, resuming, diverged runs, refusals."""

import errno
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch
from rich.console import Console

from camber.compare import Comparison, run
from camber.errors import CamberError, RunError, UnknownNameError
from camber.tasks import task
from camber.train import Event, InlineExecutor, Job, atomic

TINY = {
    "steps": 3,
    "warmup_steps": 1,
    "batch": 2,
    "context": 8,
    "width": 8,
    "evaluation_tokens": 64,
}
Fight = Callable[..., Comparison]


@pytest.fixture(scope="session")
def small_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 200)
    return path


@pytest.fixture(autouse=True)
def _small_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices are looked at for their form here, not for their values."""
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 2)


@pytest.fixture
def fight(small_text: Path, tmp_path: Path) -> Fight:
    """``compare.run`` on the small text with tiny settings, in this process."""

    def tiny(entries: Sequence[str] | Mapping[str, str], **changes: object) -> Comparison:
        given: dict[str, object] = {
            "preset": "quick",
            "seeds": 2,
            "settings": TINY,
            "text": small_text,
            "directory": tmp_path / "run",
            "executor": InlineExecutor(),
            "report": False,
        }
        return run(entries, **{**given, **changes})  # type: ignore[arg-type]  # by name

    return tiny


def test_every_entry_gets_a_sentence_and_every_row_a_value(fight: Fight) -> None:
    found = fight(["relu", "swiglu", "polynorm"])
    assert set(found.sentences) == set(found.ranking) == {"relu", "swiglu", "polynorm"}
    assert found.best == found.ranking[0]
    for cells in found.rows.values():
        assert set(cells) == set(found.ranking)
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["best"] == found.best
    assert len(record["entries"]["relu"]["runs"]) == 2


def test_the_fight_is_fair(fight: Fight) -> None:
    found = fight(["relu", "swiglu", "polynorm"])
    counts = {label: own[0].parameters for label, own in found.runs.items()}
    # at width 8 a single hidden unit is 0.4 % of the model; at real sizes the rule is 0.5 %
    assert max(counts.values()) / min(counts.values()) < 1.02
    assert {run.seed for own in found.runs.values() for run in own} == {0, 1}


def test_initial_weights_are_paired(small_text: Path) -> None:
    problem = task("charlm", preset="quick", text=str(small_text), width=8, context=8)
    relu, gelu = problem.build_model("relu", 3), problem.build_model("gelu", 3)
    for ours, theirs in zip(relu.parameters(), gelu.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    same = [next(problem.batches("train", 3))[0] for _ in range(2)]
    assert torch.equal(*same)


def test_the_same_command_trains_nothing_again(fight: Fight, tmp_path: Path) -> None:
    events: list[Event] = []
    first = fight(["relu", "gelu"], on_event=events.append)
    assert sum(event.kind == "started" for event in events) == 4
    events.clear()
    again = fight(["relu", "gelu"], on_event=events.append)
    assert {event.kind for event in events} == {"stands"}
    assert again.to_dict() == first.to_dict()


def test_an_entry_that_joins_trains_alone(fight: Fight) -> None:
    fight(["relu", "gelu"])
    events: list[Event] = []
    fight(["relu", "gelu", "silu"], seeds=3, on_event=events.append)
    started = [event.job for event in events if event.kind == "started"]
    assert sorted((job.label, job.seed) for job in started) == [
        ("gelu", 2), ("relu", 2), ("silu", 0), ("silu", 1), ("silu", 2),
    ]  # fmt: skip


def test_an_interrupt_loses_no_finished_run(fight: Fight) -> None:
    def interrupt(event: Event) -> None:
        if event.kind == "finished" and event.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fight(["relu", "gelu"], on_event=interrupt)
    events: list[Event] = []
    fight(["relu", "gelu"], on_event=events.append)
    assert sum(event.kind == "stands" for event in events) == 3
    assert sum(event.kind == "started" for event in events) == 1


def test_the_default_directory_is_named_by_content(
    fight: Fight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = [fight(["relu"], seeds=1, directory=None).directory for _ in range(2)]
    assert places[0] == places[1]
    assert places[0].startswith("runs/compare-")
    other = fight(["relu"], seeds=1, directory=None, text=_another_text(tmp_path)).directory
    assert other != places[0]


def test_one_entry_is_measured_without_a_verdict(fight: Fight) -> None:
    found = fight(["relu"])
    assert found.best == "relu"
    assert found.sentences["relu"].endswith("nothing to compare it with.")
    assert not found.differences


def test_one_seed_is_too_few(fight: Fight) -> None:
    found = fight(["relu", "gelu"], seeds=1)
    assert any("too few seeds to say" in text for text in found.sentences.values())
    assert found.rows["metric"]["relu"]["low"] is None  # type: ignore[index]


def test_one_function_twice_is_said_to_be_the_same(fight: Fight) -> None:
    found = fight({"mine": "gelu", "theirs": "gelu"})
    assert "gave the same value in every one of 2 seeds" in found.sentences["theirs"]


def test_a_diverged_entry_is_a_result(fight: Fight) -> None:
    found = fight(["relu", "log(x)"])
    assert found.best == "relu"
    assert found.ranking == ("relu", "log(x)")
    assert found.sentences["log(x)"].startswith("log(x) diverged in 2 of 2 seeds (seeds 0, 1)")
    assert "nan" in found.sentences["log(x)"]
    assert found.estimates["log(x)"].mean is None


def test_nothing_but_diverged_runs_is_refused(fight: Fight) -> None:
    with pytest.raises(CamberError, match=r"^log\(x\) diverged with seed 0 .* nothing is left"):
        fight(["log(x)", "sqrt(-1-x*x)"])


def test_what_the_model_cannot_hold_is_refused_before_training(fight: Fight) -> None:
    events: list[Event] = []
    with pytest.raises(CamberError, match="does not fit charlm"):
        fight(["relu", "groupsort:group_size=4096"], on_event=events.append)
    assert not events


@pytest.mark.parametrize("seeds", [0, -1])
def test_seeds_below_one_are_refused(fight: Fight, seeds: int) -> None:
    with pytest.raises(CamberError, match=f"seeds is {seeds}"):
        fight(["relu"], seeds=seeds)


def test_unknown_names_are_refused_with_near_ones(fight: Fight) -> None:
    with pytest.raises(UnknownNameError, match="preset"):
        fight(["relu"], preset="defualt")
    with pytest.raises(UnknownNameError, match="task"):
        fight(["relu"], task="charlmm")
    with pytest.raises(UnknownNameError, match="'steps'"):
        fight(["relu"], settings={"step": 3})


def test_a_directory_of_another_fight_is_refused(fight: Fight, tmp_path: Path) -> None:
    fight(["relu"], seeds=1)
    with pytest.raises(RunError, match="another configuration"):
        fight(["relu"], seeds=1, text=_another_text(tmp_path))


def test_a_foreign_directory_is_refused(fight: Fight, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="no run directory"):
        fight(["relu"], seeds=1)
    assert (tmp_path / "run" / "thesis.tex").read_text() == "mine"


def test_a_damaged_outcome_is_named_and_nothing_else_is_lost(fight: Fight, tmp_path: Path) -> None:
    fight(["relu", "gelu"], seeds=1)
    stored = sorted((tmp_path / "run" / "jobs").glob("*/outcome.json"))
    stored[0].write_text("{ half")
    with pytest.raises(RunError, match=r"outcome\.json is damaged"):
        fight(["relu", "gelu"], seeds=1)
    shutil.rmtree(stored[0].parent)
    events: list[Event] = []
    fight(["relu", "gelu"], seeds=1, on_event=events.append)
    assert sum(event.kind == "stands" for event in events) == 1


def test_a_full_disk_loses_nothing(
    fight: Fight, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fight(["relu"], seeds=1)
    with monkeypatch.context() as patch:

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(atomic.os, "fsync", full)
        with pytest.raises(RunError, match="the disk is full"):
            fight(["relu", "gelu"], seeds=1)
    events: list[Event] = []
    fight(["relu", "gelu"], seeds=1, on_event=events.append)
    assert sum(event.kind == "stands" for event in events) == 1


def test_the_report_says_what_it_speaks_for_and_how_to_repeat_it(
    fight: Fight, small_text: Path
) -> None:
    found = fight(["relu", "gelu"])
    text = " ".join(found.notes)
    assert "models of 5,672 parameters after 3 steps (48 tokens)" in text
    assert task("charlm", text=str(small_text)).describe()["corpus_sha256"] in text
    assert "a single pair needs no correction for the choice" in text
    assert found.command.startswith("camber compare relu gelu --preset quick --seeds 2 --text")


def test_a_job_refuses_other_data(fight: Fight, tmp_path: Path) -> None:
    from camber.compare.job import train_entry
    from camber.train import Workplace

    text = _another_text(tmp_path)
    fight(["relu"], seeds=1, text=text)
    record = json.loads(next((tmp_path / "run" / "jobs").glob("*/job.json")).read_text())
    text.write_text("something else entirely, " * 400)
    with pytest.raises(RunError, match="changed while the comparison ran"):
        train_entry(Job.from_dict(record), Workplace())


def _another_text(folder: Path) -> Path:
    path = folder / "other.txt"
    path.write_text("pack my box with five dozen liquor jugs. " * 200)
    return path


def test_a_narrow_table_keeps_every_answer_beside_its_question(fight: Fight) -> None:
    narrow = Console(width=54, color_system=None)
    with narrow.capture() as captured:
        narrow.print(fight(["relu", "gelu"]).table())
    shown = captured.get()
    assert "exactly 0 after training" not in shown.partition("└")[0]  # the heading above wrapped
    (dead,) = (line for line in shown.splitlines() if line.startswith("│ dead units"))
    assert dead.count(" of ") == 2


def test_the_verdict_is_what_a_terminal_shows_last_and_in_full(fight: Fight) -> None:
    found = fight(["relu", "gelu"])
    narrow = Console(width=40, color_system=None)
    with narrow.capture() as captured:
        narrow.print(found.table())
    shown = captured.get()
    assert str(found.task["corpus_sha256"]) in "".join(shown.split())
    assert shown.index("outwards") < shown.index("lowest mean") < shown.index("This verdict")
