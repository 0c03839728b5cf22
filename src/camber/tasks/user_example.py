"""A task as a user writes it: two interleaved spirals, to be told apart by a small network.

Read it as the pattern of a task of your own; ``--task camber.tasks.user_example:build`` runs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


def spirals(count: int, seed: int) -> TensorDataset:
    """Return ``count`` points of the plane, float32 (count, 2), and which spiral each is on."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(count) % 2
    turn = 3 * math.pi * torch.rand(count, generator=generator).sqrt()
    angle = turn + math.pi * label
    points = torch.stack([angle.cos(), angle.sin()], dim=1) * turn[:, None] / 10
    return TensorDataset(points + 0.02 * torch.randn(count, 2, generator=generator), label)


def loss(model: nn.Module, batch: list[Tensor]) -> Tensor:
    """The cross-entropy of one batch."""
    points, label = batch
    return F.cross_entropy(model(points), label)


def accuracy(model: nn.Module, loader: Any) -> float:
    """The share of points whose spiral is found."""
    right = sum(int((model(points).argmax(1) == label).sum()) for points, label in loader)
    return right / len(loader.dataset)


def build(activation: Callable[[], nn.Module], seed: int, width: int = 32) -> Any:
    """Return model, training loader, validation loader, loss, and the metric to judge by."""
    model = nn.Sequential(
        nn.Linear(2, width),
        activation(),
        nn.Linear(width, width),
        activation(),
        nn.Linear(width, 2),
    )
    train = DataLoader(spirals(2000, seed=1), batch_size=32, shuffle=True)
    validation = DataLoader(spirals(500, seed=2), batch_size=250)
    return model, train, validation, loss, (accuracy, "higher")
