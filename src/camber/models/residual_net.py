"""A small residual convolutional network with any activation, for images of 8 to 32 pixels a side.

Pre-norm blocks x + down(act(up(norm(x)))), where up and down are 3x3 convolutions and a gated
activation gets a second one, gate, beside up. The activation sees (B, K, H, W): what works along
an axis works along the channels. The width never changes; 2x2 means halve the image, and a linear
head reads the means of its four quadrants.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks" (2016),
arXiv 1603.05027, without its batch statistics: the norm is one group over each example
(Y. Wu, K. He, "Group Normalization", 2018, arXiv 1803.08494).

Shape legend: B batch, C image channels, H, W height and width, D width, K hidden width, O outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from camber.errors import CamberError
from camber.layers import (
    ActivationChoice,
    WidthMatch,
    fitted,
    fresh,
    is_gated,
    match_by_count,
)
from camber.layers.sizes import check_sizes
from camber.models.initial_weights import draw_weights, seeded, unit_gain
from camber.models.parameter_count import check_image, describe_parameters

#: Images are halved before the blocks while a side is longer, and once more half-way through them.
LARGEST_SIDE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetConfig:
    """The shape of a :class:`ResNet`.

    Args:
        image: (C, H, W) of the images.
        outputs: O, numbers per prediction.
        width: D, channels between the blocks, and hidden width of a *plain* block; gated blocks
            and those with many coefficients get the hidden width K of equal parameters.
        blocks: number of residual blocks.
        activation: a name, formula text, or a factory; each block gets a fresh module.
        normalise: whether a norm stands before each block and before the head.

    Raises:
        DtypeError: for sizes that are no integers.
        CamberError: for sizes below 1.
    """

    image: tuple[int, int, int]
    outputs: int
    width: int = 24
    blocks: int = 2
    activation: ActivationChoice = "gelu"
    normalise: bool = True

    def __post_init__(self) -> None:
        check_image("ResNetConfig", self.image)
        check_sizes("ResNetConfig", outputs=self.outputs, width=self.width, blocks=self.blocks)


class ResidualBlock(nn.Module):
    """x + down(act(up(norm(x)))), or x + down(act(up(n), gate(n))) with n = norm(x) where gated."""

    def __init__(self, config: ResNetConfig, hidden: int) -> None:
        super().__init__()
        D = config.width
        self.norm = nn.GroupNorm(1, D) if config.normalise else nn.Identity()
        self.activation = fitted(fresh(config.activation), hidden, channel_dim=1)
        self.up = nn.Conv2d(D, hidden, 3, padding=1)
        self.gate = nn.Conv2d(D, hidden, 3, padding=1) if is_gated(self.activation) else None
        self.down = nn.Conv2d(hidden, D, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, D, H, W) to (B, D, H, W)."""
        normal = self.norm(x)
        value = self.up(normal)  # (B, K, H, W)
        if self.gate is None:
            return x + self.down(self.activation(value))
        return x + self.down(self.activation(value, self.gate(normal)))


class ResNet(nn.Module):
    """A small residual convolutional network.

    Args:
        config: its shape.
        seed: fixes the initial weights: N(0, 1 / fan_in), biases 0; ``down`` divided by
            sqrt(blocks). Without norms it is divided by the number of blocks and multiplied by the
            activation's gain E[act(z)^2]^(-1/2): the residual stream keeps its variance at any
            depth, which functions that grow faster than their input need. Each matrix draws from
            its own stream of random numbers, so models that differ in the activation alone start
            equal wherever their shapes agree. The global generator is neither read nor moved.

    Attributes:
        width_match: the hidden width chosen, and the counts of one block's convolutions
            and coefficients.

    Example:
        >>> import torch
        >>> model = ResNet(ResNetConfig(image=(1, 8, 8), outputs=10, activation="maxmin"), seed=1)
        >>> model(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """

    def __init__(self, config: ResNetConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with seeded(seed):
            self.width_match = _match(config)
            self.stem = nn.Conv2d(config.image[0], config.width, 3, padding=1)
            self.blocks = nn.ModuleList(
                ResidualBlock(config, self.width_match.hidden) for _ in range(config.blocks)
            )
            self.norm = nn.GroupNorm(1, config.width) if config.normalise else nn.Identity()
            self.head = nn.Linear(4 * config.width, config.outputs)
            self._initialise(seed)

    def _initialise(self, seed: int) -> None:
        def std(path: str, fan_in: int) -> float:
            if not path.endswith(".down"):
                return 1 / math.sqrt(fan_in)
            if self.config.normalise:
                return 1 / math.sqrt(fan_in * self.config.blocks)
            act = self.get_submodule(path.removesuffix("down") + "activation")
            gain = unit_gain(act, self.width_match.hidden, channel_dim=1)
            return gain / math.sqrt(fan_in) / self.config.blocks

        draw_weights(self, std, seed=seed)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the predictions (B, O) for images (B, C, H, W).

        Raises:
            CamberError: for images of another shape.
        """
        if inputs.ndim != 4 or inputs.shape[1:] != self.config.image:
            raise CamberError(
                f"ResNet: the input must have the shape (batch, {self.config.image[0]}, "
                f"{self.config.image[1]}, {self.config.image[2]}), but got {tuple(inputs.shape)}"
            )
        x = self.stem(inputs)  # (B, D, H, W)
        while max(x.shape[2:]) > LARGEST_SIDE:
            x = F.avg_pool2d(x, 2, ceil_mode=True)
        for index, block in enumerate(self.blocks):
            if index == len(self.blocks) // 2:
                x = F.avg_pool2d(x, 2, ceil_mode=True)
            x = block(x)
        quadrants = F.adaptive_avg_pool2d(self.norm(x), 2)  # (B, D, 2, 2)
        return self.head(quadrants.flatten(1))  # (B, O)

    def describe(self) -> dict[str, Any]:
        """Exact parameter counts, for a report; see :func:`describe_parameters`."""
        counts = describe_parameters(self, self.width_match, matched=self.config.blocks)
        return {"model": "resnet", **counts}


def _match(config: ResNetConfig) -> WidthMatch:
    # 9 weights of a 3x3 convolution where a feed-forward network has one: k is near 2h/3 as there.
    def count(maps: int, k: int) -> int:
        return maps * (9 * config.width + 1) * k + 9 * config.width * k

    return match_by_count(config.width, config.activation, count)
