"""Initial weights that follow from a seed alone, each matrix drawn from a stream of its own.

A matrix is drawn by a generator seeded with (seed, path of the matrix), so two models that differ
in one place start equal everywhere else, and the order in which layers are built plays no part.
The global generator is neither read nor moved.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from camber.layers import FeedForwardExperts, is_gated

#: How many numbers :func:`unit_gain` averages over: 0.5 % of error for a Gaussian's mean square.
SAMPLES = 65_536


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let what draws from the global CPU generator draw from ``seed``; put the stream back after.

    Layers of PyTorch and some activations draw initial values from it.

    Example:
        >>> before = torch.get_rng_state()
        >>> with seeded(3):
        ...     first = torch.randn(2)
        >>> torch.equal(torch.get_rng_state(), before)
        True
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@torch.no_grad()
def draw_normal(weight: Tensor, std: float, *, seed: int, path: str) -> None:
    """Fill ``weight`` from N(0, std^2) by the stream of ``path``.

    Example:
        >>> first, second = torch.empty(3), torch.empty(3, dtype=torch.float64)
        >>> draw_normal(first, 1.0, seed=0, path="head")
        >>> draw_normal(second, 1.0, seed=0, path="head")
        >>> torch.equal(first.double(), second)
        True
    """
    digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)
    # drawn in float32 whatever the default dtype, so that float64 models start equal
    draw = torch.empty(weight.shape, dtype=torch.float32)
    weight.copy_(draw.normal_(0.0, std, generator=generator))


def draw_weights(model: nn.Module, std: Callable[[str, int], float], *, seed: int) -> None:
    """Draw every matrix of ``model`` and set its biases to 0; activations are left as they are.

    Args:
        model: its linear maps, convolutions, embeddings and banks of experts are drawn.
        std: standard deviation, given the path of a matrix and its fan-in (of an embedding, its
            width).
        seed: names the streams, together with the paths.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 2))
        >>> draw_weights(model, lambda path, fan_in: fan_in**-0.5, seed=0)
        >>> model[0].bias.tolist()
        [0.0, 0.0]
    """
    for path, module in model.named_modules():
        if "activation" in path.split("."):
            continue
        if isinstance(module, FeedForwardExperts):
            for name, stack in module.named_parameters():
                inner = f"{path}.{name}"
                draw_normal(stack, std(inner, stack.shape[-1]), seed=seed, path=inner)
        elif isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            fan_in = module.weight[0].numel()
            draw_normal(module.weight, std(path, fan_in), seed=seed, path=path)
            if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
                nn.init.zeros_(module.bias)


@torch.no_grad()
def unit_gain(activation: nn.Module, channels: int, channel_dim: int = -1) -> float:
    """Return E[activation(z)^2]^(-1/2) for z ~ N(0, 1), measured on a fixed sample.

    Weights of deviation gain / sqrt(fan_in) behind the activation then give sums of variance 1.
    Measured, so that it holds for any module; a gated one is given independent value and gate.

    Args:
        activation: any module of one or, where gated, two inputs.
        channels: how many channels it sees.
        channel_dim: the axis they are on: -1, or 1 for images.

    Returns:
        The gain; 1 where the mean square is 0 or not finite.

    Example:
        >>> round(unit_gain(nn.Identity(), 16), 2)
        1.0
    """
    rows = max(2, SAMPLES // channels)
    shape = (rows, channels) if channel_dim == -1 else (max(2, rows // 64), channels, 8, 8)
    dtype = next((p.dtype for p in activation.parameters()), torch.get_default_dtype())
    generator = torch.Generator().manual_seed(0)  # the same sample for every seed and model
    count = 2 if is_gated(activation) else 1
    inputs = [torch.randn(shape, generator=generator).to(dtype) for _ in range(count)]
    probe = copy.deepcopy(activation)  # one that keeps statistics must not have seen the sample
    square = float(probe(*inputs).double().square().mean())
    return square**-0.5 if 0 < square < float("inf") else 1.0
