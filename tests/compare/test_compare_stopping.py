"""A comparison that stops when the order is clear: what it trains, and that a kill changes nothing.

The rule itself is tested with the statistics; here it is driven by runs whose metrics are made up.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from camber.compare import Comparison, read, run
from camber.compare.statistics import looks, sequential
from camber.compare.table import other_pairs
from camber.errors import CamberError, RunError
from camber.train import Event, InlineExecutor, Job, Workplace

TINY = {"steps": 1, "batch": 2, "context": 8, "width": 8, "layers": 1, "evaluation_tokens": 16}

#: Entry -> the metric of each seed: relu leads gelu clearly, and silu by a hair.
METRICS = {
    "relu": lambda seed: 1.0 + 0.01 * math.sin(7 * seed),
    "gelu": lambda seed: 1.5 + 0.01 * math.cos(5 * seed),
    "silu": lambda seed: 1.003 + 0.01 * math.sin(11 * seed + 1),
    "log(x)": lambda seed: None if seed == 2 else 1.2,
    "exp(x)": lambda seed: None,
}
Fight = Callable[..., Comparison]


def made_up(job: Job, place: Workplace) -> Mapping[str, object]:
    entry = job.config["entry"]
    assert isinstance(entry, dict)
    metric = METRICS[entry["text"]](job.seed)
    return {
        "metric": metric, "diverged": metric is None, "step": 1, "reason": "the loss is nan",
        "units_per_second": 10.0, "parameters": 100, "seconds": 0.1, "peak_bytes": None,
        "probes": {},
    }  # fmt: skip


@pytest.fixture
def fight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fight:
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 1)
    monkeypatch.setattr("camber.compare.outcomes.train_entry", made_up)
    text = tmp_path / "words.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 200)

    def tiny(entries: Sequence[str], **changes: object) -> Comparison:
        given: dict[str, object] = {
            "preset": "quick", "settings": TINY, "text": text, "directory": tmp_path / "run",
            "executor": InlineExecutor(), "report": False, "seeds": 4, "max_seeds": 16,
        }  # fmt: skip
        return run(entries, **{**given, **changes})  # type: ignore[arg-type]  # by name

    return tiny


def test_a_clear_order_stops_at_the_first_look_that_shows_it(fight: Fight) -> None:
    events: list[Event] = []
    found = fight(["relu", "gelu"], on_event=events.append)
    assert found.seeds == (0, 1, 2, 3)
    assert sum(event.kind == "started" for event in events) == 8
    assert found.sequential is not None
    # oracle: the rule, asked by itself
    values = {label: [METRICS[label](seed) for seed in range(4)] for label in ("relu", "gelu")}
    plan = looks(4, 16)
    assert found.sequential == sequential(values, plan)
    assert found.pairs == found.sequential.pairs
    assert found.best == "relu"
    note = next(note for note in found.notes if note.startswith("Seeds:"))
    assert "4 of at most 16, looked at after 4:" in note
    assert "relu is told from every other entry" in note
    assert f"spent {100 * plan.increments[0]:.2g} of the 5 % error" in note
    assert "--seeds 4 --max-seeds 16" in found.command


def test_an_order_within_noise_goes_to_the_last_look(fight: Fight) -> None:
    found = fight(["relu", "silu"])
    assert found.seeds == tuple(range(16))
    assert found.sequential is not None
    assert found.sequential.spent == pytest.approx(0.05, abs=1e-12)  # a sum of four parts
    assert "the last look" in found.sequential.reason
    assert read(found.directory).to_dict() == found.to_dict()


def test_what_an_early_look_decided_is_said_to_be(fight: Fight) -> None:
    found = fight(["relu", "gelu", "silu"])
    assert len(found.seeds) == 16  # relu and silu are within noise
    assert found.differences["gelu"].count == 4
    early = "decided after 4 of 16 seeds."
    assert found.sentences["gelu"].endswith(early)
    assert found.pair_sentences["relu", "gelu"].endswith(early)
    assert "decided" not in found.sentences["silu"] + found.sentences["relu"]
    mean = sum(METRICS["gelu"](seed) - METRICS["silu"](seed) for seed in range(4)) / 4
    assert list(other_pairs(found)) == [
        f"Also separated: silu before gelu by {mean:.3f} nats/byte."
    ]


def test_pairs_that_are_equal_are_not_called_noise(
    fight: Fight, monkeypatch: pytest.MonkeyPatch
) -> None:
    for same in ("relu(x)", "max(x, 0)"):
        monkeypatch.setitem(METRICS, same, METRICS["gelu"])
    found = fight(["relu", "relu(x)", "max(x, 0)"])
    assert list(other_pairs(found)) == ["The same value in every seed: relu(x) and max(x, 0)."]


@pytest.mark.parametrize("after", [1, 8, 9, 20])
def test_a_kill_anywhere_changes_nothing(fight: Fight, tmp_path: Path, after: int) -> None:
    whole = fight(["relu", "silu"], directory=tmp_path / "whole")
    seen = 0

    def interrupt(event: Event) -> None:
        nonlocal seen
        seen += event.kind == "finished"
        if seen == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fight(["relu", "silu"], on_event=interrupt)
    with pytest.raises(RunError, match=r"at least \d+ runs? (is|are) missing"):
        read(tmp_path / "run")
    again = fight(["relu", "silu"])
    assert again.sequential == whole.sequential
    assert again.sentences == whole.sentences


def test_seeds_beyond_the_stop_change_nothing(fight: Fight) -> None:
    """A longer comparison ran in the same directory: the rule sees its own looks only."""
    fight(["relu", "gelu"], seeds=16, max_seeds=None)
    found = fight(["relu", "gelu"])
    assert found.seeds == (0, 1, 2, 3)


def test_an_entry_that_diverges_is_left_out_and_the_others_go_on(fight: Fight) -> None:
    found = fight(["relu", "gelu", "log(x)"])
    assert found.best == "relu"
    assert "diverged in 1 of 4 seeds" in found.sentences["log(x)"]
    assert found.estimates["log(x)"].failed == 1


def test_when_all_diverge_no_further_seed_trains(fight: Fight) -> None:
    events: list[Event] = []
    with pytest.raises(CamberError, match=r"every other entry with some seed.* left to rank"):
        fight(["log(x)", "exp(x)"], on_event=events.append)
    assert sum(event.kind == "started" for event in events) == 8


def test_one_entry_alone_and_one_seed_are_refused(fight: Fight) -> None:
    with pytest.raises(CamberError, match="relu stands alone"):
        fight(["relu"])
    with pytest.raises(CamberError, match="two seeds or more"):
        fight(["relu", "gelu"], seeds=1)
