"""Gaussian moments: published values, mpmath integrals, and integrals that defeat fixed rules."""

import math
import warnings

import mpmath as mp
import numpy as np
import pytest

from camber import facts
from camber.errors import CamberError
from camber.facts import (
    expectation_of_derivative,
    gain,
    gaussian_moment,
    hermite_coefficients,
    variance_gain,
)


@pytest.mark.parametrize(
    ("text", "published"),
    [
        # published: KAT (arXiv 2409.10594) and closed forms for identity and ReLU
        ("x", 1.0),
        ("max(x, 0)", 2.0),
        ("gelu(x)", 2.351716),
        ("silu(x)", 2.810761),
        ("tanh(x)", 2.536175),
        ("sigmoid(x)", 3.408560),
        ("x*gelu(x)", 0.715214),
        ("x*silu(x)", 0.840240),
    ],
)
def test_variance_gain(text, published):
    assert variance_gain(text) == pytest.approx(published, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "published"),
    [("relu(x)", 1.414214), ("gelu(x)", 1.533530), ("silu(x)", 1.676532), ("tanh(x)", 1.592537)],
)
def test_gain(text, published):
    assert gain(text) == pytest.approx(published, abs=1e-6)


def test_exact_gelu_moment():
    # closed form quoted in the literature of dual kernels: E[gelu²] = 0.4252214825702985
    assert gaussian_moment("gelu(x)", 2) == pytest.approx(0.4252214825702985, rel=1e-13)


def gauss(function, mean=0, variance=1, points=()):
    """The expectation by mpmath, split at the standardised ``points``."""
    deviation = mp.sqrt(variance)
    with mp.workdps(25):
        edges = [-12, *sorted((mp.mpf(p) - mean) / deviation for p in points), 12]
        return float(
            mp.quad(lambda z: function(mean + deviation * z) * mp.npdf(z), edges, maxdegree=9)
        )


MPMATH = {
    "tanh(x)": (mp.tanh, []),
    "x*sigmoid(x)": (lambda x: x / (1 + mp.exp(-x)), []),
    "max(x - 0.5, 0)": (lambda x: max(x - mp.mpf("0.5"), 0), [0.5]),
    "where(x < -1, 2, where(x < 1, x, -1))": (
        lambda x: 2 if x < -1 else (x if x < 1 else -1),
        [-1, 1],
    ),
    "abs(abs(x) - 1)": (lambda x: abs(abs(x) - 1), [-1, 0, 1]),
    "exp(-x**2)*(1 + x)": (lambda x: mp.exp(-x * x) * (1 + x), []),
}


@pytest.mark.parametrize("text", MPMATH)
@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (0.7, 2.5)])
def test_moments_against_mpmath(text, mean, variance):
    function, points = MPMATH[text]
    for power in (1, 2):
        expected = gauss(lambda x, p=power: function(x) ** p, mean, variance, points)
        found = gaussian_moment(text, power, mean=mean, variance=variance)
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("frequency", [1, 20, 200])
def test_fast_oscillation_is_not_silently_wrong(frequency):
    # closed form (1 − exp(−2 w²)) / 2
    expected = -math.expm1(-2.0 * frequency**2) / 2
    assert gaussian_moment(f"sin({frequency}*x)", 2) == pytest.approx(expected, rel=1e-11)


def test_oscillation_at_a_large_variance():
    assert gaussian_moment("sin(20*x)", 2, variance=1e4) == pytest.approx(0.5, rel=1e-11)


@pytest.mark.parametrize(("rate", "place"), [(1e6, 0.3), (1e8, 3.0), (1e4, -1.7)])
def test_narrow_bump_is_not_missed(rate, place):
    # closed form of E exp(−r (x − c)²)
    expected = math.exp(-rate * place**2 / (1 + 2 * rate)) / math.sqrt(1 + 2 * rate)
    found = gaussian_moment(f"exp(-{rate:.0f}*(x - {place})**2)")
    assert found == pytest.approx(expected, rel=1e-10)


def test_narrow_rational_peak():
    # E[1/(e² + z²)] = sqrt(pi/2) exp(e²/2) erfc(e/sqrt 2) / e
    width = 1e-4
    expected = (
        math.sqrt(math.pi / 2) * math.exp(width**2 / 2) * math.erfc(width / math.sqrt(2)) / width
    )
    assert gaussian_moment("1/(0.00000001 + x**2)") == pytest.approx(expected, rel=1e-11)


def test_smooth_features_at_a_large_variance():
    # at sigma = 100 gelu turns within 0.01 standard deviations; mpmath, split there
    function = lambda x: (x * (1 + mp.erf(x / mp.sqrt(2))) / 2) ** 2  # noqa: E731
    expected = gauss(function, 0, 10**4, [-10, -1, 0, 1, 10])
    assert gaussian_moment("gelu(x)", 2, variance=1e4) == pytest.approx(expected, rel=1e-11)


def test_many_kinks_in_reach():
    # E|sin(30 x)| = 2/pi + exponentially small terms at this variance
    assert gaussian_moment("abs(sin(30*x))", variance=9.0) == pytest.approx(2 / math.pi, rel=1e-11)


def test_second_moment_of_an_exponential():
    assert gaussian_moment("exp(x)", 2, variance=25.0) == pytest.approx(math.exp(50), rel=1e-12)


