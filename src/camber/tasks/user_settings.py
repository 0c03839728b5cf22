"""Budget and units of a user's task: the settings, and what they are where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from camber.errors import CamberError
from camber.tasks.settings import Real, Text, Whole, setting
from camber.tasks.task import Recommended


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSettings:
    """What ``--set`` and the builder's attribute ``settings`` may change.

    Args:
        steps: optimiser steps of one run; three passes of the training loader, at least 200 and at
            most 1,000, unless given.
        epochs: the same in passes; give one of the two.
        learning_rate: the peak of AdamW's, reached after the warm-up.
        warmup_steps: a tenth of the steps, at most 100, unless given.
        final_fraction: the learning rate ends at this fraction of its peak.
        weight_decay: on matrices only.
        clip_norm: largest global norm of the gradient.
        seeds: paired seeds of a comparison.
        evaluation_batches: at most this many validation batches are scored; all unless given.
        metric_unit: what the metric is measured in, such as "nats"; its name, or "loss", unless
            given.
        unit: what throughput counts, in the plural.
        units_per_batch: how many of them one training batch holds; the length of the first tensor
            of the first batch unless given.
        passes: of a run for which neither steps nor epochs are given.
        least_steps: such a run takes at least so many.
        most_steps: such a run takes at most so many.

    Example:
        >>> recommended(UserSettings(learning_rate=0.01), steps=300)["warmup_steps"]
        30
    """

    steps: int | None = setting(Whole(), None)
    epochs: int | None = setting(Whole(), None)
    learning_rate: float = setting(Real(open=True), 1e-3)
    warmup_steps: int | None = setting(Whole(0), None)
    final_fraction: float = setting(Real(0.0, 1.0), 0.1)
    weight_decay: float = setting(Real(), 0.01)
    clip_norm: float = setting(Real(open=True), 1.0)
    seeds: int = setting(Whole(), 5)
    evaluation_batches: int | None = setting(Whole(), None)
    metric_unit: str | None = setting(Text(), None)
    unit: str = setting(Text(), "examples")
    units_per_batch: int | None = setting(Whole(), None)
    passes: int = setting(Whole(), 3)
    least_steps: int = setting(Whole(), 200)
    most_steps: int = setting(Whole(), 1000)


PRESETS: Final = MappingProxyType(
    {
        "default": UserSettings(),
        "quick": UserSettings(passes=1, least_steps=60, most_steps=200),
    }
)


def resolve_steps(settings: UserSettings, batches: int | None, name: str) -> int:
    """Return the steps of one run, for a training loader of ``batches`` (None: not told).

    Raises:
        CamberError: steps and epochs are both given, or epochs of a loader without a length.

    Example:
        >>> resolve_steps(UserSettings(), 100, "mine:build")
        300
    """
    if settings.steps is not None and settings.epochs is not None:
        raise CamberError(f"{name}: steps and epochs are both given; give one of them")
    if settings.steps is not None:
        return settings.steps
    if settings.epochs is not None:
        if not batches:
            raise CamberError(
                f"{name}: epochs={settings.epochs}, but its training loader does not tell how many "
                f"batches an epoch has; give steps"
            )
        return settings.epochs * batches
    wanted = settings.passes * batches if batches else settings.least_steps
    return min(max(wanted, settings.least_steps), max(settings.most_steps, settings.least_steps))


def recommended(settings: UserSettings, steps: int) -> Recommended:
    """Return the optimiser settings of a run of ``steps``."""
    warmup = min(steps // 10, 100) if settings.warmup_steps is None else settings.warmup_steps
    return Recommended(
        steps=steps,
        learning_rate=settings.learning_rate,
        warmup_steps=warmup,
        final_fraction=settings.final_fraction,
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
    )
