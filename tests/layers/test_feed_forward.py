"""FeedForward: the formula, gated and not, and what it refuses."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from camber.activations import Activation, activation
from camber.errors import CamberError, DtypeError, UnknownNameError
from camber.layers import FeedForward, fresh, is_gated


def test_plain_is_down_act_up() -> None:
    layer = FeedForward(6, 10, "relu", bias=True).double()
    x = torch.randn(3, 4, 6, dtype=torch.float64)
    hidden = F.relu(x @ layer.up.weight.T + layer.up.bias)
    assert layer.gate is None
    torch.testing.assert_close(layer(x), hidden @ layer.down.weight.T + layer.down.bias)


def test_gated_has_two_input_matrices() -> None:
    layer = FeedForward(6, 10, "swiglu").double()
    x = torch.randn(3, 4, 6, dtype=torch.float64)
    assert layer.gate is not None
    hidden = (x @ layer.up.weight.T) * F.silu(x @ layer.gate.weight.T)
    torch.testing.assert_close(layer(x), hidden @ layer.down.weight.T)


def test_a_formula_with_a_gate_is_gated() -> None:
    layer = FeedForward(6, 10, "x*tanh(g)").double()
    x = torch.randn(2, 6, dtype=torch.float64)
    assert layer.gate is not None
    hidden = (x @ layer.up.weight.T) * torch.tanh(x @ layer.gate.weight.T)
    torch.testing.assert_close(layer(x), hidden @ layer.down.weight.T)


def test_no_biases_unless_asked() -> None:
    assert all("bias" not in name for name, _ in FeedForward(4, 8, "swiglu").named_parameters())
    assert FeedForward(4, 8, "swiglu", bias=True).up.bias is not None


def test_coefficients_per_channel_take_the_hidden_width() -> None:
    layer = FeedForward(4, 12, lambda: activation("x*sigmoid(beta*x)", granularity="channel"))
    assert isinstance(layer.activation, Activation)
    assert layer.activation.beta.shape == (12,)
    assert layer(torch.randn(2, 4)).shape == (2, 4)


@pytest.mark.parametrize("shape", [(4,), (0, 4), (2, 3, 5, 4)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    assert FeedForward(4, 8, "polynorm")(torch.randn(shape)).shape == shape


def test_fresh_modules_and_refusals() -> None:
    first, second = fresh("polynorm"), fresh("polynorm")
    assert first is not second
    assert is_gated(fresh("geglu"))
    assert not is_gated(nn.GELU())
    with pytest.raises(DtypeError, match="one instance would share"):
        FeedForward(4, 8, nn.ReLU())
    with pytest.raises(DtypeError, match="int"):
        FeedForward(4, 8, 3)  # type: ignore[arg-type]  # what a user might pass
    with pytest.raises(DtypeError, match=r"must return an nn\.Module"):
        FeedForward(4, 8, lambda: F.relu)
    with pytest.raises(CamberError, match="'glu'"):
        FeedForward(4, 8, nn.GLU)
    with pytest.raises(UnknownNameError, match="relu"):
        FeedForward(4, 8, "rellu")
    with pytest.raises(CamberError, match="hidden"):
        FeedForward(4, 0)


def test_a_wrong_width_is_one_sentence():
    with pytest.raises(CamberError, match=r"width 8, but the input has the shape \(2, 9\)"):
        FeedForward(8, 16, "relu")(torch.zeros(2, 9))
