"""A decoder-only language model whose feed-forward networks take any activation.

Pre-norm blocks ``x + attention(norm(x))``, ``x + feed_forward(norm(x))`` with RMSNorm, rotary
positions, causal attention and no biases in linear layers: the dense layout of PolyCom
(Z. Zhuo et al., ICLR 2025, arXiv 2411.03884), small enough to read.

Shape legend: B batch, T new tokens, S all tokens seen, V vocabulary, D width.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.errors import CamberError, DtypeError
from camber.layers import (
    ActivationChoice,
    FeedForward,
    KeyValueCache,
    SelfAttention,
    WidthMatch,
    match_activation,
    rotary_table,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig:
    """The shape of a :class:`DecoderLM`.

    Args:
        vocabulary: V, number of token values.
        context: most tokens the model can see.
        layers, width, heads: depth, D, attention heads.
        hidden: feed-forward width of a *plain* network, 4 D unless given. Gated networks and
            those with many coefficients get the width of equal parameters.
        activation: a name, formula text, or a factory; each layer gets a fresh module.
        tied: whether the output matrix is the embedding.
        rotary_base, norm_epsilon, initial_std: constants of positions, norms and initialisation.
    """

    vocabulary: int = 256
    context: int = 64
    layers: int = 2
    width: int = 64
    heads: int = 2
    hidden: int | None = None
    activation: ActivationChoice = "gelu"
    tied: bool = False
    rotary_base: float = 10_000.0
    norm_epsilon: float = 1e-6
    initial_std: float = 0.02

    def __post_init__(self) -> None:
        for name in ("vocabulary", "context", "layers", "width", "heads"):
            if getattr(self, name) < 1:
                raise CamberError(
                    f"DecoderConfig: {name} must be at least 1, but got {getattr(self, name)}"
                )


class Block(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self, config: DecoderConfig, hidden: int) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.width, eps=config.norm_epsilon)
        self.attention = SelfAttention(config.width, config.heads)
        self.feed_forward_norm = nn.RMSNorm(config.width, eps=config.norm_epsilon)
        self.feed_forward = FeedForward(config.width, hidden, config.activation)

    def forward(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor],
        allowed: Tensor | None,
        cache: KeyValueCache | None,
    ) -> Tensor:
        """Map (B, T, D) to (B, T, D)."""
        x = x + self.attention(self.attention_norm(x), rotation, allowed, cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


class DecoderLM(nn.Module):
    """A decoder-only transformer language model.

    Args:
        config: its shape.
        seed: fixes the initial weights: normal with deviation ``initial_std``, divided by
            sqrt(2 layers) for the two matrices that write to the residual stream. Each matrix
            draws from its own stream, named by the matrix, so models that differ in the
            activation alone start from equal weights wherever their shapes agree. The global
            generator is neither read nor moved.

    Attributes:
        width_match: the hidden width chosen and its parameter counts.

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
        hidden = config.hidden if config.hidden is not None else 4 * config.width
        # Layers and some activations draw initial values from the global generator: fork it, so
        # that those values too follow from the seed and the caller's stream stays where it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.width_match: WidthMatch = match_activation(config.width, hidden, config.activation)
            self.embedding = nn.Embedding(config.vocabulary, config.width)
            self.blocks = nn.ModuleList(
                Block(config, self.width_match.hidden) for _ in range(config.layers)
            )
            self.norm = nn.RMSNorm(config.width, eps=config.norm_epsilon)
            self.head = (
                None if config.tied else nn.Linear(config.width, config.vocabulary, bias=False)
            )
        cosines, sines = rotary_table(
            config.context, config.width // config.heads, config.rotary_base
        )
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)
        self._initialise(seed)

    @torch.no_grad()
    def _initialise(self, seed: int) -> None:
        for path, module in self.named_modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                std = self.config.initial_std
                if path.endswith(("attention.output", "feed_forward.down")):
                    std /= math.sqrt(2 * self.config.layers)
                digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
                generator = torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)
                # drawn in float32 whatever the default dtype, so that float64 models start equal
                draw = torch.empty(module.weight.shape, dtype=torch.float32)
                module.weight.copy_(draw.normal_(0.0, std, generator=generator))

    def empty_cache(self) -> list[KeyValueCache]:
        """Return an empty key-value cache: one per layer."""
        return [KeyValueCache() for _ in self.blocks]

    def forward(
        self,
        tokens: Tensor,
        padding_mask: Tensor | None = None,
        cache: list[KeyValueCache] | None = None,
    ) -> Tensor:
        """Return the logits of the token that follows each position.

        Args:
            tokens: integer (B, T), values below V.
            padding_mask: boolean (B, S), True at real tokens and False at padding, for all tokens
                seen including those in the cache. Padding is never looked at; the logits at
                padding positions mean nothing.
            cache: from :meth:`empty_cache`; holds the tokens before these and is extended.

        Returns:
            (B, T, V) logits in the dtype of the weights, or of autocast.

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
        for index, block in enumerate(self.blocks):
            x = block(x, rotation, allowed, cache[index] if cache else None)
        x = self.norm(x)
        return F.linear(x, self.embedding.weight) if self.head is None else self.head(x)

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
            CamberError: for an empty prompt, or negative steps or temperature.
        """
        if prompt.ndim != 2 or prompt.shape[1] < 1:
            raise CamberError(
                f"generate: the prompt must have the shape (batch, tokens) with at least one "
                f"token, but got {tuple(prompt.shape)}"
            )
        if steps < 0 or temperature < 0:
            raise CamberError(
                f"generate: steps and temperature cannot be negative, "
                f"but got steps={steps}, temperature={temperature}"
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
