"""Hedges' g against closed forms, Hedges' own bound, scipy's noncentral t, mpmath, Monte-Carlo."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from camber.compare.statistics.effect import (
    effect_size,
    noncentral_t_below,
    small_sample_factor,
    wins,
)
from camber.compare.statistics.student import t_interval

some = st.lists(
    st.integers(-1000, 1000).map(lambda value: value / 100), min_size=3, max_size=12, unique=True
)


def test_the_small_sample_factor() -> None:
    # closed forms: gamma(1) / gamma(1/2) = 1/sqrt(pi); gamma(2) / (sqrt(2) gamma(3/2))
    assert small_sample_factor(2) == pytest.approx(1 / math.sqrt(math.pi), rel=1e-14)
    assert small_sample_factor(4) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-14)
    # Hedges (1981) gives the approximation 1 - 3 / (4 v - 1) and says: good to 0.00033 from v = 10
    for degrees in (10, 20, 50):
        approximation = 1 - 3 / (4 * degrees - 1)
        assert small_sample_factor(degrees) == pytest.approx(approximation, abs=3.35e-4)


def test_g_is_unbiased() -> None:
    # Monte-Carlo: 20,000 samples of n = 5 at delta = 0.8; g has deviation about 0.6
    samples = np.random.default_rng(0).normal(0.8, 1, size=(20_000, 5))
    ratios = samples.mean(axis=1) / samples.std(axis=1, ddof=1)
    assert small_sample_factor(4) * ratios.mean() == pytest.approx(0.8, abs=4 * 0.6 / 141)
    one = effect_size(list(samples[0]))
    assert one.g == pytest.approx(small_sample_factor(4) * ratios[0], rel=1e-12)


@pytest.mark.parametrize("t", [-3.0, 0.0, 0.3, 2.0, 12.0])
@pytest.mark.parametrize("count", [3, 5, 20])
@pytest.mark.parametrize("level", [0.95, 0.995])
def test_ends_cut_off_the_tails_of_scipys_noncentral_t(t: float, count: int, level: float) -> None:
    shape = np.arange(count) - (count - 1) / 2
    values = t / math.sqrt(count) + shape / shape.std(ddof=1)
    found = effect_size(list(values), level)
    assert found.low is not None
    assert found.high is not None
    root, tail = math.sqrt(count), (1 - level) / 2
    # scipy's series are good to about 1e-9 here
    assert stats.nct.sf(t, count - 1, found.low * root) == pytest.approx(tail, abs=1e-8)
    assert stats.nct.cdf(t, count - 1, found.high * root) == pytest.approx(tail, abs=1e-8)


@pytest.mark.parametrize(
    ("t", "degrees", "noncentrality"), [(0.1, 2, 0.3), (20, 4, 14), (50, 2, 30), (5, 19, 8)]
)
def test_the_noncentral_law_by_mpmath(t: float, degrees: int, noncentrality: float) -> None:
    # independent numerics: P = E[Phi(t W - c)] over W² = chi²/v, where nctdtr may return NaN
    half = mpmath.mpf(degrees) / 2
    constant = 2 * half**half / mpmath.gamma(half)

    def integrand(w: mpmath.mpf) -> mpmath.mpf:
        weight = constant * mpmath.exp(-half * w * w) * w ** (degrees - 1)
        return weight * mpmath.ncdf(t * w - noncentrality)

    expected = mpmath.quad(integrand, [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 8])
    assert noncentral_t_below(t, degrees, noncentrality) == pytest.approx(
        float(expected), abs=1e-12
    )  # the panels are good to rounding


@settings(deadline=None, max_examples=25)
@given(some, st.sampled_from([0.9, 0.95, 0.995]))
def test_it_excludes_zero_exactly_where_the_t_interval_does(
    values: list[float], level: float
) -> None:
    found = effect_size(values, level)
    low, high = t_interval(values, level)
    assert found.g is not None
    assert found.low is not None
    assert found.high is not None
    assert low is not None
    assert high is not None
    if min(abs(low), abs(high)) > 1e-9:  # equality to rounding is not decided either way
        assert (found.low > 0) == (low > 0)
        assert (found.high < 0) == (high < 0)
    mirrored = effect_size([-value for value in values], level)
    assert mirrored.g == pytest.approx(-found.g, rel=1e-9, abs=1e-12)
    assert mirrored.low == pytest.approx(-found.high, rel=1e-6, abs=1e-9)
    scaled = effect_size([8 * value for value in values], level)
    assert (scaled.g, scaled.low, scaled.high) == pytest.approx(
        (found.g, found.low, found.high), rel=1e-9, abs=1e-12
    )


def test_coverage_is_exact_under_the_normal_law() -> None:
    # The interval holds delta where t is in neither tail of the law at delta: that share is 95 %
    # by construction, if the law is right. 2,000 samples of n = 5: three standard errors 1.5 %.
    samples = np.random.default_rng(4).normal(1.2, 1, size=(2000, 5))
    t = samples.mean(axis=1) / samples.std(axis=1, ddof=1) * math.sqrt(5)
    below = [noncentral_t_below(value, 4, 1.2 * math.sqrt(5)) for value in t]
    assert abs(np.mean([0.025 <= part <= 0.975 for part in below]) - 0.95) < 0.015
    for sample, part in zip(samples[:20], below[:20], strict=True):
        found = effect_size(list(sample))
        assert found.low is not None
        assert found.high is not None
        assert (found.low <= 1.2 <= found.high) == (0.025 <= part <= 0.975)


def test_huge_effects_are_finite() -> None:
    found = effect_size([1.0, 1.0 + 1e-9, 1.0 - 1e-9, 1.0, 1.0])
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.high < math.inf


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [0.5] * 5, [0.0] * 5])
def test_no_spread_no_effect_size(values: list[float]) -> None:
    found = effect_size(values)
    assert (found.g, found.low, found.high) == (None, None, None)


def test_wins_count_strict_leads() -> None:
    values = [-1.0, -0.5, 0.0, 2.0]
    assert wins(values) == 0.5
    assert wins(values, lower_is_better=False) == 0.25
