"""Fused back ends: speed, never meaning. Tensors and coefficients only."""

from camber.fast.dispatch import Backend, Choice, choose
from camber.fast.poly_norm import poly_norm

__all__ = ["Backend", "Choice", "choose", "poly_norm"]
