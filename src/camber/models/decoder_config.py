"""The shape of a decoder-only language model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from camber.errors import CamberError, DtypeError
from camber.layers import ActivationChoice
from camber.layers.sizes import check_sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig:
    """The shape of a :class:`~camber.models.DecoderLM`.

    Args:
        vocabulary: V, number of token values.
        context: most tokens the model can see.
        layers, width, heads: depth, D, attention heads.
        hidden: feed-forward width that a token meets in a *plain* network, 4 D unless given. Gated
            networks and those with many coefficients get the width of equal parameters.
        activation: a name, formula text, or a factory; each layer gets a fresh module.
        experts: 0 for one feed-forward network per layer; else E experts per layer in its place,
            each of hidden width ``hidden / experts_per_token``, so that a token meets as many
            parameters as in the dense model, the gate's aside.
        experts_per_token: k of the E experts compute a token.
        balance_weight, z_weight: what the load-balance loss and the router z-loss count in
            :meth:`DecoderLM.forward` with ``auxiliary=True``; defaults of OLMoE (arXiv 2409.02060).
        normalise: whether an RMS norm stands before attention, feed-forward network and head.
        tied: whether the output matrix is the embedding.
        rotary_base, norm_epsilon, initial_std: constants of positions, norms and initialisation.

    Raises:
        DtypeError: for sizes that are no integers, and weights or constants that are no numbers.
        CamberError: for sizes below 1, more experts per token than experts, a negative or infinite
            weight or constant, or tied embeddings without norms (unit embeddings would make logits
            of sqrt(D)).
    """

    vocabulary: int = 256
    context: int = 64
    layers: int = 2
    width: int = 64
    heads: int = 2
    hidden: int | None = None
    activation: ActivationChoice = "gelu"
    experts: int = 0
    experts_per_token: int = 2
    balance_weight: float = 0.01
    z_weight: float = 0.001
    normalise: bool = True
    tied: bool = False
    rotary_base: float = 10_000.0
    norm_epsilon: float = 1e-6
    initial_std: float = 0.02

    def __post_init__(self) -> None:
        sizes = {name: getattr(self, name) for name in ("vocabulary", "context", "layers", "width")}
        check_sizes("DecoderConfig", **sizes, heads=self.heads, hidden=self.plain_hidden)
        if self.experts != 0:
            check_sizes(
                "DecoderConfig", experts=self.experts, experts_per_token=self.experts_per_token
            )
            if self.experts_per_token > self.experts:
                raise CamberError(
                    f"DecoderConfig: experts_per_token={self.experts_per_token}, but there are "
                    f"{self.experts} experts"
                )
        for name in ("balance_weight", "z_weight", "rotary_base", "norm_epsilon", "initial_std"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise DtypeError(f"DecoderConfig: {name} must be a number, but got {value!r}")
            if not 0 <= value < math.inf or (name == "rotary_base" and value == 0):
                least = "above" if name == "rotary_base" else "of at least"
                raise CamberError(
                    f"DecoderConfig: {name} must be a finite number {least} 0, but got {value}"
                )
        if self.tied and not self.normalise:
            raise CamberError(
                "DecoderConfig: tied=True needs normalise=True, for without norms the embeddings "
                "start at unit scale, too large for an output matrix"
            )

    @property
    def plain_hidden(self) -> int:
        """Feed-forward width that a token meets in a plain network."""
        return 4 * self.width if self.hidden is None else self.hidden
