"""PolyNorm: known values, and every body against the definition."""

import math

import pytest
import torch
from fast_checks import ALL, BODIES, PRECISIONS, agree, randn

from camber.errors import CamberError, DtypeError
from camber.fast import poly_norm

THIRD = torch.full((3,), 1 / 3, dtype=torch.float64)
NONE = torch.zeros(1, dtype=torch.float64)
OTHER = torch.tensor([0.5, -0.25, 2.0], dtype=torch.float64)
FIVE, SMALL = [-2, -1, 0, 1, 2], [1e-3, 2e-3, 3e-3, 4e-3]
TENTH = torch.tensor([0.1], dtype=torch.float64)


def at(values, weight=THIRD, bias=NONE, backend="auto", dtype=torch.float64):
    x = torch.tensor(values, dtype=dtype)
    return poly_norm(x, weight.to(dtype), bias.to(dtype), backend=backend)


# Values printed in the description of the official implementation, eps 1e-6, float64.
KNOWN = [
    ([1, 2, 3, 4], THIRD, NONE, [0.1666825917, 0.4614323057, 0.9414503976, 1.6639381229]),
    (FIVE, THIRD, NONE, [-0.4830707983, -0.1732467565, 0, 0.4289017340, 1.5056907082]),
    (FIVE, OTHER, TENTH, [-3.8963734093, -1.5081418911, 0.1, 1.5164006579, 3.3294084769]),
    ([0, 0, 0], OTHER, TENTH, [0.1, 0.1, 0.1]),
    ([3, 3, 3], THIRD, NONE, [0.9999999792] * 3),
    ([-3, -3, -3], THIRD, NONE, [-0.3333333166] * 3),
    ([5], THIRD, NONE, [0.9999999931]),
    ([-5], THIRD, NONE, [-0.3333333269]),
    # eps is not scale-free: the linear term is all that is left of small rows
    (SMALL, THIRD, NONE, [0.1146660420, 0.2300007212, 0.3460060375, 0.4626839911]),
    ([1e4, 2e4, 3e4, 4e4], THIRD, NONE, [0.1666826001, 0.4614323228, 0.9414504239, 1.6639381588]),
    ([1e30, -2e30, 0, 1e29], THIRD, NONE, [0.542224465, -0.610448217, 0, 0.0314840592]),
]


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(("values", "weight", "bias", "wanted"), KNOWN)
def test_known_values(values, weight, bias, wanted, backend):
    assert at(values, weight, bias, backend).tolist() == pytest.approx(wanted, abs=1e-9, rel=1e-9)


@pytest.mark.parametrize("backend", ALL)
def test_known_gradients(backend):
    x = torch.tensor([-2.0, -1, 0, 1, 2], dtype=torch.float64, requires_grad=True)
    weight, bias = OTHER.clone().requires_grad_(), TENTH.clone().requires_grad_()
    slope = torch.tensor([1.0, 0, -1, 2, 0.5], dtype=torch.float64)
    poly_norm(x, weight, bias, backend=backend).backward(slope)
    # published with the known values above
    dx = [2.7514861281, 0.0917799158, -1.4142132088, 2.9415124297, 1.3266201006]
    assert x.grad.tolist() == pytest.approx(dx, abs=1e-9)
    assert weight.grad.tolist() == pytest.approx([-0.3922322627, 3.0678597298, 0.7071066044])
    assert bias.grad.tolist() == pytest.approx([2.5])


@pytest.mark.parametrize("backend", ALL)
def test_overflow(backend):
    single = at([1e30, -2e30, 0, 1e29], backend=backend, dtype=torch.float32)
    assert single.tolist() == pytest.approx([0.542224465, -0.610448217, 0, 0.0314840592], rel=1e-6)
    half = at([41, -41, 20.5, 0], backend=backend, dtype=torch.float16)
    # half an ulp of float16 near 1.4 is 5e-4
    assert half.tolist() == pytest.approx([1.3782, -0.4498, 0.3970, 0], abs=1e-3)


