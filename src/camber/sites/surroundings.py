"""What the modules around a nonlinearity tell: its channels, and where its output goes.

Inferred only where the order of modules is beyond doubt: in ``nn.Sequential``, and in feed-forward
networks whose projections bear names in common use. Anything else stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from torch import nn

from camber.layers import FeedForward, MoELayer

#: Input projections and output projection of feed-forward networks, by the names of the children.
#: Where the activation is a scalar function and the network is gated, value and activated gate are
#: multiplied before the output projection.
GATED_LAYOUTS: Final = (
    (("gate_proj", "up_proj"), "down_proj"),  # Llama, Mistral, Qwen, Gemma
    (("gate_up_proj",), "down_proj"),  # Phi-3, GLM
    (("wi_0", "wi_1"), "wo"),  # T5 v1.1
    (("w1", "w3"), "w2"),  # Mixtral and Meta's Llama code
)
PLAIN_LAYOUTS: Final = (
    (("c_fc",), "c_proj"),  # GPT-2
    (("fc1",), "fc2"),  # OPT, CLIP, ViT, Whisper
    (("up_proj",), "down_proj"),  # Nemotron, Apertus
    (("linear1",), "linear2"),  # torch.nn.TransformerEncoderLayer
    (("linear_fc1",), "linear_fc2"),
    (("dense_h_to_4h",), "dense_4h_to_h"),  # GPT-NeoX, BLOOM, Falcon
    (("wi",), "wo"),  # T5
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of a nonlinearity's place; None for what is not.

    Args:
        channels: how many channels it sees.
        channel_dim: the axis they lie on.
        product: name, in the owner, of the projection that the product of a gated network enters.
        product_inside: whether value and activated gate are multiplied by the owner itself, which
            holds its projections as bare parameters (experts stacked in one tensor), so that no
            module sees the product.
    """

    channels: int | None = None
    channel_dim: int | None = None
    product: str | None = None
    product_inside: bool = False


def surroundings(name: str, owner: nn.Module) -> Surroundings:
    """Return what ``owner`` tells of its child ``name``.

    Example:
        >>> surroundings("1", nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()))
        Surroundings(channels=8, channel_dim=1, product=None, product_inside=False)
    """
    if isinstance(owner, nn.Sequential):
        return _after(name, owner)
    if isinstance(owner, FeedForward):
        return Surroundings(owner.down.in_features, -1)
    if isinstance(owner, MoELayer):
        return Surroundings(owner.experts.down.shape[-1], -1)
    children: Mapping[str, nn.Module | None] = owner._modules
    if name == "activation" and (made := _output(children.get("up"))):  # camber's own models
        return made
    for layouts, gated in ((GATED_LAYOUTS, True), (PLAIN_LAYOUTS, False)):
        for inputs, output in layouts:
            if all(isinstance(children.get(child), nn.Module) for child in (*inputs, output)):
                channels = _input_size(children[output])
                return Surroundings(
                    channels, None if channels is None else -1, output if gated else None
                )
    if {"gate_up_proj", "down_proj"} <= owner._parameters.keys():
        return Surroundings(product_inside=True)
    return Surroundings()


def _after(name: str, owner: nn.Sequential) -> Surroundings:
    """Follow the sequence back to the layer that made the channels."""
    before = list(owner._modules)[: list(owner._modules).index(name)]
    for previous in (owner._modules[child] for child in reversed(before)):
        if made := _output(previous):
            return made
        if not isinstance(previous, _KEEPS_CHANNELS):
            break
    return Surroundings()


def _output(layer: nn.Module | None) -> Surroundings | None:
    """Channels of a linear map or convolution, and the axis they lie on."""
    if isinstance(layer, nn.Linear):
        return Surroundings(layer.out_features, -1)
    if isinstance(layer, nn.modules.conv._ConvNd):
        return Surroundings(layer.out_channels, 1)
    return None


_KEEPS_CHANNELS = (
    nn.modules.batchnorm._BatchNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
    nn.modules.dropout._DropoutNd,
    nn.Identity,
)


def _input_size(projection: nn.Module | None) -> int | None:
    if isinstance(projection, nn.Linear):
        return projection.in_features
    if type(projection).__name__ == "Conv1D":  # Hugging Face's transposed linear layer of GPT-2
        size = getattr(projection, "nx", None)
        return size if isinstance(size, int) else None
    return None
