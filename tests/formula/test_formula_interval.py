"""Intervals: every end on the safe side, against mpmath, at thousands of points."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy import special

from camber.formula import Formula, FormulaError, to_interval
from camber.formula.interval import constant_bounds
from camber.formula.rounding import MAX, ULPS
from camber.formula.tree import Constant, Number

POINTS = 1_500

#: NumPy or SciPy function, exact function, range of arguments that is tried.
FUNCTIONS = {
    "exp": (np.exp, mpmath.exp, -700, 700),
    "log": (np.log, mpmath.log, 1e-300, 1e300),
    "sqrt": (np.sqrt, mpmath.sqrt, 0, 1e6),
    "erf": (special.erf, mpmath.erf, -6, 6),
    "sigmoid": (special.expit, lambda u: 1 / (1 + mpmath.exp(-u)), -700, 700),
    "tanh": (np.tanh, mpmath.tanh, -20, 20),
    "softplus": (lambda u: np.logaddexp(0, u), lambda u: mpmath.log1p(mpmath.exp(u)), -700, 700),
    "sin": (np.sin, mpmath.sin, -1e6, 1e6),
    "cos": (np.cos, mpmath.cos, -1e6, 1e6),
    "tan": (np.tan, mpmath.tan, -1e6, 1e6),
    "asin": (np.arcsin, mpmath.asin, -1, 1),
    "acos": (np.arccos, mpmath.acos, -1, 1),
    "atan": (np.arctan, mpmath.atan, -1e6, 1e6),
    "sinh": (np.sinh, mpmath.sinh, -700, 700),
    "cosh": (np.cosh, mpmath.cosh, -700, 700),
    "signed_log": (
        lambda u: np.sign(u) * np.log1p(np.abs(u)),
        lambda u: mpmath.sign(u) * mpmath.log1p(abs(u)),
        -1e6,
        1e6,
    ),
    "signed_sqrt": (
        lambda u: np.sign(u) * np.sqrt(np.abs(u)),
        lambda u: mpmath.sign(u) * mpmath.sqrt(abs(u)),
        -1e6,
        1e6,
    ),
    "expm1": (np.expm1, mpmath.expm1, -40, 700),
    "log1p": (np.log1p, mpmath.log1p, -0.999, 1e6),
    "erfc": (special.erfc, mpmath.erfc, -6, 26),
    "logsigmoid": (special.log_expit, lambda u: -mpmath.log1p(mpmath.exp(-u)), -700, 700),
    "logcosh": (None, lambda u: mpmath.log(mpmath.cosh(u)), -300, 300),
}


def sample(low, high, count=POINTS):
    """Arguments over the range and, for functions whose errors peak there, towards 0."""
    generator = np.random.default_rng(0)
    wide = generator.uniform(low, high, count)
    near = generator.uniform(-5, 5, count)
    tiny = 10.0 ** generator.uniform(-12, 0, count) * generator.choice([-1, 1], count)
    points = np.concatenate([wide, near, tiny])
    return points[(points > low) & (points < high)]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "logcosh"])
def test_stated_ulps_cover_the_error_of_the_function(name):
    # independent numerics: mpmath at 60 digits
    function, exact, low, high = FUNCTIONS[name]
    points = sample(low, high, POINTS // 3)
    values = function(points)
    allowed = ULPS[name] + (2 * points**2 if name == "erfc" else 0) + 0 * points
    with mpmath.workdps(60):
        for point, value, ulps in zip(points, values, allowed, strict=True):
            error = abs(mpf(float(value)) - exact(mpf(float(point))))
            assert error <= ulps * float(np.spacing(abs(value))), point


WRITTEN = {
    "expm1": "exp(x) - 1",
    "log1p": "log(1 + x)",
    "erfc": "1 - erf(x)",
    "logsigmoid": "log(sigmoid(x))",
    "logcosh": "log(cosh(x))",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_point_intervals_hold_the_exact_value(name):
    _, exact, low, high = FUNCTIONS[name]
    points = sample(low, high)
    lows, highs = to_interval(Formula.parse(WRITTEN.get(name, f"{name}(x)")))(points, points)
    with mpmath.workdps(60):
        for point, lo, hi in zip(points, lows, highs, strict=True):
            value = exact(mpf(float(point)))
            assert lo <= value <= hi
            assert hi - lo <= 1e-12 * (abs(float(value)) + 1e-300) or hi - lo < 1e-300


@pytest.mark.parametrize("exponent", ["2", "3", "5", "-1", "-2", "0.5", "-1.5", "1/3", "7"])
def test_powers_hold_the_exact_value(exponent):
    whole = "." not in exponent and "/" not in exponent
    points = sample(-50, 50, 300) if whole else sample(0, 50, 300)
    lows, highs = to_interval(Formula.parse(f"x**({exponent})"))(points, points)
    with mpmath.workdps(60):
        power = mpf(eval_fraction(exponent).numerator) / eval_fraction(exponent).denominator
        for point, lo, hi in zip(points, lows, highs, strict=True):
            assert lo <= mpf(float(point)) ** power <= hi


def eval_fraction(text):
    return Formula.parse(text).root.value


INF = math.inf


@pytest.mark.parametrize(
    ("text", "interval", "expected"),
    [
        # closed forms: ranges that hold exactly
        ("x**2", (-2, 1), (0, 4)),
        ("x*x", (-2, 1), (0, 4)),
        ("x - x", (-2, 1), (0, 0)),
        ("x/x", (-2, 1), (1, 1)),
        ("abs(x)", (-2, 1), (0, 2)),
        ("max(x, 0)", (-2, 1), (0, 1)),
        ("sign(x)", (-2, 1), (-1, 1)),
        ("1/x", (-1, 1), (-INF, INF)),
        ("1/x", (0, 2), (0.5, INF)),
        ("1/x", (-2, 0), (-INF, -0.5)),
        ("1/x", (0, 0), (-INF, INF)),
        ("1/x", (2, INF), (0, 0.5)),
        ("x**-2", (-1, 2), (0.25, INF)),
        ("log(x)", (-1, 1), (-INF, 0)),
        ("log(x)", (0, INF), (-INF, INF)),
        ("sqrt(x)", (-4, 4), (0, 2)),
        ("x**0.5", (-4, 4), (0, 2)),
        ("asin(x)", (-9, 0), (-math.pi / 2, 0)),
        ("exp(x)", (-INF, 0), (0, 1)),
        ("exp(x)", (-INF, INF), (0, INF)),
        ("exp(x)", (800, 900), (MAX, INF)),
        ("tanh(x)", (-INF, INF), (-1, 1)),
        ("sigmoid(x)", (-INF, INF), (0, 1)),
        ("erf(x)", (-INF, INF), (-1, 1)),
        ("sin(x)", (0, 7), (-1, 1)),
        ("sin(x)", (-INF, INF), (-1, 1)),
        ("sin(x)", (1, 2), (math.sin(1), 1)),
        ("cos(x)", (-1, 1), (math.cos(1), 1)),
        ("cos(x)", (3, 4), (-1, math.cos(4))),
        ("sin(x)", (0, 0), (0, 0)),
        ("tan(x)", (1, 2), (-INF, INF)),
        ("tan(x)", (0, 1), (0, math.tan(1))),
        ("cosh(x)", (-1, 2), (1, math.cosh(2))),
        ("where(x > 0, x, 0)", (-2, 1), (0, 1)),
        ("where(x > 0, 1/x, 5)", (1, 2), (0.5, 1)),
        ("where(x > 0, log(x), 0)", (-2, -1), (0, 0)),
        ("where(x >= 0, x, exp(x) - 1)", (-1, 1), (math.expm1(-1), 1)),
        ("poly(x, 1, 0, 1)", (-1, 2), (1, 5)),
        ("guarded_div(1, x)", (2, 4), (0.25, 0.5)),
        ("guarded_div(1, x)", (0, 0), (1, 1)),
        ("x**a", (2, 3), (4, 9)),
        ("x + inf", (0, 1), (INF, INF)),
        ("spline(x, 0, 1, 2, 1, degree=1)", (0, 2), (0, 1)),
    ],
)
def test_known_ranges(text, interval, expected):
    formula = Formula.parse(text)
    lo, hi = to_interval(formula)(*map(float, interval), **dict.fromkeys(formula.parameters, 2.0))
    low, high = expected
    assert lo <= low
    assert hi >= high
    loose = 0.6 if "spline" in text else 1e-14
    assert lo >= low - loose * max(1, abs(low)) or lo == low or low in (MAX, INF)
    assert hi <= high + loose * max(1, abs(high)) or hi == high


@pytest.mark.parametrize(
    ("text", "interval"),
    [("log(x)", (-2, -1)), ("sqrt(x)", (-2, -1)), ("acos(x)", (2, 3)), ("sqrt(x) + 1", (-2, -1))],
)
def test_nowhere_defined_is_empty(text, interval):
    lo, hi = to_interval(Formula.parse(text))(*map(float, interval))
    assert np.isnan(lo)
    assert np.isnan(hi)


def test_undefined_branch_leaves_the_other_one():
    lo, hi = to_interval(Formula.parse("where(x*x >= 0, sqrt(-1 - x*x), 3)"))(-1.0, 1.0)
    assert (np.isnan(lo) and np.isnan(hi)) or (lo, hi) == (3.0, 3.0)


def test_constants_are_enclosed():
    with mpmath.workdps(40):
        for name, value in (("pi", mpmath.pi), ("e", mpmath.e)):
            lo, hi = constant_bounds(Constant(name))
            assert lo < value < hi
            assert hi == np.nextafter(lo, np.inf)
    for text in ("0.1", "1/3", "-2/7", "1e300", "1e-320", "1e400", "-1e400", "1e-400", "2"):
        node = Formula.parse(text).root
        assert isinstance(node, Number)
        lo, hi = constant_bounds(node)
        with mpmath.workdps(1000):
            exact = mpf(node.value.numerator) / node.value.denominator
            assert lo <= exact <= hi


def test_intervals_vectorise_and_take_interval_parameters():
    function = to_interval(Formula.parse("a*x + w[0]"))
    lo, hi = function(np.zeros(3), np.ones(3), a=(1.0, np.array([1.0, 2.0, 3.0])), w=[(0.0, 0.5)])
    assert lo.shape == hi.shape == (3,)
    assert np.all(lo <= 0)
    np.testing.assert_allclose(hi, [1.5, 2.5, 3.5])


def test_ends_in_the_wrong_order_are_refused():
    with pytest.raises(FormulaError, match="lower end above"):
        to_interval(Formula.parse("x"))(1.0, 0.0)


def test_enclosures_shrink_with_the_interval():
    # first-order convergence is what subdivision relies on
    function = to_interval(
        Formula.parse("gelu(x) + x/(1 + abs(x)) + spline(x, -2, 0, 1, 3, 1, 2, degree=1)")
    )
    for width in (1e-1, 1e-3, 1e-6):
        lo, hi = function(0.3, 0.3 + width)
        assert hi - lo < 20 * width
