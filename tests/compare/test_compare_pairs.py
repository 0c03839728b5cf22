"""All pairs of a comparison: the laws of `pairwise`, Holm's verdicts, the sentence of a pair."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camber.compare.sentences import Failure, pair_sentence, unranked_pair_sentence
from camber.compare.statistics import Difference, against_best, bootstrap_interval, paired, pairwise
from camber.compare.statistics.effect import effect_size
from camber.compare.statistics.holm_correction import holm_verdicts
from camber.compare.statistics.student import paired_differences
from camber.errors import CamberError

# multiples of 1/64 below 32: sums, differences and powers of two are exact in floating point
exact = st.integers(-2000, 2000).map(lambda value: value / 64)
tables = st.tuples(st.integers(2, 4), st.integers(2, 6)).flatmap(
    lambda size: st.lists(
        st.lists(exact, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
    )
)


def _numbers(difference: Difference) -> list[float | None]:
    return [value for value in difference.to_dict().values() if not isinstance(value, str)]  # type: ignore[misc]  # labels are the only text


def _close(a: Difference, b: Difference) -> None:
    assert (a.entry, a.other) == (b.entry, b.other)
    for one, two in zip(_numbers(a), _numbers(b), strict=True):
        # resampled sums are taken in another order
        assert one == (None if two is None else pytest.approx(two, rel=1e-6, abs=1e-9))


@settings(deadline=None, max_examples=25)
@given(tables)
def test_swapping_entries_flips_signs_and_nothing_else(table: list[list[float]]) -> None:
    metrics = {f"e{i}": row for i, row in enumerate(table)}
    there = pairwise(metrics)
    back = pairwise(dict(reversed(metrics.items())))
    assert len(there) == len(table) * (len(table) - 1) // 2
    for (a, b), difference in there.items():
        _close(back[b, a], difference.swapped())
        assert difference.swapped().swapped() == difference


@settings(deadline=None, max_examples=25)
@given(tables, st.integers(-64, 64), st.sampled_from([0.25, 2.0, 8.0]))
def test_shifting_leaves_all_and_scaling_scales(
    table: list[list[float]], shift: int, scale: float
) -> None:
    metrics = {f"e{i}": row for i, row in enumerate(table)}
    before = pairwise(metrics)
    shifted = pairwise({name: [v + shift for v in row] for name, row in metrics.items()})
    scaled = pairwise({name: [v * scale for v in row] for name, row in metrics.items()})
    for pair, difference in before.items():
        _close(shifted[pair], difference)
        after = scaled[pair]
        assert (after.p, after.holm_p, after.level) == (
            difference.p, difference.holm_p, difference.level,
        )  # fmt: skip
        for key in ("mean", "low", "high", "bootstrap_low", "bootstrap_high"):
            value = getattr(difference, key)
            expected = None if value is None else pytest.approx(scale * value, rel=1e-9, abs=1e-12)
            assert getattr(after, key) == expected


@settings(deadline=None, max_examples=25)
@given(tables)
def test_intervals_exclude_zero_exactly_where_holm_rejects(table: list[list[float]]) -> None:
    pairs = pairwise({f"e{i}": row for i, row in enumerate(table)})
    for difference in pairs.values():
        assert difference.holm_p is not None
        assert difference.p is not None
        assert difference.level >= 0.95
        if abs(difference.holm_p - 0.05) > 1e-9:  # equality to rounding is not decided
            assert difference.separated == (difference.holm_p < 0.05)
        if difference.effect_low is not None and difference.effect_high is not None:
            assert difference.separated == (
                difference.effect_low > 0 or difference.effect_high < 0
            ) or math.isclose(difference.holm_p, 0.05, rel_tol=1e-6)


def test_each_number_is_that_of_its_own_question() -> None:
    generator = np.random.default_rng(0)
    metrics = {name: list(generator.normal(size=7)) for name in "abc"}
    for (a, b), found in pairwise(metrics).items():
        gap = paired_differences(metrics[a], metrics[b])
        mean, low, high, p = paired(metrics[a], metrics[b], found.level)
        assert (found.mean, found.low, found.high, found.p) == (mean, low, high, p)
        assert (found.bootstrap_low, found.bootstrap_high) == bootstrap_interval(gap, found.level)
        assert found.effect == effect_size(gap).g
        assert found.wins == sum(x < y for x, y in zip(metrics[a], metrics[b], strict=True)) / 7
        assert found.wins + found.losses == pytest.approx(1)


def test_the_best_sees_its_own_pairs() -> None:
    generator = np.random.default_rng(1)
    metrics = {name: list(generator.normal(size=6)) for name in "abcd"}
    pairs = pairwise(metrics)
    best, differences = against_best(metrics)
    assert best is not None
    assert set(differences) == set(metrics) - {best}
    for entry, difference in differences.items():
        straight = pairs.get((entry, best)) or pairs[best, entry].swapped()
        assert difference == straight
        assert (difference.entry, difference.other) == (entry, best)


def test_failed_runs_are_in_no_pair_and_records_are_json() -> None:
    metrics = {"a": [1.0, 1.2], "b": [2.0, math.nan], "c": [3.0, 3.3]}
    pairs = pairwise(metrics)
    assert list(pairs) == [("a", "c")]
    record = json.loads(json.dumps(pairs["a", "c"].to_dict(), allow_nan=False))
    assert record["wins"] == 1.0
    assert record["bootstrap_low"] is None
    assert pairwise({"a": [1.0]}) == {}
    with pytest.raises(CamberError, match="different numbers of seeds"):
        pairwise({"a": [1.0], "b": [1.0, 2.0]})


def test_simultaneous_where_holm_agrees() -> None:
    # by hand, three pairs at 5 %: 0.001 < 0.05/3 keeps Bonferroni's level; 0.02 is rejected at
    # 0.05/2 only, where an interval at 1 - 0.05/3 would hold 0; 0.3 is not rejected
    found = holm_verdicts({"x": 0.02, "y": 0.001, "z": 0.3}, 0.05)
    assert [(v.rejected, round(0.05 / (1 - v.level), 6)) for v in found.values()] == [
        (True, 2), (True, 3), (False, 3),
    ]  # fmt: skip
    # nothing after the first that is not rejected is, however small its own threshold would be
    assert not any(v.rejected for v in holm_verdicts({"x": 0.03, "y": 0.04}, 0.05).values())
    assert holm_verdicts({}, 0.05) == {}


@pytest.mark.parametrize("means", [(0, 0, 0), (0, 1, 1), (0, 1, 2, 3), (0, 2, 4, 6, 8)])
def test_all_intervals_hold_at_once_in_nine_of_ten(means: tuple[float, ...]) -> None:
    # Monte-Carlo, 500 comparisons of 8 seeds; the module says 91 %, of which three standard errors
    # (1.3 %) are 87 %. Bonferroni's intervals alone hold in 95 %: three standard errors are 92 %.
    generator = np.random.default_rng(7)
    every = simultaneous = 0
    for _ in range(500):
        rows = generator.normal(size=(len(means), 8)) + np.array(means)[:, None]
        gaps = {
            (a, b): list(rows[a] - rows[b]) for a in range(len(means)) for b in range(a)
        }  # fmt: skip
        p_values = {pair: paired(gap, [0.0] * 8)[3] or 0.0 for pair, gap in gaps.items()}
        misses = {}
        for (a, b), verdict in holm_verdicts(p_values, 0.05).items():
            _, low, high, _ = paired(gaps[a, b], [0.0] * 8, verdict.level)
            assert low is not None
            assert high is not None
            bonferroni = math.isclose(1 - verdict.level, 0.05 / len(gaps))
            misses[a, b] = (not low <= means[a] - means[b] <= high, bonferroni)
        every += not any(missed for missed, _ in misses.values())
        simultaneous += not any(missed and at_once for missed, at_once in misses.values())
    assert every / 500 > 0.87
    assert simultaneous / 500 > 0.92


def test_the_sentence_of_a_separated_pair() -> None:
    found = pairwise(
        {"gelu": [1.0, 1.1, 0.9, 1.0, 1.02], "relu": [1.2, 1.31, 1.08, 1.2, 1.23]}
    )["gelu", "relu"]  # fmt: skip
    # differences -0.2, -0.21, -0.18, -0.2, -0.21: mean -0.2, s = 0.012247, t(0.975, 4) = 2.776445
    # half width 0.015207; g = 0.797885 * 0.2 / 0.012247 = 13.0
    text = (
        "gelu is better than relu by 0.200 nats (95 % interval 0.185 to 0.215, "
        "Holm p < 0.001, g = 13.0)."
    )
    assert pair_sentence(found, "nats") == text
    assert pair_sentence(found.swapped(), "nats") == text
    turned = pair_sentence(found, "accuracy", lower_is_better=False)
    assert turned.startswith("relu is better than gelu by 0.200 accuracy (95 % interval 0.185")


def test_the_sentence_counts_seeds_only_where_they_disagree() -> None:
    found = Difference("a", "b", -0.2, -0.3, -0.1, 0.01, 0.02, 20, effect=-1.2, wins=0.9)
    assert pair_sentence(found, "nats").endswith("g = 1.2), ahead in 18 of 20 seeds.")


def test_the_sentence_of_noise_names_both_leads() -> None:
    found = Difference("a", "b", 0.01, -0.02, 0.04, 0.3, 0.6, 5, wins=0.4, losses=0.6)
    assert pair_sentence(found, "nats") == (
        "b and a: no difference within noise; b leads by 0.010 nats, ahead in 3 of 5 seeds "
        "(95 % interval -0.020 to 0.040, Holm p = 0.600), and a lead of up to 0.040 for b or "
        "0.020 for a stays possible."
    )


def test_sentences_where_nothing_can_be_said() -> None:
    one = pairwise({"a": [1.0], "b": [1.05]})["a", "b"]
    assert pair_sentence(one, "nats") == (
        "a and b: too few seeds to say; a ended ahead of b by 0.050 nats in 1 seed, "
        "and an interval needs two or more."
    )
    level = pairwise({"a": [1.0], "b": [1.0]})["a", "b"]
    assert "a and b ended level in 1 seed" in pair_sentence(level, "nats")
    same = pairwise({"a": [1.0, 1.5], "b": [1.0, 1.5]})["a", "b"]
    assert pair_sentence(same, "nats") == "a and b gave the same value in every one of 2 seeds."
    step = pairwise({"a": [0.9, 0.8], "b": [0.8, 0.7]}, lower_is_better=False)["a", "b"]
    assert pair_sentence(step, "accuracy", lower_is_better=False) == (
        "b and a: too few seeds to say; a led by the same 0.100 accuracy in every one of 2 seeds, "
        "which leaves no spread to judge it by."
    )


def test_an_unranked_pair_says_who_diverged() -> None:
    failures = {"x": [Failure(1, "nan"), Failure(3, "nan")], "y": [Failure(0, "inf")]}
    assert unranked_pair_sentence("relu", "x", failures) == (
        "relu and x are not compared: x diverged with seeds 1 and 3, and the seeds that survive "
        "would flatter it."
    )
    assert unranked_pair_sentence("x", "y", failures) == (
        "x and y are not compared: x diverged with seeds 1 and 3 and y diverged with seed 0, "
        "and the seeds that survive would flatter them."
    )


@pytest.mark.parametrize("scale", [2.0**-900, 2.0**-300, 2.0**300, 2.0**900])
def test_values_on_the_way_to_divergence_do_not_overflow(scale: float) -> None:
    metrics = {"a": [1.0, 2.0, 1.5, 3.0], "b": [0.0, 0.5, 0.25, 0.125]}
    plain = pairwise(metrics)["a", "b"]
    found = pairwise({name: [scale * v for v in row] for name, row in metrics.items()})["a", "b"]
    assert (found.p, found.effect) == pytest.approx((plain.p, plain.effect), rel=1e-12)
    for key in ("mean", "low", "high", "bootstrap_low", "bootstrap_high"):
        expected = scale * getattr(plain, key)
        assert getattr(found, key) == pytest.approx(expected, rel=1e-12, abs=0)
