"""A small vision transformer whose feed-forward networks take any activation.

Patches become tokens by one linear map, learned positions are added, pre-norm blocks
x + attention(norm(x)), x + feed_forward(norm(x)) follow, and the mean over the tokens is read out
by a linear head: the plain layout of L. Beyer, X. Zhai, A. Kolesnikov, "Better plain ViT baselines
for ImageNet-1k" (2022), arXiv 2205.01580, after A. Dosovitskiy et al., "An Image is Worth 16x16
Words" (2020), arXiv 2010.11929.

Shape legend: B batch, C image channels, H, W height and width, P patch side, T tokens, D width,
O outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.errors import CamberError
from camber.layers import ActivationChoice, FeedForward, SelfAttention, match_activation
from camber.layers.sizes import check_sizes
from camber.models.initial_weights import draw_normal, draw_weights, seeded, unit_gain
from camber.models.parameter_count import check_image, describe_parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class ViTConfig:
    """The shape of a :class:`ViT`.

    Args:
        image: (C, H, W) of the images.
        patch: P, side of a square patch; images that it does not divide are padded with zeros at
            the right and at the bottom.
        outputs: O, numbers per prediction.
        layers, width, heads: depth, D, attention heads.
        activation: a name, formula text, or a factory; each layer gets a fresh module. Plain
            feed-forward networks have 4 D hidden units; gated ones and those with many
            coefficients get the width of equal parameters.
        normalise: whether an RMS norm stands before attention, feed-forward network and head.

    Raises:
        DtypeError: for sizes that are no integers.
        CamberError: for sizes below 1, or a patch larger than the image.
    """

    image: tuple[int, int, int]
    patch: int
    outputs: int
    layers: int = 2
    width: int = 64
    heads: int = 2
    activation: ActivationChoice = "gelu"
    normalise: bool = True

    def __post_init__(self) -> None:
        check_image("ViTConfig", self.image)
        check_sizes(
            "ViTConfig",
            patch=self.patch,
            outputs=self.outputs,
            layers=self.layers,
            width=self.width,
            heads=self.heads,
        )
        if self.patch > max(self.image[1:]):
            raise CamberError(
                f"ViTConfig: a patch of {self.patch} pixels a side is larger than the image of "
                f"{self.image[1]} x {self.image[2]}"
            )

    @property
    def tokens(self) -> int:
        """T, the number of patches."""
        return math.ceil(self.image[1] / self.patch) * math.ceil(self.image[2] / self.patch)


class ViTBlock(nn.Module):
    """One pre-norm transformer block without a causal mask."""

    def __init__(self, config: ViTConfig, hidden: int) -> None:
        super().__init__()
        self.attention_norm = _norm(config)
        self.attention = SelfAttention(config.width, config.heads, causal=False)
        self.feed_forward_norm = _norm(config)
        self.feed_forward = FeedForward(config.width, hidden, config.activation, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, D) to (B, T, D)."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


class ViT(nn.Module):
    """A small vision transformer.

    Args:
        config: its shape.
        seed: fixes the initial weights: N(0, 1 / fan_in), those that write to the residual stream
            divided by sqrt(2 layers); positions N(0, 1), the scale of embedded patches of unit
            variance; biases 0. Without norms the former are divided by 2 layers, and
            ``feed_forward.down`` is multiplied by the activation's gain E[act(z)^2]^(-1/2): the
            stream keeps its variance at any depth, which functions that grow faster than their
            input need. Each matrix draws from its own stream of random numbers, so models that
            differ in the activation alone start equal wherever their shapes agree. The global
            generator is neither read nor moved.

    Attributes:
        width_match: the hidden width chosen, and the counts of one feed-forward network.

    Example:
        >>> config = ViTConfig(image=(1, 8, 8), patch=2, outputs=10, activation="swiglu")
        >>> ViT(config, seed=1)(torch.zeros(3, 1, 8, 8)).shape
        torch.Size([3, 10])
        >>> config.tokens
        16
    """

    def __init__(self, config: ViTConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        D, P = config.width, config.patch
        with seeded(seed):
            self.width_match = match_activation(D, 4 * D, config.activation, bias=True)
            self.embedding = nn.Linear(config.image[0] * P * P, D)
            self.positions = nn.Parameter(torch.empty(config.tokens, D))
            self.blocks = nn.ModuleList(
                ViTBlock(config, self.width_match.hidden) for _ in range(config.layers)
            )
            self.norm = _norm(config)
            self.head = nn.Linear(D, config.outputs)
            self._initialise(seed)

    def _initialise(self, seed: int) -> None:
        def std(path: str, fan_in: int) -> float:
            if not path.endswith(("attention.output", "feed_forward.down")):
                return 1 / math.sqrt(fan_in)
            branches = 2 * self.config.layers
            if self.config.normalise:
                return 1 / math.sqrt(fan_in * branches)
            gain = 1.0
            if path.endswith("down"):
                act = self.get_submodule(path.removesuffix("down") + "activation")
                gain = unit_gain(act, self.width_match.hidden)
            return gain / math.sqrt(fan_in) / branches

        draw_weights(self, std, seed=seed)
        draw_normal(self.positions, 1.0, seed=seed, path="positions")

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the predictions (B, O) for images (B, C, H, W).

        Raises:
            CamberError: for images of another shape.
        """
        if inputs.ndim != 4 or inputs.shape[1:] != self.config.image:
            raise CamberError(
                f"ViT: the input must have the shape (batch, {self.config.image[0]}, "
                f"{self.config.image[1]}, {self.config.image[2]}), but got {tuple(inputs.shape)}"
            )
        x = self.embedding(self._patches(inputs)) + self.positions  # (B, T, D)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))  # (B, O)

    def _patches(self, images: Tensor) -> Tensor:
        """Cut (B, C, H, W) into (B, T, C P P)."""
        P = self.config.patch
        H, W = images.shape[2:]
        padded = F.pad(images, (0, -W % P, 0, -H % P))
        cut = padded.unflatten(3, (-1, P)).unflatten(2, (-1, P))  # (B, C, H/P, P, W/P, P)
        return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def describe(self) -> dict[str, Any]:
        """Exact parameter counts, for a report; see :func:`describe_parameters`."""
        counts = describe_parameters(self, self.width_match, matched=self.config.layers)
        return {"model": "vit", **counts}


def _norm(config: ViTConfig) -> nn.Module:
    return nn.RMSNorm(config.width, eps=1e-6) if config.normalise else nn.Identity()
