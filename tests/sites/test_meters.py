"""Meters: known answers, and streaming against the whole."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camber.sites import MomentMeter, RangeMeter, ZeroMeter

SHEET = torch.tensor([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0]])


def test_counts_by_hand() -> None:
    # known answer 1: nonzero 0.5, per neuron [0, .5, 1], dead {0}, always on {2}
    meter = ZeroMeter()
    meter.update(SHEET)
    assert meter.summary() == {"zero_fraction": 0.5, "active_fraction": 0.5, "dead_units": 1}
    assert meter.active_frequency.tolist() == [0.0, 0.5, 1.0]
    assert meter.dead.tolist() == [0]
    assert meter.always_on.tolist() == [2]


@pytest.mark.parametrize(("mean", "expected"), [(0.0, 0.5), (-1.0, 0.158655)])
def test_relu_of_a_gaussian(mean: float, expected: float) -> None:
    # closed form: P(z > 0); published 0.158655 for N(-1, 1)
    meter = ZeroMeter()
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        meter.update((torch.randn(1000, 50, generator=generator) + mean).relu())
    # 500,000 draws: four standard errors are 4 sqrt(0.25 / 5e5) = 0.0028
    assert meter.summary()["active_fraction"] == pytest.approx(expected, abs=0.0028)
    assert meter.summary()["zero_fraction"] == pytest.approx(1 - expected, abs=0.0028)


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.integers(0, 2**31),
    st.sampled_from([0.0, 1e4]),
    st.booleans(),
)
def test_streaming_equals_the_whole(sizes: list[int], seed: int, shift: float, nans: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(sum(sizes), 3, generator=generator).relu() + shift
    if nans:
        values[torch.rand(values.shape, generator=generator) < 0.3] = math.nan
    meters = RangeMeter(), MomentMeter(), ZeroMeter()
    for part in values.split(sizes):
        for meter in meters:
            meter.update(part)
    spread, moments, zeros = meters
    present = values[~values.isnan()].double()
    assert spread.summary()["nans"] == int(values.isnan().sum())
    assert zeros.rows.tolist() == (~values.isnan()).sum(0).tolist()
    if not len(present):
        assert math.isnan(spread.summary()["low"])
        assert math.isnan(moments.summary()["mean"])
        assert math.isnan(zeros.summary()["zero_fraction"])
        return
    assert spread.summary()["low"] == float(present.min())
    assert spread.summary()["high"] == float(present.max())
    summary = moments.summary()
    assert summary["mean"] == pytest.approx(float(present.mean()), rel=1e-6, abs=1e-7)
    # float32 sums of centred values: a shift of 1e4 costs nothing but its own rounding, 1e-3
    assert summary["std"] == pytest.approx(
        float(present.std(correction=0)), rel=1e-5, abs=1e-3 if shift else 1e-6
    )
    assert zeros.summary()["zero_fraction"] == float((present == 0).double().mean())
    assert zeros.summary()["active_fraction"] == float((present > 0).double().mean())


def test_a_large_mean_keeps_the_digits_of_the_deviation() -> None:
    meter = MomentMeter()
    meter.update(torch.tensor([[1e6], [1e6 + 1]]))
    meter.update(torch.tensor([[1e6 + 2]]))
    # closed form: three equally spaced points, deviation sqrt(2/3)
    assert meter.summary() == {
        "mean": pytest.approx(1e6 + 1, rel=1e-12),
        "std": pytest.approx(math.sqrt(2 / 3), rel=1e-9),
    }


def test_infinities_are_shown() -> None:
    spread = RangeMeter()
    spread.update(torch.tensor([[math.inf, -math.inf, 0.0]]))
    assert spread.summary() == {"low": -math.inf, "high": math.inf, "nans": 0}
