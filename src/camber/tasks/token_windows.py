"""Windows of a stream of tokens: random ones to train on, even ones to be judged by.

Shape legend: B batch, T context.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def random_windows(stream: Tensor, count: int, context: int, key: str) -> Tensor:
    """Return ``count`` windows of T + 1 tokens at places that follow from ``key``: int64.

    Example:
        >>> random_windows(torch.arange(9), 2, 3, "train:0:0").shape
        torch.Size([2, 4])
    """
    digest = hashlib.sha256(key.encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)
    starts = torch.randint(stream.numel() - context, (count, 1), generator=generator)
    return stream[starts + torch.arange(context + 1)].long()  # (B, T + 1)


def even_windows(stream: Tensor, context: int, most: int) -> Tensor:
    """Return disjoint windows of T + 1 tokens, evenly spread, that score at most ``most`` tokens.

    Example:
        >>> even_windows(torch.arange(9), 2, 4)
        tensor([[0, 1, 2],
                [4, 5, 6]])
    """
    fitting = (stream.numel() - 1) // context
    count = max(1, min(fitting, most // context))
    starts = (torch.arange(count) * fitting // count) * context
    return stream[starts[:, None] + torch.arange(context + 1)].long()  # (windows, T + 1)
