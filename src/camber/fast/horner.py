"""Polynomials on blocks: Horner's rule and sums against powers, in as few passes as possible."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def horner(x: Tensor, values: Sequence[Tensor], out: Tensor) -> Tensor:
    """Write ``values[0] + values[1] x + ...`` into ``out`` and return it.

    ``values`` broadcast against ``x``: 0-d, or constant along its last axis.
    """
    if len(values) == 1:
        return out.copy_(values[0].expand_as(x))
    if values[-1].ndim == 0 and x.device.type == "cpu":
        torch.add(values[-2], x, alpha=values[-1].item(), out=out)
    else:
        torch.mul(x, values[-1], out=out).add_(values[-2])
    for value in reversed(values[:-2]):
        torch.addcmul(value, out, x, out=out)
    return out


def powers_of(x: Tensor, count: int) -> list[Tensor]:
    """x, x^2, ..., x^count; the first is ``x`` itself."""
    powers = [x]
    for _ in range(1, count):
        powers.append(powers[-1] * x)
    return powers


def sum_against(weight: Tensor, power: Tensor | None = None) -> Tensor:
    """The sum of ``weight`` times ``power`` over a flat block, (1,), or a grouped one, (G,)."""
    if weight.ndim == 3:
        product = weight if power is None else weight * power
        return product.sum(-1).sum(0)
    return (weight.sum() if power is None else torch.dot(weight, power)).reshape(1)
