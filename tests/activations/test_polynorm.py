"""PolyNorm, PolyReLU and PolyCom: published known answers, overflow, checkpoints, bad input.

Oracle of the numbered answers: the table of known answers that goes with the paper's method
(float64, eps 1e-6; weights in the order cubic, square, linear), rederived with mpmath below.
"""

import math

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from camber.activations import PolyCom, PolyNorm, PolyReLU, StateError, activation
from camber.activations.functional import poly_norm, poly_relu
from camber.errors import CamberError, DtypeError, UnknownNameError

THIRD = (1 / 3, 1 / 3, 1 / 3)
OTHER = (0.5, -0.25, 2.0)
BACKENDS = ["auto", "reference", "fused"]


def norm(x, weight=THIRD, bias=0.0, dtype=torch.float64, backend="auto", **options):
    module = PolyNorm(len(weight), backend=backend, **options).to(torch.float64)
    with torch.no_grad():
        module.weight.copy_(torch.tensor(weight, dtype=torch.float64))
        module.bias.fill_(bias)
    return module(torch.as_tensor(x, dtype=dtype))


def close(result, expected, tolerance=6e-11):
    """The answers are printed to ten decimals."""
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
def test_answer_1_and_2(backend):
    y = norm([1, 2, 3, 4], backend=backend)
    close(y, [0.1666825917, 0.4614323057, 0.9414503976, 1.6639381229])
    y = norm([-2, -1, 0, 1, 2], backend=backend)
    close(y, [-0.4830707983, -0.1732467565, 0, 0.4289017340, 1.5056907082])


