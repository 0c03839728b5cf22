"""The search for learning rates: halving by hand-made losses, equal budgets, edges, divergence."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camber.compare import Comparison, read, run
from camber.compare.tuning import (
    FACTORS,
    RUNGS,
    TUNING_SEED,
    Trial,
    Tuning,
    trials_of,
    tune,
    with_steps,
)
from camber.train import Event, FitConfig, InlineExecutor

BASE = FitConfig(steps=400, learning_rate=3e-3, warmup_steps=40)
Loss = Callable[[str, FitConfig], float]


def search(loss: Loss, labels: Sequence[str] = ("a",), sign: int = -1) -> dict[str, Tuning]:
    """Run the search on a made-up loss."""

    def ask(trials: Sequence[Trial], left: int) -> list[float]:
        return [loss(label, config) for label, config, _ in trials]

    return tune(dict.fromkeys(labels, BASE), ask, sign=sign)


def distance_to(best: float) -> Loss:
    return lambda _, config: abs(math.log(config.learning_rate / best))


@pytest.mark.parametrize("factor", FACTORS)
def test_the_best_rate_of_a_smooth_loss_is_found(factor: float) -> None:
    found = search(distance_to(3e-3 * factor))["a"]
    assert found.learning_rate == pytest.approx(3e-3 * factor, rel=1e-12)  # a power of two
    edges = {FACTORS[0]: "lower", FACTORS[-1]: "upper"}
    assert found.edge == edges.get(factor)


def test_higher_is_better_where_the_metric_says_so() -> None:
    rates = search(lambda _, config: config.learning_rate, sign=1)["a"]
    assert rates.edge == "upper"


def test_the_rungs_grow_and_the_better_half_goes_on() -> None:
    asked: list[list[Trial]] = []
    lefts: list[int] = []

    def ask(trials: Sequence[Trial], left: int) -> list[float]:
        asked.append(list(trials))
        lefts.append(left)
        return [distance_to(3e-3)(*trial[:2]) for trial in trials]

    found = tune({"a": BASE, "b": BASE}, ask, sign=-1)
    assert [len(trials) for trials in asked] == [14, 16, 12]
    assert lefts == [28, 12, 0]
    assert sum(map(len, asked)) == trials_of(2)
    assert {config.steps for _, config, _ in asked[0]} == {100}
    # the schedule is fitted to the rung: a tenth of its steps warm up, as of 400
    assert [{config.warmup_steps for _, config, _ in trials} for trials in asked] == [
        {10},
        {20},
        {40},
    ]
    assert sorted({config.learning_rate for _, config, _ in asked[2]}) == [1.5e-3, 3e-3]
    # activation coefficients follow the same rate
    assert all(
        config.coefficient_learning_rate is None for trials in asked for _, config, _ in trials
    )
    assert found["a"].steps == 7 * 100 + 8 * 200 + 6 * 400
    seeds = [sorted({seed - TUNING_SEED for *_, seed in trials}) for trials in asked]
    assert seeds == [[0], [0, 1], [0, 1, 2]]


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 2**32), min_size=1))
def test_every_entry_spends_the_same(seeds: dict[str, int]) -> None:
    """Whatever the losses are, divergence included."""

    def loss(label: str, config: FitConfig) -> float:
        mixed = hash((seeds[label], config.learning_rate, config.steps)) % 7
        return math.nan if mixed == 0 else float(mixed)

    found = search(loss, list(seeds))
    assert {(tuning.steps, tuning.rungs) for tuning in found.values()} == {(4700, (100, 200, 400))}
    for tuning in found.values():
        taken = sum(
            steps * RUNGS[rung][1] * sum(len(tried.metrics) > rung for tried in tuning.tried)
            for rung, steps in enumerate(tuning.rungs)
        )
        assert taken == tuning.steps


def test_a_diverged_rate_is_worse_than_any_that_is_not() -> None:
    def loss(_: str, config: FitConfig) -> float:
        return math.nan if config.learning_rate <= 3e-3 else 1e30

    assert search(loss)["a"].learning_rate > 3e-3


def test_of_equal_rates_the_smaller_is_taken() -> None:
    found = search(lambda *_: 1.0)["a"]
    assert found.learning_rate == 3e-3 * FACTORS[0]
    assert found.edge == "lower"
    assert search(lambda *_: math.nan)["a"].learning_rate == 3e-3 * FACTORS[0]


def test_a_rate_that_diverges_late_does_not_win() -> None:
    """The last rung decides: what led on the way and then diverged is not taken."""

    def loss(_: str, config: FitConfig) -> float:
        late = config.steps == 400 and config.learning_rate > 3e-3
        return math.nan if late else 1 / config.learning_rate

    found = search(loss)["a"]
    assert found.learning_rate > 3e-3  # both of the last rung diverged: the smaller of them
    assert found.edge is None


@pytest.mark.parametrize(("unlucky", "value"), [(1, 5.0), (2, math.nan)])
def test_luck_with_one_seed_does_not_choose_a_rate(unlucky: int, value: float) -> None:
    """The rate that is best with one seed, and bad or diverged with another, is not taken."""

    def ask(trials: Sequence[Trial], left: int) -> list[float]:
        return [
            (value if seed == TUNING_SEED + unlucky else -1.0)
            if config.learning_rate == 6e-3
            else distance_to(3e-3)(label, config)
            for label, config, seed in trials
        ]

    assert tune({"a": BASE}, ask, sign=-1)["a"].learning_rate == 3e-3


def test_very_short_runs_keep_a_step_and_a_warm_up() -> None:
    one = with_steps(FitConfig(steps=3, warmup_steps=1), 1)
    assert (one.steps, one.warmup_steps) == (1, 1)
    assert with_steps(FitConfig(steps=3), 1).warmup_steps == 0
    found = tune({"a": FitConfig(steps=1)}, lambda trials, _: [1.0] * len(trials), sign=-1)
    assert found["a"].rungs == (1, 1, 1)


def test_the_seed_of_the_search_is_no_seed_of_the_verdict() -> None:
    assert TUNING_SEED >= 10_000  # seeds of a verdict stay below, see camber.compare.asking
    assert RUNGS[-1][0] == 1.0


# -- in a comparison ---------------------------------------------------------------------------

TINY = {"steps": 4, "warmup_steps": 1, "batch": 2, "context": 8, "width": 8, "layers": 1,
        "evaluation_tokens": 16}  # fmt: skip
Tuned = Callable[..., Comparison]


@pytest.fixture
def tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tuned:
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 2)
    text = tmp_path / "words.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 200)

    def tiny(entries: Sequence[str], **changes: object) -> Comparison:
        given: dict[str, object] = {
            "preset": "quick", "seeds": 2, "settings": TINY, "text": text, "tune": True,
            "directory": tmp_path / "run", "executor": InlineExecutor(), "report": False,
        }  # fmt: skip
        return run(entries, **{**given, **changes})  # type: ignore[arg-type]  # by name

    return tiny


def test_each_entry_trains_at_the_rate_it_found(tuned: Tuned, tmp_path: Path) -> None:
    found = tuned(["relu", "polynorm"])
    for label, tuning in found.tunings.items():
        assert found.configs[label].learning_rate == tuning.learning_rate
        assert [len(tried.metrics) for tried in tuning.tried].count(3) == 2
    jobs = [json.loads(path.read_text()) for path in tmp_path.glob("run/jobs/*/job.json")]
    searched = [job for job in jobs if job["config"].get("purpose") == "tuning"]
    assert {job["seed"] - TUNING_SEED for job in searched} == {0, 1, 2}
    assert {job["seed"] for job in jobs if job not in searched} == {0, 1}
    assert len(searched) == trials_of(2)
    # the search asks for the metric alone; the rows ask the runs of the verdict
    for path in tmp_path.glob("run/jobs/*/outcome.json"):
        probes = json.loads(path.read_text())["result"]["probes"]
        tuning_run = any(job["digest"].startswith(path.parent.name) for job in searched)
        assert bool(probes) != tuning_run
    verdict = {
        (job["label"], job["config"]["fit"]["learning_rate"]) for job in jobs if job not in searched
    }
    assert verdict == {(label, config.learning_rate) for label, config in found.configs.items()}
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["entries"]["relu"]["tuning"]["rungs"] == [1, 2, 4]
    assert found.rows["learning_rate"]["relu"] == {
        "rate": found.tunings["relu"].learning_rate, "edge": found.tunings["relu"].edge,
    }  # fmt: skip
    assert set(found.rows["steps"].values()) == {None}  # equal tokens: no row in the table
    notes = " ".join(found.notes)
    assert "a learning rate of its own for each entry" in notes
    assert (
        f"with seeds {TUNING_SEED:,} to {TUNING_SEED + 2:,}, which no run of the verdict uses"
        in notes
    )
    assert "one learning rate for all entries" not in notes
    assert found.command.count("--tune") == 1


def test_an_entry_that_joins_tunes_only_itself(tuned: Tuned) -> None:
    first = tuned(["relu"])
    events: list[Event] = []
    second = tuned(["relu", "gelu"], on_event=events.append)
    started = [event.job for event in events if event.kind == "started"]
    assert {job.config["entry"]["text"] for job in started} == {"gelu"}  # type: ignore[index]
    assert len(started) == trials_of(1) + 2
    assert second.tunings["relu"] == first.tunings["relu"]
    # the bar runs once from nothing to all over every stage
    counts = [(event.done, event.total) for event in events]
    assert counts[-1] == (2 * trials_of(1) + 4,) * 2
    assert [done for done, _ in counts] == sorted(done for done, _ in counts)
    assert len({total for _, total in counts}) == 1


@pytest.mark.parametrize("after", [1, 12])
def test_an_interrupt_anywhere_resumes_to_the_same_answer(
    tuned: Tuned, tmp_path: Path, after: int
) -> None:
    whole = tuned(["relu"], directory=tmp_path / "whole")
    seen = 0

    def interrupt(event: Event) -> None:
        nonlocal seen
        seen += event.kind == "finished"
        if seen == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuned(["relu"], on_event=interrupt)
    from camber.errors import RunError

    missing = trials_of(1) + 2 - after
    with pytest.raises(RunError, match=f"{missing} runs? (is|are) missing"):
        read(tmp_path / "run")
    again = tuned(["relu"])
    assert again.tunings == whole.tunings
    metrics = [[run.metric for run in found.runs["relu"]] for found in (again, whole)]
    assert metrics[0] == metrics[1]


def test_runs_are_titled_by_what_they_try(tuned: Tuned) -> None:
    events: list[Event] = []
    tuned(["relu"], on_event=events.append)
    titles = [event.job.title for event in events if event.kind == "started"]
    assert titles[0] == f"relu at rate 0.000375, 1 step (seed {TUNING_SEED})"
    assert titles[-1] == "relu (seed 1)"
