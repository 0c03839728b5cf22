"""Initial weights: measured gains against published ones, streams, and what is left alone."""

import contextlib

import pytest
import torch
from torch import nn

from camber.layers import FeedForward, fresh
from camber.models.initial_weights import draw_normal, draw_weights, seeded, unit_gain


@pytest.mark.parametrize(
    ("name", "gain"),
    [("relu", 2**0.5), ("gelu", 1.533530), ("silu", 1.676532), ("tanh", 1.592537),
     ("bilinear", 1.0), ("maxmin", 1.0)],
)  # fmt: skip
@pytest.mark.parametrize("channel_dim", [-1, 1])
def test_gains(name: str, gain: float, channel_dim: int) -> None:
    # closed forms and E[act(z)^2]^(-1/2) by quadrature; the sample errs by half a percent or so
    assert unit_gain(fresh(name), 32, channel_dim) == pytest.approx(gain, rel=0.02)


def test_a_function_without_scale_has_gain_one() -> None:
    class Nothing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 0

    class Endless(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x / 0

    assert unit_gain(Nothing(), 4) == unit_gain(Endless(), 4) == 1


def test_measuring_leaves_no_trace() -> None:
    norm = nn.BatchNorm1d(8)
    assert unit_gain(norm, 8) == pytest.approx(1, rel=1e-3)  # standardised by definition
    assert not norm.running_mean.any()
    assert norm.num_batches_tracked == 0


def test_streams_are_named() -> None:
    first, second, third = torch.empty(50), torch.empty(50), torch.empty(50)
    for tensor, seed, path in ((first, 0, "a"), (second, 0, "b"), (third, 1, "a")):
        draw_normal(tensor, 2.0, seed=seed, path=path)
    assert not torch.equal(first, second)
    assert not torch.equal(first, third)
    assert 1.5 < float(first.std()) < 2.5


def test_activations_are_left_alone() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x).relu()

    layer = FeedForward(4, 8, Own, bias=True)
    before = layer.activation.inner.weight.clone()
    draw_weights(layer, lambda path, fan_in: 0.0, seed=0)
    assert torch.equal(layer.activation.inner.weight, before)
    assert not layer.up.weight.any()
    assert not layer.down.bias.any()


def test_the_global_generator_stays_where_it_was() -> None:
    before = torch.get_rng_state()
    with seeded(5):
        first = torch.randn(3)
    with contextlib.suppress(ZeroDivisionError), seeded(5):
        assert torch.equal(torch.randn(3), first)
        raise ZeroDivisionError
    draw_normal(torch.empty(3), 1.0, seed=0, path="a")
    unit_gain(nn.ReLU(), 4)
    assert torch.equal(torch.get_rng_state(), before)
