"""Small reference networks assembled from layers."""

from camber.models.decoder_lm import DecoderConfig, DecoderLM

__all__ = ["DecoderConfig", "DecoderLM"]
