"""Meters: streaming measurements of the values at a site, in memory of the order of its neurons.

A meter sees the values token by token and keeps counts and moments per neuron, never the values;
what it keeps lies on the CPU, so devices may differ from site to site.
NaNs are counted and left out of everything else, so one bad token hides nothing.

Shape legend: R rows (tokens without padding), N neurons.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor


class Meter(Protocol):
    """What ``watch`` feeds. One fresh meter stands at each site."""

    def update(self, values: Tensor) -> None:
        """Take in (R, N) values: detached, float32 or float64, R >= 1, padding removed."""
        ...

    def summary(self) -> dict[str, float]:
        """Return the numbers for this site's line of the report; called after an update."""
        ...


class RangeMeter:
    """Smallest and largest value, per neuron and over all of them; and how many were NaN.

    Attributes:
        low, high: (N,) extremes per neuron; +inf and -inf where all values were NaN.
        nans: (N,) int64 counts.

    Example:
        >>> meter = RangeMeter()
        >>> meter.update(torch.tensor([[1.0, -2.0], [3.0, math.nan]]))
        >>> meter.summary()
        {'low': -2.0, 'high': 3.0, 'nans': 1}
    """

    def __init__(self) -> None:
        self.low = torch.empty(0)
        self.high = torch.empty(0)
        self.nans = torch.empty(0, dtype=torch.int64)

    def update(self, values: Tensor) -> None:
        missing = values.isnan()
        low = values.masked_fill(missing, math.inf).amin(0).cpu()
        high = values.masked_fill(missing, -math.inf).amax(0).cpu()
        nans = missing.sum(0).cpu()
        if self.low.numel():
            low, high = torch.minimum(self.low, low), torch.maximum(self.high, high)
            nans = self.nans + nans
        self.low, self.high, self.nans = low, high, nans

    def summary(self) -> dict[str, float]:
        nans = int(self.nans.sum())
        low, high = float(self.low.min()), float(self.high.max())
        if low > high:  # nothing but NaN
            low = high = math.nan
        return {"low": low, "high": high, "nans": nans}


class MomentMeter:
    """Mean and standard deviation (biased), by the pairwise update of Chan, Golub and LeVeque.

    Attributes:
        count: (N,) numbers seen. mean: (N,) float64. squares: (N,) float64 sums of squared
            distances from the mean.

    Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae and a Pairwise Algorithm
    for Computing Sample Variances" (1979), Stanford STAN-CS-79-773.

    Example:
        >>> meter = MomentMeter()
        >>> meter.update(torch.tensor([[1.0, 2.0]]))
        >>> meter.update(torch.tensor([[3.0, 6.0]]))
        >>> meter.summary()["mean"], meter.mean.tolist()
        (3.0, [2.0, 4.0])
    """

    def __init__(self) -> None:
        self.count = torch.empty(0, dtype=torch.float64)
        self.mean = torch.empty(0, dtype=torch.float64)
        self.squares = torch.empty(0, dtype=torch.float64)

    def update(self, values: Tensor) -> None:
        present = ~values.isnan()
        # Centred before the square, so that in float32 a large mean costs no digits.
        centre = values.nanmean(0).nan_to_num(0.0, math.inf, -math.inf)  # (N,)
        distance = torch.where(present, values - centre, 0.0)
        count = present.sum(0).cpu().double()
        offset = distance.sum(0).cpu().double() / count.clamp(min=1)
        mean = centre.cpu().double() + offset
        squares = distance.square().sum(0).cpu().double() - count * offset.square()
        if self.count.numel():
            count, mean, squares = _merge(
                (self.count, self.mean, self.squares), (count, mean, squares)
            )
        self.count, self.mean, self.squares = count, mean, squares

    def summary(self) -> dict[str, float]:
        total = self.count.sum()
        if not total:
            return {"mean": math.nan, "std": math.nan}
        mean = (self.count * self.mean).sum() / total
        between = (self.count * (self.mean - mean).square()).sum()
        variance = (self.squares.sum() + between) / total
        return {"mean": float(mean), "std": math.sqrt(max(float(variance), 0.0))}


def _merge(
    a: tuple[Tensor, Tensor, Tensor], b: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Counts, means and squared distances of two samples taken together."""
    count = a[0] + b[0]
    share = b[0] / count.clamp(min=1)
    step = b[1] - a[1]
    return count, a[1] + step * share, a[2] + b[2] + step.square() * a[0] * share


class ZeroMeter:
    """How often a neuron is exactly zero, and how often it is active (above zero).

    A neuron is *dead* where every value was exactly zero, so that it gave the next layer nothing,
    and *always on* where every value was above zero. A smooth function such as GELU is almost
    never exactly zero and has no dead units in this sense.

    Attributes:
        rows: (N,) int64 numbers seen, NaN left out.
        zeros, actives: (N,) int64 counts.

    Source: Z. Li et al., "The Lazy Neuron Phenomenon", ICLR 2023, arXiv 2210.06313.

    Example:
        >>> meter = ZeroMeter()
        >>> meter.update(torch.tensor([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0]]))
        >>> meter.active_frequency.tolist(), meter.dead.tolist(), meter.always_on.tolist()
        ([0.0, 0.5, 1.0], [0], [2])
    """

    def __init__(self) -> None:
        self.rows = torch.empty(0, dtype=torch.int64)
        self.zeros = torch.empty(0, dtype=torch.int64)
        self.actives = torch.empty(0, dtype=torch.int64)

    def update(self, values: Tensor) -> None:
        rows, zeros = (~values.isnan()).sum(0).cpu(), (values == 0).sum(0).cpu()
        actives = (values > 0).sum(0).cpu()
        if self.rows.numel():
            rows, zeros, actives = self.rows + rows, self.zeros + zeros, self.actives + actives
        self.rows, self.zeros, self.actives = rows, zeros, actives

    @property
    def active_frequency(self) -> Tensor:
        """Share of tokens on which each neuron is above zero, (N,) float64; NaN where unseen."""
        return self.actives.double() / self.rows

    @property
    def dead(self) -> Tensor:
        """Indices of the neurons that were zero on every token, ascending."""
        return ((self.zeros == self.rows) & (self.rows > 0)).nonzero().flatten()

    @property
    def always_on(self) -> Tensor:
        """Indices of the neurons that were above zero on every token, ascending."""
        return ((self.actives == self.rows) & (self.rows > 0)).nonzero().flatten()

    def summary(self) -> dict[str, float]:
        rows = int(self.rows.sum()) or math.nan
        return {
            "zero_fraction": int(self.zeros.sum()) / rows,
            "active_fraction": int(self.actives.sum()) / rows,
            "dead_units": self.dead.numel(),
        }


#: What ``watch`` measures unless told otherwise.
DEFAULT_METERS = (RangeMeter, MomentMeter, ZeroMeter)
