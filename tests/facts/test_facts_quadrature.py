"""The quadrature meets its tolerance or refuses; oracles are closed forms."""

import math

import numpy as np
import pytest

from camber.facts.bracket import bracketed_roots
from camber.facts.quadrature import NotConvergedError, integrate


def one_piece(function, edges, **options):
    edges = np.asarray(edges, dtype=float)
    piece = np.zeros(len(edges) - 1, dtype=np.intp)
    return integrate(
        lambda z, _: function(z)[None],
        edges[:-1],
        edges[1:],
        piece,
        np.zeros(1, np.intp),
        1,
        **options,
    )


def test_polynomials_are_exact():
    result = one_piece(lambda z: z**30, [0.0, 1.0])
    assert result.value[0, 0] == pytest.approx(1 / 31, rel=1e-14)


def test_narrow_peak_is_found_by_refinement():
    result = one_piece(lambda z: 1e-4 / (1e-8 + z * z), [-1.0, 0.0, 1.0])
    # closed form 2 atan(1e4)
    assert result.value[0, 0] == pytest.approx(2 * math.atan(1e4), rel=1e-12)
    assert result.error[0, 0] <= 1e-12 * result.magnitude[0, 0]


def test_logarithm_at_the_end_converges():
    result = one_piece(np.log, [0.0, 1.0])
    assert result.value[0, 0] == pytest.approx(-1.0, rel=1e-11)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_poles_are_refused(power):
    with pytest.raises(NotConvergedError):
        one_piece(lambda z: z**-power, [0.0, 1.0])


def test_pole_cut_off_by_rounding_is_refused():
    pole = math.pi / 2  # the float, not the pole of tan
    with pytest.raises(NotConvergedError):
        one_piece(lambda z: np.tan(z) ** 2, [0.0, pole])


def test_nan_is_refused_with_its_place():
    with pytest.raises(NotConvergedError, match="not finite") as caught:
        one_piece(
            lambda z: np.sqrt(z - 0.5, where=z > 0.5, out=np.full_like(z, np.nan)), [0.0, 1.0]
        )
    assert 0 <= caught.value.position < 0.5


def test_panel_limit_is_honoured():
    with pytest.raises(NotConvergedError, match="error estimate stays"):
        one_piece(lambda z: np.sign(np.sin(1e5 * z)), [0.0, 1.0], limit=100)


def test_channels_have_tolerances_of_their_own():
    scale = np.array([1.0, 1e-12])
    edges = np.array([0.0, 1.0])
    result = integrate(
        lambda z, piece: (scale[piece][:, None] * np.exp(z))[None],
        np.repeat(edges[:1], 2),
        np.repeat(edges[1:], 2),
        np.arange(2),
        np.arange(2),
        2,
    )
    assert result.value[0] == pytest.approx(scale * (math.e - 1), rel=1e-13)


def test_bracketed_roots_reach_the_last_digits():
    targets = np.array([0.1, 2.0, 1e-9, 1e6])
    roots = bracketed_roots(lambda x: x**3 - targets**3, np.zeros(4), np.full(4, 1e7))
    assert roots == pytest.approx(targets, rel=1e-14)
