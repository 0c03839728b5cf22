"""Windows of a stream of tokens: random ones to train on, even ones to be judged by; their loss.

Shape legend: B batch, T context, V vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.tasks.evaluation import evaluation_mode


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


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of logits (B, T, V) in nats per token; float32 or wider.

    Example:
        >>> next_token_loss(torch.zeros(1, 2, 8), torch.tensor([[3, 5]])).exp()
        tensor(8.)
    """
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def mean_loss(
    model: nn.Module,
    windows: Tensor,
    loss: Callable[[nn.Module, tuple[Tensor, ...]], Tensor],
    *,
    at_once: int,
) -> float:
    """Return the mean loss of ``model`` over ``windows`` (windows, T + 1), in evaluation mode.

    Without gradients, on the model's device; the model keeps its mode.

    Args:
        model: on one device.
        windows: int64, on the CPU.
        loss: of the model and a batch (tokens, targets), the mean over its tokens.
        at_once: windows per forward pass.
    """
    device = next(model.parameters()).device
    total = 0.0
    with evaluation_mode(model):
        for part in windows.split(at_once):
            moved = part.to(device)
            total += float(loss(model, (moved[:, :-1], moved[:, 1:]))) * len(part)
    return total / len(windows)
