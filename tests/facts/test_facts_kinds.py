"""Facts of formulas along an axis (large width) and of gated formulas (independent inputs)."""

import math

import mpmath as mp
import numpy as np
import pytest

from camber import facts
from camber.errors import CamberError
from camber.formula import Formula, to_numpy

POLYNORM = (
    "bias + weight[2]*x/rms(x, {0}, over=feature) + weight[1]*x**2/rms(x**2, {0}, over=feature)"
    " + weight[0]*x**3/rms(x**3, {0}, over=feature)"
)
COEFFICIENTS = {"weight": [1 / 3, 1 / 3, 1 / 3], "bias": 0.0}


def gated(text):
    return Formula.parse(text, inputs=("x", "g"))


def test_polynorm_on_standard_normal_features():
    found = facts.of(POLYNORM.format("0"), **COEFFICIENTS)
    # closed forms: E y = 1/(3 sqrt 3), E y² = (3 + 6/sqrt 15)/9
    assert found.mean.value == pytest.approx(1 / (3 * math.sqrt(3)), rel=1e-12)
    assert found.second_moment.value == pytest.approx((3 + 6 / math.sqrt(15)) / 9, rel=1e-12)
    assert "large-width" in found.second_moment.note
    assert "large-width" in found.slope.how


def test_polynorm_with_its_epsilon():
    found = facts.of(POLYNORM.format("0.000001"), **COEFFICIENTS)
    assert found.second_moment.value == pytest.approx((3 + 6 / math.sqrt(15)) / 9, abs=1e-6)


def test_statistics_follow_the_variance():
    # rms normalisation removes the scale
    text = "x/rms(x, over=feature)"
    assert facts.gaussian_moment(text, 2, variance=49.0) == pytest.approx(1.0, rel=1e-12)
    # std of N(3, 4) is 2, so (x − mean)/std is standard
    text = "(x - mean(x, over=feature))/std(x, over=feature)"
    assert facts.gaussian_moment(text, 2, mean=3.0, variance=4.0) == pytest.approx(1.0, rel=1e-11)


def test_large_width_agrees_with_a_wide_sample():
    text = "x*sigmoid(x)/rms(max(x, 0), 0.01, over=feature)"
    rows = np.random.default_rng(0).normal(size=(50, 20_000))
    sampled = (to_numpy(Formula.parse(text))(rows) ** 2).mean()
    # Monte Carlo: 1e6 values of order 1, three standard errors
    assert facts.gaussian_moment(text, 2) == pytest.approx(sampled, abs=6e-3)


def test_nested_statistics():
    text = "x/rms(x - mean(x, over=feature), over=feature)"
    assert facts.gaussian_moment(text, 2, mean=1.0, variance=4.0) == pytest.approx(5 / 4, rel=1e-11)


def test_sorting_keeps_the_moments():
    found = facts.of("sort(x, over=group, size=2)")
    assert found.gain.value == pytest.approx(1.0, rel=1e-12)
    assert "positions" in found.gain.note
    assert facts.gaussian_moment("sort(2*x, over=feature)", 2) == pytest.approx(4.0, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "softmax(x, over=feature)",
        "topk(x, 2, over=feature)",
        "sum(x, over=feature)*x",
        "x - max(x, over=feature)",
        "x*softmax(sort(x))",
        "mean(x, over=group, size=4)*x",
        "x/std(x, over=batch)",
    ],
)
def test_no_large_width_limit(text):
    found = facts.of(text)
    with pytest.raises(CamberError, match=r"no large-width limit|depend on the batch"):
        _ = found.second_moment
    assert found.get("second_moment") is None
    assert found.to_dict()["kinks"] is None
    assert "—" in str(found)


@pytest.mark.parametrize(
    ("text", "second"),
    [
        # x a(g): product of one-dimensional moments, published for GELU and SiLU
        ("x*gelu(g)", 0.4252214825702985),
        ("x*silu(g)", 1 / 2.810761124074471),
        ("x*max(g, 0)", 0.5),
        ("x*g", 1.0),
        ("-x*g/2", 0.25),
        # not a product: closed forms for two independent normals
        ("max(x*g, 0)", 0.5),
        ("max(x, g)", 1.0),
        ("(x + g)**2", 12.0),
        ("abs(x - g)", 2.0),
    ],
)
def test_gated_second_moments(text, second):
    found = facts.of(gated(text))
    assert found.second_moment.value == pytest.approx(second, rel=1e-9)
    assert "independent" in found.second_moment.note


def test_gated_moment_against_mpmath():
    inner = lambda s: mp.quad(lambda z: mp.tanh(s * z) ** 2 * mp.npdf(z), [-10, 0, 10])  # noqa: E731
    # x + g is N(0, 2)
    assert facts.of(gated("tanh(x + g)")).second_moment.value == pytest.approx(
        float(inner(mp.sqrt(2))), rel=1e-9
    )


def test_gated_parameters_and_channels():
    beta = np.array([0.5, 2.0])
    found = facts.of(gated("x*g*sigmoid(beta*g)"), beta=beta).second_moment.value
    single = [facts.of(gated("x*g*sigmoid(beta*g)"), beta=b).second_moment.value for b in beta]
    assert found == pytest.approx(single, rel=1e-12)


def test_gated_formulas_have_moments_only():
    found = facts.of(gated("x*silu(g)"))
    assert found.get("kinks") is None
    assert found.get("slope_mean") is None
    with pytest.raises(CamberError, match="two inputs"):
        _ = found.slope
    with pytest.raises(CamberError, match="two inputs"):
        found.hermite(3)


def test_an_unused_gate_does_not_matter():
    assert facts.of(gated("max(x, 0)")).kinks.value == (0.0,)
