"""Rational functions: the published table, both forms, and every body against the definition."""

import math

import hypothesis.strategies as st
import mpmath
import pytest
import torch
from fast_checks import ALL, BODIES, PRECISIONS, agree, needs_compiler, randn
from hypothesis import given, settings

from camber.errors import CamberError, DtypeError
from camber.fast import rational

A = torch.tensor([[0.5, -1, 0.25, 0, 0.1, -0.02]], dtype=torch.float64)
B = torch.tensor([[0.3, -0.2, 0, 0.05]], dtype=torch.float64)

# form, x, F, dF/dx, dF/db: published for these coefficients
HALF_SUM = [-0.02353179, 0.0117659, -0.00588295, -0.00294147]
HALF_ABS = [-0.02799156, -0.01399578, -0.00699789, -0.00349894]
TABLE = [
    ("sum_abs", -2.0, 1.79375, -0.6115234375, [-1.12109375, 2.2421875, -4.484375, -8.96875]),
    ("abs_sum", -2.0, 3.5875, -5.37109375, [-4.484375, 8.96875, -17.9375, 35.875]),
    ("sum_abs", -1.0, 1.2064516129, -0.5898022893, [-0.77835588, 0.77835588, *[-0.77835588] * 2]),
    ("sum_abs", 0.5, 0.0566233766, -0.6117213695, HALF_SUM),
    ("abs_sum", 0.5, 0.0617563739, -0.6472245183, HALF_ABS),
    ("sum_abs", 3.0, 0.3858064516, 0.0694110302, [-0.14934443, 0.4480333, -1.3440999, -4.03229969]),
]


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(("form", "x", "value", "slope", "shares"), TABLE)
def test_published_table(form, x, value, slope, shares, backend):
    point = torch.tensor([x], dtype=torch.float64, requires_grad=True)
    a, b = A.clone().requires_grad_(), B.clone().requires_grad_()
    y = rational(point, a, b, form=form, backend=backend)
    y.backward()
    assert y.item() == pytest.approx(value, abs=1e-9)
    assert point.grad.item() == pytest.approx(slope, abs=1e-9)
    assert b.grad[0].tolist() == pytest.approx(shares, abs=1e-8)
    if x == 3.0:
        # x^i / Q with Q = 7.75
        assert a.grad[0].tolist() == pytest.approx([3.0**i / 7.75 for i in range(6)])


