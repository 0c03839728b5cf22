"""Small reference networks assembled from layers."""

from camber.models.decoder_config import DecoderConfig
from camber.models.decoder_lm import DecoderLM
from camber.models.mlp import MLP, MLPConfig
from camber.models.residual_net import ResNet, ResNetConfig
from camber.models.vision_transformer import ViT, ViTConfig

__all__ = [
    "MLP",
    "DecoderConfig",
    "DecoderLM",
    "MLPConfig",
    "ResNet",
    "ResNetConfig",
    "ViT",
    "ViTConfig",
]
