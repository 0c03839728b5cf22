"""Statistics on intervals: what the mean, the root mean square, ... of values in boxes can be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from camber.formula.axes import gather, scatter
from camber.formula.rounding import (
    ULPS,
    Array,
    Interval,
    add,
    divide,
    down,
    meet,
    point,
    subtract,
    up,
)
from camber.formula.tape import Step

_EPSILON: Final = float(np.finfo(np.float64).eps)


_NONE: Final = point(0.0)


def _statistic(function: Callable[..., Interval], same_shape: bool) -> Callable[..., Interval]:
    """Lift a function on the last axis to a statistic over the step's axes."""

    def entry(step: Step, z: Interval, *rest: Interval) -> Interval:
        over, size = str(step.call.option("over")), step.call.option("size")
        shape = np.broadcast_shapes(z[0].shape, z[1].shape)
        ends = [
            gather(np.broadcast_to(end, shape), over, None if size is None else int(size))
            for end in z
        ]
        values = function((ends[0], ends[1]), *rest)
        if not same_shape:
            if over == "feature" and size is None and shape:
                return values
            values = (
                np.broadcast_to(values[0], ends[0].shape),
                np.broadcast_to(values[1], ends[0].shape),
            )
        return scatter(values[0], shape, over), scatter(values[1], shape, over)

    return entry


def _sum(z: Interval) -> Interval:
    lo, hi = (np.sum(end, axis=-1, keepdims=True) for end in z)
    count = z[0].shape[-1]
    # Any order of summation errs by at most n epsilon times the sum of sizes (Higham 2002, 4.4).
    slack = [count * _EPSILON * np.sum(np.abs(end), axis=-1, keepdims=True) for end in z]
    return down(lo - slack[0]), up(hi + slack[1])


def _mean(z: Interval) -> Interval:
    return divide(_sum(z), point(float(max(z[0].shape[-1], 1))))


def _square(z: Interval) -> Interval:
    low, high = np.abs(z[0]), np.abs(z[1])
    inside = (z[0] <= 0) & (z[1] >= 0)
    least, most = np.where(inside, 0.0, np.minimum(low, high)), np.maximum(low, high)
    return np.maximum(down(least * least), 0.0), up(most * most)


def _rms(z: Interval, epsilon: Interval = _NONE) -> Interval:
    inner = meet(add(meet(_mean(_square(z)), 0.0, math.inf), epsilon), 0.0, math.inf)
    return np.maximum(down(np.sqrt(inner[0])), 0.0), up(np.sqrt(inner[1]))


def _std(z: Interval, epsilon: Interval = _NONE) -> Interval:
    return _rms(subtract(z, _mean(z)), epsilon)


def _amax(z: Interval) -> Interval:
    return np.max(z[0], axis=-1, keepdims=True), np.max(z[1], axis=-1, keepdims=True)


def _sort(z: Interval) -> Interval:
    return np.sort(z[0], axis=-1), np.sort(z[1], axis=-1)


def _softmax(z: Interval) -> Interval:
    """exp(z_i) / (exp(z_i) + sum of the others), least with z_i low and all others high."""
    lo, hi = _share(z[0], z[1]), _share(z[1], z[0])
    slack = (z[0].shape[-1] + 8) * ULPS["exp"]
    return np.clip(down(lo, slack), 0.0, 1.0), np.clip(up(hi, slack), 0.0, 1.0)


def _share(own: Array, others: Array) -> Array:
    width = own.shape[-1]
    mixed = np.where(np.eye(width, dtype=bool), own[..., :, None], others[..., None, :])
    top = np.max(mixed, axis=-1, keepdims=True)
    weights = np.exp(mixed - top)
    chosen = np.exp(own - top[..., 0])
    return chosen / np.sum(weights, axis=-1)


def _topk(z: Interval, count: Interval) -> Interval:
    """A value that may be among the k largest may stay; one that may not be becomes 0."""
    k = int(count[0])
    above = z[0][..., None, :] > z[1][..., :, None]
    reaching = z[1][..., None, :] >= z[0][..., :, None]
    may_stay = np.sum(above, axis=-1) < k
    may_leave = np.sum(reaching, axis=-1) > k
    lo = np.where(may_leave, np.minimum(z[0], 0.0), z[0])
    hi = np.where(may_leave, np.maximum(z[1], 0.0), z[1])
    return np.where(may_stay, lo, 0.0), np.where(may_stay, hi, 0.0)


STATISTICS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "mean": _statistic(_mean, same_shape=False),
        "sum": _statistic(_sum, same_shape=False),
        "rms": _statistic(_rms, same_shape=False),
        "std": _statistic(_std, same_shape=False),
        "amax": _statistic(_amax, same_shape=False),
        "softmax": _statistic(_softmax, same_shape=True),
        "sort": _statistic(_sort, same_shape=True),
        "topk": _statistic(_topk, same_shape=True),
    }
)
