"""What every evaluation does to the model it looks at: nothing that lasts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn


@contextlib.contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Hold ``model`` in evaluation mode, without gradients; each module gets its own mode back.

    ``model.train(mode)`` would put all modules into one mode, also those that the model's owner
    keeps in another, such as frozen batch statistics.

    Example:
        >>> model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
        >>> with evaluation_mode(model):
        ...     inside = [part.training for part in model]
        >>> inside, [part.training for part in model]
        ([False, False], [True, False])
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
