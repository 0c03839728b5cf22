"""Features far narrower than the grid: two roots in one cell must not hide from the facts."""

import math

import pytest

from camber import facts
from camber.errors import CamberError


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("1e12*max(1e-6 - x**2, 0)", 1e-3),
        ("1e20*max(1e-10 - x**2, 0)", 1e-5),
    ],
)
def test_a_hidden_spike_has_its_area(text: str, half: float) -> None:
    # Closed form to first order: the integral of h^2 - x^2 is 4 h^3 / 3, the density 1/sqrt(2 pi).
    area = (4 / 3) * half**3 * (1 - half**2 / 10) / math.sqrt(2 * math.pi)
    found = facts.of(text).mean
    assert found.value == pytest.approx(area / half**4, rel=1e-9)


@pytest.mark.parametrize(
    "text", ["max(x**2 - 1e-10, 0)", "abs(x**2 - 1e-10)", "max(-(x**2), -1e-10)"]
)
def test_kinks_closer_than_the_grid_are_found(text: str) -> None:
    kinks = facts.of(text).kinks
    assert kinks.value == pytest.approx((-1e-5, 1e-5), rel=1e-7)
    assert kinks.provenance in ("exact", "certified")


@pytest.mark.parametrize(
    ("text", "lo", "hi"),
    [
        ("sign(x**2 - 1e-10)", -1.0, 1.0),
        ("where(x**2 < 1e-10, 1, 0)", 0.0, 1.0),
        ("min((x - 0.3)**2, 1e-9)", 0.0, 1e-9),
        ("min((exp(x) - 2)**2, 1e-9)", 0.0, 1e-9),
    ],
)
def test_ranges_with_hidden_branches(text: str, lo: float, hi: float) -> None:
    found = facts.of(text).range
    assert found.value.lo == pytest.approx(lo, abs=1e-16)
    assert found.value.hi == pytest.approx(hi, abs=1e-16)


def test_narrow_teeth_are_kinks_not_jumps() -> None:
    # Steepest where sin(x) is within 1e-6 of one half, 1e10 cos(pi/6); never above 1e10.
    tooth = facts.of("1e10*max(0, 1e-6 - abs(sin(x) - 0.5))")
    assert tooth.jumps.value == ()
    assert 1e10 * math.sqrt(3) / 2 < tooth.slope.value.hi < 1.000001e10


def test_what_rests_on_an_unproved_cut_is_numeric() -> None:
    # x^3 - 3x + 2 touches zero at 1: its sign next to it is below rounding.
    found = facts.of("abs(x**3 - 3*x + 2 - 1e-11)")
    for name in ("kinks", "range", "zero_set", "slope", "monotone_pieces", "convex_pieces"):
        fact = found.get(name)
        assert fact is not None
        assert fact.provenance == "numeric", name


@pytest.mark.parametrize("powers", [{"value": -1}, {"slope": -1}, {"hermite": -2}])
def test_negative_powers_are_refused(powers: dict[str, int]) -> None:
    with pytest.raises(CamberError, match=r">= 0, not -"):
        facts.gaussian_moment("x", **powers)


def test_fractional_powers_are_refused() -> None:
    with pytest.raises(TypeError, match=r"whole number value, not 1\.5"):
        facts.gaussian_moment("x", 1.5)  # type: ignore[arg-type]  # the misuse under test


@pytest.mark.parametrize(
    ("text", "lo"),
    [("sqrt(x*x)", -1.0), ("sqrt(x*x)/(1 + exp(-x))", -0.5), ("sqrt(x*x)*sigmoid(x)", -0.5)],
)
def test_a_root_that_hides_an_absolute_value_keeps_its_kink(text: str, lo: float) -> None:
    # |x| h(x) has the slopes -h(0) and h(0) at 0.
    found = facts.of(text)
    assert found.kinks.value == (0.0,)
    assert found.slope.value.lo == pytest.approx(lo, abs=1e-9)
