"""Polynomial and Hermite units: closed forms and orthonormality."""

import math

import numpy as np
import pytest
import torch

from camber.activations import Hermite, Polynomial
from camber.activations.polynomial import hermite_powers, relu_hermite
from camber.errors import CamberError
from camber.formula import to_torch


def gauss(degree):
    """Nodes and weights that integrate polynomials against the standard normal exactly."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(degree)
    return nodes, weights / weights.sum()


def test_basis_is_orthonormal():
    nodes, weights = gauss(40)
    table = np.polynomial.polynomial.polyval(nodes, np.array(hermite_powers(12)).T)
    gram = (table * weights) @ table.T
    np.testing.assert_allclose(gram, np.eye(13), atol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3, 7])
def test_basis_is_numpys(order):
    x = np.linspace(-3, 3, 31)
    for k in range(order + 1):
        unit = np.eye(order + 1)[k]
        expected = np.polynomial.hermite_e.hermeval(x, unit) / math.sqrt(math.factorial(k))
        mine = Hermite(order, tuple(unit)).double()(torch.from_numpy(x))
        np.testing.assert_allclose(mine.detach().numpy(), expected, rtol=1e-12, atol=1e-12)


def test_relu_coefficients_are_gaussian_moments():
    # E[relu(z) h_k(z)] by quadrature on the half-line, where the integrand is smooth
    half, weight = np.polynomial.legendre.leggauss(200)
    z = 6 * (half + 1)
    density = 6 * weight * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    table = np.polynomial.polynomial.polyval(z, np.array(hermite_powers(10)).T)
    np.testing.assert_allclose((table * z * density).sum(-1), relu_hermite(10), atol=1e-12)


def test_both_units_start_as_the_same_polynomial():
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    for order in (1, 2, 3, 4, 6):
        torch.testing.assert_close(
            Polynomial(order).double()(x), Hermite(order).double()(x), rtol=1e-5, atol=1e-6
        )


def test_second_moment_is_the_sum_of_squares():
    module = Hermite(3, (0.5, -1.0, 0.25, 2.0)).double()
    nodes, weights = gauss(20)
    values = module(torch.from_numpy(nodes)).detach().numpy()
    assert (weights * values**2).sum() == pytest.approx(0.25 + 1 + 0.0625 + 4, rel=1e-12)


@pytest.mark.parametrize("kind", [Polynomial, Hermite])
@pytest.mark.parametrize("backend", ["auto", "reference", "fused"])
def test_granularities(kind, backend):
    x = torch.randn(3, 6, 2, dtype=torch.float64)
    settings = {"channel_dim": 1, "backend": backend}
    channel = kind(3, granularity="channel", channels=6, **settings).double()
    group = kind(3, granularity="group", groups=2, **settings).double()
    assert channel.coefficient.shape == (4, 6)
    assert group.coefficient.shape == (4, 2)
    for module, size in ((channel, 1), (group, 3)):
        with torch.no_grad():
            module.coefficient.normal_()
        y = module(x)
        for c in range(6):
            own = tuple(module.coefficient[:, c // size].tolist())
            alone = kind(3).double()
            with torch.no_grad():
                alone.coefficient.copy_(torch.tensor(own, dtype=torch.float64))
            torch.testing.assert_close(y[:, c], alone(x[:, c]), rtol=1e-12, atol=1e-12)
        by_formula = to_torch(module.formula)(x, **module._arguments(x))
        torch.testing.assert_close(y, by_formula, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [Polynomial, Hermite])
def test_bad_settings(kind):
    with pytest.raises(CamberError, match="at most 20"):
        kind(21)
    with pytest.raises(CamberError, match="order must be a positive integer"):
        kind(0)
    with pytest.raises(CamberError, match="coefficient has 3 entries, but 2"):
        kind(2, (1.0, 2.0))
