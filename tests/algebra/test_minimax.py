"""Minimax rational fits. Oracles: published errors, closed forms, equioscillation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf, expit

from camber.algebra import evaluate_rational, minimax_rational
from camber.errors import CamberError

FUNCTIONS = {
    "silu": lambda x: x * expit(x),
    "tanh": np.tanh,
    "sigmoid": expit,
    "gelu": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "relu": lambda x: np.maximum(x, 0),
}


# Published minimax errors of (5, 4) fits on [-3, 3] (60,001 points).
@pytest.mark.parametrize(
    ("name", "form", "published"),
    [
        ("silu", "sum_abs", 6.4e-7),
        ("tanh", "sum_abs", 2.1e-6),
        ("sigmoid", "sum_abs", 2.6e-7),
        ("gelu", "sum_abs", 1.30e-3),
        ("relu", "sum_abs", 1.29e-2),
        ("gelu", "abs_sum", 4.6e-4),
    ],
)
def test_error_is_at_most_the_published_minimax(name, form, published):
    fit = minimax_rational(FUNCTIONS[name], (5, 4), (-3.0, 3.0), form)
    assert fit.points == 60_001
    assert fit.error <= 1.1 * published
    dense = np.linspace(-3, 3, 60_001)
    assert np.abs(fit(dense) - FUNCTIONS[name](dense)).max() == fit.error


def test_polynomial_case_meets_the_chebyshev_closed_form():
    # The best approximation of x^n by degree n-1 on [-1, 1] errs by 2^(1-n) (Chebyshev).
    fit = minimax_rational(lambda x: x**5, (4, 0), (-1.0, 1.0))
    assert fit.error == pytest.approx(2.0**-4, rel=1e-6)
    assert fit.denominator == ()


def test_error_equioscillates():
    # A best fit of m + n + 1 free coefficients alternates on m + n + 2 points where all bind.
    # exp(-x) on [0, 2] has its free optimum inside the form: all denominator terms are positive.
    fit = minimax_rational(lambda x: np.exp(-x), (2, 2), (0.0, 2.0), "abs_sum")
    dense = np.linspace(0, 2, 60_001)
    error = fit(dense) - np.exp(-dense)
    extremes = np.abs(error) > 0.999 * fit.error
    signs = np.sign(error[extremes])
    assert 1 + np.count_nonzero(np.diff(signs)) >= 6
    assert fit.error <= fit.lower * (1 + 1e-4)


def test_a_rational_is_recovered_exactly():
    def target(x):
        return evaluate_rational(x, (0.5, -1.0, 0.25), (0.0, 0.5), "sum_abs")

    assert minimax_rational(target, (2, 2), (-2.0, 2.0)).error < 1e-9


@pytest.mark.parametrize("form", ["sum_abs", "abs_sum"])
def test_evaluation_matches_known_values(form):
    # Values from the group-rational definition, worked by hand at x = -2.
    a, b = (0.5, -1, 0.25, 0, 0.1, -0.02), (0.3, -0.2, 0, 0.05)
    expected = {"sum_abs": 1.79375, "abs_sum": 3.5875}[form]
    assert evaluate_rational(-2.0, a, b, form) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.3, 3.0), st.floats(0.5, 6.0))
def test_no_least_squares_fit_does_better(sharpness, radius):
    def target(x):
        return np.tanh(sharpness * x)

    fit = minimax_rational(target, (3, 2), (-radius, radius), points=2001)
    dense = np.linspace(-radius, radius, 2001)
    polynomial = np.polynomial.Polynomial.fit(dense, target(dense), 3)
    assert fit.error <= np.abs(polynomial(dense) - target(dense)).max() * (1 + 1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"degrees": (0, 4)}, "m >= 1"),
        ({"degrees": (5, -1)}, "n >= 0"),
        ({"degrees": (5.0, 4)}, "two integers"),
        ({"interval": (1.0, 1.0)}, "finite interval"),
        ({"interval": (0.0, float("inf"))}, "finite interval"),
        ({"form": "plain"}, "unknown rational form"),
        ({"points": 5}, "at least"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words):
    with pytest.raises(CamberError, match=words):
        minimax_rational(np.tanh, **arguments)


def test_a_function_that_is_not_finite_is_refused():
    with pytest.raises(CamberError, match="finite number per point"), np.errstate(all="ignore"):
        minimax_rational(np.log, (5, 4), (-1.0, 1.0))
