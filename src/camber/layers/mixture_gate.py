"""Which experts a token is sent to, with which weights, and what keeps them all in use.

A gate maps a token to one logit per expert; p = softmax(logits) in float32 or wider. Top-k routing
sends each token to its k most probable experts, all of them (no capacity, nothing dropped), with
their probabilities as weights.

Two losses, with f_i the share of all assignments that expert i got and P_i the mean of p_i:

    balance  E sum_i f_i P_i                     1 where even, E where all goes to one expert
    z        mean over tokens of logsumexp^2     keeps the logits small

Sources: N. Shazeer et al., "Outrageously Large Neural Networks" (2017), arXiv 1701.06538; W. Fedus,
B. Zoph, N. Shazeer, "Switch Transformers" (2021), arXiv 2101.03961 (balance); B. Zoph et al.,
"ST-MoE" (2022), arXiv 2202.08906 (z); N. Muennighoff et al., "OLMoE" (2024), arXiv 2409.02060
(dropless, weights not renormalised).

Shape legend: M tokens, D width, E experts, k experts per token.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.fast.dispatch import accumulator


class LinearGate(nn.Module):
    """One linear map from a token to the logits of the experts, in float32 also under autocast.

    Args:
        width: D. experts: E.

    Example:
        >>> LinearGate(4, 8)(torch.zeros(3, 4, dtype=torch.bfloat16)).dtype
        torch.float32
    """

    def __init__(self, width: int, experts: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, experts, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, D) to logits (M, E): float64 for float64, else float32."""
        dtype, device = accumulator(x.dtype), x.device.type
        known = torch.amp.is_autocast_available(device)  # not for "meta", where it cannot be on
        with torch.autocast(device, enabled=False) if known else contextlib.nullcontext():
            return F.linear(x.to(dtype), self.project.weight.to(dtype))


class Routing(NamedTuple):
    """Where tokens go.

    Attributes:
        experts: int64 (M, k), different experts in each row, the most probable first.
        weights: (M, k), theirs.
        chosen: boolean (M, E), True at the experts of a token.
        probabilities: (M, E), softmax of the logits.
    """

    experts: Tensor
    weights: Tensor
    chosen: Tensor
    probabilities: Tensor


def route(logits: Tensor, top_k: int, *, renormalise: bool = False) -> Routing:
    """Send each token to its ``top_k`` most probable experts.

    Args:
        logits: (M, E), floating point. Which of equal ones is taken is up to ``torch.topk``.
        top_k: k, 1 <= k <= E.
        renormalise: whether the k weights of a token are divided by their sum. With k = 1 that
            makes them 1, and the gate learns from the balance loss alone.

    Example:
        >>> routing = route(torch.tensor([[0.0, 2.0, 1.0]]).log_softmax(-1), 2)
        >>> routing.experts
        tensor([[1, 2]])
        >>> route(torch.zeros(1, 4), 2, renormalise=True).weights
        tensor([[0.5000, 0.5000]])
    """
    probabilities = logits.softmax(-1)
    weights, experts = probabilities.topk(top_k, dim=-1)
    if renormalise:
        weights = weights / weights.sum(-1, keepdim=True)
    chosen = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, experts, True)
    return Routing(experts, weights, chosen, probabilities)


def expert_load(routing: Routing) -> Tensor:
    """Return the share of all assignments that each expert got: (E,), adding up to 1."""
    tokens, top_k = routing.experts.shape
    return routing.chosen.to(routing.probabilities.dtype).sum(0) / max(1, tokens * top_k)


def load_balance_loss(routing: Routing) -> Tensor:
    """Return E sum_i f_i P_i: a 0-d tensor, 1 where all experts are used evenly.

    The gradient goes through the probabilities P; the shares f are counts.

    Example:
        >>> load_balance_loss(route(torch.tensor([[50.0, 0.0], [50.0, 0.0]]), 1))  # all to one
        tensor(2.)
    """
    tokens, count = routing.probabilities.shape
    mean = routing.probabilities.sum(0) / max(1, tokens)
    return count * (expert_load(routing) * mean).sum()


def router_z_loss(logits: Tensor) -> Tensor:
    """Return the mean over tokens of logsumexp(logits)^2: a 0-d tensor.

    Example:
        >>> router_z_loss(torch.zeros(5, 4))  # (ln 4)^2
        tensor(1.9218)
    """
    return logits.logsumexp(-1).square().sum() / max(1, logits.shape[0])


def routing_entropy(routing: Routing) -> Tensor:
    """Return the mean entropy of a token's probabilities, in nats: 0-d, at most ln E."""
    p = routing.probabilities
    return torch.special.entr(p).sum() / max(1, p.shape[0])
