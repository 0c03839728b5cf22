"""Formulas on tensors: stable far out, traceable, and with the dtype rules of the library."""

import numpy as np
import pytest
import torch
from torch import Tensor

from camber.errors import DtypeError
from camber.formula import Formula, FormulaError, to_numpy, to_torch

COMMON = {
    "relu": "max(x, 0)",
    "leaky_relu": "where(x > 0, x, 0.01*x)",
    "gelu": "0.5*x*(1 + erf(x/sqrt(2)))",
    "gelu, other spelling": "x/2*(erf(x*0.7071067811865476) + 1)",
    "gelu_tanh": "0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))",
    "quick_gelu": "x*sigmoid(1.702*x)",
    "silu": "x*sigmoid(x)",
    "silu, by exp": "x/(1 + exp(-x))",
    "mish": "x*tanh(log(1 + exp(x)))",
    "mish, rational": "x*((1 + exp(x))**2 - 1)/((1 + exp(x))**2 + 1)",
    "telu": "x*tanh(exp(x))",
    "elu": "where(x > 0, x, a*(exp(x) - 1))",
    "celu": "max(x, 0) + min(0, a*(exp(x/a) - 1))",
    "selu": "1.0507*where(x > 0, x, 1.6733*(exp(x) - 1))",
    "softplus": "log(1 + exp(beta*x))/beta",
    "xielu": "where(x > 0, a*x*x + 0.5*x, b*(exp(min(x, -0.000001)) - 1) - b*x + 0.5*x)",
    "gaussian": "x*exp(-x**2/2)",
    "logsigmoid": "log(1/(1 + exp(-x)))",
    "logsigmoid, negative": "-log(1 + exp(-x))",
    "softsign": "x/(1 + abs(x))",
    "tanhshrink": "x - tanh(x)",
    "softshrink": "where(x > a, x - a, where(x < -a, x + a, 0))",
    "rational": "poly(x, a, 1, 2, 3, 4, 5)/(1 + abs(poly(x, 0, 1, 2, 3, b)))",
    "rational, summed": "poly(x, 0, 1, a, 3, 4, 5)/poly(abs(x), 1, 2, 3, 4, b)",
    "isru": "x/sqrt(1 + a*x**2)",
    "log cosh": "log(cosh(x))",
    "sech": "1/cosh(x)",
    "gompertz": "exp(-exp(-x))",
    "tanh, by exp": "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "tanh, by exp(2x)": "(exp(2*x) - 1)/(exp(2*x) + 1)",
    "sigmoid, by exp": "exp(x)/(1 + exp(x))",
    "square root": "where(x > 0, sqrt(x), 0)",
    "half circle": "where(abs(x) < 1, sqrt(1 - x**2), 0)",
    "threshold": "where(x >= a, 1/(x - a + 1), x)",
    "log sum": "log(exp(x) + exp(-x))",
    "serf": "x*erf(log(1 + exp(x)))",
    "snake": "x + sin(a*x)**2/a",
    "hardswish": "x*min(max(x + 3, 0), 6)/6",
    "squared relu": "max(x, 0)**2",
    "cloglog": "1 - exp(-exp(x))",
    "pade": "x*(27 + x**2)/(27 + 9*x**2)",
    "log of softplus": "log(log(1 + exp(x)))",
    "laplace": "0.5*(1 + erf((x - 0.707107)/(0.282095*sqrt(2))))",
}
RATIONAL = ("rational", "rational, summed", "isru", "softsign", "pade")
FAR = [-1e4, -1e3, -100.0, -50.0, -20.0, -3.0, -0.5, 0.0, 0.5, 3.0, 20.0, 50.0, 100.0, 1e3, 1e4]


def given_values(formula):
    return {n: 0.7 if m is None else [0.7] * m for n, m in formula.parameters.items()}


@pytest.mark.parametrize("name", COMMON)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradients_are_finite_and_true_far_out(name, dtype):
    formula = Formula.parse(COMMON[name])
    values = given_values(formula)
    points = [*FAR, 1e30, -1e30, 1e19] if name in RATIONAL else FAR
    x = torch.tensor(points, dtype=dtype, requires_grad=True)
    y = to_torch(formula)(x, **values)
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert torch.isfinite(y).all()
    assert torch.isfinite(slope).all()
    if slope.requires_grad:
        (bend,) = torch.autograd.grad(slope.sum(), x, allow_unused=True)
        assert bend is None or torch.isfinite(bend).all()
    # the float64 interpreters of the formula and of its derivative, a second path to the slope
    x64 = x.detach().double().numpy()
    truth = to_numpy(formula)(x64, **values)
    derivative = formula.derivative()
    steep = to_numpy(derivative)(x64, **{n: values[n] for n in derivative.parameters})
    # x in float32 is exact here; sin(a x) at 1e4 amplifies its rounding by 1e4
    tolerance = 1e-12 if dtype == torch.float64 else 2e-3 if name == "snake" else 3e-6
    np.testing.assert_allclose(y.detach().double().numpy(), truth, tolerance, tolerance)
    np.testing.assert_allclose(slope.detach().double().numpy(), steep, tolerance, tolerance)


