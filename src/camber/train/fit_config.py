"""What a fit is told and what it answers: frozen records."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from camber.errors import CamberError
from camber.train.plain_json import plain_dict

Precision: TypeAlias = Literal["float32", "bfloat16"]

#: Fields that say how often the disk is written to, and nothing about what is computed.
_HOUSEKEEPING: Final = ("checkpoint_every", "checkpoint_seconds")


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Settings of :func:`camber.train.fit`; ``FitConfig(**task.recommended)`` suits a task.

    Args:
        steps: optimiser steps, >= 1.
        learning_rate: the peak, reached after ``warmup_steps`` linear steps.
        warmup_steps: 0 for no warm-up; a run of fewer steps than this ends below the peak.
        final_fraction: the cosine ends at this fraction of the peak, in [0, 1].
        weight_decay: on matrices only (see :func:`camber.train.optimizer_groups`).
        coefficient_learning_rate: the peak for activation coefficients; None for the same.
        clip_norm: largest global norm of the gradient; None not to clip.
        betas, epsilon: of AdamW.
        precision: "bfloat16" runs model and loss under autocast; parameters stay as they are, and
            evaluation runs in float32.
        device: where to train, such as "cpu" or "cuda".
        log_every: steps between log records; their loss is the mean over these steps.
        evaluate_every: steps between evaluations, beside the one at the end; None for that only.
        checkpoint_every: steps between checkpoints, rounded up to a log record; None for none.
        checkpoint_seconds: the same in seconds; whichever comes first.

    Raises:
        CamberError: a value outside its range, named.

    Example:
        >>> FitConfig(steps=100, warmup_steps=10).learning_rate
        0.003
    """

    steps: int
    learning_rate: float = 3e-3
    warmup_steps: int = 0
    final_fraction: float = 0.1
    weight_decay: float = 0.1
    coefficient_learning_rate: float | None = None
    clip_norm: float | None = 1.0
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    precision: Precision = "float32"
    device: str = "cpu"
    log_every: int = 10
    evaluate_every: int | None = None
    checkpoint_every: int | None = None
    checkpoint_seconds: float | None = 60.0

    def __post_init__(self) -> None:
        wanted = {
            "steps": self.steps >= 1,
            "learning_rate": 0 <= self.learning_rate < math.inf,
            "warmup_steps": self.warmup_steps >= 0,
            "final_fraction": 0 <= self.final_fraction <= 1,
            "weight_decay": 0 <= self.weight_decay < math.inf,
            "coefficient_learning_rate": self.coefficient_learning_rate is None
            or 0 <= self.coefficient_learning_rate < math.inf,
            "clip_norm": self.clip_norm is None or self.clip_norm > 0,
            "betas": len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas),
            "epsilon": 0 < self.epsilon < math.inf,
            "precision": self.precision in ("float32", "bfloat16"),
            "log_every": self.log_every >= 1,
            "evaluate_every": self.evaluate_every is None or self.evaluate_every >= 1,
            "checkpoint_every": self.checkpoint_every is None or self.checkpoint_every >= 1,
            "checkpoint_seconds": self.checkpoint_seconds is None or self.checkpoint_seconds >= 0,
        }
        for name, good in wanted.items():
            if not good:
                raise CamberError(f"FitConfig: {name} is {getattr(self, name)!r}, out of its range")

    def identity(self) -> dict[str, object]:
        """Return the fields that decide what is computed: those by which a run is recognised."""
        fields = plain_dict(self)
        return {name: value for name, value in fields.items() if name not in _HOUSEKEEPING}


def learning_rate_factor(step: int, config: FitConfig) -> float:
    """Return the fraction of the peak learning rate at ``step``, counted from 0.

    Linear, (step+1)/warmup_steps, up to the peak; then final + (1 - final) (1 + cos(π t))/2 with t
    from 0 to 1 over the steps that remain, so that the last step has exactly the final fraction.

    Example:
        >>> config = FitConfig(steps=12, warmup_steps=2, final_fraction=0.1)
        >>> [round(learning_rate_factor(step, config), 3) for step in (0, 1, 2, 11)]
        [0.5, 1.0, 1.0, 0.1]
    """
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    remaining = config.steps - 1 - config.warmup_steps
    t = min(1.0, (step - config.warmup_steps) / remaining) if remaining > 0 else 1.0
    cosine = 0.5 * (1.0 + math.cos(math.pi * t))
    return config.final_fraction + (1.0 - config.final_fraction) * cosine


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a fit came to.

    Args:
        status: "finished", or "diverged" where the loss or a gradient stopped being finite.
        step: how many optimiser steps were taken.
        metric: the task's number at the end; NaN where the run diverged.
        metrics: all that the task's evaluation returned at the end.
        train_loss: the loss of the last log record, NaN without one.
        seconds: time spent in training steps (evaluation and checkpoints apart), over all parts
            of an interrupted run.
        units: how many units (tokens, images) were seen.
        units_per_second: the median over the log records.
        reason: for a diverged run, one sentence: what, where, with which values.
        culprit: for a diverged run, the path of the module where it began; "" if none was found.
        formula: that module's formula, or "".
        log: the records of the log; not part of :meth:`to_dict`.
    """

    status: Literal["finished", "diverged"]
    step: int
    metric: float
    metrics: Mapping[str, float]
    train_loss: float
    seconds: float
    units: int
    units_per_second: float
    reason: str = ""
    culprit: str = ""
    formula: str = ""
    log: tuple[Mapping[str, object], ...] = field(default=(), repr=False, compare=False)

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain data without the log; a NaN becomes None."""
        fields = plain_dict(self)
        del fields["log"]
        return fields

    @classmethod
    def from_dict(
        cls, record: Mapping[str, object], log: tuple[Mapping[str, object], ...] = ()
    ) -> "FitResult":
        """Return the result that :meth:`to_dict` wrote.

        Raises:
            CamberError: fields are missing or of another type.
        """
        names = ("metric", "train_loss", "seconds", "units_per_second")
        try:
            metrics = record["metrics"]
            if not isinstance(metrics, Mapping):
                raise TypeError("metrics is no object")
            return cls(
                status="diverged" if record["status"] == "diverged" else "finished",
                step=int(_number(record["step"])),
                units=int(_number(record["units"])),
                metrics={str(key): _number(value) for key, value in metrics.items()},
                reason=str(record["reason"]),
                culprit=str(record["culprit"]),
                formula=str(record["formula"]),
                log=log,
                **{name: _number(record[name]) for name in names},
            )
        except (KeyError, TypeError) as error:
            raise CamberError(f"not the record of a fit ({error})") from error


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, int | float):
        return float(value)
    raise TypeError(f"{value!r} is no number")
