"""Statistics against textbook values, R's documented output, scipy, and their own laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from camber.compare.statistics import (
    Looks,
    against_best,
    estimate,
    holm,
    paired,
    pairwise,
    take_looks,
)
from camber.compare.statistics.student import paired_differences
from camber.errors import CamberError

# Student (1908), hours of sleep gained under two drugs: R's `sleep`. R documents for the paired
# test: t = -4.0621, df = 9, p-value = 0.002833, 95 % interval -2.4598858 -0.7001142, mean -1.58.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

finite = st.floats(-100, 100).map(lambda value: round(value, 3))


def test_paired_t_interval_is_students_own() -> None:
    mean, low, high, p = paired(DRUG_1, DRUG_2)
    assert mean == pytest.approx(-1.58, abs=1e-12)
    assert low == pytest.approx(-2.4598858, abs=5e-8)  # published digits
    assert high == pytest.approx(-0.7001142, abs=5e-8)
    assert p == pytest.approx(0.002833, abs=5e-7)


def test_holm_textbook() -> None:
    # Wikipedia, "Holm-Bonferroni method": 0.01, 0.04, 0.03, 0.005; adjusted 0.03 0.06 0.06 0.02.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-15)
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@given(st.lists(finite, min_size=2, max_size=12), st.sampled_from([0.8, 0.95, 0.99]))
def test_estimate_agrees_with_scipy(values: list[float], level: float) -> None:
    result = estimate(values, level)
    spread = float(np.std(values, ddof=1))
    assert result.low is not None
    assert result.high is not None
    if len(set(values)) == 1:
        assert result.low == result.high == values[0]
    else:
        low, high = stats.t.interval(
            level, len(values) - 1, loc=np.mean(values), scale=spread / math.sqrt(len(values))
        )
        assert (result.low, result.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=12))
def test_p_value_agrees_with_scipy(pairs: list[tuple[float, float]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    differences = [a - b for a, b in pairs]
    p = paired(first, second)[3]
    if np.std(differences) > 1e-6:
        expected = stats.ttest_rel(first, second).pvalue
        assert p == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_one_seed_says_nothing() -> None:
    result = estimate([1.5])
    assert (result.mean, result.low, result.high, result.deviation) == (1.5, None, None, None)
    assert paired([1.5], [1.0]) == (0.5, None, None, None)
    best, differences = against_best({"a": [1.0], "b": [2.0]})
    assert best == "a"
    assert differences["b"].mean == 1.0
    assert differences["b"].holm_p is None
    assert not differences["b"].separated


def test_equal_differences_have_zero_width() -> None:
    assert paired([1.1, 2.1, 3.1], [1.1, 2.1, 3.1]) == (0.0, 0.0, 0.0, 1.0)
    # on a grid (an accuracy) two equal differences are a coincidence: the sign-flip p is 2^(1-n)
    assert paired([2.0, 3.0], [1.0, 2.0]) == (1.0, None, None, 0.5)
    assert paired([2.0] * 6, [1.0] * 6) == (1.0, 1.0, 1.0, 2.0**-5)
    # 0.3 - 0.2 and 0.2 - 0.1 differ by rounding alone, which is no spread
    assert paired([0.3, 0.2], [0.2, 0.1])[3] == 0.5
    # the rounding of one huge value says nothing of the other seeds
    assert paired_differences([1e30, 1.0, 2.0], [1e30, 1.5, 2.75]) == [0.0, -0.5, -0.75]


def test_arrays_are_sequences() -> None:
    rows = {"a": [1.0, 1.1, 1.2], "b": [2.0, 2.1, 2.3]}
    arrays = {name: np.array(row) for name, row in rows.items()}
    assert pairwise(arrays) == pairwise(rows)  # type: ignore[arg-type]  # no Sequence by name
    assert paired(arrays["a"], arrays["b"]) == paired(rows["a"], rows["b"])  # type: ignore[arg-type]
    assert type(estimate(np.float32([1, 2])).mean) is float  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_failed_seed_leaves_an_entry_unranked(bad: float) -> None:
    result = estimate([1.0, bad, 1.2])
    assert (result.mean, result.failed, result.count) == (None, 1, 2)
    best, differences = against_best({"a": [0.1, bad], "b": [2.0, 2.1], "c": [3.0, 3.3]})
    assert best == "b"
    assert set(differences) == {"c"}
    assert against_best({"a": [bad], "b": [bad]}) == (None, {})


def test_bad_input_is_refused() -> None:
    with pytest.raises(CamberError, match="got 2 and 1"):
        paired([1.0, 2.0], [1.0])
    with pytest.raises(CamberError, match="finite"):
        paired([math.nan], [1.0])
    with pytest.raises(CamberError, match="different numbers of seeds"):
        against_best({"a": [1.0], "b": [1.0, 2.0]})
    for level in (0, 1, 95, math.nan):
        for ask in (estimate, lambda values, at: paired(values, [0.0, 0.0], at)):
            with pytest.raises(CamberError, match=r"level is .*: give a share between 0 and 1"):
                ask([1.0, 2.0], level)
        with pytest.raises(CamberError, match="level is"):
            against_best({"a": [1.0, 2.0]}, level=level)


def test_higher_may_be_better() -> None:
    best, differences = against_best({"a": [1.0, 1.1], "b": [2.0, 2.2]}, lower_is_better=False)
    assert best == "b"
    assert differences["a"].mean == pytest.approx(-1.05)


@settings(deadline=None, max_examples=30)
@given(
    st.integers(2, 5).flatmap(
        lambda seeds: st.lists(
            st.lists(finite, min_size=seeds, max_size=seeds), min_size=2, max_size=6
        )
    )
)
def test_interval_excludes_zero_exactly_where_holm_rejects(table: list[list[float]]) -> None:
    best, differences = against_best({f"e{i}": row for i, row in enumerate(table)})
    assert best is not None
    means = [math.fsum(row) / len(row) for row in table]
    assert means[int(best[1:])] == min(means)
    assert len(differences) == len(table) - 1
    for difference in differences.values():
        assert difference.mean >= 0
        assert difference.holm_p is not None
        assert (difference.low is None) <= (difference.mean > 0 and not difference.separated)
        # equality to a rounding error of the quantile is not decided either way
        if abs(difference.holm_p - 0.05) > 1e-9:
            assert difference.separated == (difference.holm_p < 0.05)


def test_family_covers_the_choice_of_the_winner() -> None:
    # Monte-Carlo: five equal entries, five seeds; any "worse than the best" is a false alarm, and
    # the module says 3.5 %. 1,000 rounds: three standard errors are 1.7 %. One look of a sequential
    # comparison is this one (tested with the sequential rule), without its bootstrap.
    generator = np.random.default_rng(0)
    alarms = 0
    for _ in range(1000):
        losses = generator.normal(size=(5, 5))
        look = take_looks({str(i): list(row) for i, row in enumerate(losses)}, Looks((5,)))[0]
        alarms += any(look.best in pair for pair in look.decided)
    assert alarms / 1000 == pytest.approx(0.035, abs=0.017)
