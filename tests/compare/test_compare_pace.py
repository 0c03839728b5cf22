"""Equal time: steps from paces, paces kept and measured once, and what is trained then."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camber.compare import Comparison, pace, run
from camber.compare.entries import Entry, as_entries
from camber.compare.pace import paces, steps_at
from camber.errors import RunError
from camber.tasks import task
from camber.train import Event, FitConfig, InlineExecutor

TINY = {"steps": 12, "warmup_steps": 4, "batch": 2, "context": 8, "width": 8, "layers": 1,
        "evaluation_tokens": 16}  # fmt: skip
#: Made-up paces: what a step takes, over a step of relu.
PACES = {"relu": 1.0, "gelu": 1.5, "silu": 0.5}
Fight = Callable[..., Comparison]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the measurement, and note which entries it was asked for."""
    asked: list[str] = []

    def made_up(entries: Sequence[Entry], *_: object) -> dict[str, float]:
        asked.extend(entry.label for entry in entries)
        first = PACES[entries[0].label]
        return {entry.label: PACES[entry.label] / first for entry in entries}

    monkeypatch.setattr(pace, "_measured", made_up)
    return asked


@pytest.fixture
def fight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fight:
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 1)
    text = tmp_path / "words.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 200)

    def tiny(entries: Sequence[str], **changes: object) -> Comparison:
        given: dict[str, object] = {
            "preset": "quick", "seeds": 1, "settings": TINY, "text": text, "equal": "time",
            "directory": tmp_path / "run", "executor": InlineExecutor(), "report": False,
        }  # fmt: skip
        return run(entries, **{**given, **changes})  # type: ignore[arg-type]  # by name

    return tiny


@given(st.floats(1e-3, 1e3), st.integers(1, 10**6))
def test_steps_take_the_time_of_the_first_to_half_a_step(pace: float, steps: int) -> None:
    found = steps_at(pace, steps)
    assert found >= 1
    if found > 1:
        # half a step, and the rounding of a quotient of numbers up to 1e9
        assert abs(found * pace - steps) <= pace * (0.5 + 1e-6)


def test_every_entry_gets_the_steps_of_its_pace(fight: Fight, measured: list[str]) -> None:
    found = fight(["relu", "gelu", "silu"])
    assert {label: config.steps for label, config in found.configs.items()} == {
        "relu": 12, "gelu": 8, "silu": 24,
    }  # fmt: skip
    # the schedule is fitted to its own steps: a third of them warm up
    assert {label: config.warmup_steps for label, config in found.configs.items()} == {
        "relu": 4, "gelu": 3, "silu": 8,
    }  # fmt: skip
    assert {label: own[0].step for label, own in found.runs.items()} == {
        "relu": 12, "gelu": 8, "silu": 24,
    }  # fmt: skip
    assert found.paces == PACES
    assert found.rows["steps"]["gelu"] == {"steps": 8, "pace": 1.5}
    assert set(found.rows["learning_rate"].values()) == {None}
    assert found.to_dict()["equal"] == "time"
    notes = " ".join(found.notes)
    assert "in the time of 12 steps of relu" in notes
    assert "Equal time, not equal data: relu 12, gelu 8 and silu 24 steps" in notes
    assert "after 12 steps" not in notes


def test_paces_are_measured_once(fight: Fight, measured: list[str]) -> None:
    first = fight(["relu", "gelu"])
    assert measured == ["relu", "gelu"]
    PACES_THEN = dict(PACES)
    try:
        PACES.update(gelu=9.0)  # the machine is busy now; what was measured stands
        again = fight(["relu", "gelu"])
        assert measured == ["relu", "gelu"]
        assert again.configs == first.configs
        events: list[Event] = []
        joined = fight(["relu", "gelu", "silu"], on_event=events.append)
    finally:
        PACES.update(PACES_THEN)
    assert measured[2:] == ["relu", "silu"]  # the reference takes its turns beside the new one
    assert joined.configs["gelu"] == first.configs["gelu"]
    assert sum(event.kind == "started" for event in events) == 1


def test_another_first_entry_is_another_reference(fight: Fight, measured: list[str]) -> None:
    fight(["relu", "gelu"])
    found = fight(["gelu", "relu"])
    assert {label: config.steps for label, config in found.configs.items()} == {
        "gelu": 12, "relu": 18,
    }  # fmt: skip


def test_the_search_at_equal_time_takes_each_entrys_own_steps(
    fight: Fight, measured: list[str]
) -> None:
    found = fight(["relu", "silu"], tune=True)
    assert found.tunings["relu"].rungs == (3, 6, 12)
    assert found.tunings["silu"].rungs == (6, 12, 24)
    notes = " ".join(found.notes)
    assert f"({found.tunings['relu'].steps} to {found.tunings['silu'].steps} steps" in notes


def test_a_real_measurement_moves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ratios are positive; threads and the global generator stay as they were."""
    monkeypatch.setattr(pace, "ROUNDS", 2)
    problem = task("charlm", preset="quick", **TINY)
    config = FitConfig(**problem.recommended)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    found = paces(as_entries(["relu", "polynorm", "log(x)"]), tmp_path, problem, config)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert found["relu"] == 1.0
    assert all(value > 0 for value in found.values())  # log(x) is nan on the data, and has a pace
    stored = json.loads((tmp_path / "pace.json").read_text())
    assert sorted(stored["paces"].values()) == sorted(found.values())
    assert paces(as_entries(["relu", "polynorm"]), tmp_path, None, config).keys() == {
        "relu", "polynorm",
    }  # fmt: skip
    with pytest.raises(RunError, match="does not hold the pace of gelu"):
        paces(as_entries(["relu", "gelu"]), tmp_path, None, config)
