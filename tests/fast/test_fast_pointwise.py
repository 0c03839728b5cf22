"""Any formula, fused: every body against the definition, at kinks, far out, with any sharing."""

import math

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from fast_checks import ALL, BODIES, PRECISIONS, agree, needs_compiler, randn
from hypothesis import given, settings

from camber.errors import CamberError, DtypeError
from camber.fast import gated, pointwise
from camber.fast.native.emit import body as c_body
from camber.fast.native.rules import RULES
from camber.fast.native.toolchain import BuildError
from camber.formula import OPERATIONS, Formula
from camber.formula.torch_operations import TORCH

#: Between them these use every operation with a compiled form, and every stable rewriting.
FORMULAS = [
    "x*sigmoid(beta*x)",
    "x*tanh(softplus(x)) + log(1+exp(b*x))/b",
    "where(x > 0, x, a*(exp(x)-1)) + where(x <= c, sin(x), cos(x))",
    "where(x >= 1, 1, where(x < 0, x, 0)) + where(x == 0, 1, where(x != 1, x, 2))",
    "gelu(x) + erf(a*x) - (1 - erf(x))",
    "0.5*x*(1+tanh(sqrt(2/pi)*(x+0.044715*x**3)))",
    "max(x, 0)**2 + max(min(x, 1), -1) + max(a*x, b) + min(max(x+3, 0), 6)*x/6",
    "poly(x, w[0], w[1], w[2]) / (1 + abs(c*x))",
    "atan(x) + asin(x/20) - acos(x/20) + tan(x/9) + sinh(x/3) + cosh(x/3) + log(cosh(x))",
    "(x*x+1)**0.5 + (x*x+1)**a + x**4 - 2/(3+x**2) + sqrt(1+x**2) + log(2+x**2)",
    "signed_log(x) + signed_sqrt(1+x**2) + guarded_div(x, 1+x*x) + sign(x)*x",
    "log(log(1 + exp(x))) + log(exp(x)+exp(a*x)) + tanh(exp(x)) + log(sigmoid(x))",
    "(exp(x)-1)/(exp(x)+1) + log(1 + x*x) + sin(30*x) * cos(a*x)",
]  # fmt: skip
CONSTANT = "where(x != x, x, 3)"


def parameters_of(formula, groups=1):
    return {
        name: randn(*((groups,) if size is None else (size, groups)), seed=k).abs() + 0.5
        for k, (name, size) in enumerate(formula.parameters.items())
    }


def check(text, x, backend, tolerance, groups=1, channel_dim=-1):
    formula = Formula.parse(text)
    values = parameters_of(formula, groups)

    def call(body, x, *numbers):
        named = dict(zip(values, numbers, strict=True))
        return pointwise(formula, x, named, channel_dim=channel_dim, backend=body)

    agree(call, [x, *values.values()], backend, tolerance)


@pytest.mark.parametrize("backend", BODIES)
@pytest.mark.parametrize("text", [*FORMULAS, CONSTANT])
def test_bodies_match_the_definition(text, backend):
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 2e-5)):
        check(text, randn(7, 5, 64, dtype=dtype) * 2, backend, tolerance)


