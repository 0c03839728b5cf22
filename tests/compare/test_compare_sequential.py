"""The sequential rule: what it spends, what it may err, and that it is a function of its values."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, t

from camber.compare.statistics import Looks, looks, pairwise, sequential, take_looks
from camber.errors import CamberError

Values = dict[str, list[float]]


def _noise(generator: np.random.Generator, means: tuple[float, ...], seeds: int = 20) -> Values:
    """Losses with an effect of the seed that all entries share; differences have deviation 1."""
    shared = generator.normal(size=seeds)
    own = generator.normal(size=(len(means), seeds)) / math.sqrt(2)
    return {f"e{i}": list(mean + shared + own[i]) for i, mean in enumerate(means)}


def test_the_power_family_spends_all_of_alpha() -> None:
    # Kim and DeMets (1987): alpha t^rho. At equal steps rho = 1 spends equally, rho = 2 as
    # 1, 3, 5, 7 sixteenths, rho = 3 as 1, 7, 19, 37 sixty-fourths.
    counts = (5, 10, 15, 20)
    assert Looks(counts, 0.04, 1).increments == pytest.approx([0.01] * 4, rel=1e-12)
    sixteenths = [0.05 * part / 16 for part in (1, 3, 5, 7)]
    assert Looks(counts).increments == pytest.approx(sixteenths, rel=1e-12)
    cubes = [0.05 * part / 64 for part in (1, 7, 19, 37)]
    assert Looks(counts, 0.05, 3).increments == pytest.approx(cubes, rel=1e-12)


@given(st.integers(2, 30), st.integers(0, 170), st.sampled_from([0.01, 0.05, 0.2]))
def test_a_few_geometric_looks(first: int, more: int, alpha: float) -> None:
    plan = looks(first, first + more, alpha)
    assert plan.counts[0] == first
    assert plan.counts[-1] == first + more
    assert list(plan.counts) == sorted(set(plan.counts))
    assert len(plan.counts) <= 12
    assert math.fsum(plan.increments) == pytest.approx(alpha, rel=1e-12)
    assert min(plan.increments) > 0


def test_one_look_is_holm_over_all_pairs() -> None:
    values = _noise(np.random.default_rng(2), (0.0, 1.5, 3.0), 8)
    found = sequential(values, Looks((8,)))
    assert found.pairs == pairwise(values)
    assert found.stop
    assert found.spent == 0.05
    assert set(found.decided) == {p for p, d in found.pairs.items() if d.separated}


@pytest.mark.parametrize("entries", [2, 3, 4, 5])
@pytest.mark.parametrize("plan", [looks(5, 20), Looks((2, 3, 5), rho=1.0), Looks((12,))])
def test_false_alarms_under_the_complete_null(entries: int, plan: Looks) -> None:
    # Monte-Carlo: equal entries; any decision, among them any against the chosen best, is a false
    # alarm. 1,000 rounds at a true rate of 5 %: the 99 % binomial quantile is the bound.
    generator = np.random.default_rng(entries)
    alarms = 0
    for _ in range(1000):
        values = _noise(generator, (0.0,) * entries, plan.counts[-1])
        alarms += bool(take_looks(values, plan)[-1].decided)
    assert alarms <= binom.ppf(0.99, 1000, 0.05)


def test_false_decisions_and_intervals_with_differences_about() -> None:
    # Monte-Carlo, 250 comparisons: two of the three pairs differ, which stops it at various looks.
    # False: the equal pair decided, or a decision of the wrong sign. Held: all three intervals.
    generator = np.random.default_rng(11)
    means, plan = (0.0, 1.5, 1.5), looks(5, 20)
    false = held = found = 0
    for _ in range(250):
        taken = take_looks(_noise(generator, means), plan)[-1]
        wrong = missed = False
        for (a, b), ruling in taken.rulings.items():
            truth = means[int(a[1])] - means[int(b[1])]
            mean, deviation = np.mean(ruling.gap), np.std(ruling.gap, ddof=1)
            wrong |= (a, b) in taken.decided and (truth == 0 or truth * mean < 0)
            tail = (1 - ruling.level) / 2
            count = len(ruling.gap)
            half = t.ppf(1 - tail, count - 1) * deviation / math.sqrt(count)
            missed |= bool(abs(mean - truth) > half)
        false += wrong
        held += not missed
        found += sum(pair in taken.decided for pair in (("e0", "e1"), ("e0", "e2"))) == 2
    assert false <= binom.ppf(0.99, 250, 0.05)
    assert held >= binom.ppf(0.01, 250, 0.95)
    assert found >= binom.ppf(0.01, 250, 0.99)  # the docstring's 1.000, to two digits


def test_power_and_seeds_are_what_the_table_says() -> None:
    # two entries, gap 2: 7.7 seeds of 20 on average, deviation about 2.2; 300 rounds
    generator = np.random.default_rng(5)
    used = []
    for _ in range(300):
        taken = take_looks(_noise(generator, (0.0, 2.0)), looks(5, 20))
        assert taken[-1].decided
        used.append((5, 8, 13, 20)[len(taken) - 1])
    assert np.mean(used) == pytest.approx(7.7, abs=0.5)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 1.0, 2.0]), st.integers(2, 4))
def test_it_is_a_function_of_the_values_so_far(seed: int, gap: float, entries: int) -> None:
    # driven seed by seed as a run would, with a kill after any of them
    values = _noise(np.random.default_rng(seed), (0.0, *[gap] * (entries - 1)), 14)
    plan = Looks((4, 7, 12))
    wanted = 0
    driven = sequential({name: [] for name in values}, plan)
    while not driven.stop:
        assert driven.seeds_wanted > wanted
        wanted = driven.seeds_wanted
        short = sequential({name: row[: wanted - 1] for name, row in values.items()}, plan)
        assert (short.stop, short.seeds_wanted) == (False, wanted)
        earlier = driven
        driven = sequential({name: row[:wanted] for name, row in values.items()}, plan)
        assert earlier.decided.items() <= driven.decided.items()  # decided stays decided
        assert all(driven.pairs[pair] == earlier.pairs[pair] for pair in earlier.decided)
    assert sequential(values, plan) == driven  # values past the stop change nothing
    assert driven.seeds_wanted == driven.count == wanted


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_order_shift_scale_and_direction_do_not_matter(seed: int, entries: int) -> None:
    values = _noise(np.random.default_rng(seed), tuple(float(i) for i in range(entries)), 8)
    plan = Looks((5, 8))
    found = take_looks(values, plan)[-1]
    names = {frozenset(pair) for pair in found.decided}
    for other, lower in (
        (dict(reversed(values.items())), True),
        ({name: [8 * v + 3 for v in row] for name, row in values.items()}, True),
        ({name: [-v for v in row] for name, row in values.items()}, False),
    ):
        again = take_looks(other, plan, lower_is_better=lower)[-1]
        assert again.best == found.best
        assert {frozenset(pair) for pair in again.decided} == names


def test_before_the_first_look_nothing_is_said() -> None:
    found = sequential({"a": [1.0] * 4, "b": [2.0] * 4}, looks(5, 20))
    assert (found.stop, found.seeds_wanted, found.count, found.spent) == (False, 5, 0, 0.0)
    assert found.pairs == {}
    assert found.reason == "the first look is at 5 seeds"


def test_a_decision_is_not_taken_back_when_the_best_changes() -> None:
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 0.01, size=(3, 12))
    # b is worse by 1 for five seeds, and better by 10 from then on; c stays next to a
    b = [1.0] * 5 + [-10.0] * 7
    values = {"a": list(noise[0]), "b": list(b + noise[1]), "c": list(noise[2])}
    plan = Looks((5, 12))
    first = sequential({name: row[:5] for name, row in values.items()}, plan)
    assert first.decided == {("a", "b"): 5, ("b", "c"): 5}
    assert not first.stop
    last = sequential(values, plan)
    assert last.best in ("a", "c")
    assert last.decided[("a", "b")] == 5
    assert last.pairs[("a", "b")].separated
    assert last.pairs[("a", "b")].count == 5
    assert last.pairs[("a", "c")].count == 12


def test_an_entry_that_diverges_leaves_and_its_pairs_stay_in_the_family() -> None:
    generator = np.random.default_rng(1)
    values = _noise(generator, (0.0, 1.2, 1.4), 8)
    plan = Looks((5, 8))
    values["e2"][6] = math.nan
    found = sequential(values, plan)
    assert set(found.pairs) == {("e0", "e1")}
    # at the second look two of the three pairs are tested with p = 1: Holm's factor is still 3
    difference = found.pairs["e0", "e1"]
    assert difference.count == 8
    assert difference.p is not None
    expected = min(1.0, 3 * difference.p * 0.05 / plan.increments[1])
    assert difference.holm_p == pytest.approx(expected, rel=1e-12)
    alone = sequential({"a": [1.0, 1.1], "b": [math.nan, 1.0]}, Looks((2, 9)))
    assert alone.stop
    assert alone.best == "a"
    assert "not two entries left" in alone.reason
    rest = sequential(
        {"a": [1.0, 1.1, 1.2], "b": [3.0, 3.1, 3.21], "c": [math.nan] * 3}, Looks((3,))
    )
    assert rest.reason == "a is told from every other entry that did not diverge after 3 seeds"
    none = sequential({"a": [math.inf, 1.1], "b": [math.nan, 1.0]}, Looks((2, 9)))
    assert (none.stop, none.best) == (True, None)


def test_equal_values_stop_it_and_are_not_called_different() -> None:
    row = list(np.random.default_rng(3).normal(size=5))
    found = sequential({"a": row, "b": list(row)}, looks(5, 20))
    assert found.stop
    assert found.decided == {}
    assert "equal to it in every seed" in found.reason


def test_a_margin_stops_what_does_not_matter() -> None:
    generator = np.random.default_rng(4)
    values = {name: list(generator.normal(0, 0.001, size=20)) for name in "ab"}
    assert not sequential({n: v[:8] for n, v in values.items()}, looks(5, 20)).stop
    found = sequential(values, looks(5, 20), margin=0.05)
    assert found.stop
    assert found.count < 20
    assert found.reason.endswith("the others are within ±0.05 of it")
    for difference in found.pairs.values():
        assert difference.low is not None
        assert difference.high is not None
        assert difference.low >= -0.05
        assert difference.high <= 0.05


def test_the_last_look_says_what_is_left() -> None:
    values = _noise(np.random.default_rng(8), (0.0, 0.0), 20)
    found = sequential(values, looks(5, 20))
    still = f"{found.best} is not told from the other entry"
    assert found.reason == f"the last look, at 20 seeds: {still}"
    assert found.spent == pytest.approx(0.05, rel=1e-12)
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["pairs"][0]["decided_at"] is None
    early = sequential({name: row[:6] for name, row in values.items()}, looks(5, 20))
    assert early.reason.endswith("the other entry; the next look is at 8")
    assert (early.count, early.seeds_wanted) == (5, 8)


@pytest.mark.parametrize("counts", [(), (1, 5), (5, 5), (8, 5), (2.5, 5), (2, True), ("2", "5")])
def test_looks_that_cannot_be_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(CamberError, match="give ascending whole numbers from 2 on"):
        Looks(counts)


def test_bad_input_is_refused() -> None:
    with pytest.raises(CamberError, match="looks from 5 to 4 seeds"):
        looks(5, 4)
    with pytest.raises(CamberError, match="looks from 1 to 4 seeds"):
        looks(1, 4)
    with pytest.raises(CamberError, match="alpha is 0"):
        Looks((5,), alpha=0)
    with pytest.raises(CamberError, match="rho is -1"):
        Looks((5,), rho=-1)
    with pytest.raises(CamberError, match="two entries or more, but got 1"):
        sequential({"a": [1.0]}, looks(2, 3))
    with pytest.raises(CamberError, match="different numbers of seeds"):
        sequential({"a": [1.0], "b": []}, looks(2, 3))
    for margin in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(CamberError, match="margin is"):
            sequential({"a": [1.0], "b": [1.0]}, looks(2, 3), margin=margin)