def test_where_keeps_nan_of_the_other_branch_out():
    x = torch.tensor([-1.0, 0.0, 4.0], dtype=torch.float64, requires_grad=True)
    for text in ("where(x > 0, log(x), x)", "where(x <= 0, x, 1/x)", "where(0 < x, x**0.5, -x)"):
        y = to_torch(Formula.parse(text))(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        assert torch.isfinite(y).all()
        assert torch.isfinite(slope).all()


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("max(x, 0)", 0.0),
        ("max(0, x)", 0.0),
        ("abs(x)", 0.0),
        ("min(x, 0)", 0.5),
        ("max(x, 0.2*x)", 0.6),
        ("where(x >= 0, x, -x)", 1.0),
        ("where(x > 0, x, -x)", -1.0),
        ("max(x, 0)**2", 0.0),
        ("sign(x)", 0.0),
        ("signed_log(x)", 1.0),
        ("x**3", 0.0),
        ("sqrt(x**2)", 0.0),
    ],
)
def test_slopes_at_kinks(text, slope):
    # closed form: the conventions of the language at a tie
    formula = Formula.parse(text)
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(to_torch(formula)(x), x)
    assert float(found) == slope
    assert float(to_numpy(formula.derivative())(0.0)) == slope


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_output_dtype_is_input_dtype(dtype):
    formula = Formula.parse("a*x**5 + w[0]*exp(x) + 3")
    x = torch.linspace(-2, 2, 7).to(dtype)
    y = to_torch(formula)(x, a=torch.tensor(0.5), w=torch.tensor([2.0]).double())
    assert y.dtype == dtype
    # half precision is computed in float32 and rounded once
    truth = to_numpy(formula)(x.double().numpy(), a=0.5, w=[2.0])
    np.testing.assert_allclose(y.double().numpy(), truth, rtol=torch.finfo(dtype).eps * 4)


def test_half_precision_powers_do_not_overflow_inside():
    # 50**3 is inf in float16, 50**3/50**2 is not
    x = torch.tensor([50.0], dtype=torch.float16)
    assert to_torch(Formula.parse("x**3/x**2"))(x).item() == 50.0


def test_parameters_broadcast_per_channel():
    formula = Formula.parse("w[0]*x + w[1]")
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    w = torch.arange(6.0).reshape(2, 3, 1)
    expected = w[0] * x + w[1]
    assert torch.equal(to_torch(formula)(x, w=w), expected)
    assert torch.equal(to_torch(formula)(x, w=[w[0], w[1]]), expected)


def test_gated_formula_takes_two_inputs():
    formula = Formula.parse("x*g*sigmoid(g)", ("x", "g"))
    x, g = torch.tensor([1.0, 2.0]), torch.tensor([[0.5], [-1.0]])
    expected = x * torch.nn.functional.silu(g)
    assert torch.allclose(to_torch(formula)(x, g), expected)


@pytest.mark.parametrize("text", ["3", "a", "a + w[0]", "pi/2"])
def test_a_constant_takes_the_shape_of_the_input(text):
    formula = Formula.parse(text)
    x = torch.ones(2, 3, requires_grad=True)
    assert to_torch(formula)(x, **given_values(formula)).shape == (2, 3)
    assert to_numpy(formula)(np.ones((2, 3)), **given_values(formula)).shape == (2, 3)


def test_bad_calls_are_refused():
    function = to_torch(Formula.parse("a*x + w[1]"))
    x = torch.ones(2)
    with pytest.raises(DtypeError, match=r"torch\.int64"):
        function(torch.ones(2, dtype=torch.int64), a=1.0, w=[1.0, 2.0])
    with pytest.raises(DtypeError):
        function(torch.ones(2, dtype=torch.complex64), a=1.0, w=[1.0, 2.0])
    with pytest.raises(FormulaError, match="parameters"):
        function(x, a=1.0)
    with pytest.raises(FormulaError, match="parameters"):
        function(x, a=1.0, w=[1.0, 2.0], b=1.0)
    with pytest.raises(FormulaError, match="family"):
        function(x, a=1.0, w=[1.0])
    with pytest.raises(FormulaError, match="inputs"):
        function(x, x, a=1.0, w=[1.0, 2.0])
    with pytest.raises(FormulaError, match="does not divide"):
        to_torch(Formula.parse("sort(x, size=3)"))(torch.ones(4))
    with pytest.raises(FormulaError, match="at least 2 axes"):
        to_torch(Formula.parse("mean(x, over=batch)"))(torch.ones(4))


