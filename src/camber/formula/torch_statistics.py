"""Statistics on torch tensors: what mixes the values of a row, a channel or a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor

from camber.formula.axes import gather, scatter
from camber.formula.tree import Call

Value = Tensor | float
Entry = Callable[..., Tensor]


def tensor(value: Value, like: Tensor) -> Tensor:
    """``value`` as a tensor of the computation's dtype and device."""
    return value if isinstance(value, Tensor) else like.new_full((), value)


def _statistic(function: Callable[..., Tensor], same_shape: bool) -> Entry:
    """Lift a function on the last axis to a statistic over the call's axes."""

    def entry(like: Tensor, call: Call, z: Value, *rest: Value) -> Tensor:
        over, size = str(call.option("over")), call.option("size")
        z = tensor(z, like)
        shape = tuple(z.shape)
        gathered = gather(z, over, None if size is None else int(size))
        values = function(gathered, *rest)
        if not same_shape:
            if over == "feature" and size is None and shape:
                return values
            values = values.expand(gathered.shape)
        return scatter(values, shape, over)

    return entry


def _mean(z: Tensor) -> Tensor:
    return z.mean(-1, keepdim=True)


def _sum(z: Tensor) -> Tensor:
    return z.sum(-1, keepdim=True)


def _rms(z: Tensor, epsilon: Value = 0.0) -> Tensor:
    return (z.square().mean(-1, keepdim=True) + epsilon).sqrt()


def _std(z: Tensor, epsilon: Value = 0.0) -> Tensor:
    return _rms(z - z.mean(-1, keepdim=True), epsilon)


def _amax(z: Tensor) -> Tensor:
    return z.amax(-1, keepdim=True)


def _softmax(z: Tensor) -> Tensor:
    return torch.softmax(z, -1)


def _sort(z: Tensor) -> Tensor:
    return torch.sort(z, dim=-1).values


def _topk(z: Tensor, count: float) -> Tensor:
    # A stable sort decides ties by position, as the other interpreters do.
    values, places = torch.sort(z, dim=-1, descending=True, stable=True)
    kept = values[..., : int(count)]
    return torch.zeros_like(z).scatter(-1, places[..., : int(count)], kept)


STATISTICS: Final[Mapping[str, Entry]] = MappingProxyType(
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