@pytest.mark.parametrize("backend", BODIES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_sharing_of_parameters(dtype, tolerance, backend):
    text = "x*sigmoid(beta*x) + poly(x, w[0], w[1])"
    for shape, groups, axis in (((9, 6, 64), 4, -1), ((300, 16), 16, -1), ((3, 8, 5, 5), 8, 1)):
        check(text, randn(*shape, dtype=dtype), backend, tolerance, groups, axis)


@pytest.mark.parametrize("backend", ALL)
def test_parameters_of_different_lengths(backend):
    formula = Formula.parse("a*x + b")
    x = randn(3, 4)
    a, b = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([10.0, 20.0])
    y = pointwise(formula, x, {"a": a, "b": b}, backend=backend)
    expected = x * a + torch.tensor([10.0, 10.0, 20.0, 20.0])
    torch.testing.assert_close(y, expected.double())


@pytest.mark.parametrize("backend", ALL)
def test_kinks_take_the_slopes_of_the_definition(backend):
    zero = torch.zeros(1, dtype=torch.float64)
    for text, slope in (
        ("max(x, 0)", 0.0),
        ("max(0, x)", 0.0),
        ("abs(x)", 0.0),
        ("max(x, -x)", 0.0),
        ("max(x, 3*x)", 2.0),
        ("min(x, 3*x)", 2.0),
        ("where(x >= 0, x, -x)", 1.0),
        ("max(x, 2*x, 4*x)", 2.75),
    ):
        x = zero.clone().requires_grad_()
        pointwise(Formula.parse(text), x, {}, backend=backend).backward()
        assert x.grad.item() == slope, text


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("text", FORMULAS)
def test_far_out_nothing_turns_into_nan(text, backend):
    formula = Formula.parse(text)
    if "x/20" in text:
        pytest.skip("asin and acos have no value far out")
    x = torch.tensor([1e4, -1e4, 300.0, -300.0, 89.0, -104.0], requires_grad=True)
    values = {name: torch.ones_like(v).float() for name, v in parameters_of(formula).items()}
    y = pointwise(formula, x, values, backend=backend)
    y.sum().backward()
    assert not y.isnan().any()
    assert not x.grad.isnan().any()


@pytest.mark.parametrize("backend", BODIES)
def test_sines_of_large_arguments(backend):
    # one argument too large for the vectorised sine sends its row to the C library's
    x = torch.tensor([0.5, 3e4, 1e6, -4e8, 1e20, 3e38, math.inf, math.nan], requires_grad=True)
    for text in ("sin(x)", "x*cos(a*x)", "sin(a*x)**2"):
        formula = Formula.parse(text)
        ones = {name: torch.ones(1) for name in formula.parameters}
        wanted = pointwise(formula, x, ones, backend="reference")
        found = pointwise(formula, x, ones, backend=backend)
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6, equal_nan=True)
        (slope,) = torch.autograd.grad(found[:5].sum(), x)
        (expected,) = torch.autograd.grad(wanted[:5].sum(), x)
        torch.testing.assert_close(slope[:5], expected[:5], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("backend", ALL)
def test_nan_propagates(backend):
    for text in (*FORMULAS, "max(x, 0)", "min(x, 6)", "abs(x)", "softplus(x)"):
        formula = Formula.parse(text)
        x = torch.tensor([math.nan, 0.5])
        y = pointwise(formula, x, parameters_of(formula), backend=backend)
        assert y.isnan().tolist() == [True, False], text


@pytest.mark.parametrize("backend", BODIES)
def test_gates_read_halves_in_place(backend):
    formula = Formula.parse("x*g*sigmoid(beta*g)", inputs=("x", "g"))

    def call(body, both, beta):
        return gated(formula, *both.chunk(2, -1), {"beta": beta}, backend=body)

    for shape in ((5, 256), (2, 3, 14), (0, 8), (6,)):
        agree(call, [randn(*shape), torch.ones(1)], backend, 1e-12)
    x, g = randn(4, 64), randn(4, 64, seed=1)
    y = gated(formula, x, g, {"beta": torch.ones(1)}, backend=backend)
    torch.testing.assert_close(y, x * F.silu(g))  # PyTorch's own silu


@pytest.mark.parametrize("backend", BODIES)
def test_layouts(backend):
    x = randn(6, 5, 8)
    for view in (x, x.transpose(0, 2), x[:, ::2], x[:, :, 1:], x[0, 0, 0], x.expand(2, 6, 5, 8)):
        check("x*sigmoid(beta*x)", view, backend, 1e-12)
    image = randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    y = pointwise(Formula.parse("x*tanh(x)"), image, {}, backend=backend)
    assert y.stride() == image.stride()


@pytest.mark.parametrize("backend", ALL)
def test_gradients_of_gradients(backend):
    formula = Formula.parse("x*sigmoid(beta*x) + c*erf(x)")
    tensors = [
        randn(5).requires_grad_(),
        *(v.requires_grad_() for v in parameters_of(formula).values()),
    ]

    def call(x, beta, c):
        return pointwise(formula, x, {"beta": beta, "c": c}, backend=backend)

    assert torch.autograd.gradcheck(call, tensors)
    assert torch.autograd.gradgradcheck(call, tensors)


@needs_compiler
@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(width=32), min_size=1, max_size=200))
def test_a_kernel_repeats_the_definition_on_any_float32(values):
    x = torch.tensor(values, dtype=torch.float32)
    for text in ("x*sigmoid(x)", "max(x, 0)", "x/(1+abs(x))", "tanh(x)", "exp(-x*x)"):
        formula = Formula.parse(text)
        wanted = pointwise(formula, x, {}, backend="reference")
        found = pointwise(formula, x, {}, backend="compile")
        # at most 4 units in the last place of float32, or of its smallest normal number
        torch.testing.assert_close(found, wanted, rtol=5e-7, atol=2e-38, equal_nan=True)


