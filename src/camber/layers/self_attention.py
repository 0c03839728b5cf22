"""Self-attention, causal or not, with rotary positions and a key-value cache.

Source: A. Vaswani et al., "Attention Is All You Need" (2017), arXiv 1706.03762; rotary positions
as in :mod:`camber.layers.rotary`.

Shape legend: B batch, T new tokens, S all tokens seen (S = T without a cache), D width,
N heads, H = D / N head size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.errors import CamberError
from camber.layers.rotary import rotate
from camber.layers.sizes import check_sizes


class KeyValueCache:
    """The keys and values one attention layer has seen so far; empty when made.

    Example:
        >>> cache = KeyValueCache()
        >>> cache.length
        0
        >>> keys, values = cache.append(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4))
        >>> cache.length
        3
    """

    def __init__(self) -> None:
        self._past: tuple[Tensor, Tensor] | None = None

    @property
    def length(self) -> int:
        """How many tokens are held."""
        return 0 if self._past is None else self._past[0].shape[-2]

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add (B, N, T, H) keys and values; return all of them, each (B, N, S, H)."""
        if self._past is not None:
            keys = torch.cat((self._past[0], keys), dim=-2)
            values = torch.cat((self._past[1], values), dim=-2)
        self._past = (keys, values)
        return self._past


class SelfAttention(nn.Module):
    """Multi-head attention in which a token sees itself and what came before, or every token.

    Args:
        width: D. heads: N, a divisor of D; D / N even for rotary positions.
        causal: whether a token is kept from seeing those behind it.

    Raises:
        DtypeError: for sizes that are no integers.
        CamberError: for sizes below 1, or heads that do not divide the width.

    Example:
        >>> from camber.layers.rotary import rotary_table
        >>> attention = SelfAttention(8, 2)
        >>> attention(torch.randn(1, 5, 8), rotary_table(5, 4)).shape
        torch.Size([1, 5, 8])
    """

    def __init__(self, width: int, heads: int, *, causal: bool = True) -> None:
        super().__init__()
        check_sizes("SelfAttention", width=width, heads=heads)
        if width % heads:
            raise CamberError(
                f"attention of width {width} needs heads that divide it, but got heads={heads}"
            )
        self.heads = heads
        self.causal = causal
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor] | None = None,
        allowed: Tensor | None = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """Map (B, T, D) to (B, T, D).

        Args:
            x: the new tokens.
            rotation: cosines and sines of their positions, each (T, H/2); None where the tokens
                carry their positions themselves.
            allowed: boolean, broadcastable to (B, N, T, S), True where a query may look at a key;
                None for plain attention, causal or not, which is only right without a past.
            cache: holds the past and is extended by the new tokens.

        Raises:
            CamberError: where ``x`` is not (B, T, D).
        """
        if x.ndim != 3 or x.shape[-1] != self.project.in_features:
            raise CamberError(
                f"SelfAttention: the input must have the shape (batch, tokens, "
                f"{self.project.in_features}), but got {tuple(x.shape)}"
            )
        B, T, D = x.shape
        split = self.project(x).view(B, T, 3, self.heads, D // self.heads)  # (B, T, 3, N, H)
        # split and unbind, not slices: the gradient of a slice fills zeros first
        turning, staying = split.permute(2, 0, 3, 1, 4).split((2, 1))  # (2 and 1, B, N, T, H)
        turned = turning if rotation is None else rotate(turning, *rotation)
        queries, keys = turned.unbind(0)  # (B, N, T, H) each
        values = staying.squeeze(0)
        if cache is not None:
            keys, values = cache.append(keys, values)  # (B, N, S, H)
        mixed = F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=allowed, is_causal=self.causal and allowed is None
        )  # (B, N, T, H)
        return self.output(mixed.transpose(1, 2).reshape(B, T, D))