@pytest.mark.parametrize("backend", BACKENDS)
def test_answer_3_with_gradients(backend):
    x = torch.tensor([-2, -1, 0, 1, 2], dtype=torch.float64, requires_grad=True)
    weight = torch.tensor(OTHER, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor([0.1], dtype=torch.float64, requires_grad=True)
    y = poly_norm(x, weight, bias, 1e-6, backend=backend)
    close(y, [-3.8963734093, -1.5081418911, 0.1, 1.5164006579, 3.3294084769])
    g = torch.tensor([1, 0, -1, 2, 0.5], dtype=torch.float64)
    dx, dw, db = torch.autograd.grad(y, (x, weight, bias), g)
    close(dx, [2.7514861281, 0.0917799158, -1.4142132088, 2.9415124297, 1.3266201006])
    close(dw, [-0.3922322627, 3.0678597298, 0.7071066044])
    close(db, [2.5])


@pytest.mark.parametrize("backend", BACKENDS)
def test_answer_4_polyrelu(backend):
    x = torch.tensor([-1, 0, 0.5, 1, 2], dtype=torch.float64)
    module = PolyReLU(backend=backend).double()
    nn.init.constant_(module.weight, 1 / 3)  # float32 at construction
    close(module(x), [0, 0, 0.2916666667, 1, 4.6666666667])
    weight, bias = torch.tensor(OTHER).double(), torch.tensor([0.1], dtype=torch.float64)
    close(poly_relu(x, weight, bias, backend=backend), [0.1, 0.1, 1.1, 2.35, 7.1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_answer_5_degenerate_rows(backend):
    close(norm([0.0] * 4, bias=0.3, backend=backend), [0.3] * 4)
    close(norm([3.0] * 4, backend=backend), [0.9999999792] * 4)
    close(norm([-3.0] * 4, backend=backend), [-0.3333333166] * 4)
    close(norm([5.0], backend=backend), [0.9999999931])
    close(norm([-5.0], backend=backend), [-0.3333333269])


@pytest.mark.parametrize("backend", BACKENDS)
def test_answer_6_epsilon_is_not_scale_free(backend):
    x = torch.tensor([1, 2, 3, 4], dtype=torch.float64)
    y = norm(1e-3 * x, backend=backend)
    close(y, [0.1146660420, 0.2300007212, 0.3460060375, 0.4626839911])
    y = norm(1e4 * x, backend=backend)
    close(y, [0.1666826001, 0.4614323228, 0.9414504239, 1.6639381588])


@pytest.mark.parametrize("backend", BACKENDS)
def test_answer_7_nothing_overflows(backend):
    x = [1e30, -2e30, 0.0, 1e29]
    expected = [0.542224465, -0.610448217, 0, 0.0314840592]
    # printed to nine digits; float32 rounding
    close(norm(x, dtype=torch.float32, backend=backend), expected, 2e-7)
    close(norm(x, dtype=torch.bfloat16, backend=backend), expected, 4e-3)
    half = norm([41, -41, 20.5, 0], dtype=torch.float16, backend=backend)
    assert half.dtype == torch.float16
    close(half, [1.3782, -0.4498, 0.3970, 0], 4e-3)  # float16's own resolution
    # far beyond: only the direction of the row matters
    largest = torch.finfo(torch.float32).max
    wide = norm([largest, -largest / 2, 0, 0], dtype=torch.float32, backend=backend)
    close(wide, norm([1e6, -5e5, 0, 0], backend=backend).tolist(), 1e-6)


def test_answer_7_gradients_of_a_huge_row():
    x = torch.tensor([1e30, -2e30, 0.0, 1e29], requires_grad=True)
    (dx,) = torch.autograd.grad(PolyNorm()(x).sum(), x)
    assert torch.isfinite(dx).all()
    scaled = torch.tensor([1e4, -2e4, 0.0, 1e3], dtype=torch.float64, requires_grad=True)
    (reference,) = torch.autograd.grad(norm(scaled).sum(), scaled)
    # N is invariant to scale once eps is negligible, so the gradient scales inversely
    torch.testing.assert_close(dx.double() * 1e26, reference, rtol=1e-4, atol=1e-9)


def test_answer_8_moments_of_gaussian_rows():
    x = torch.randn(64, 20_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y = norm(x)
    # closed forms: 1/(3 sqrt 3) and (3 + 6/sqrt 15)/9; tolerance: four standard errors
    assert y.mean().item() == pytest.approx(
        1 / (3 * math.sqrt(3)), abs=4 * 0.68 / math.sqrt(1.28e6)
    )
    square = (3 + 6 / math.sqrt(15)) / 9
    assert y.square().mean().item() == pytest.approx(square, abs=4 * 1.6 / math.sqrt(1.28e6))


@given(
    st.lists(st.floats(-50, 50), min_size=1, max_size=6),
    st.lists(st.floats(-2, 2), min_size=1, max_size=5),
)
def test_against_arbitrary_precision(row, weight):
    result = norm(row, weight, bias=0.25)
    with mpmath.workdps(40):
        exact = []
        for entry in row:
            total = mpmath.mpf("0.25")
            for k in range(1, len(weight) + 1):
                mean = mpmath.fsum(mpmath.mpf(x) ** (2 * k) for x in row) / len(row)
                total += (
                    mpmath.mpf(weight[-k])
                    * mpmath.mpf(entry) ** k
                    / mpmath.sqrt(mean + mpmath.mpf(1e-6))
                )
            exact.append(float(total))
    expected = torch.tensor(exact, dtype=torch.float64)
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_first_and_second_derivatives_of_all_parameters(backend):
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(1, dtype=torch.float64, requires_grad=True)

    def function(x, weight, bias):
        return poly_norm(x, weight, bias, 1e-2, backend=backend)

    assert torch.autograd.gradcheck(function, (x, weight, bias))
    assert torch.autograd.gradgradcheck(function, (x, weight, bias))
    rectified = lambda *given: poly_relu(*given, backend=backend)  # noqa: E731
    assert torch.autograd.gradcheck(rectified, (x, weight, bias))
    assert torch.autograd.gradgradcheck(rectified, (x, weight, bias))


def test_any_axis_and_leading_shape():
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    weight, bias = torch.tensor(OTHER).double(), torch.zeros(1).double()
    expected = poly_norm(x.movedim(1, -1), weight, bias).movedim(-1, 1)
    for dim in (1, -3):
        module = PolyNorm(dim=dim).double()
        module.load_state_dict({"weight": weight, "bias": bias})
        torch.testing.assert_close(module(x), expected, rtol=1e-13, atol=1e-13)


def test_autocast_keeps_dtypes_and_fp32_inside():
    layer = nn.Sequential(nn.Linear(8, 16), PolyNorm(), PolyReLU(), nn.Linear(16, 4))
    x = torch.randn(5, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = layer[0](x)
        assert hidden.dtype == torch.bfloat16
        assert layer[1](hidden).dtype == torch.bfloat16
        assert layer[2](layer[1](hidden)).dtype == torch.bfloat16
        layer(x).float().sum().backward()
    assert layer[1].weight.grad.dtype == torch.float32
    assert torch.isfinite(layer[1].weight.grad).all()


def test_initial_values_and_official_layout():
    for module in (PolyNorm(), PolyReLU()):
        state = module.state_dict()
        assert list(state) == ["weight", "bias"]
        assert state["weight"].shape == (3,)
        assert state["bias"].shape == (1,)
        torch.testing.assert_close(state["weight"], torch.full((3,), 1 / 3))
        assert state["bias"].item() == 0.0
    # weight[0] multiplies the cubic term
    module = PolyReLU().double()
    official = {"weight": torch.tensor([2.0, 0.0, 0.0]), "bias": torch.tensor([0.5])}
    module.load_state_dict(official)
    assert module(torch.tensor([3.0]).double()).item() == 54.5
    # other programs keep the bias 0-dimensional
    module.load_state_dict({"weight": official["weight"], "bias": torch.tensor(0.25)})
    assert module.bias.shape == (1,)
    assert module.bias.item() == 0.25


def test_without_bias():
    for kind in (PolyNorm, PolyReLU, PolyCom):
        module = kind(bias=False)
        assert list(module.state_dict()) == ["weight"]
        assert module.bias is None
        assert "bias" not in module.formula.parameters
        assert module(torch.randn(2, 4)).shape == (2, 4)


def test_polynorm_is_bounded_and_dense():
    x = 1e3 * torch.randn(200, 64)
    module = PolyNorm()
    y = module(x)
    bound = sum(abs(w) for w in module.weight.tolist()) + abs(module.bias.item())
    assert (y.square().mean(-1).sqrt() <= bound * (1 + 1e-6)).all()
    assert (y == 0).sum() == 0


def test_relu_and_its_square_are_polyrelus():
    x = torch.linspace(-2, 2, 41)
    module = PolyReLU(2)
    module.load_state_dict({"weight": torch.tensor([0.0, 1.0]), "bias": torch.zeros(1)})
    assert torch.equal(module(x), torch.relu(x))
    module.load_state_dict({"weight": torch.tensor([1.0, 0.0]), "bias": torch.zeros(1)})
    torch.testing.assert_close(module(x), torch.relu(x).square(), rtol=1e-6, atol=0)


class TestPolyCom:
    def test_contains_polyrelu_and_polynorm(self):
        x = torch.randn(3, 7, dtype=torch.float64)
        torch.testing.assert_close(PolyCom("relu").double()(x), PolyReLU().double()(x))
        norm_form = PolyCom("rms_norm", type="II").double()
        torch.testing.assert_close(norm_form(x), PolyNorm().double()(x), rtol=1e-12, atol=1e-12)
        assert norm_form.formula == PolyNorm().formula

    @pytest.mark.parametrize("composition", ["I", "II"])
    @pytest.mark.parametrize(
        "rho", ["silu", "prelu", "sigmoid", "tanh(2*x)", "softmax", "rms_norm", "rational"]
    )
    def test_is_its_definition(self, rho, composition):
        module = PolyCom(rho, order=4, type=composition).double()
        with torch.no_grad():
            module.weight.copy_(torch.tensor([0.3, -0.2, 0.5, 1.1]))
            module.bias.fill_(0.7)
        x = torch.randn(3, 6, dtype=torch.float64)

        def inner(u):
            if rho == "rms_norm":
                return u / (u.square().mean(-1, keepdim=True) + 1e-6).sqrt()
            return module.rho(u)

        expected = torch.full_like(x, 0.7)
        for k in range(1, 5):
            term = inner(x) ** k if composition == "I" else inner(x**k)
            expected = expected + module.weight[4 - k] * term
        torch.testing.assert_close(module(x), expected, rtol=1e-11, atol=1e-11)
        from camber.formula import to_torch

        by_formula = to_torch(module.formula)(x, **module._arguments(x))
        torch.testing.assert_close(by_formula, expected, rtol=1e-11, atol=1e-11)

    def test_learnable_rho_learns_and_is_saved(self):
        module = PolyCom("prelu")
        assert sorted(module.state_dict()) == ["bias", "rho.weight", "weight"]
        assert set(module.params) == {"weight", "bias", "rho_weight"}
        assert module.parameter_values()["rho_weight"] == 0.25
        module(torch.randn(9)).sum().backward()
        assert module.rho.weight.grad is not None
        assert module.no_weight_decay() == {"weight", "bias", "rho.weight"}

    def test_normalised_relu(self):
        module = PolyCom("max(x, 0)/rms(max(x, 0), 1e-6)")
        assert module.kind == "along"
        x = torch.randn(4, 9)
        assert module(x).shape == x.shape
        assert (module(x)[x <= 0] == 0).all()

    def test_functions_and_modules(self):
        x = torch.randn(5)
        for rho in (torch.sin, nn.SiLU(), lambda u: u.clamp(-1, 1)):
            module = PolyCom(rho, order=2)
            expected = 0.5 * rho(x) ** 2 + 0.5 * rho(x)
            torch.testing.assert_close(module(x), expected)
            with pytest.raises(CamberError, match="no formula"):
                _ = module.formula
        half = PolyCom(torch.tanh)(x.bfloat16())
        assert half.dtype == torch.bfloat16

    def test_bad_input(self):
        with pytest.raises(UnknownNameError, match=r"unknown rho 'rleu'.*rms_norm.*relu"):
            PolyCom("rleu")
        with pytest.raises(CamberError, match="value and a gate"):
            PolyCom("swiglu")
        with pytest.raises(UnknownNameError, match="PolyCom type"):
            PolyCom(type="III")
        with pytest.raises(TypeError, match="a name, a formula"):
            PolyCom(3)
        with pytest.raises(CamberError, match="empty"):
            PolyCom("rms_norm", type="II")(torch.zeros(3, 0))


@pytest.mark.parametrize("kind", [PolyNorm, PolyReLU, PolyCom])
def test_bad_order(kind):
    with pytest.raises(CamberError, match="order must be a positive integer, not 0"):
        kind(order=0)
    for order in (2.0, "3", True, None):
        with pytest.raises(TypeError, match="order must be a positive integer"):
            kind(order=order)


def test_bad_epsilon_axis_and_dtype():
    for eps in (0.0, -1e-6, math.nan):
        with pytest.raises(CamberError, match="eps"):
            PolyNorm(eps=eps)
    with pytest.raises(CamberError, match=r"axis 1, which is empty.*\(2, 0, 3\)"):
        PolyNorm(dim=1)(torch.zeros(2, 0, 3))
    with pytest.raises(CamberError, match=r"axis 2, which an input of shape \(3,\) does not have"):
        PolyNorm(dim=2)(torch.zeros(3))
    for module in (PolyNorm(), PolyReLU()):
        for dtype in (torch.int32, torch.complex64):
            with pytest.raises(TypeError, match="floating-point"):
                module(torch.zeros(2, 3, dtype=dtype))
    with pytest.raises(DtypeError):
        PolyNorm(dim=1.0)


@pytest.mark.parametrize("function", [poly_norm, poly_relu])
def test_functions_refuse_bad_input(function):
    x, weight, bias = torch.zeros(2, 3), torch.ones(3), torch.zeros(1)
    with pytest.raises(TypeError):
        function(x.long(), weight, bias)
    with pytest.raises(TypeError):
        function(x.to(torch.complex64), weight, bias)
    with pytest.raises(ValueError, match="weight"):
        function(x, torch.ones(0), bias)
    with pytest.raises(ValueError, match="weight"):
        function(x, torch.ones(3, 1), bias)
    with pytest.raises(ValueError, match="bias"):
        function(x, weight, torch.zeros(2))


def test_poly_norm_refuses_an_empty_axis_and_epsilon_zero():
    weight, bias = torch.ones(3), torch.zeros(1)
    with pytest.raises(ValueError, match="1"):
        poly_norm(torch.zeros(2, 0, 3), weight, bias, dim=1)
    with pytest.raises(ValueError, match="eps"):
        poly_norm(torch.zeros(2, 3), weight, bias, 0.0)


@pytest.mark.parametrize("kind", [PolyNorm, PolyReLU])
def test_a_checkpoint_of_another_order_is_refused(kind):
    with pytest.raises(StateError, match=r"weight has shape \(4,\).*holds \(3,\)") as caught:
        nn.Sequential(kind()).load_state_dict(nn.Sequential(kind(4)).state_dict())
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, RuntimeError)


def test_nan_spoils_its_row_only():
    x = torch.randn(3, 5)
    x[1, 2] = math.nan
    y = PolyNorm()(x)
    assert torch.isnan(y[1]).all()
    assert not torch.isnan(y[[0, 2]]).any()


def test_one_row_does_not_see_another():
    x = torch.randn(6, 32)
    module = activation("polynorm")
    torch.testing.assert_close(module(x)[2:4], module(x[2:4]), rtol=1e-6, atol=1e-7)
