"""Kinks, jumps, shapes, symmetry, behaviour at infinity, zeros: against what one sees by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camber import facts
from camber.facts import Interval

INF = math.inf


def points(text, name="kinks", **values):
    return getattr(facts.of(text, **values), name).value


@pytest.mark.parametrize(
    ("text", "kinks", "provenance"),
    [
        ("max(x, 0)", (0.0,), "exact"),
        ("abs(abs(x) - 1)", (-1.0, 0.0, 1.0), "exact"),
        ("min(max(x, -1), 1)", (-1.0, 1.0), "exact"),
        ("max(x, 0) - 0.5*max(x - 1/3, 0)", (0.0, 1 / 3), "exact"),
        ("max(x**2 - 2, 0)", (-math.sqrt(2), math.sqrt(2)), "certified"),
        ("abs(exp(x) - 2)", (math.log(2),), "certified"),
        ("max(x, x**3)", (-1.0, 0.0, 1.0), "exact"),
        ("max(min(x, 1), min(2*x, x + 3), -1)", (-1.0, 0.0, 3.0), "exact"),
        # no kink: both branches leave 0 with the same slope
        ("where(x > 0, x, exp(x) - 1)", (), "exact"),
        ("max(x, 0)**2", (), "exact"),
        ("x*abs(x)", (), "exact"),
        ("sqrt(x**2)", (0.0,), "exact"),
        ("(x**2)**0.5 + exp(-x**2)", (0.0,), "exact"),
        ("x**2/abs(x)", (), None),
        ("spline(x, 0, 1, 2, 3, 1, -1, degree=1)", (0.0, 1.0, 2.0, 3.0), "exact"),
        ("abs(relu(x))", (0.0,), "exact"),
        ("max(x, x)", (), "exact"),
    ],
)
def test_kinks(text, kinks, provenance):
    fact = facts.of(text).kinks
    assert fact.value == pytest.approx(kinks, abs=1e-12)
    if provenance is not None:
        assert fact.provenance == provenance


def test_hidden_pole_is_not_in_the_domain():
    assert facts.of("x**2/abs(x)").domain.value == (
        Interval(-INF, 0.0, (False, False)),
        Interval(0.0, INF, (False, False)),
    )


@pytest.mark.parametrize(
    ("text", "jumps"),
    [
        ("sign(x)", (0.0,)),
        ("where(abs(x) <= 0.5, 0, x)", (-0.5, 0.5)),
        ("where(x <= 0.1, 0, x)", (0.1,)),
        ("where(x == 2, 1, 0)", (2.0,)),
        ("max(x, 0)", ()),
        ("1/x", ()),
    ],
)
def test_jumps(text, jumps):
    assert points(text, "jumps") == pytest.approx(jumps, abs=1e-13)


def test_narrow_features_are_seen():
    fact = facts.of("x*sigmoid(100000*x)")
    assert fact.slope.value.hi == pytest.approx(1.09983932012887, abs=1e-10)
    assert len(fact.inflections.value) == 2
    assert points("max(tanh(1000*(x - 3)), 0.5)") == pytest.approx(
        (3 + math.atanh(0.5) / 1000,), abs=1e-12
    )


@pytest.mark.parametrize(
    ("text", "inflections"),
    [
        ("tanh(x)", (0.0,)),
        ("gelu(x)", (-math.sqrt(2), math.sqrt(2))),
        ("x**3 - 3*x", (0.0,)),
        ("x**4", ()),
        ("max(x, 0)", ()),
        ("where(x > 0, x**2, -x**2)", (0.0,)),
        ("exp(-x**2/2)", (-1.0, 1.0)),
    ],
)
def test_inflections(text, inflections):
    fact = facts.of(text).inflections
    assert fact.value == pytest.approx(inflections, abs=1e-12)
    assert fact.provenance in ("exact", "certified")


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("max(x, 0)", [(-INF, 0.0, "constant"), (0.0, INF, "increasing")]),
        ("abs(x)", [(-INF, 0.0, "decreasing"), (0.0, INF, "increasing")]),
        ("tanh(x)", [(-INF, INF, "increasing")]),
        ("where(x > 0, x, x - 1)", [(-INF, INF, "increasing")]),
        ("where(x > 0, x, x + 1)", [(-INF, 0.0, "increasing"), (0.0, INF, "increasing")]),
        ("1/x", [(-INF, 0.0, "decreasing"), (0.0, INF, "decreasing")]),
        ("where(x > 0, x, 0.5*x)", [(-INF, INF, "increasing")]),
    ],
)
def test_monotone_pieces(text, shapes):
    found = facts.of(text).monotone_pieces.value
    assert [(piece.lo, piece.hi, piece.shape) for piece in found] == shapes


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("max(x, 0)", [(-INF, INF, "convex")]),
        ("min(max(x, -1), 1)", [(-INF, 1.0, "convex"), (1.0, INF, "affine")]),
        ("tanh(x)", [(-INF, 0.0, "convex"), (0.0, INF, "concave")]),
        ("3*x + 1", [(-INF, INF, "affine")]),
        ("sign(x)", [(-INF, 0.0, "affine"), (0.0, INF, "affine")]),
    ],
)
def test_convex_pieces(text, shapes):
    found = facts.of(text).convex_pieces.value
    assert [(piece.lo, piece.hi, piece.shape) for piece in found] == shapes


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x**3 - x", "odd"),
        ("tanh(x)*x", "even"),
        ("gelu(x)", "none"),
        ("abs(x)", "even"),
        ("x + sin(x)", "odd"),
        ("cos(x) + abs(x)", "even"),
        ("where(x >= 0, x, -x)", "even"),
        ("poly(x, 0, 1, 0, 2)", "odd"),
        ("poly(x, 0, 1, 1)", "none"),
        ("0*x", "even"),
    ],
)
def test_parity(text, word):
    assert facts.of(text).parity.value == word


@pytest.mark.parametrize(
    "text", ["min(max(x, -1), 1)", "where(x >= 0, x, -x)", "max(x - 1, 0) - max(-x - 1, 0)"]
)
def test_parity_of_piecewise_rational_formulas_is_proved(text):
    assert facts.of(text).parity.provenance == "exact"
    assert facts.of("gelu(x)").parity.provenance == "certified"


symmetric = st.sampled_from(["x", "x**3", "tanh(x)", "sin(2*x)", "x/(1 + x**2)", "atan(x)"])


@given(symmetric, symmetric)
@settings(max_examples=20, deadline=None)
def test_parity_laws(a, b):
    assert facts.of(f"({a}) + ({b})").parity.value == "odd"
    assert facts.of(f"({a})*({b})").parity.value == "even"
    assert facts.of(f"abs({a})").parity.value == "even"
    assert facts.of(f"exp({a})").parity.value == "none"


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("max(x, 0)", 1.0),
        ("abs(x)", 1.0),
        ("max(x, 0)**2", 2.0),
        ("sign(x)", 0.0),
        ("x**3/abs(x)", 2.0),
        ("where(x > 0, x, 0.25*x)", 1.0),
        ("sqrt(abs(x))", 0.5),
        ("gelu(x)", None),
        ("min(max(x, 0), 6)", None),
        ("where(abs(x) <= 0.5, 0, x)", None),
        ("x + 1", None),
    ],
)
def test_homogeneity(text, degree):
    found = facts.of(text).homogeneity.value
    assert (None if found is None else found.degree) == degree


@given(st.sampled_from(["max(x, 0)", "abs(x)", "x", "where(x > 0, 2*x, x)"]), st.integers(1, 4))
@settings(max_examples=12, deadline=None)
def test_powers_of_homogeneous_formulas(text, power):
    assert facts.of(f"({text})**{power}").homogeneity.value.degree == power


def test_linear_formulas_are_linear():
    assert facts.of("3*x").homogeneity.value.linear
    assert not facts.of("max(x, 0)").homogeneity.value.linear


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("max(x, 0)", "0", "x"),
        ("silu(x)", "x exp(x)", "x"),
        ("x**3 - x", "x**3", "x**3"),
        ("tanh(x)", "-1", "1"),
        ("exp(x) - 1", "-1", "exp(x)"),
        ("softplus(x)", "exp(x)", "x"),
        ("log(1 + x**2)", "2 log|x|", "2 log|x|"),
        ("exp(-x**2/2)", "exp(-0.5 x**2)", "exp(-0.5 x**2)"),
        ("sin(x)", "bounded", "bounded"),
        ("log(x)", "not defined", "log|x|"),
    ],
)
def test_growth(text, left, right):
    found = facts.of(text).growth.value
    assert (found.left_term, found.right_term) == (left, right)


def test_growth_orders():
    found = facts.of("x*abs(x)*sigmoid(x)").growth.value
    assert (found.left, found.right) == (-INF, 2.0)
    assert facts.of("exp(x)").growth.value.right == INF


@pytest.mark.parametrize(
    ("text", "left", "right", "vertical"),
    [
        ("gelu(x)", (0.0, 0.0), (1.0, 0.0), ()),
        ("x/(1 + abs(x))", (0.0, -1.0), (0.0, 1.0), ()),
        ("(2*x**2 + x)/(1 + x)", (2.0, -1.0), (2.0, -1.0), (-1.0,)),
        ("softplus(x) - log(2)", (0.0, -math.log(2)), (1.0, -math.log(2)), ()),
        ("x**2", None, None, ()),
        ("x + sin(x)", None, None, ()),
        ("log(x)", None, None, (0.0,)),
        ("atan(x)", (0.0, -math.pi / 2), (0.0, math.pi / 2), ()),
    ],
)
def test_asymptotes(text, left, right, vertical):
    found = facts.of(text).asymptotes.value
    for line, expected in ((found.left, left), (found.right, right)):
        assert (line is None) == (expected is None)
        if expected is not None:
            assert line == pytest.approx(expected, abs=1e-12)
    assert found.vertical == pytest.approx(vertical)


@pytest.mark.parametrize(
    ("text", "zeros"),
    [
        ("gelu(x)", (0.0,)),
        ("max(x, 0)", (Interval(-INF, 0.0, (False, True)),)),
        ("x**2 - 2", (-math.sqrt(2), math.sqrt(2))),
        ("exp(x)", ()),
        ("0", (Interval(-INF, INF, (False, False)),)),
        ("where(abs(x) <= 0.5, 0, x)", (Interval(-0.5, 0.5),)),
        ("x - tanh(x)", (0.0,)),
        ("(x - 1)*(x + 2)*x", (-2.0, 0.0, 1.0)),
        ("where(x > 0, x, 1)", ()),
    ],
)
def test_zero_set(text, zeros):
    found = facts.of(text).zero_set.value
    assert len(found) == len(zeros)
    for one, expected in zip(found, zeros, strict=True):
        assert one == (
            expected if isinstance(expected, Interval) else pytest.approx(expected, abs=1e-12)
        )


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("x", (Interval(-INF, INF, (False, False)),)),
        ("log(x)", (Interval(0.0, INF, (False, False)),)),
        ("sqrt(x)", (Interval(0.0, INF, (True, False)),)),
        ("1/x", (Interval(-INF, 0.0, (False, False)), Interval(0.0, INF, (False, False)))),
        ("1/x**2", (Interval(-INF, 0.0, (False, False)), Interval(0.0, INF, (False, False)))),
        (
            "log((x - 1)**2)",
            (Interval(-INF, 1.0, (False, False)), Interval(1.0, INF, (False, False))),
        ),
        ("sqrt(1 - x**2)", (Interval(-1.0, 1.0),)),
        ("x**(1/3)", (Interval(0.0, INF, (True, False)),)),
        ("log(0 - 1 - x**2)", ()),
    ],
)
def test_domain(text, domain):
    assert facts.of(text).domain.value == domain


@pytest.mark.parametrize(
    ("text", "slopes"),
    [
        ("max(x, 0)", (0.0, 1.0)),
        ("abs(x)", (-1.0, 1.0)),
        ("gelu(x)", (0.5, 0.5)),
        ("where(x > 0, x, 0.01*x)", (0.01, 1.0)),
        ("sqrt(abs(x))", (-INF, INF)),
    ],
)
def test_slopes_at_zero(text, slopes):
    assert facts.of(text).slopes_at_zero.value == pytest.approx(slopes)


def test_slopes_at_zero_where_a_side_is_missing():
    left, right = facts.of("sqrt(x)*x").slopes_at_zero.value
    assert math.isnan(left)
    assert right == 0.0


def test_oscillations_are_listed_in_a_window_and_say_so():
    fact = facts.of("sin(x)").zero_set
    assert fact.value == pytest.approx(np.pi * np.arange(-3, 4), abs=1e-12)
    assert "listed within [-10, 10]" in fact.note
    assert len(points("abs(sin(3*x))")) == 19
    assert "listed within" in facts.of("abs(sin(3*x))").kinks.note
    # x + sin(x)² / 2 has one zero, whatever happens far out
    assert facts.of("x + 0.4*sin(x)").zero_set.value == (0.0,)
    assert facts.of("x + 0.4*sin(x)").zero_set.note == ""


def test_a_fast_oscillation_narrows_the_window():
    fact = facts.of("sin(100000*x)").zero_set
    assert "listed within [-0.01, 0.01]" in fact.note
    assert facts.of("sin(100000*x)").slope.value.hi == pytest.approx(1e5)


@pytest.mark.parametrize("text", ["2", "0", "pi", "x/0", "log(0 - 1)", "inf*x"])
def test_degenerate_formulas_answer_or_say_why(text):
    found = facts.of(text)
    assert set(found.to_dict()) == set(facts.NAMES)
    str(found)


def test_constant():
    found = facts.of("2")
    assert found.slope.value == Interval(0.0, 0.0)
    assert found.range.value == Interval(2.0, 2.0)
    assert found.variance_gain.value == pytest.approx(0.25, rel=1e-13)
    assert [piece.shape for piece in found.convex_pieces.value] == ["affine"]


def test_degenerate_parameters():
    # swish with beta = 0 is x/2; Snake with a tiny frequency is x + a x²
    found = facts.of("x*sigmoid(beta*x)", beta=0.0)
    assert found.slope.value.lo == pytest.approx(0.5, abs=1e-12)
    assert found.slope.value.hi == pytest.approx(0.5, abs=1e-12)
    assert facts.of("where(x > 0, x, a*x)", a=1.0).kinks.value == ()
    assert facts.of("max(x, a)", a=-3.0).kinks.value == (-3.0,)


def test_comparisons_that_are_not_numbers_are_false():
    # left of 0 the condition is nan > 0.5, so the last branch holds
    assert points("where(x**0.5 > 0.5, 2, 3)", "jumps") == (0.25,)
    assert facts.of("where(x**0.5 > 0.5, 2, 3)").domain.value == (
        Interval(-INF, INF, (False, False)),
    )


def test_overflow_in_samples_is_no_asymmetry():
    assert facts.of("cosh(x)*cosh(2*x)").parity.value == "even"
    assert facts.of("exp(x) + exp(-x)").parity.value == "even"
    assert facts.of("exp(x)").parity.value == "none"


def test_huge_coefficients():
    found = facts.of("1e30*max(x, 0)")
    assert found.slope.value.hi == pytest.approx(1e30)
    assert found.kinks.value == (0.0,)
    assert facts.of("tanh(1e20*x)").range.value == Interval(-1.0, 1.0, (False, False))
