"""`CharLM`: predict the next byte of real text.

A byte-level decoder language model; the metric is the mean cross-entropy in nats per byte on
fixed windows of held-out text.

Shape legend: B batch, T context.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from torch import Tensor, nn

from camber.layers import ActivationChoice
from camber.models import DecoderConfig, DecoderLM
from camber.tasks.corpus import SplitRule, read_corpus
from camber.tasks.settings import OneOf, Real, Whole, setting, settle
from camber.tasks.task import Batch, Metric, Recommended, Split
from camber.tasks.token_windows import even_windows, mean_loss, next_token_loss, random_windows

#: Windows per forward pass of an evaluation: few enough to stay in a small machine's cache.
EVALUATION_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CharLMPreset:
    """The sizes of one text task: model, data and budget.

    Args:
        model: ``"dense"``, or ``"moe"`` for a mixture of experts in each layer.
        layers, width, heads: the decoder; its plain feed-forward width is 4 * width.
        experts, experts_per_token: of a mixture; as a token meets 4 * width hidden units there
            too, it has experts / experts_per_token times the feed-forward parameters.
        context, batch: T and B of one training batch.
        steps, learning_rate, warmup_steps: the recommended optimiser settings.
        seeds: paired seeds of a comparison.
        evaluation_tokens: at most this many bytes are scored by one evaluation.
        rule: how the text is split, see :mod:`camber.tasks.corpus`.
    """

    model: str = setting(OneOf(("dense", "moe")), "dense")
    layers: int = setting(Whole(), 2)
    width: int = setting(Whole(), 64)
    heads: int = setting(Whole(), 2)
    experts: int = setting(Whole(), 8)
    experts_per_token: int = setting(Whole(), 2)
    context: int = setting(Whole(), 64)
    batch: int = setting(Whole(), 32)
    steps: int = setting(Whole(), 500)
    learning_rate: float = setting(Real(open=True), 3e-3)
    warmup_steps: int = setting(Whole(0), 40)
    seeds: int = setting(Whole(), 5)
    evaluation_tokens: int = setting(Whole(), 65_536)
    rule: str | None = setting(OneOf(("files", "tail")), None)


#: ``default`` and ``quick`` are sized for a laptop; ``paper`` is the small reproduction of PolyCom
#: (arXiv 2411.03884) whose losses are known; ``d256`` is for a workstation or a GPU.
PRESETS: Final = MappingProxyType(
    {
        "default": CharLMPreset(steps=400),
        # five short runs say more than three longer ones: t(0.975) is 2.8 against 4.3
        "quick": CharLMPreset(batch=16, steps=120, warmup_steps=20, evaluation_tokens=32_768),
        "paper": CharLMPreset(rule="tail"),
        "d256": CharLMPreset(
            layers=6, width=256, heads=8, context=256, steps=3000, learning_rate=1e-3,
            warmup_steps=150, evaluation_tokens=131_072,
        ),
    }
)  # fmt: skip


class CharLM:
    """Byte-level language modelling on the standard library's source, or on a text of yours.

    Args:
        preset: a name in ``PRESETS``.
        text: a UTF-8 file, a folder or a pattern; None for the standard library's source.
        settings: any field of :class:`CharLMPreset`, to change it: ``steps=100``.

    Raises:
        UnknownNameError: for an unknown preset or setting.
        CamberError: for a text that cannot be used.

    Example:
        >>> task = CharLM("quick", steps=10)
        >>> tokens, targets = next(task.batches("train", seed=0))
        >>> tokens.shape, bool((tokens[:, 1:] == targets[:, :-1]).all())
        (torch.Size([16, 64]), True)
    """

    name = "charlm"
    metric = Metric("validation_loss", "nats/byte", "lower")
    unit = "tokens"

    def __init__(
        self,
        preset: str = "default",
        *,
        text: str | os.PathLike[str] | None = None,
        **settings: float | str,
    ) -> None:
        self.preset = preset
        self.settings = settle(self.name, PRESETS, preset, settings)
        self._config("relu")  # refuses sizes that do not go together now, not in the first run
        # two windows at least in the 5 % that validation holds
        smallest = 40 * (self.settings.context + 1)
        rule = cast("SplitRule | None", self.settings.rule)
        self.corpus = read_corpus(text, rule=rule, smallest=smallest)

    @property
    def units_per_batch(self) -> int:
        return self.settings.batch * self.settings.context

    @property
    def seeds(self) -> int:
        return self.settings.seeds

    @property
    def recommended(self) -> Recommended:
        return Recommended(
            steps=self.settings.steps,
            learning_rate=self.settings.learning_rate,
            warmup_steps=self.settings.warmup_steps,
            final_fraction=0.1,
            weight_decay=0.1,
            clip_norm=1.0,
        )

    def build_model(self, activation: ActivationChoice, seed: int) -> DecoderLM:
        """Return a fresh decoder; gated feed-forward networks get the width of equal parameters.

        A mixture starts from the same weights as the dense model everywhere else.
        """
        return DecoderLM(self._config(activation), seed=seed)

    def _config(self, activation: ActivationChoice) -> DecoderConfig:
        return DecoderConfig(
            vocabulary=256,
            context=self.settings.context,
            layers=self.settings.layers,
            width=self.settings.width,
            heads=self.settings.heads,
            experts=self.settings.experts if self.settings.model == "moe" else 0,
            experts_per_token=self.settings.experts_per_token,
            activation=activation,
        )

    def batches(self, split: Split, seed: int, start_step: int = 0) -> Iterator[Batch]:
        """Yield (tokens, targets), each int64 (B, T): windows at random places of ``split``."""
        stream, chosen = self.corpus.part(split), self.settings
        step = start_step
        while True:
            windows = random_windows(stream, chosen.batch, chosen.context, f"{split}:{seed}:{step}")
            yield windows[:, :-1], windows[:, 1:]
            step += 1

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the mean cross-entropy of a batch in nats per byte; float32 or wider.

        While a mixture of experts trains, its auxiliary losses are added; an evaluation is the
        pure cross-entropy.
        """
        tokens, targets = batch
        if model.training and self.settings.model == "moe":
            logits, auxiliary = model(tokens, auxiliary=True)  # (B, T, 256), ()
            return next_token_loss(logits, targets) + auxiliary
        return next_token_loss(model(tokens), targets)

    def evaluate(self, model: nn.Module, split: Split = "validation") -> dict[str, float]:
        """Return ``{split}_loss`` in nats per byte over fixed, evenly spaced windows."""
        windows = self._windows(split)
        found = mean_loss(model, windows, self.loss, at_once=EVALUATION_BATCH)
        return {f"{split}_loss": found}

    def _windows(self, split: Split) -> Tensor:
        most = self.settings.evaluation_tokens
        return even_windows(self.corpus.part(split), self.settings.context, most)

    def describe(self) -> dict[str, Any]:
        scored = len(self._windows("validation")) * self.settings.context
        return {
            "task": self.name,
            "preset": self.preset,
            **asdict(self.settings),
            "scored_tokens": scored,
            **self.corpus.describe(),
        }

    def describe_model(self, activation: ActivationChoice) -> dict[str, Any]:
        """Total and active parameters with ``activation``, and how the width was matched."""
        return self.build_model(activation, 0).describe()
