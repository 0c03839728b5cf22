"""Every deterministic nonlinearity of torch.nn and of transformers' ACT2FN has an exact twin here.

The oracle is the other library's own module. The tables are complete: a class that is neither
matched nor left out with a reason fails the first test of its part.
"""

import math

import pytest
import torch
from torch import nn

from camber.activations import activation, lookup, names

#: torch.nn class -> (its arguments, our name, our settings)
TORCH = {
    "Threshold": ((0.5, -2.0), "threshold", {"threshold": 0.5, "value": -2.0}),
    "ReLU": ((), "relu", {}),
    "Hardtanh": ((-2.0, 0.5), "hardtanh", {"min_val": -2.0, "max_val": 0.5}),
    "ReLU6": ((), "relu6", {}),
    "Sigmoid": ((), "sigmoid", {}),
    "Hardsigmoid": ((), "hardsigmoid", {}),
    "Tanh": ((), "tanh", {}),
    "SiLU": ((), "silu", {}),
    "Mish": ((), "mish", {}),
    "Hardswish": ((), "hardswish", {}),
    "ELU": ((0.7,), "elu", {"alpha": 0.7}),
    "CELU": ((0.7,), "celu", {"alpha": 0.7}),
    "SELU": ((), "selu", {}),
    "GLU": ((), "glu", {}),
    "GELU": ((), "gelu", {}),
    "Hardshrink": ((0.3,), "hardshrink", {"lambd": 0.3}),
    "LeakyReLU": ((0.2,), "leaky_relu", {"negative_slope": 0.2}),
    "LogSigmoid": ((), "logsigmoid", {}),
    "Softplus": ((), "softplus", {}),
    "Softshrink": ((0.3,), "softshrink", {"lambd": 0.3}),
    "PReLU": ((), "prelu", {}),
    "Softsign": ((), "softsign", {}),
    "Tanhshrink": ((), "tanhshrink", {}),
    "Softmin": ((-1,), "softmin", {}),
    "Softmax": ((-1,), "softmax", {}),
    "Softmax2d": ((), "softmax", {"dim": -3}),
    "LogSoftmax": ((-1,), "log_softmax", {}),
}
TORCH_LEFT_OUT = {
    "RReLU": "random slopes while it trains; no formula has randomness",
    "MultiheadAttention": "a layer with weights, no activation function",
}
#: ACT2FN key -> our name
HUB = {
    "gelu": "gelu",
    "gelu_10": "gelu_10",
    "gelu_fast": "gelu_fast",
    "gelu_new": "gelu_new",
    "gelu_python": "gelu_python",
    "gelu_pytorch_tanh": "gelu_pytorch_tanh",
    "gelu_python_tanh": "gelu_python_tanh",
    "gelu_accurate": "gelu_accurate",
    "hardswish": "hardswish",
    "laplace": "laplace",
    "leaky_relu": "leaky_relu",
    "linear": "linear",
    "mish": "mish",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "relu2": "relu2",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    "silu": "silu",
    "sqrtsoftplus": "sqrtsoftplus",
    "swish": "swish",
    "tanh": "tanh",
    "prelu": "prelu",
    "xielu": "xielu",
}
# torch returns x above a threshold of 20 where log(1 + exp(x)) is larger by exp(-20) = 2.1e-9
SOFTPLUS_CUT = 2.1e-9


def test_torch_table_is_complete():
    assert set(TORCH) | set(TORCH_LEFT_OUT) == set(nn.modules.activation.__all__)
    assert not set(TORCH) & set(TORCH_LEFT_OUT)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("cls", TORCH)
