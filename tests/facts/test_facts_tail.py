"""Enclosures near infinity: sound against 50-digit evaluation, exact where terms cancel."""

import math

import mpmath as mp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camber.facts.bounds import plus, rational, reciprocal, times
from camber.facts.point import enclose_at
from camber.facts.rational import as_rational
from camber.facts.subject import slope_of
from camber.facts.tail import leading_term, tail
from camber.formula.parser import parse

FUNCTIONS = {
    "x*sigmoid(x)": lambda x: x / (1 + mp.exp(-x)),
    "1 - tanh(x)**2": lambda x: mp.sech(x) ** 2,
    "0.5*x*(1 + erf(x/sqrt(2)))": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "x*tanh(softplus(x))": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
    "x*tanh(exp(x))": lambda x: x * mp.tanh(mp.exp(x)),
    "x/sqrt(1 + x**2)": lambda x: x / mp.sqrt(1 + x * x),
    "log(1 + x**2)": lambda x: mp.log(1 + x * x),
    "atan(x)": mp.atan,
    "x*(atan(x) + pi/2)": lambda x: x * (mp.atan(x) + mp.pi / 2),
    "(x**5 + x)/(1 + x**4)": lambda x: (x**5 + x) / (1 + x**4),
    "exp(-x**2/2)*x": lambda x: x * mp.exp(-x * x / 2),
    "x + sin(x)**2": lambda x: x + mp.sin(x) ** 2,
    "sinh(x)/cosh(x)": lambda x: mp.sinh(x) / mp.cosh(x),
    "(1 + x**2)**0.3": lambda x: (1 + x * x) ** mp.mpf("0.3"),
}


@pytest.mark.parametrize("text", FUNCTIONS)
@pytest.mark.parametrize("side", [-1, 1])
def test_tails_enclose_the_function(text, side):
    known = tail(parse(text, ("x",)), {}, "x", side)
    assert known is not None
    with mp.workdps(60):
        for factor in (1.0, 1.3, 2.9, 11.0, 60.0):
            x = mp.mpf(side * known.start * factor)
            value = FUNCTIONS[text](x)
            assert known.bounds[0] <= value <= known.bounds[1]
            if known.sign is not None:
                assert mp.sign(value) == known.sign


@pytest.mark.parametrize(
    ("text", "side", "order", "limit"),
    [
        ("x*sigmoid(x)", -1, -math.inf, 0.0),
        ("x*sigmoid(x)", 1, 1.0, math.inf),
        ("tanh(x)", -1, 0.0, -1.0),
        ("exp(x) - x", 1, math.inf, math.inf),
        ("(1 + 3*x)/(2 - x)", 1, 0.0, -3.0),
        ("1/x", 1, -1.0, 0.0),
        ("sqrt(x**2 + x) - x", 1, 0.0, 0.5),
    ],
)
def test_orders_and_limits(text, side, order, limit):
    known = tail(parse(text, ("x",)), {}, "x", side)
    assert known.order == order
    assert known.limit == (limit, limit)


def test_leading_terms_read_well():
    known = tail(parse("x**2*exp(-2*x)", ("x",)), {}, "x", 1)
    assert leading_term(known) == "x**2 exp(-2 x)"
    known = tail(parse("-3*x**2 + x", ("x",)), {}, "x", -1)
    assert leading_term(known) == "-3 x**2"


def test_rational_derivatives_cancel_exactly():
    node = parse("(1 + 2*x + 3*x**2)/(5 + 7*x)", ("x",))
    for _ in range(3):
        node = slope_of(node, "x")
    exact = as_rational(node, {}, "x")
    # f''' of (quadratic)/(linear) is a constant over (5 + 7 x)^4
    assert len(exact.numerator) - len(exact.expanded) == -4


floats = st.floats(-1e100, 1e100)


@given(floats, floats)
def test_scalar_bounds_enclose_exact_results(a, b):
    with mp.workdps(400):
        x, y = mp.mpf(a), mp.mpf(b)
        lo, hi = plus((a, a), (b, b))
        assert lo <= x + y <= hi
        lo, hi = times((a, a), (b, b))
        assert lo <= x * y <= hi or abs(x * y) < mp.mpf("1e-300")
        if a:
            lo, hi = reciprocal((a, a))
            assert lo <= 1 / x <= hi


@given(st.fractions(max_denominator=10**6))
def test_rationals_are_enclosed_tightly(value):
    lo, hi = rational(value)
    assert lo <= value <= hi
    assert hi <= math.nextafter(lo, math.inf)


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("4*sigmoid(2*x)*sigmoid(-2*x)", 0.0, (1.0, 1.0)),
        ("x*(x + 3)/6", 3.0, (3.0, 3.0)),
        ("exp(x) - 1", 0.0, (0.0, 0.0)),
        ("x**2/(1 + x**2)", 1.0, (0.5, 0.5)),
        ("log(x)", 0.0, (-math.inf, math.inf)),
        ("1/x", 0.0, (-math.inf, math.inf)),
    ],
)
def test_points_with_exact_values(text, x, expected):
    assert enclose_at(parse(text, ("x",)), {}, "x", x, x) == expected