TRACED = {
    "gelu": "gelu(x)",
    "elu": "where(x > 0, x, a*(exp(x) - 1))",
    "telu": "x*tanh(exp(a*x))",
    "rational": "poly(x, 0, 1, a, 3)/(1 + abs(poly(x, 0, a, 2)))",
    "spline": "spline(x, -3, -1, 0, 1, 3, a, degree=3)",
    "polynorm": "a*x**3/rms(x**3, 1e-6) + x/rms(x, 1e-6)",
    "max": "max(x, a*x, 0) + min(x, 2)",
    "sort": "sort(x, over=feature, size=2)",
    "topk": "topk(x, 2)*softmax(x) + std(x, 1e-3)",
}


@pytest.mark.parametrize("name", TRACED)
def test_compiles_without_a_break(name):
    function = to_torch(Formula.parse(TRACED[name]))
    torch._dynamo.reset()
    compiled = torch.compile(
        lambda x, a: function(x, a=a), fullgraph=True, backend="aot_eager", dynamic=False
    )
    x = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(3, 4)
    a = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    if "a" not in Formula.parse(TRACED[name]).parameters:
        compiled = torch.compile(lambda x, a: function(x), fullgraph=True, backend="aot_eager")
        x.requires_grad_()
        assert torch.allclose(compiled(x, a), function(x))
        return
    y = compiled(x, a)
    expected = function(x, a=a)
    assert torch.allclose(y, expected, atol=1e-15)
    (found,) = torch.autograd.grad(y.square().sum(), a)
    (wanted,) = torch.autograd.grad(expected.square().sum(), a)
    assert torch.allclose(found, wanted)


@pytest.mark.parametrize("name", TRACED)
def test_functional_transforms_agree_with_autograd(name):
    formula = Formula.parse(TRACED[name])
    function = to_torch(formula)
    values = given_values(formula)
    x = torch.linspace(-1.9, 2.1, 8, dtype=torch.float64).reshape(2, 4)

    def row(v: Tensor) -> Tensor:
        return function(v, **values)

    jacobian = torch.func.vmap(torch.func.jacrev(row))(x)
    forward = torch.func.vmap(torch.func.jacfwd(row))(x)
    expected = torch.stack([torch.autograd.functional.jacobian(row, v) for v in x])
    assert torch.allclose(jacobian, expected, atol=1e-12)
    assert torch.allclose(forward, expected, atol=1e-12)


@pytest.mark.parametrize("name", TRACED)
def test_gradients_of_both_orders_check_numerically(name):
    formula = Formula.parse(TRACED[name])
    function = to_torch(formula)
    # away from kinks and ties
    x = torch.tensor([[-1.7, -0.6, 0.45, 1.2]], dtype=torch.float64, requires_grad=True)
    a = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    has = "a" in formula.parameters

    def call(x: Tensor, a: Tensor) -> Tensor:
        return function(x, a=a) if has else function(x) + 0 * a

    assert torch.autograd.gradcheck(call, (x, a))
    assert torch.autograd.gradgradcheck(call, (x, a))


def test_exports():
    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Parameter(torch.tensor([0.3]))
            self.function = to_torch(Formula.parse("where(x > 0, x, a*(exp(x) - 1))*gelu(x)"))

        def forward(self, x):
            return self.function(x, a=self.a[0])

    module = Module()
    x = torch.linspace(-2, 2, 6)
    program = torch.export.export(module, (x,))
    assert torch.equal(program.module()(x), module(x))


def test_empty_zero_dimensional_and_strided_inputs():
    formula = Formula.parse("x*sigmoid(x) + mean(x)")
    function = to_torch(formula)
    assert function(torch.ones(0, 3)).shape == (0, 3)
    assert function(torch.tensor(1.0)).shape == ()
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(function(x.T[::2]), function(x.T[::2].contiguous()))
    assert function(torch.ones(2, 3, device="meta")).shape == (2, 3)


def test_meaning_on_the_meta_device_needs_no_data():
    function = to_torch(Formula.parse("where(x > a, x, exp(x))"))
    assert function(torch.ones(2, device="meta"), a=1.0).device.type == "meta"
