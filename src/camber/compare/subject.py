"""What a row may ask about: one entry with its runs, its place in the comparison, and its facts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING

from camber.compare.entries import Entry
from camber.compare.sentences import Failure
from camber.compare.statistics import Difference, Estimate

if TYPE_CHECKING:
    from camber.activations import Activation
    from camber.compare.tuning import Tuning
    from camber.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training of one entry with one seed.

    ``metric`` is NaN where the run diverged; ``step`` is where it ended and ``reason`` says why.
    ``peak_bytes`` is the most memory the run held on a GPU, None elsewhere.
    ``probes`` holds what each row's probe said of the trained model. ``job`` is the short address
    of the job behind it, the name of its folder in the run directory.
    """

    seed: int
    diverged: bool
    metric: float
    step: int
    reason: str
    units_per_second: float
    parameters: int
    seconds: float
    peak_bytes: int | None
    probes: Mapping[str, Mapping[str, object]]
    job: str = ""

    @property
    def failed(self) -> bool:
        """Whether the run has no finite metric."""
        return self.diverged or not math.isfinite(self.metric)

    @classmethod
    def from_result(cls, seed: int, result: Mapping[str, object], job: str = "") -> Run:
        """Read what :func:`camber.compare.job.train_entry` returned for the job ``job``."""
        return cls(
            seed=seed,
            diverged=bool(result["diverged"]),
            metric=_float(result["metric"]),
            step=int(_float(result["step"])),
            reason=str(result["reason"]),
            units_per_second=_float(result["units_per_second"]),
            parameters=int(_float(result["parameters"])),
            seconds=_float(result["seconds"]),
            peak_bytes=peak if isinstance(peak := result["peak_bytes"], int) else None,
            probes=_mapping(result["probes"]),
            job=job,
        )

    def to_dict(self) -> dict[str, object]:
        """Return the run as plain data."""
        return {
            "seed": self.seed,
            "diverged": self.diverged,
            "metric": self.metric if math.isfinite(self.metric) else None,
            "step": self.step,
            "reason": self.reason,
            "units_per_second": self.units_per_second,
            "parameters": self.parameters,
            "seconds": self.seconds,
            "peak_bytes": self.peak_bytes,
            "probes": dict(self.probes),
            "job": self.job,
        }


def metrics_of(runs: Mapping[str, Sequence[Run]]) -> dict[str, list[float]]:
    """Return the metric of each run by entry, NaN where a run failed."""
    return {
        label: [math.nan if run.failed else run.metric for run in own]
        for label, own in runs.items()
    }


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One entry of a finished comparison.

    ``difference`` is to the best entry: None for the best itself and for what is not ranked.
    ``price`` is what :mod:`camber.compare.prices` measured, None where it could not be.
    ``steps`` are those of a run; ``pace`` is the time of one over the first entry's, None at equal
    tokens; ``tuning`` is the search for its learning rate, None where there was none.
    """

    entry: Entry
    runs: tuple[Run, ...]
    estimate: Estimate
    difference: Difference | None
    is_best: bool
    reference_parameters: int
    price: Mapping[str, object] | None
    steps: int = 0
    pace: float | None = None
    tuning: Tuning | None = None

    @cached_property
    def activation(self) -> Activation:
        """A fresh module at its initial coefficients."""
        return self.entry.activation()

    @cached_property
    def facts(self) -> Facts:
        """What is true of it at its initial coefficients."""
        from camber import facts

        return facts.of(self.activation)

    @property
    def failures(self) -> list[Failure]:
        """Its runs that ended without a finite metric."""
        return [Failure(run.seed, run.reason) for run in self.runs if run.failed]

    def median_of(self, row: str, key: str) -> float | None:
        """The median over its runs of a number that ``row``'s probe returned under ``key``."""
        numbers = []
        for run in self.runs:
            value = run.probes.get(row, {}).get(key)
            if isinstance(value, int | float) and math.isfinite(value):
                numbers.append(float(value))
        return median(numbers) if numbers else None


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _mapping(value: object) -> Mapping[str, Mapping[str, object]]:
    return value if isinstance(value, Mapping) else {}
