"""MLP: its formula, its exact counts, its start and its refusals."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from camber.errors import CamberError, DtypeError
from camber.models import MLP, MLPConfig


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_plain_without_norms_is_a_chain() -> None:
    config = MLPConfig(inputs=5, outputs=2, hidden=7, depth=2, activation="relu", normalise=False)
    model, x = MLP(config).double(), torch.randn(3, 5, dtype=torch.float64)
    h = x
    for layer in model.layers:
        h = F.relu(h @ layer.up.weight.T + layer.up.bias)
    torch.testing.assert_close(model(x), h @ model.head.weight.T + model.head.bias)


def test_gated_with_norms() -> None:
    config = MLPConfig(inputs=5, outputs=2, hidden=12, depth=2, activation="swiglu")
    model, x = MLP(config).double(), torch.randn(3, 5, dtype=torch.float64)

    def norm(h: torch.Tensor) -> torch.Tensor:
        return h * (h.square().mean(-1, keepdim=True) + 1e-6).rsqrt()

    h = x
    for index, layer in enumerate(model.layers):
        n = norm(h) if index else h
        h = (n @ layer.up.weight.T) * F.silu(n @ layer.gate.weight.T)  # biases start at 0
    torch.testing.assert_close(model(x), norm(h) @ model.head.weight.T)


def test_the_count_by_closed_form() -> None:
    I, K, O, L = 7, 12, 3, 3  # noqa: E741  # the letters of the shape legend
    plain = MLP(MLPConfig(inputs=I, outputs=O, hidden=K, depth=L, activation="relu"))
    assert count(plain) == (I + 1) * K + 2 * (K + 1) * K + 3 * K + (K + 1) * O
    bare = MLP(
        MLPConfig(inputs=I, outputs=O, hidden=K, depth=L, activation="relu", normalise=False)
    )
    assert count(bare) == (I + 1) * K + 2 * (K + 1) * K + (K + 1) * O
    gated = MLP(MLPConfig(inputs=I, outputs=O, hidden=K, depth=L, activation="glu"))
    k = gated.width_match.hidden
    assert count(gated) == 2 * (I + 1) * k + 4 * (k + 1) * k + 3 * k + (k + 1) * O


@given(
    st.integers(1, 200),
    st.integers(1, 20),
    st.integers(1, 300),
    st.integers(1, 6),
    st.sampled_from(["swiglu", "polynorm", "gelu"]),
    st.booleans(),
)
def test_no_other_width_is_nearer(
    inputs: int, outputs: int, hidden: int, depth: int, act: str, norm: bool
) -> None:
    # brute force over the neighbours; the count grows with the width
    from camber.models.mlp import _match

    def config(activation: str, width: int) -> MLPConfig:
        return MLPConfig(
            inputs=inputs, outputs=outputs, hidden=width, depth=depth, activation=activation,
            normalise=norm,
        )  # fmt: skip

    match = _match(config(act, hidden))
    maps, own = (2, 0) if act == "swiglu" else (1, 4 * depth if act == "polynorm" else 0)

    def parameters(k: int) -> int:
        linear = maps * (inputs + 1) * k + (depth - 1) * maps * (k + 1) * k + (k + 1) * outputs
        return linear + (depth * k if norm else 0) + own

    assert match.parameters == parameters(match.hidden)
    miss = abs(match.parameters - match.reference_parameters)
    near = [k for k in (match.hidden - 1, match.hidden + 1) if k > 0]
    assert all(miss <= abs(parameters(k) - match.reference_parameters) for k in near)


def test_matched_where_integers_allow() -> None:
    for act in ("relu", "swiglu", "polynorm", "polyrelu", "prelu"):
        report = MLP(MLPConfig(inputs=64, outputs=10, activation=act)).describe()
        assert report["fair"], act
        assert report["active_parameters"] == report["parameters"]
    coarse = MLP(MLPConfig(inputs=4, outputs=1, hidden=4, activation="swiglu")).describe()
    assert not coarse["fair"]  # and says so
    assert coarse["mismatch"] != 0


@pytest.mark.parametrize("act", ["relu", "tanh", "gelu", "silu", "maxmin", "polynorm"])
def test_without_norms_the_scale_survives_depth(act: str) -> None:
    config = MLPConfig(inputs=64, outputs=200, hidden=300, depth=8, activation=act, normalise=False)
    x = torch.randn(200, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        scale = float(MLP(config)(x).square().mean())
    # weights of gain / sqrt(fan_in) make sums of variance 1; a finite width strays from it by
    # some 10 % a layer
    assert 0.4 < scale < 2.5


def test_images_are_flattened() -> None:
    model, x = MLP(MLPConfig(inputs=12, outputs=3)), torch.randn(2, 3, 2, 2)
    assert torch.equal(model(x), model(x.flatten(1)))
    assert model(x[:0]).shape == (0, 3)


def test_refusals() -> None:
    with pytest.raises(CamberError, match="depth must be at least 1, but got 0"):
        MLPConfig(inputs=4, outputs=1, depth=0)
    with pytest.raises(DtypeError, match=r"hidden must be a whole number, but got 8\.0"):
        MLPConfig(inputs=4, outputs=1, hidden=8.0)  # type: ignore[arg-type]  # a user's slip
    with pytest.raises(CamberError, match=r"4 numbers, but the input has the shape \(2, 5\)"):
        MLP(MLPConfig(inputs=4, outputs=1))(torch.zeros(2, 5))
    with pytest.raises(CamberError, match="4 numbers"):
        MLP(MLPConfig(inputs=4, outputs=1))(torch.zeros(4))
    with pytest.raises(DtypeError, match="share its coefficients"):
        MLP(MLPConfig(inputs=4, outputs=1, activation=torch.nn.ReLU()))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        MLPConfig(4, 1)  # type: ignore[misc]  # keywords only
