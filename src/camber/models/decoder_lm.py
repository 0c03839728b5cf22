"""A decoder-only language model, dense or a mixture of experts, that takes any activation.

Pre-norm blocks ``x + attention(norm(x))``, ``x + feed_forward(norm(x))`` with RMSNorm, rotary
positions, causal attention and no biases in linear layers: the dense layout of PolyCom
(Z. Zhuo et al., ICLR 2025, arXiv 2411.03884), small enough to read. With experts, a mixture of
them stands in the place of each feed-forward network.

Shape legend: B batch, T new tokens, S all tokens seen, V vocabulary, D width.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.errors import CamberError, DtypeError
from camber.layers import (
    FeedForward,
    KeyValueCache,
    MoEAuxiliary,
    MoELayer,
    SelfAttention,
    WidthMatch,
    match_activation,
    rotary_table,
)
from camber.models.decoder_config import DecoderConfig
from camber.models.initial_weights import draw_weights, seeded, unit_gain
from camber.models.parameter_count import describe_parameters


class Block(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self, config: DecoderConfig, hidden: int) -> None:
        super().__init__()
        D = config.width
        self.attention_norm = _norm(config)
        self.attention = SelfAttention(D, config.heads)
        self.feed_forward_norm = _norm(config)
        self.feed_forward: FeedForward | MoELayer = (
            MoELayer(
                D,
                D,
                config.experts,
                hidden=hidden,
                activation=config.activation,
                top_k=config.experts_per_token,
            )
            if config.experts
            else FeedForward(D, hidden, config.activation)
        )

    def forward(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor],
        allowed: Tensor | None,
        cache: KeyValueCache | None,
        routings: list[MoEAuxiliary],
    ) -> Tensor:
        """Map (B, T, D) to (B, T, D); with experts, add to ``routings`` how tokens were sent."""
        x = x + self.attention(self.attention_norm(x), rotation, allowed, cache)
        normal = self.feed_forward_norm(x)
        if isinstance(self.feed_forward, FeedForward):
            return x + self.feed_forward(normal)
        y, routing = self.feed_forward(normal)
        routings.append(routing)
        return x + y


class DecoderLM(nn.Module):
    """A decoder-only transformer language model.

    Args:
        config: its shape.
        seed: fixes the initial weights: normal with deviation ``initial_std``, divided by
            sqrt(2 layers) for the matrices that write to the residual stream. Without norms
            embeddings are N(0, 1) and matrices but the head N(0, 1 / fan_in), those that write to
            the stream divided by 2 layers and ``down`` multiplied by the activation's gain
            E[act(z)^2]^(-1/2): the stream keeps unit variance at any depth, which functions that
            grow faster than their input need. Each matrix draws from its own stream of random
            numbers, named by the matrix, so models that differ in the activation alone start from
            equal weights wherever their shapes agree. The global generator is neither read nor
            moved.

    Attributes:
        width_match: the hidden width chosen and the counts of one layer's feed-forward network, or
            of all its experts.

    Example:
        >>> model = DecoderLM(DecoderConfig(activation=nn.ReLU), seed=1)
        >>> model(torch.zeros(2, 5, dtype=torch.long)).shape
        torch.Size([2, 5, 256])
    """

    cosines: Tensor
    sines: Tensor

    def __init__(self, config: DecoderConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with seeded(seed):
            self.width_match: WidthMatch = _match(config)
            self.embedding = nn.Embedding(config.vocabulary, config.width)
            self.blocks = nn.ModuleList(
                Block(config, self.width_match.hidden) for _ in range(config.layers)
            )
            self.norm = _norm(config)
            self.head = (
                None if config.tied else nn.Linear(config.width, config.vocabulary, bias=False)
            )
            draw_weights(self, self._std, seed=seed)
        cosines, sines = rotary_table(
            config.context, config.width // config.heads, config.rotary_base
        )
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)

    def _std(self, path: str, fan_in: int) -> float:
        config, std = self.config, self.config.initial_std
        if not config.normalise and path != "head":
            std = 1.0 if path == "embedding" else 1 / math.sqrt(fan_in)
        if path.endswith((".output", ".down")):  # write to the residual stream
            std /= math.sqrt(2 * config.layers) if config.normalise else 2 * config.layers
        if path.endswith(".down") and not config.normalise:
            block = path.partition(".feed_forward")[0]
            act = self.get_submodule(f"{block}.feed_forward.activation")
            std *= unit_gain(act, self.width_match.hidden)
        return std

    def empty_cache(self) -> list[KeyValueCache]:
        """Return an empty key-value cache: one per layer."""
        return [KeyValueCache() for _ in self.blocks]

    def forward(
        self,
        tokens: Tensor,
        padding_mask: Tensor | None = None,
        cache: list[KeyValueCache] | None = None,
        auxiliary: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Return the logits of the token that follows each position.

        Args:
            tokens: integer (B, T), values below V.
            padding_mask: boolean (B, S), True at real tokens and False at padding, for all tokens
                seen including those in the cache. Padding is never looked at; the logits at
                padding positions mean nothing.
            cache: from :meth:`empty_cache`; holds the tokens before these and is extended.
            auxiliary: whether to return the auxiliary loss too, to be added to the training loss:
                balance_weight * balance + z_weight * z, means over the layers and all tokens,
                padding among them; 0 without experts.

        Returns:
            (B, T, V) logits in the dtype of the weights, or of autocast; with ``auxiliary`` a pair
            of them and the 0-d auxiliary loss in float32 or wider.

        Raises:
            DtypeError: for tokens or masks of the wrong type.
            CamberError: for wrong shapes, or more tokens than the context holds.
        """
        past = cache[0].length if cache else 0
        self._check(tokens, padding_mask, past)
        T = tokens.shape[1]
        rotation = (self.cosines[past : past + T], self.sines[past : past + T])
        allowed = self._allowed(T, past, padding_mask)
        x = self.embedding(tokens)  # (B, T, D)
        routings: list[MoEAuxiliary] = []
        for index, block in enumerate(self.blocks):
            x = block(x, rotation, allowed, cache[index] if cache else None, routings)
        x = self.norm(x)
        logits = F.linear(x, self.embedding.weight) if self.head is None else self.head(x)
        return (logits, self._auxiliary(routings)) if auxiliary else logits

    def _auxiliary(self, routings: list[MoEAuxiliary]) -> Tensor:
        if not routings:
            return self.embedding.weight.new_zeros((), dtype=torch.float32)
        balance = torch.stack([routing.balance_loss for routing in routings]).mean()
        z = torch.stack([routing.z_loss for routing in routings]).mean()
        return self.config.balance_weight * balance + self.config.z_weight * z

    def describe(self) -> dict[str, Any]:
        """Exact parameter counts, for a report; see :func:`describe_parameters`.

        With experts, ``active_parameters`` leaves out those a token is not sent to.
        """
        E, k, layers = self.config.experts, self.config.experts_per_token, self.config.layers
        idle = 0
        if E:
            experts = self.width_match.parameters - self.width_match.coefficients
            idle = layers * (E - k) * experts // E
        counts = describe_parameters(self, self.width_match, matched=layers, idle=idle)
        return {"model": "moe" if E else "dense", **counts}

    def _allowed(self, T: int, past: int, padding_mask: Tensor | None) -> Tensor | None:
        if padding_mask is None and past == 0:
            return None
        device = self.embedding.weight.device
        causal = torch.ones(T, past + T, dtype=torch.bool, device=device).tril(past)  # (T, S)
        if padding_mask is None:
            return causal
        # A padding query may see nothing, and softmax of nothing is NaN: let it see itself.
        itself = torch.ones_like(causal).tril(past).triu(past)
        return (causal & padding_mask[:, None, None, :]) | itself  # (B, 1, T, S)

    def _check(self, tokens: Tensor, padding_mask: Tensor | None, past: int) -> None:
        if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
            raise DtypeError(f"DecoderLM: tokens must be integers, but got {tokens.dtype}")
        if tokens.ndim != 2:
            raise CamberError(
                f"DecoderLM: tokens must have the shape (batch, tokens), "
                f"but got {tuple(tokens.shape)}"
            )
        total = past + tokens.shape[1]
        if total > self.config.context:
            raise CamberError(
                f"DecoderLM: {total} tokens do not fit the context of {self.config.context}; "
                f"shorten the input or build the model with a larger context"
            )
        if padding_mask is not None:
            if padding_mask.dtype != torch.bool:
                raise DtypeError(
                    f"DecoderLM: padding_mask must be boolean (True at real tokens), "
                    f"but got {padding_mask.dtype}"
                )
            if padding_mask.shape != (tokens.shape[0], total):
                raise CamberError(
                    f"DecoderLM: padding_mask must have the shape {(tokens.shape[0], total)} "
                    f"(batch, all tokens seen), but got {tuple(padding_mask.shape)}"
                )

    @torch.no_grad()
    def generate(
        self,
        prompt: Tensor,
        steps: int,
        *,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Continue ``prompt`` (B, T), T >= 1, by ``steps`` tokens; return (B, T + steps).

        Args:
            prompt: integer tokens; only the last ``context`` of them are seen.
            steps: number of tokens to add, >= 0.
            temperature: divides the logits; 0 takes the most likely token.
            generator: source of randomness, on the model's device.

        When the context is full, generation goes on from the latest half of it.

        Raises:
            CamberError: for an empty prompt, negative steps, or a temperature that is negative or
                not finite.
        """
        if prompt.ndim != 2 or prompt.shape[1] < 1:
            raise CamberError(
                f"generate: the prompt must have the shape (batch, tokens) with at least one "
                f"token, but got {tuple(prompt.shape)}"
            )
        if not (steps >= 0 and 0 <= temperature < math.inf):
            raise CamberError(
                f"generate: steps and temperature cannot be negative, and the latter must be "
                f"finite, but got steps={steps}, temperature={temperature}"
            )
        tokens, cache, new = prompt, self.empty_cache(), prompt[:, -self.config.context :]
        for _ in range(steps):
            logits = self(new, cache=cache)[:, -1]  # (B, V)
            if temperature == 0:
                new = logits.argmax(-1, keepdim=True)  # (B, 1)
            else:
                chances = torch.softmax(logits.float() / temperature, dim=-1)
                new = torch.multinomial(chances, 1, generator=generator)
            tokens = torch.cat((tokens, new), dim=1)
            if cache[0].length == self.config.context:
                cache, new = self.empty_cache(), tokens[:, -max(1, self.config.context // 2) :]
        return tokens


def _norm(config: DecoderConfig) -> nn.Module:
    if not config.normalise:
        return nn.Identity()
    return nn.RMSNorm(config.width, eps=config.norm_epsilon)


def _match(config: DecoderConfig) -> WidthMatch:
    if not config.experts:
        return match_activation(config.width, config.plain_hidden, config.activation)
    # E experts of width D hold as many numbers as one network of width E D, and the activation's
    # coefficients count once for all of them: the width rule carries over.
    hidden = max(1, round(config.plain_hidden / config.experts_per_token))
    return match_activation(config.experts * config.width, hidden, config.activation)
