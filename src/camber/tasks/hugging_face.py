"""`HuggingFace`: fine-tune a local Hugging Face language model with other activations.

Each run starts from a fresh copy of the checkpoint, puts the entry at every place where the model's
own nonlinearity stands, and trains all weights on text; the metric is the mean cross-entropy in
nats per token on held-out text. An entry that is the model's own activation leaves it as it is.

Shape legend: B batch, T context.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

from torch import Tensor, nn

from camber.activations import Activation
from camber.errors import CamberError
from camber.layers import ActivationChoice, fresh, is_gated
from camber.sites import swap
from camber.tasks.corpus import Corpus, read_corpus
from camber.tasks.foreign_code import random_numbers, seed_from
from camber.tasks.local_checkpoint import LocalCheckpoint
from camber.tasks.settings import Real, Whole, setting, settle
from camber.tasks.task import Batch, Metric, Recommended, Split
from camber.tasks.token_windows import even_windows, mean_loss, next_token_loss, random_windows

#: Windows per forward pass of an evaluation.
EVALUATION_BATCH: Final = 16

_STREAMS: Final[dict[tuple[str, str], tuple[Tensor, Tensor]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """Data and budget of a fine-tuning.

    Args:
        context: T, tokens of one window; at most what the model can see.
        batch: B, windows of one training batch.
        steps: optimiser steps of one run.
        learning_rate: the peak of AdamW's, reached after the warm-up.
        warmup_steps: a tenth of the steps unless given.
        seeds: paired seeds of a comparison.
        evaluation_tokens: at most this many tokens are scored by one evaluation.

    Example:
        >>> PRESETS["quick"].steps
        60
    """

    context: int = setting(Whole(2), 128)
    batch: int = setting(Whole(), 8)
    steps: int = setting(Whole(), 200)
    learning_rate: float = setting(Real(open=True), 1e-4)
    warmup_steps: int | None = setting(Whole(0), None)
    seeds: int = setting(Whole(), 5)
    evaluation_tokens: int = setting(Whole(), 32_768)


PRESETS: Final = MappingProxyType(
    {
        "default": FineTuning(),
        "quick": FineTuning(steps=60, evaluation_tokens=8_192),
    }
)


class HuggingFace:
    """Next-token prediction with the model of a local directory.

    Args:
        preset: "default" or "quick".
        checkpoint: the directory; it is only read.
        data: a UTF-8 file, a folder or a pattern to train on; None for the standard library's
            source. ``text`` is another name for it.
        settings: any field of :class:`FineTuning`.

    Raises:
        MissingExtraError: transformers is not installed.
        CamberError: the directory or the text cannot be used.

    Parameter counts differ between entries by the activations' own coefficients alone.

    Example:
        >>> HuggingFace(checkpoint="not/there")
        Traceback (most recent call last):
        camber.errors.CamberError: hf:not/there: there is no such directory; camber downloads ...
    """

    name = "hf"
    metric = Metric("validation_loss", "nats/token", "lower")
    unit = "tokens"

    def __init__(
        self,
        preset: str = "default",
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        data: str | os.PathLike[str] | None = None,
        text: str | os.PathLike[str] | None = None,
        **settings: float | str,
    ) -> None:
        if checkpoint is None:
            raise CamberError("hf needs the directory of a model: write --model hf:DIR")
        if data is not None and text is not None:
            raise CamberError("hf: data and text are two names for one thing; give one of them")
        self.preset = preset
        self.settings = settle(self.name, PRESETS, preset, settings)
        self.checkpoint = LocalCheckpoint(checkpoint)
        self.context = self._context("context" in settings)
        chosen = data if text is None else text
        self.corpus = read_corpus(chosen, smallest=40 * (self.context + 1))
        self._train, self._validation = _token_streams(self.checkpoint, self.corpus)
        for part, stream in (("train", self._train), ("validation", self._validation)):
            if stream.numel() <= self.context + 1:
                raise CamberError(
                    f"hf: {self.corpus.source} has {stream.numel()} tokens for {part}, but one "
                    f"window takes {self.context + 1}; give a longer text or a shorter context"
                )

    def _context(self, asked: bool) -> int:
        wanted, most = self.settings.context, self.checkpoint.context
        if most is None or wanted <= most:
            return wanted
        if asked:
            raise CamberError(
                f"hf: context is {wanted}, but the model in {self.checkpoint.folder} sees at most "
                f"{most} tokens"
            )
        return most

    @property
    def units_per_batch(self) -> int:
        return self.settings.batch * self.context

    @property
    def seeds(self) -> int:
        return self.settings.seeds

    @property
    def recommended(self) -> Recommended:
        steps, warmup = self.settings.steps, self.settings.warmup_steps
        return Recommended(
            steps=steps,
            learning_rate=self.settings.learning_rate,
            warmup_steps=steps // 10 if warmup is None else warmup,
            final_fraction=0.1,
            weight_decay=0.01,
            clip_norm=1.0,
        )

    def build_model(self, activation: ActivationChoice, seed: int) -> nn.Module:
        """Return a fresh copy of the checkpoint with ``activation`` at its sites.

        Raises:
            CamberError: the activation does not fit, such as a gated one where the model
                multiplies by the gate itself.
        """
        model = self.checkpoint.model(seed)
        with random_numbers(seed_from("activation", seed)):
            wanted = fresh(activation)
            if self._is_own(wanted):
                return model
            if is_gated(wanted):
                raise CamberError(self._gated(wanted))
            report = swap(model, dict.fromkeys(self.checkpoint.paths, activation))
        if report.could_not:
            place = report.could_not[0]
            raise CamberError(
                f"at {place.path} of the {self.checkpoint.architecture}: {place.reason}"
            )
        return model

    def _is_own(self, module: nn.Module) -> bool:
        """Whether the entry is what stands in the model already."""
        return isinstance(module, Activation) and module.label == self.checkpoint.own

    def _gated(self, module: nn.Module) -> str:
        label = module.label if isinstance(module, Activation) else type(module).__name__
        model = self.checkpoint
        return (
            f"{label} takes a value and a gate, but the {model.architecture} passes one tensor to "
            f"its activation (here {model.own}) and has the weights of its feed-forward networks "
            f"fixed; compare scalar functions, such as silu where swiglu is meant"
        )

    def batches(self, split: Split, seed: int, start_step: int = 0) -> Iterator[Batch]:
        """Yield (tokens, targets), each int64 (B, T): windows at random places of ``split``."""
        step = start_step
        while True:
            windows = random_windows(
                self._part(split), self.settings.batch, self.context, f"{split}:{seed}:{step}"
            )
            yield windows[:, :-1], windows[:, 1:]
            step += 1

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the mean cross-entropy of a batch in nats per token; float32 or wider."""
        tokens, targets = batch
        return next_token_loss(model(input_ids=tokens).logits, targets)  # (B, T, V)

    def evaluate(self, model: nn.Module, split: Split = "validation") -> dict[str, float]:
        """Return ``{split}_loss`` in nats per token over fixed, evenly spaced windows."""
        windows = even_windows(self._part(split), self.context, self.settings.evaluation_tokens)
        found = mean_loss(model, windows, self.loss, at_once=EVALUATION_BATCH)
        return {f"{split}_loss": found}

    def _part(self, split: Split) -> Tensor:
        return self._train if split == "train" else self._validation

    def describe(self) -> Mapping[str, Any]:
        found = self.checkpoint
        corpus = self.corpus.describe()
        content = hashlib.sha256(f"{found.sha256}:{self.corpus.sha256}".encode()).hexdigest()
        tokens = "bytes" if found.tokenizer is None else type(found.tokenizer).__name__
        return {
            "task": self.name,
            "preset": self.preset,
            **asdict(self.settings),
            **corpus,
            "context": self.context,
            "source": f"{corpus['source']}; model {found.architecture} of {found.folder.name}, "
            f"whose own activation is {found.own}",
            "architecture": found.architecture,
            "own_activation": found.own,
            "sites": list(found.paths),
            "other_sites": list(found.others),
            "model_parameters": found.parameters,
            "tokens": tokens,
            "train_tokens": self._train.numel(),
            "validation_tokens": self._validation.numel(),
            "model_sha256": found.sha256,
            "text_sha256": self.corpus.sha256,
            "corpus_sha256": content,
        }


def _token_streams(checkpoint: LocalCheckpoint, corpus: Corpus) -> tuple[Tensor, Tensor]:
    """Return training and validation text as tokens; of one text once in each process."""
    key = (checkpoint.sha256, corpus.sha256)
    if key not in _STREAMS:
        _STREAMS.clear()  # one text at a time: it may be large
        _STREAMS[key] = (
            checkpoint.tokens(bytes(corpus.train.numpy())),
            checkpoint.tokens(bytes(corpus.validation.numpy())),
        )
    return _STREAMS[key]
