"""Batches from a finite sample: every example once in an epoch, in an order that a seed fixes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor


def epochs(count: int, batch: int, key: str, start_step: int = 0) -> Iterator[Tensor]:
    """Yield the examples of step ``start_step``, ``start_step + 1``, ...: int64 (batch,).

    Permutations of ``range(count)``, one after the other, cut into batches; the one of an epoch
    follows from ``key`` and its number, so a step's batch is a function of (key, step).

    Example:
        >>> steps = epochs(4, 2, "train:0")
        >>> sorted(torch.cat([next(steps), next(steps)]).tolist())
        [0, 1, 2, 3]
    """
    known: dict[int, Tensor] = {}
    step = start_step
    while True:
        needed = range(step * batch // count, ((step + 1) * batch - 1) // count + 1)
        known = {
            epoch: known[epoch] if epoch in known else _order(count, key, epoch) for epoch in needed
        }
        start = step * batch - needed[0] * count
        yield torch.cat([known[epoch] for epoch in needed])[start : start + batch]
        step += 1


def spread(count: int, most: int) -> Tensor:
    """Return at most ``most`` of ``count`` examples, evenly spread: int64.

    Example:
        >>> spread(10, 4).tolist(), spread(3, 4).tolist()
        ([0, 2, 5, 7], [0, 1, 2])
    """
    kept = min(count, most)
    return torch.arange(kept) * count // kept


def _order(count: int, key: str, epoch: int) -> Tensor:
    digest = hashlib.sha256(f"{key}:{epoch}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)
    return torch.randperm(count, generator=generator)
