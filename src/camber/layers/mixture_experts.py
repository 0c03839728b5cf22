"""A bank of feed-forward experts that share one activation, handed to them with every call.

Expert e: ``down_e(act(up_e(x)))``, or ``down_e(act(up_e(x), gate_e(x)))`` where gated. Matrices are
stacked, so that all experts are one parameter each.

Shape legend: M tokens, D width, K hidden width, E experts, k experts per token, N = M k rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.layers.mixture_gate import Routing


class FeedForwardExperts(nn.Module):
    """E feed-forward networks without biases, and without an activation of their own.

    Args:
        d_in: D, size of the last axis of the input. d_out: of the output.
        hidden: K, size of the axis the activation sees.
        num_experts: E.
        gated: whether the activation takes a value and a gate.

    Attributes:
        up: (E, K, D). gate: (E, K, D) where gated, else None. down: (E, d_out, K). Initially
        uniform within 1 / sqrt(fan_in), as ``torch.nn.Linear`` without a bias.

    Example:
        >>> bank = FeedForwardExperts(4, 4, 8, 3, gated=False)
        >>> tuple(bank.up.shape), bank.gate is None
        ((3, 8, 4), True)
    """

    gate: nn.Parameter | None

    def __init__(
        self, d_in: int, d_out: int, hidden: int, num_experts: int, *, gated: bool
    ) -> None:
        super().__init__()
        self.up = nn.Parameter(torch.empty(num_experts, hidden, d_in))
        self.register_parameter("gate", nn.Parameter(torch.empty_like(self.up)) if gated else None)
        self.down = nn.Parameter(torch.empty(num_experts, d_out, hidden))
        for weight in self.parameters():
            bound = 1 / math.sqrt(weight.shape[-1])
            nn.init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """The sizes, as PyTorch prints them."""
        experts, d_out, hidden = self.down.shape
        gated = self.gate is not None
        return f"d_in={self.up.shape[-1]}, {d_out=}, {hidden=}, num_experts={experts}, {gated=}"

    def forward(
        self, x: Tensor, routing: Routing, activation: nn.Module, *, dense: bool = False
    ) -> Tensor:
        """Map (M, D) to (M, d_out): the sum of a token's experts by their weights.

        Args:
            x: the tokens.
            routing: where they go.
            activation: the nonlinearity of all experts, called once.
            dense: whether every expert is computed on every token; else only where it is sent one.
        """
        return (self._dense if dense else self._sorted)(x, routing, activation)

    def _sorted(self, x: Tensor, routing: Routing, activation: nn.Module) -> Tensor:
        """Rows sorted by expert, one matrix product per expert in use.

        The activation is called once, on the rows of all experts. ``torch._grouped_mm`` is a fifth
        faster where it works, but asks for widths that are multiples of 16 bytes, which matched
        widths are not, and knows no float64.
        """
        chosen = routing.experts.flatten()  # (N,)
        order = chosen.argsort(stable=True)
        token = order // routing.experts.shape[1]
        counts = routing.chosen.sum(0).tolist()
        rows = x.index_select(0, token)  # (N, D)
        value = _each(rows, self.up, counts)  # (N, K)
        if self.gate is None:
            hidden = activation(value)
        else:
            hidden = activation(value, _each(rows, self.gate, counts))
        result = _each(hidden, self.down, counts)  # (N, d_out)
        weights = routing.weights.flatten().index_select(0, order).to(result.dtype)
        blank = result.new_zeros(x.shape[0], result.shape[1])
        return blank.index_add(0, token, result * weights[:, None])

    def _dense(self, x: Tensor, routing: Routing, activation: nn.Module) -> Tensor:
        """The same by definition: every expert sees every token, weights of the others are 0.

        No shape depends on data, so that it compiles, exports and maps; E / k times the work.
        """
        value = torch.einsum("md,ekd->emk", x, self.up)
        if self.gate is None:
            hidden = activation(value)
        else:
            hidden = activation(value, torch.einsum("md,ekd->emk", x, self.gate))
        weights = torch.zeros_like(routing.probabilities)
        weights = weights.scatter(-1, routing.experts, routing.weights)  # (M, E)
        weighted = hidden * weights.t().unsqueeze(-1).to(hidden.dtype)  # (E, M, K)
        return torch.einsum("emk,eok->mo", weighted, self.down)


def _each(rows: Tensor, weight: Tensor, counts: Sequence[int]) -> Tensor:
    """Multiply each stretch of rows by its own matrix; unbind, for a slice's gradient is full."""
    stretches = zip(rows.split(list(counts)), weight.unbind(), strict=True)
    parts = [F.linear(part, matrix) for part, matrix in stretches if len(part)]
    return torch.cat(parts) if parts else F.linear(rows, weight[0])