@pytest.mark.parametrize("backend", ALL)
def test_gaussian_moments(backend):
    y = poly_norm(randn(64, 8192), THIRD, NONE, backend=backend)
    # closed form: E[y] = 1 / (3 sqrt 3), E[y^2] = (3 + 6 / sqrt 15) / 9; 4 standard errors
    assert y.mean().item() == pytest.approx(1 / (3 * math.sqrt(3)), abs=4 / math.sqrt(y.numel()))
    assert y.square().mean().item() == pytest.approx((3 + 6 / math.sqrt(15)) / 9, abs=0.01)


@pytest.mark.parametrize("backend", BODIES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_bodies_match_the_definition(order, dtype, tolerance, backend):
    def call(body, x, weight, bias):
        return poly_norm(x, weight, bias, backend=body)

    weight, bias = randn(order, seed=1), randn(1, seed=2)
    for shape in ((5, 7, 33), (3, 1000), (1,), (0, 4)):
        agree(call, [randn(*shape, dtype=dtype) * 2, weight, bias], backend, tolerance)


@pytest.mark.parametrize("backend", BODIES)
def test_strides_and_axes(backend):
    weight, bias = randn(3, seed=1), randn(1, seed=2)
    x = randn(6, 5, 8)
    for view in (x.transpose(0, 1), x[:, :, ::2], x.transpose(0, 2), x[:, 1:2].expand(6, 3, 8)):
        for dim in (-1, 0, 1):
            agree(
                lambda body, *t, dim=dim: poly_norm(*t, dim=dim, backend=body),
                [view, weight, bias],
                backend,
                1e-12,
            )


@pytest.mark.parametrize("backend", ALL)
def test_a_nan_reaches_its_whole_row_and_no_other(backend):
    x = torch.tensor([[1.0, math.nan, 2.0], [1.0, 3.0, 2.0], [math.inf, 1.0, 2.0]])
    y = poly_norm(x, THIRD.float(), NONE.float(), backend=backend)
    assert y.isnan().all(-1).tolist() == [True, False, True]
    assert y[1].isfinite().all()


@pytest.mark.parametrize("backend", ALL)
def test_gradients_of_gradients(backend):
    tensors = [
        randn(2, 5).requires_grad_(),
        randn(3, seed=1).requires_grad_(),
        randn(1, seed=2).requires_grad_(),
    ]

    def call(x, weight, bias):
        return poly_norm(x, weight, bias, backend=backend)

    assert torch.autograd.gradcheck(call, tensors)
    assert torch.autograd.gradgradcheck(call, tensors)


def test_coefficients_of_another_dtype_do_not_promote():
    y = poly_norm(torch.ones(2, 3, dtype=torch.bfloat16), THIRD.float(), NONE.float())
    assert y.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((torch.ones(3).long(), torch.ones(3), torch.zeros(1)), DtypeError, "int64"),
        ((torch.ones(3).cfloat(), torch.ones(3), torch.zeros(1)), DtypeError, "complex64"),
        ((torch.ones(2, 0), torch.ones(3), torch.zeros(1)), CamberError, "size 0"),
        ((torch.ones(3), torch.ones(3), torch.zeros(1), 0.0), CamberError, "eps > 0"),
        ((torch.ones(3), torch.ones(3), torch.zeros(1), math.nan), CamberError, "eps > 0"),
        ((torch.ones(3), torch.ones(0), torch.zeros(1)), CamberError, r"\(0,\)"),
        ((torch.ones(3), torch.ones(3), torch.zeros(2)), CamberError, r"\(2,\)"),
        ((torch.tensor(1.0), torch.ones(3), torch.zeros(1)), CamberError, "dim=-1"),
    ],
)
def test_bad_input(arguments, error, says):
    with pytest.raises(error, match=says):
        poly_norm(*arguments)
