"""All interpreters compute the function that the tree says, on random trees.

Oracle: mpmath at 50 digits (formula_oracle). The tolerance of a float64 result is the width of the
interval enclosure at that point, which bounds what rounding can do to the formula as written.
"""

import itertools
import math
import operator

import mpmath
import numpy as np
import pytest
import sympy
import torch
from formula_oracle import UndefinedError, evaluate
from formula_trees import NAMES, SMALL, formulas, parameters
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from camber.formula import (
    OPERATIONS,
    Call,
    Formula,
    FormulaError,
    to_interval,
    to_numpy,
    to_sympy,
    to_torch,
)
from camber.formula.tree import walk

NUMBERS = st.floats(-4, 4).map(lambda value: round(value, 3))
POINTS = st.fixed_dictionaries({"x": NUMBERS, **dict.fromkeys(NAMES, NUMBERS)})


SINGULAR = ("asin", "acos", "sqrt", "log", "pow", "div", "guarded_div")


def exact(formula, point):
    try:
        return evaluate(formula.root, point)
    except UndefinedError:
        assume(False)


def enclosure(formula, point):
    x, values = point["x"], parameters(formula, point)
    lo, hi = to_interval(formula)(x, x, **values)
    return float(lo), float(hi)


@settings(deadline=None, max_examples=120)
@given(formulas(), POINTS)
def test_interval_numpy_and_torch_hold_the_exact_value(formula, point):
    expected = exact(formula, point)
    lo, hi = enclosure(formula, point)
    assert lo <= expected <= hi
    assume(math.isfinite(hi - lo))
    values = parameters(formula, point)
    tolerance = 8 * (hi - lo) + 1e-12 * (1 + abs(float(expected)))
    found = float(to_numpy(formula)(point["x"], **values))
    assert abs(found - expected) <= tolerance
    x = torch.tensor(point["x"], dtype=torch.float64)
    assert abs(float(to_torch(formula)(x, **values)) - expected) <= tolerance


@settings(deadline=None, max_examples=100)
@given(formulas(), POINTS, st.floats(0, 3), st.floats(0, 3), st.floats(0, 1))
def test_intervals_enclose(formula, point, below, above, share):
    x = point["x"]
    lo, hi = x - below, x + above
    inside = min(max(lo + share * (hi - lo), lo), hi)
    values = parameters(formula, point)
    expected = exact(formula, point | {"x": inside})
    low, high = to_interval(formula)(lo, hi, **values)
    assert low <= expected <= high
    pairs = {
        name: [(v - 0.1, v + 0.1) for v in value] if isinstance(value, list) else (value, value + 1)
        for name, value in values.items()
    }
    wide_low, wide_high = to_interval(formula)(lo, hi, **pairs)
    assert wide_low <= expected <= wide_high


@settings(deadline=None, max_examples=40)
@given(formulas(size=8), POINTS)
def test_sympy_agrees_at_thirty_digits(formula, point):
    expected = exact(formula, point)
    try:
        expression = to_sympy(formula)
    except FormulaError:
        assume(False)
    lo, hi = enclosure(formula, point)
    with mpmath.workdps(30):
        try:
            found = sympy_value(expression, point)
        except (ZeroDivisionError, OverflowError, TypeError):
            assume(False)
        error = abs(found - expected)
        assert error <= 1e-10 * (hi - lo) + mpmath.mpf(10) ** -20 * (1 + abs(expected))


def sympy_value(expression, point):
    """A SymPy expression at a point by mpmath; SymPy itself trips over a 0/0 not selected."""
    kind = type(expression).__name__
    if isinstance(expression, sympy.Symbol):
        return mpmath.mpf(point[expression.name])
    if isinstance(expression, sympy.Rational):
        return mpmath.mpf(expression.p) / expression.q
    if isinstance(expression, sympy.NumberSymbol):
        return {"Pi": +mpmath.pi, "Exp1": +mpmath.e}[kind]
    if isinstance(expression, sympy.Piecewise):
        for value, condition in expression.args:
            if sympy_value(condition, point):
                return sympy_value(value, point)
    if kind in ("BooleanTrue", "BooleanFalse"):
        return kind == "BooleanTrue"
    parts = [sympy_value(part, point) for part in expression.args]
    assume(not any(isinstance(part, mpmath.mpc) for part in parts))
    comparisons = {
        "StrictLessThan": operator.lt,
        "LessThan": operator.le,
        "StrictGreaterThan": operator.gt,
        "GreaterThan": operator.ge,
        "Equality": operator.eq,
        "Unequality": operator.ne,
        "And": operator.and_,
    }
    if kind in comparisons:
        return comparisons[kind](*parts)
    named = {"Add": mpmath.fsum, "Mul": mpmath.fprod, "Max": max, "Min": min}
    if kind in named:
        return named[kind](parts)
    if kind == "Pow":
        assume(abs(parts[1]) < 10**6)
    return getattr(mpmath, {"Abs": "fabs", "Pow": "power"}.get(kind, kind))(*parts)


