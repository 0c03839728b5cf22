"""Building blocks made of activations."""

from camber.layers.causal_attention import CausalSelfAttention, KeyValueCache
from camber.layers.choice import ActivationChoice, fresh, is_gated
from camber.layers.feed_forward import FeedForward
from camber.layers.matched_width import WidthMatch, match_activation, matched_hidden
from camber.layers.rotary import rotary_table, rotate

__all__ = [
    "ActivationChoice",
    "CausalSelfAttention",
    "FeedForward",
    "KeyValueCache",
    "WidthMatch",
    "fresh",
    "is_gated",
    "match_activation",
    "matched_hidden",
    "rotary_table",
    "rotate",
]