def test_every_operation_has_a_compiled_form_or_a_reason():
    # the torch interpreter's table includes what only the stable rewriting introduces
    statistics = {name for name, entry in OPERATIONS.items() if entry.statistic}
    assert set(TORCH) - statistics - set(RULES) == {"poly", "spline"}  # poly: by the emitter
    spline = Formula.parse("spline(x, -1, 0, 1, 2, 1, 1, degree=1)")
    with pytest.raises(BuildError, match="spline has no compiled form"):
        c_body(spline, [])


def test_a_formula_without_a_compiled_form_still_runs():
    formula = Formula.parse("spline(x, -1, 0, 1, 2, 1, a, degree=1)")
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    values = {"a": torch.ones(1, dtype=torch.float64)}
    wanted = pointwise(formula, x, values, backend="reference")
    torch.testing.assert_close(pointwise(formula, x, values, backend="fused"), wanted)
    with pytest.warns(RuntimeWarning, match="spline has no compiled form"):
        torch.testing.assert_close(pointwise(formula, x, values, backend="compile"), wanted)


SWISH = Formula.parse("x*sigmoid(beta*x)")
GATE = Formula.parse("x*g", ("x", "g"))
LINE = Formula.parse("a*x + b")
ONES = torch.ones(6)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: pointwise(SWISH, ONES.long(), {"beta": ONES[:1]}), DtypeError, "int64"),
        (lambda: pointwise(SWISH, ONES, {}), CamberError, "beta"),
        (lambda: pointwise(SWISH, ONES, {"alpha": ONES[:1]}), CamberError, "alpha"),
        (lambda: pointwise(SWISH, ONES, {"beta": ONES[:4]}), CamberError, "6 channels"),
        (lambda: pointwise(SWISH, ONES, {"beta": ONES[:0]}), CamberError, "empty"),
        (lambda: pointwise(SWISH, ONES, {"beta": ONES[None]}), CamberError, r"\(1, 6\)"),
        (lambda: pointwise(Formula.parse("x/rms(x)"), ONES, {}), CamberError, "along"),
        (lambda: pointwise(GATE, ONES, {}), CamberError, "one input"),
        (lambda: gated(SWISH, ONES, ONES, {}), CamberError, "two inputs"),
        (lambda: gated(GATE, ONES, ONES[:2], {}), CamberError, "must agree"),
        (lambda: gated(GATE, ONES, ONES.double(), {}), CamberError, "must agree"),
        (lambda: pointwise(LINE, ONES, {"a": ONES[:2], "b": ONES[:3]}), CamberError, "2 and 3"),
    ],
)
def test_bad_input(call, error, says):
    with pytest.raises(error, match=says):
        call()
