"""Polynomials on blocks: Horner's rule and sums against powers, in as few passes as possible."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

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


class Scratch:
    """Memory for the intermediates of a block, kept from one block to the next.

    Asked for anew for each block, it would be handed back to the system and faulted in again.
    """

    def __init__(self) -> None:
        self._kept: list[Tensor] = []

    def take(self, like: Tensor, count: int) -> list[Tensor]:
        """``count`` tensors of the shape and dtype of ``like``, with any content."""
        kept = self._kept
        if kept and (kept[0].shape != like.shape or kept[0].dtype != like.dtype):
            kept.clear()
        while len(kept) < count:
            kept.append(torch.empty(like.shape, dtype=like.dtype, device=like.device))
        return kept[:count]


def fill_powers(room: Sequence[Tensor]) -> None:
    """Write the squares, cubes, ... of ``room[0]`` into the tensors that follow it."""
    for lower, target in pairwise(room):
        torch.mul(lower, room[0], out=target)


def sum_against(weight: Tensor, power: Tensor) -> Tensor:
    """The sum of ``weight`` times ``power`` over a flat block, as (1,)."""
    return torch.dot(weight, power).reshape(1)
