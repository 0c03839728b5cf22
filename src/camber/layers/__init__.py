"""Building blocks made of activations."""

from camber.layers.choice import ActivationChoice, channel_multiple, fitted, fresh, is_gated
from camber.layers.feed_forward import FeedForward
from camber.layers.matched_width import (
    WidthMatch,
    coefficient_counts,
    match_activation,
    match_by_count,
    matched_hidden,
)
from camber.layers.mixture_experts import FeedForwardExperts
from camber.layers.mixture_gate import LinearGate
from camber.layers.mixture_of_experts import MoEAuxiliary, MoELayer
from camber.layers.rotary import rotary_table, rotate
from camber.layers.self_attention import KeyValueCache, SelfAttention

__all__ = [
    "ActivationChoice",
    "FeedForward",
    "FeedForwardExperts",
    "KeyValueCache",
    "LinearGate",
    "MoEAuxiliary",
    "MoELayer",
    "SelfAttention",
    "WidthMatch",
    "channel_multiple",
    "coefficient_counts",
    "fitted",
    "fresh",
    "is_gated",
    "match_activation",
    "match_by_count",
    "matched_hidden",
    "rotary_table",
    "rotate",
]