@pytest.mark.parametrize("backend", ALL)
def test_slopes_at_the_kinks(backend):
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    y = rational(x, A, B, backend=backend)
    y.backward()
    assert (y.item(), x.grad.item()) == (0.5, -1.0)  # a_1, with d|x|/dx = 0 at 0

    point = torch.tensor([-2.0, 3.0], dtype=torch.float64)
    start = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    identity = torch.tensor([[0.0, 1, 0, 0, 0, 0]], dtype=torch.float64)
    y = rational(point, identity, start, backend=backend)
    assert y.tolist() == point.tolist()
    y.sum().backward()
    # closed form: -sum_x x |x|^i, not 0, so a denominator that starts at zero trains
    wanted = [-sum(v * abs(v) ** i for v in (-2.0, 3.0)) for i in range(1, 5)]
    assert start.grad[0].tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("backend", BODIES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize(
    ("form", "m", "n"), [("sum_abs", 5, 4), ("abs_sum", 3, 2), ("sum_abs", 2, 0)]
)
def test_bodies_match_the_definition(form, m, n, dtype, tolerance, backend):
    # shape, groups, axis of the channels: shared, long rows, short rows (columns), images
    places = [
        ((6, 5, 64), 1, -1),
        ((6, 5, 64), 4, -1),
        ((300, 16), 8, -1),
        ((3, 8, 5, 5), 4, 1),
        ((0, 16), 8, -1),
        ((), 1, -1),
    ]
    for shape, groups, axis in places:
        for shared in (True, False):

            def call(body, x, a, b, groups=groups, axis=axis):
                return rational(x, a, b, groups=groups, form=form, channel_dim=axis, backend=body)

            a, b = randn(1 if shared else groups, m + 1, seed=1), randn(groups, n, seed=2)
            b[:, 1:2] = 0
            agree(call, [randn(*shape, dtype=dtype) * 2, a, b], backend, tolerance)


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_out(backend, dtype):
    x = torch.tensor([1e30, -1e30, 1e10, math.nan], dtype=dtype)

    def at(a, b, form="sum_abs"):
        numbers = torch.tensor([a], dtype=dtype), torch.tensor([b], dtype=dtype)
        return rational(x, *numbers, form=form, backend=backend)

    # leading terms: a_5 x^5 / (|b_4| x^4)
    wanted = [-0.4e30, 0.4e30, -0.4e10, math.nan]
    assert at(A[0].tolist(), B[0].tolist()).tolist() == pytest.approx(wanted, rel=1e-6, nan_ok=True)
    assert at(A[0].tolist(), B[0].tolist(), "abs_sum").tolist() == pytest.approx(
        wanted, rel=1e-6, nan_ok=True
    )
    assert at([0, 1, 0, 0, 0, 0], [0.0] * 4).tolist() == pytest.approx(x.tolist(), nan_ok=True)
    # numerator and denominator both overflow float32, their ratio does not
    ratio = at([0, 1.0, 1, 0, 0, 0], [1.0, 0, 0, 0]).tolist()
    assert ratio == pytest.approx([1e30, 1e30, 1e10, math.nan], rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("backend", ALL)
def test_slopes_far_out(backend):
    x = torch.tensor([1e30, -1e25, 1e8], requires_grad=True)
    y = rational(x, A.float(), B.float(), backend=backend)
    y.sum().backward()
    # F ~ -0.4 |x| sign(x): the slope tends to -0.4
    assert x.grad.tolist() == pytest.approx([-0.4] * 3, rel=1e-5)


@settings(deadline=None, max_examples=40)
@given(
    x=st.floats(-1e6, 1e6),
    a=st.lists(st.floats(-3, 3), min_size=3, max_size=6),
    b=st.lists(st.floats(-3, 3), min_size=1, max_size=5),
    form=st.sampled_from(["sum_abs", "abs_sum"]),
)
def test_against_exact_arithmetic(x, a, b, form):
    with mpmath.workdps(60):  # independent numerics
        t = mpmath.mpf(x)
        above = sum(mpmath.mpf(c) * t**k for k, c in enumerate(a))
        if form == "sum_abs":
            below = 1 + sum(abs(mpmath.mpf(c)) * abs(t) ** k for k, c in enumerate(b, 1))
        else:
            below = 1 + abs(sum(mpmath.mpf(c) * t**k for k, c in enumerate(b, 1)))
        size = sum(abs(mpmath.mpf(c) * t**k) for k, c in enumerate(a)) / below
        inner = sum(abs(mpmath.mpf(c) * t**k) for k, c in enumerate(b, 1)) / below
        wanted = float(above / below)
        # backward error of two Horner evaluations
        room = float(1e-13 * (size + abs(above / below) * inner)) + 1e-300
    found = rational(
        torch.tensor([x], dtype=torch.float64),
        torch.tensor([a], dtype=torch.float64),
        torch.tensor([b], dtype=torch.float64),
        form=form,
        backend="fused",
    )
    assert abs(found.item() - wanted) <= room


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("form", ["sum_abs", "abs_sum"])
def test_gradients_of_gradients(form, backend):
    tensors = [
        randn(3, 4).requires_grad_(),
        randn(1, 4, seed=1).requires_grad_(),
        randn(2, 3, seed=2).requires_grad_(),
    ]

    def call(x, a, b):
        return rational(x, a, b, form=form, backend=backend)

    assert torch.autograd.gradcheck(call, tensors)
    assert torch.autograd.gradgradcheck(call, tensors)


@needs_compiler
def test_coefficient_gradients_do_not_depend_on_threads():
    x, slope = randn(300, 512, dtype=torch.float32), randn(300, 512, seed=3, dtype=torch.float32)
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            a = A.float().expand(8, 6).clone().requires_grad_()
            rational(x, a, B.float(), groups=8, backend="compile").backward(slope)
            found.append(a.grad)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*found)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"x": torch.ones(4).int()}, DtypeError, "int32"),
        ({"form": "version_c"}, CamberError, "sum_abs"),
        ({"groups": 3}, CamberError, "4 channels.*3 groups"),
        ({"groups": 0}, CamberError, "0 groups"),
        ({"numerator": torch.ones(2, 3), "groups": 4}, CamberError, "not for 2 and 1"),
        ({"numerator": torch.ones(1, 1)}, CamberError, "m >= 1"),
        ({"denominator": torch.ones(4)}, CamberError, r"\(4,\)"),
        ({"x": torch.tensor(1.0), "groups": 2}, CamberError, "no axis -1"),
    ],
)
def test_bad_input(change, error, says):
    settings = {
        "x": torch.ones(2, 4),
        "numerator": torch.ones(1, 3),
        "denominator": torch.ones(1, 2),
        **change,
    }
    with pytest.raises(error, match=says):
        rational(**settings)
