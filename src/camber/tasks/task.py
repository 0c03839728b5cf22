"""The `Task` protocol: everything a training loop or a comparison asks of a problem.

A task is data, a model to fit it with, a loss and a metric. It owns no optimiser and no device:
models and batches are made on the CPU and whoever trains moves them. Everything random follows
from an explicit seed, so two entries of a comparison that share a seed see the same batches in the
same order, and a run resumed at step k sees the batches it would have seen.

Shape legend: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypedDict, runtime_checkable

from torch import Tensor, nn

if TYPE_CHECKING:
    from camber.layers import ActivationChoice

#: A batch is a flat tuple of tensors, so that any loop can move it: ``tuple(t.to(d) for t in b)``.
Batch: TypeAlias = tuple[Tensor, ...]

#: The two parts every task's data falls into; nothing is fitted or chosen on "validation".
Split: TypeAlias = Literal["train", "validation"]


@dataclass(frozen=True, slots=True)
class Metric:
    """The one number a task is judged by.

    Args:
        name: the key under which ``evaluate`` returns it, such as ``"validation_loss"``.
        unit: what it is measured in, such as ``"nats/byte"``.
        better: whether ``"lower"`` or ``"higher"`` values win.

    Example:
        >>> Metric("validation_loss", "nats/byte", "lower").sign
        -1
    """

    name: str
    unit: str
    better: Literal["lower", "higher"] = "lower"

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is: ``sign * value`` is always to be raised."""
        return 1 if self.better == "higher" else -1


class Recommended(TypedDict):
    """Optimiser settings that suit a task, as plain numbers: ``FitConfig(**task.recommended)``.

    ``steps`` optimiser steps; ``learning_rate`` the peak, reached after ``warmup_steps`` and
    followed by a cosine to ``final_fraction`` of it; ``weight_decay`` on matrices only;
    ``clip_norm`` the largest global gradient norm.
    """

    steps: int
    learning_rate: float
    warmup_steps: int
    final_fraction: float
    weight_decay: float
    clip_norm: float


@runtime_checkable
class Task(Protocol):
    """Data, model, loss and metric of one problem.

    ``isinstance(thing, Task)`` checks that the members exist.
    """

    @property
    def name(self) -> str:
        """The registered name, such as ``"charlm"``."""
        ...

    @property
    def metric(self) -> Metric:
        """The number the task is judged by; ``evaluate`` returns it under ``metric.name``."""
        ...

    @property
    def unit(self) -> str:
        """What throughput counts, in the plural: ``"tokens"``, ``"images"``."""
        ...

    @property
    def units_per_batch(self) -> int:
        """How many units one training batch holds (B * T tokens for a language model)."""
        ...

    @property
    def recommended(self) -> Recommended:
        """Optimiser settings for this task and preset."""
        ...

    @property
    def seeds(self) -> int:
        """How many paired seeds a comparison at this preset takes by default."""
        ...

    def build_model(self, activation: ActivationChoice, seed: int) -> nn.Module:
        """Return a new model in training mode on the CPU, with ``activation`` at its sites.

        Models of different activations have equal parameter counts (to the task's stated
        mismatch). The initial weights follow from ``seed`` alone; the global generator is
        neither read nor moved.
        """
        ...

    def batches(self, split: Split, seed: int, start_step: int = 0) -> Iterator[Batch]:
        """Yield training batches for steps ``start_step``, ``start_step + 1``, ... without end.

        The batch of a step is a function of (split, seed, step) and nothing else.
        """
        ...

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the training loss of ``batch``: a 0-d tensor, in the metric's unit if it can be.

        Model and batch are on one device.
        """
        ...

    def evaluate(self, model: nn.Module, split: Split = "validation") -> dict[str, float]:
        """Measure ``model`` on a fixed sample of ``split``, the same for every model and seed.

        Runs without gradients in evaluation mode on the model's own device and leaves the model
        in the mode it was found in. For "validation" the result holds at least ``metric.name``,
        and may be NaN or infinite where the model has diverged; that is an answer, not an error.
        """
        ...

    def describe(self) -> Mapping[str, Any]:
        """Facts for the report, JSON-able: preset, sizes, data source, ``corpus_sha256``.

        Losses compare only where these agree, so run directories store them.
        """
        ...