def test_torch_twin(cls, dtype):
    arguments, name, settings = TORCH[cls]
    theirs = getattr(nn, cls)(*arguments).to(dtype)
    mine = activation(name, **settings).to(dtype)
    assert "torch.nn" in lookup(name).tags
    grid = torch.linspace(-30, 30, 2400, dtype=dtype) + 1e-3  # off the kinks
    x = grid[torch.randperm(2400)].reshape(4, 5, 6, 20).requires_grad_()
    a, b = mine(x), theirs(x)
    # float64: rounding; float32: two units in the last place
    tolerance = 1e-12 if dtype == torch.float64 else 2.5e-7
    if cls == "Softplus":
        tolerance = max(tolerance, SOFTPLUS_CUT)
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    (ga,), (gb,) = (torch.autograd.grad(y.sum(), x, retain_graph=True) for y in (a, b))
    if cls == "Hardsigmoid":
        tolerance = 5e-9  # torch's gradient holds 1/6 in float32
    torch.testing.assert_close(ga, gb, rtol=10 * tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("cls", ["ReLU", "LeakyReLU", "PReLU", "Hardshrink", "ELU", "SiLU"])
def test_slope_at_zero_is_torchs(cls):
    arguments, name, settings = TORCH[cls]
    slopes = []
    for module in (activation(name, **settings), getattr(nn, cls)(*arguments)):
        x = torch.zeros(1, requires_grad=True)
        slopes.append(torch.autograd.grad(module(x).sum(), x)[0])
    assert torch.equal(*slopes)


def test_prelu_exchanges_state_with_torch():
    theirs = nn.PReLU(5)
    mine = activation("prelu", granularity="channel", channels=5, channel_dim=1)
    with torch.no_grad():
        theirs.weight.uniform_(-1, 1)
    assert mine.load_state_dict(theirs.state_dict()).unexpected_keys == []
    x = torch.randn(2, 5, 3)
    torch.testing.assert_close(mine(x), theirs(x), rtol=0, atol=0)


@pytest.fixture(scope="module")
def hub():
    return pytest.importorskip("transformers.activations")


def test_hub_table_is_complete(hub):
    assert set(HUB) == set(hub.ACT2CLS)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("key", HUB)
def test_hub_twin(hub, key, dtype):
    theirs = hub.ACT2FN[key]
    theirs, mine = theirs.to(dtype), activation(HUB[key]).to(dtype)
    if key == "xielu":
        # The hub makes its parameters in bfloat16, which rounds the initial values.
        mine.load_state_dict(theirs.state_dict(), strict=False)
    assert "transformers" in lookup(HUB[key]).tags
    x = (torch.linspace(-12, 12, 801, dtype=dtype) + 1e-3).requires_grad_()
    a, b = mine(x), theirs(x)
    # The tanh form cancels on the left: x times rounding noise of 1 + tanh. float32 likewise.
    tolerance = 1e-12 if dtype == torch.float64 else 2e-6
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    (ga,), (gb,) = (torch.autograd.grad(y.sum(), x) for y in (a, b))
    torch.testing.assert_close(ga, gb, rtol=20 * tolerance, atol=20 * tolerance)


def test_xielu_loads_the_hubs_coefficients(hub):
    theirs = hub.XIELUActivation(alpha_p_init=1.1, alpha_n_init=0.9, dtype=torch.float32)
    mine = activation("xielu")
    found = mine.load_state_dict(theirs.state_dict(), strict=False)
    assert found.missing_keys == []
    assert sorted(found.unexpected_keys) == ["beta", "eps"]  # constants of our formula
    x = torch.linspace(-4, 4, 101)
    torch.testing.assert_close(mine(x), theirs(x), rtol=1e-6, atol=1e-6)


def test_the_three_gelus_are_three_functions():
    x = torch.linspace(-6, 6, 120001, dtype=torch.float64)
    exact, tanh, quick, fast = (
        activation(n)(x) for n in ("gelu", "gelu_tanh", "quick_gelu", "gelu_fast")
    )
    # published gaps: 4.7e-4 (tanh form) and 2.0e-2 (sigmoid form)
    assert (exact - tanh).abs().max() == pytest.approx(4.7e-4, abs=0.05e-4)
    assert (exact - quick).abs().max() == pytest.approx(2.0e-2, abs=0.05e-2)
    assert 0 < (tanh - fast).abs().max() < 1e-10


def test_gated_units_follow_torchs_order():
    x = torch.randn(3, 8, dtype=torch.float64)
    value, gate = x.chunk(2, dim=-1)
    expected = {
        "glu": value * torch.sigmoid(gate),
        "bilinear": value * gate,
        "reglu": value * torch.relu(gate),
        "geglu": value * nn.functional.gelu(gate),
        "geglu_tanh": value * nn.functional.gelu(gate, approximate="tanh"),
        "swiglu": value * nn.functional.silu(gate),
        # the published code: (up + 1) * gate * sigmoid(1.702 gate), both clipped at 7
        "swiglu_oai": (value + 1) * gate * torch.sigmoid(1.702 * gate),
    }
    assert set(expected) == {name for name in names() if lookup(name).kind == "gated"}
    for name, result in expected.items():
        torch.testing.assert_close(activation(name)(x), result, rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(activation(name)(value, gate), result, rtol=1e-13, atol=1e-13)
    far = torch.full((1,), 30.0, dtype=torch.float64)
    assert activation("swiglu_oai")(far, far).item() == pytest.approx(
        8 * 7 / (1 + math.exp(-1.702 * 7)), rel=1e-14
    )
