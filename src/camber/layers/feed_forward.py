"""The feed-forward network of a transformer, for any activation, gated or not.

Plain: ``down(act(up(x)))``. Gated: ``down(act(value, gate))`` with value = up(x), gate = gate(x).

Shape legend: ... any leading axes, D width, K hidden width.
"""

from __future__ import annotations

from torch import Tensor, nn

from camber.errors import CamberError
from camber.layers.choice import ActivationChoice, fitted, fresh, is_gated
from camber.layers.sizes import check_sizes


class FeedForward(nn.Module):
    """Two linear maps around a nonlinearity, or three where it is gated.

    Args:
        width: D, size of the last axis of input and output.
        hidden: K, size of the axis the activation sees. For counts equal to a plain network's,
            take it from :func:`camber.layers.matched_hidden`.
        activation: a name, formula text, or a factory; a fresh module is made.
        bias: whether the linear maps have biases.

    Attributes:
        up: (D -> K), the value. gate: (D -> K) where the activation is gated, else None.
        activation: the nonlinearity. down: (K -> D).

    Example:
        >>> import torch
        >>> layer = FeedForward(8, 32, nn.ReLU)
        >>> layer(torch.zeros(2, 5, 8)).shape
        torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        activation: ActivationChoice = "gelu",
        *,
        bias: bool = False,
    ) -> None:
        super().__init__()
        check_sizes("FeedForward", width=width, hidden=hidden)
        self.activation = fitted(fresh(activation), hidden)
        self.up = nn.Linear(width, hidden, bias=bias)
        self.gate = nn.Linear(width, hidden, bias=bias) if is_gated(self.activation) else None
        self.down = nn.Linear(hidden, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D); the dtype is that of the linear maps.

        Raises:
            CamberError: where the last axis of ``x`` is not D.
        """
        if x.ndim == 0 or x.shape[-1] != self.up.in_features:
            raise CamberError(
                f"FeedForward: the last axis must be the width {self.up.in_features}, "
                f"but the input has the shape {tuple(x.shape)}"
            )
        value = self.up(x)  # (..., K)
        if self.gate is None:
            return self.down(self.activation(value))  # (..., D)
        return self.down(self.activation(value, self.gate(x)))  # (..., D)
