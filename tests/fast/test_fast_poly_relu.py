"""PolyReLU: known values, slopes at the kink, and every body against the definition."""

import math

import pytest
import torch
from fast_checks import ALL, BODIES, PRECISIONS, agree, randn

from camber.errors import CamberError, DtypeError
from camber.fast import poly_relu

POINTS = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0], dtype=torch.float64)


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(
    ("weight", "bias", "wanted"),
    [
        # published with the known values of PolyNorm
        ([1 / 3, 1 / 3, 1 / 3], 0.0, [0, 0, 0.2916666667, 1, 4.6666666667]),
        ([0.5, -0.25, 2.0], 0.1, [0.1, 0.1, 1.1, 2.35, 7.1]),
        ([3.0], -1.0, [-1, -1, 0.5, 2, 5]),
    ],
)
def test_known_values(weight, bias, wanted, backend):
    y = poly_relu(
        POINTS,
        torch.tensor(weight, dtype=torch.float64),
        torch.tensor([bias], dtype=torch.float64),
        backend=backend,
    )
    assert y.tolist() == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("backend", ALL)
def test_slope_at_and_below_the_kink_is_zero(backend):
    x = POINTS.clone().requires_grad_()
    weight = torch.tensor([0.5, -0.25, 2.0], dtype=torch.float64)
    poly_relu(x, weight, torch.zeros(1, dtype=torch.float64), backend=backend).sum().backward()
    # closed form: 1[x > 0] (2 - 0.5 x + 1.5 x^2)
    assert x.grad.tolist() == pytest.approx([0, 0, 2.125, 3.0, 7.0])


@pytest.mark.parametrize("backend", BODIES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("order", [1, 3])
def test_bodies_match_the_definition(order, dtype, tolerance, backend):
    def call(body, x, weight, bias):
        return poly_relu(x, weight, bias, backend=body)

    weight, bias = randn(order, seed=1), randn(1, seed=2)
    x = randn(5, 7, 64, dtype=dtype)
    for view in (x, x.transpose(0, 2), x[:, ::2], x[0, 0, 0], x[:0], x.expand(2, 5, 7, 64)):
        agree(call, [view, weight, bias], backend, tolerance)


@pytest.mark.parametrize("backend", ALL)
def test_strides_of_the_result_are_those_of_a_dense_input(backend):
    x = randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    y = poly_relu(x, randn(3), randn(1), backend=backend)
    assert y.stride() == x.stride()


@pytest.mark.parametrize("backend", ALL)
def test_nan_and_second_derivatives(backend):
    y = poly_relu(torch.tensor([math.nan, 1.0]), torch.ones(3), torch.zeros(1), backend=backend)
    assert y.isnan().tolist() == [True, False]
    tensors = [
        torch.tensor([0.3, -0.7, 1.4], dtype=torch.float64, requires_grad=True),
        randn(3, seed=1).requires_grad_(),
        randn(1, seed=2).requires_grad_(),
    ]
    assert torch.autograd.gradcheck(lambda *t: poly_relu(*t, backend=backend), tensors)
    assert torch.autograd.gradgradcheck(lambda *t: poly_relu(*t, backend=backend), tensors)


def test_bad_input():
    with pytest.raises(DtypeError, match="int64"):
        poly_relu(torch.ones(3).long(), torch.ones(3), torch.zeros(1))
    with pytest.raises(CamberError, match=r"\(2, 2\)"):
        poly_relu(torch.ones(3), torch.ones(2, 2), torch.zeros(1))
    with pytest.raises(CamberError, match=r"\(3,\)"):
        poly_relu(torch.ones(3), torch.ones(3), torch.zeros(3))