def slopes(formula, point):
    """One-sided difference quotients by mpmath at 50 digits, or rejection where they differ."""
    # At ties the derivative follows conventions, which have tests of their own.
    for node in walk(formula.root):
        if not isinstance(node, Call):
            continue
        sides = list(dict.fromkeys(node.arguments))
        if node.operation == "spline":
            pairs = [(sides[0], knot) for knot in sides[1:]]
        elif OPERATIONS[node.operation].condition or node.operation in ("min", "max"):
            pairs = list(itertools.combinations(sides, 2))
        else:
            continue
        for a, b in pairs:
            try:
                assume(abs(evaluate(a, point) - evaluate(b, point)) > 1e-9)
            except UndefinedError:
                assume(False)
    step = mpmath.mpf(10) ** -18
    values = []
    with mpmath.workdps(50):
        x = mpmath.mpf(point["x"])
        middle = exact(formula, point)
        for side in (-1, 1):
            moved = exact(formula, point | {"x": x + side * step})
            values.append(side * (moved - middle) / step)
    assume(max(abs(value) for value in values) < 1e7)  # not a jump
    assume(abs(values[0] - values[1]) < 1e-9 * (1 + abs(values[0])))
    return float((values[0] + values[1]) / 2)


@settings(deadline=None, max_examples=120)
@given(formulas(), POINTS)
def test_derivative_is_the_difference_quotient(formula, point):
    expected = slopes(formula, point)
    slope = formula.derivative()
    try:
        found = evaluate(slope.root, point)
    except UndefinedError:
        # 0 * log(0) and the like: the rules ask for more than the function does
        assume(False)
    assert abs(float(found) - expected) <= 1e-8 * (1 + abs(expected))


@settings(deadline=None, max_examples=100)
@given(formulas(), POINTS)
def test_derivative_agrees_with_autograd(formula, point):
    expected = slopes(formula, point)
    values = parameters(formula, point)
    slope = formula.derivative()
    exact(slope, point)  # sqrt(x - x) has a slope that no chain rule finds
    lo, hi = to_interval(slope)(point["x"], point["x"], **parameters(slope, point))
    assume(math.isfinite(hi - lo) and hi - lo < 1e-6)
    x = torch.tensor(point["x"], dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(to_torch(formula)(x, **values) + 0 * x, x)
    if any(isinstance(n, Call) and n.operation in SINGULAR for n in walk(formula.root)):
        # sign(asin(1)): a slope of 0 times one of inf on the way
        assume(math.isfinite(found))
    assert abs(float(found) - expected) <= 1e-7 * (1 + abs(expected))


@settings(deadline=None, max_examples=60)
@given(formulas(numbers=SMALL, statistics=True), st.randoms(use_true_random=False))
def test_statistics_agree_between_torch_numpy_and_interval(formula, random):
    generator = np.random.default_rng(random.randrange(2**32))
    x = generator.normal(size=(2, 4, 2)).round(3)
    point = dict(zip(NAMES, generator.normal(size=3).round(3).tolist(), strict=True))
    values = parameters(formula, point)
    try:
        truth = to_numpy(formula)(x, **values)
    except FormulaError:
        assume(False)
    with np.errstate(all="ignore"):
        lo, hi = to_interval(formula)(x, x, **values)
        sure = np.isfinite(truth) & np.isfinite(hi - lo) & (np.abs(truth) < 1e12)
        slack = 8 * (hi - lo) + 1e-11 * (1 + np.abs(truth))
        assert np.all((truth >= lo - slack)[sure] & (truth <= hi + slack)[sure])
        found = to_torch(formula)(torch.tensor(x), **values).numpy()
        assert found.shape == truth.shape
        narrow = sure & (slack < 1e-3 * (1 + np.abs(truth)))
        assert np.all(np.abs(found - truth)[narrow] <= slack[narrow])


@pytest.mark.parametrize("over", ["feature", "layer", "instance", "batch", "group"])
def test_axes_of_statistics(over):
    # closed form: the mean over each documented axis set, written out by hand
    x = np.arange(2 * 4 * 3, dtype=float).reshape(2, 4, 3)
    wanted = {
        "feature": x.mean(-1, keepdims=True),
        "layer": x.mean((1, 2), keepdims=True),
        "instance": x.mean(2, keepdims=True),
        "batch": x.mean((0, 2), keepdims=True),
        "group": x.reshape(2, 2, 6).mean(-1, keepdims=True).repeat(6, -1).reshape(2, 4, 3),
    }[over]
    size = ", size=2" if over == "group" else ""
    formula = Formula.parse(f"mean(x, over={over}{size})")
    expected = np.broadcast_to(wanted, x.shape)
    np.testing.assert_allclose(to_numpy(formula)(x), expected, rtol=1e-15)
    np.testing.assert_allclose(to_torch(formula)(torch.tensor(x)).numpy(), expected, rtol=1e-15)
    lo, hi = to_interval(formula)(x, x)
    assert np.all((lo <= expected) & (expected <= hi))
