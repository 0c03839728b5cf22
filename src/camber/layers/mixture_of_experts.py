"""A mixture of experts in the place of a feed-forward network: top-k, dropless, any activation.

y = sum over the k experts e of a token: w_e down_e(act(up_e(x))), with weights from a gate; see
:mod:`camber.layers.mixture_gate` for routing and losses, :mod:`camber.layers.mixture_experts` for
the experts. The layer owns one activation, which all of its experts share, as in the mixtures of
PolyCom (Z. Zhuo et al., ICLR 2025, arXiv 2411.03884).

Shape legend: ... any leading axes, M tokens, D width, E experts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, get_args

from torch import Tensor, nn

from camber.activations import Normed
from camber.errors import CamberError, DtypeError, unknown_name
from camber.fast.dispatch import accumulator, definition_reason
from camber.layers.choice import ActivationChoice, fitted, fresh, is_gated
from camber.layers.mixture_experts import FeedForwardExperts
from camber.layers.mixture_gate import (
    LinearGate,
    expert_load,
    load_balance_loss,
    route,
    router_z_loss,
    routing_entropy,
)
from camber.layers.sizes import check_sizes

#: How experts are computed: tokens sorted by expert, all experts on all tokens, or as it fits.
Dispatch: TypeAlias = Literal["auto", "sorted", "dense"]


class MoEAuxiliary(NamedTuple):
    """What a mixture says of its routing, besides the output.

    Attributes:
        load: (E,), share of all assignments that each expert got.
        entropy: mean entropy of a token's probabilities, in nats.
        balance_loss: E sum_i f_i P_i, 1 where the experts are used evenly.
        z_loss: mean squared logsumexp of the logits.
    """

    load: Tensor
    entropy: Tensor
    balance_loss: Tensor
    z_loss: Tensor


class MoELayer(nn.Module):
    """Experts behind a gate: each token is computed by its ``top_k`` experts, none is dropped.

    Args:
        d_in: D, size of the last axis of the input.
        d_out: size of the last axis of the output.
        num_experts: E.
        hidden: hidden width of one expert, ``4 d_in / top_k`` unless given. For counts equal to
            those of plain experts of hidden width h, take it from
            ``match_activation(num_experts * d_in, h, activation)``.
        activation: a name, formula text, or a factory; one fresh module is made for all experts.
        top_k: experts per token; None for all of them, a dense mixture.
        gate: module that maps (M, D) to logits (M, E), or to the logarithms of weights; a
            :class:`~camber.layers.LinearGate` unless given.
        renormalise: whether the weights of a token add up to 1. They are its probabilities as they
            are, unless asked for.
        dispatch: ``"sorted"``: tokens sorted by expert, the fast way; ``"dense"``: every expert on
            every token, the way without shapes that depend on data; ``"auto"``: dense under
            ``torch.compile``, ``torch.export`` and ``torch.func`` and where a token sees all
            experts, else sorted. The results are equal up to rounding. On CUDA, "sorted" adds the
            outputs of a token's experts in no fixed order, so the last bits can differ by run.

    Attributes:
        activation: the nonlinearity; it gets all tokens of all experts in one call.

    Raises:
        DtypeError: for sizes that are no integers, or a gate that is no module.
        CamberError: for sizes below 1, more experts per token than there are, or an activation with
            statistics over the tokens of a batch, of which an expert sees a part only.

    Example:
        >>> import torch
        >>> layer = MoELayer(8, 8, 4, hidden=16, activation="swiglu", top_k=2)
        >>> y, aux = layer(torch.randn(2, 5, 8))
        >>> y.shape, aux.load.shape
        (torch.Size([2, 5, 8]), torch.Size([4]))
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        num_experts: int,
        *,
        hidden: int | None = None,
        activation: ActivationChoice = "gelu",
        top_k: int | None = 2,
        gate: nn.Module | None = None,
        renormalise: bool = False,
        dispatch: Dispatch = "auto",
    ) -> None:
        super().__init__()
        self.top_k = num_experts if top_k is None else top_k
        check_sizes("MoELayer", d_in=d_in, d_out=d_out, num_experts=num_experts, top_k=self.top_k)
        if self.top_k > num_experts:
            raise CamberError(
                f"MoELayer: top_k={self.top_k} experts per token, but there are {num_experts}"
            )
        if hidden is None:
            hidden = max(1, round(4 * d_in / self.top_k))
        check_sizes("MoELayer", hidden=hidden)
        if dispatch not in get_args(Dispatch):
            raise unknown_name("dispatch of MoELayer", str(dispatch), get_args(Dispatch))
        self.d_in, self.num_experts = d_in, num_experts
        self.renormalise = renormalise
        self.dispatch: Dispatch = dispatch
        self.activation = fitted(fresh(activation), hidden)
        if isinstance(self.activation, Normed):
            raise CamberError(
                f"MoELayer: {self.activation.label} takes statistics over a batch, but an expert "
                f"sees only the tokens sent to it; use a norm over the features instead"
            )
        if gate is not None and not isinstance(gate, nn.Module):
            raise DtypeError(f"MoELayer: the gate must be an nn.Module, but got {gate!r:.60}")
        self.gate = LinearGate(d_in, num_experts) if gate is None else gate
        self.experts = FeedForwardExperts(
            d_in, d_out, hidden, num_experts, gated=is_gated(self.activation)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, MoEAuxiliary]:
        """Map (..., D) to (..., d_out), and say how the tokens were routed.

        Returns:
            The output, in the dtype of the experts' products, and the :class:`MoEAuxiliary`.

        Raises:
            CamberError: where the last axis of ``x`` is not D, or the gate's output is not (M, E).
            DtypeError: where the gate's output is not floating-point.
        """
        if x.ndim == 0 or x.shape[-1] != self.d_in:
            raise CamberError(
                f"MoELayer: the last axis must be the width {self.d_in}, "
                f"but the input has the shape {tuple(x.shape)}"
            )
        tokens = x.reshape(-1, self.d_in)  # (M, D)
        logits = self.gate(tokens)  # (M, E)
        count = tokens.shape[0]  # not len(), which would fix the number in a compiled graph
        if logits.shape != (count, self.num_experts):
            raise CamberError(
                f"MoELayer: the gate must return {self.num_experts} logits for each of "
                f"{count} tokens, but it returned the shape {tuple(logits.shape)}"
            )
        if not logits.dtype.is_floating_point:
            raise DtypeError(
                f"MoELayer: the gate must return floating-point logits, but they are {logits.dtype}"
            )
        logits = logits.to(accumulator(logits.dtype))  # a sum of bfloat16 chances is not 1
        routing = route(logits, self.top_k, renormalise=self.renormalise)
        y = self.experts(tokens, routing, self.activation, dense=self._is_dense(tokens))
        auxiliary = MoEAuxiliary(
            load=expert_load(routing),
            entropy=routing_entropy(routing),
            balance_loss=load_balance_loss(routing),
            z_loss=router_z_loss(logits),
        )
        return y.reshape(*x.shape[:-1], y.shape[-1]), auxiliary  # (..., d_out)

    def _is_dense(self, tokens: Tensor) -> bool:
        if self.dispatch != "auto":
            return self.dispatch == "dense"
        return self.top_k == self.num_experts or definition_reason(tokens) is not None
