"""Fused back ends: speed, never meaning. Tensors and coefficients only."""

from camber.fast.dispatch import Backend, Choice, choose
from camber.fast.pointwise import gated, pointwise
from camber.fast.poly_norm import poly_norm
from camber.fast.poly_relu import poly_relu
from camber.fast.rational import rational

__all__ = [
    "Backend",
    "Choice",
    "choose",
    "gated",
    "pointwise",
    "poly_norm",
    "poly_relu",
    "rational",
]