def test_integrable_singularities():
    expected = -(np.euler_gamma + math.log(2)) / 2  # closed form E log|z|
    assert gaussian_moment("log(abs(x))") == pytest.approx(expected, rel=1e-11)
    expected = 2**-0.25 * math.gamma(0.25) / math.sqrt(math.pi)  # closed form E|z|^(−1/2)
    assert gaussian_moment("1/sqrt(abs(x))") == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("text", "power", "sentence"),
    [
        ("1/x", 1, "may be infinite: near x = "),
        ("1/x", 2, "may be infinite: near x = "),
        ("tan(x)", 2, "may be infinite"),
        ("log(x)", 1, r"not defined on \(-inf, 0\)"),
        ("exp(x**2/4)", 2, "outgrows the Gaussian density"),
        ("sin(100000*x)", 2, "varies too fast near x = "),
    ],
)
def test_refusals(text, power, sentence):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CamberError, match=sentence) as caught:
            gaussian_moment(text, power)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variance", [0.0, -1.0, math.nan, math.inf])
def test_bad_variance(variance):
    with pytest.raises(CamberError, match="positive finite number"):
        gaussian_moment("x", variance=variance)


def test_zero_has_no_gain():
    with pytest.raises(CamberError, match="has no gain"):
        gain("0*x")
    with pytest.raises(CamberError, match="has no gain"):
        _ = facts.of("0").gain


def test_slopes_of_kinks_and_jumps():
    assert gaussian_moment("relu(x)", 0, slope=2) == pytest.approx(0.5, rel=1e-13)
    # E sign' counts the jump: 2 φ(0)
    assert gaussian_moment("sign(x)", 0, slope=1) == pytest.approx(
        math.sqrt(2 / math.pi), rel=1e-12
    )
    assert gaussian_moment("sign(x)", 0, slope=2) == math.inf


@pytest.mark.parametrize("text", ["tanh(x)", "x*sigmoid(x)", "relu(x)**2", "relu(x)"])
@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (-0.4, 1.7)])
def test_second_order_forms_without_second_derivatives(text, mean, variance):
    """E[s s' h_1] and E[s''] by parts agree with differences of moments in mean and variance."""
    step = 1e-4

    def second(m, v):
        return gaussian_moment(text, 2, mean=m, variance=v)

    # d/dv E[s²] = E[(s²)''] / 2 = E[z s s'] / σ
    slope = (second(mean, variance + step) - second(mean, variance - step)) / (2 * step)
    found = gaussian_moment(text, 1, slope=1, hermite=1, mean=mean, variance=variance)
    assert found / math.sqrt(variance) == pytest.approx(slope, rel=1e-6)
    # d/dm E[s] = E[s']
    up = gaussian_moment(text, mean=mean + step, variance=variance)
    down = gaussian_moment(text, mean=mean - step, variance=variance)
    slope = expectation_of_derivative(text, 1, mean=mean, variance=variance)
    assert slope == pytest.approx((up - down) / (2 * step), rel=1e-6)
    middle = gaussian_moment(text, mean=mean, variance=variance)
    bend = expectation_of_derivative(text, 2, mean=mean, variance=variance)
    # the difference carries 1e-8 of rounding: 1e-16 / step²
    assert bend == pytest.approx((up - 2 * middle + down) / step**2, rel=1e-3, abs=1e-6)


def test_curvature_of_relu_is_the_density_at_its_kink():
    fact = facts.of("relu(x)").curvature_mean
    assert fact.value == pytest.approx(1 / math.sqrt(2 * math.pi), rel=1e-12)


def test_hermite_coefficients():
    # closed forms for ReLU: 1/sqrt(2 pi), 1/2, 1/(2 sqrt pi), 0, −1/(4 sqrt(3 pi)) · 1
    expected = [1 / math.sqrt(2 * math.pi), 0.5, 1 / math.sqrt(4 * math.pi), 0.0]
    found = hermite_coefficients("relu(x)", 4)
    assert found[:4] == pytest.approx(expected, abs=1e-13)
    assert found[4] == pytest.approx(-1 / math.sqrt(48 * math.pi), rel=1e-11)
    # E[exp(a z) He_k] = a^k exp(a²/2): high degrees stay accurate
    found = hermite_coefficients("exp(x)", 40)
    expected = [math.exp(0.5) / math.sqrt(math.factorial(k)) for k in range(41)]
    assert found == pytest.approx(expected, abs=1e-11)


def test_parseval():
    coefficients = hermite_coefficients("tanh(x)", 60)
    assert (coefficients**2).sum() == pytest.approx(gaussian_moment("tanh(x)", 2), rel=1e-6)


def test_moment_facts_carry_provenance_and_error():
    fact = facts.of("gelu(x)").second_moment
    assert fact.provenance == "numeric"
    assert 0 < fact.error < 1e-12
    assert facts.of("sign(x)").slope_second_moment.provenance == "exact"


@pytest.mark.parametrize("bad", [-1])
def test_negative_orders_are_refused(bad):
    with pytest.raises(CamberError, match="at least 0"):
        hermite_coefficients("x", bad)
    with pytest.raises(CamberError, match="at least 0"):
        expectation_of_derivative("x", bad)
