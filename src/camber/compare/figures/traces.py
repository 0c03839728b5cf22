"""What the logs of a comparison hold over training, as plain arrays: one trace per run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison
    from camber.compare.subject import Run

Array = npt.NDArray[np.float64]

#: What is read off one log record; None where it does not say.
Reading = Callable[[Mapping[str, object]], float | None]

#: One run with its records, oldest first.
Log: TypeAlias = "tuple[Run, Sequence[Mapping[str, object]]]"

#: No line needs more points than this to be seen at the width of a page.
POINTS: Final = 120


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One run's readings: ``y`` against ``x``, units seen (tokens, images), ascending."""

    run: Run
    x: Array
    y: Array


def logs_of(comparison: Comparison, label: str) -> list[Log]:
    """Read the logs of the entry ``label``, once for all that is taken from them."""
    return [(run, comparison.log(run)) for run in comparison.runs[label]]


def traces(comparison: Comparison, logs: Sequence[Log], reading: Reading) -> list[Trace]:
    """Return a trace per log, empty ones included."""
    found = []
    for run, log in logs:
        pairs = []
        for record in log:
            x, y = units(comparison, record), reading(record)
            if x is not None and y is not None and math.isfinite(y):
                pairs.append((x, y))
        values = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        found.append(Trace(run, values[:, 0], values[:, 1]))
    return found


def units(comparison: Comparison, record: Mapping[str, object]) -> float | None:
    """How many units had been seen at a record; steps where it does not count them."""
    return number(record.get(comparison.throughput, record.get("step")))


def number(value: object) -> float | None:
    """Return ``value`` as a float where it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def mean_trace(own: Sequence[Trace]) -> tuple[Array, Array]:
    """Return the mean over the runs that did not fail, where all of them have a reading."""
    whole = [trace for trace in own if trace.x.size and not trace.run.failed]
    if not whole:
        return np.empty(0), np.empty(0)
    shared = whole[0].x
    for trace in whole[1:]:
        shared = np.intersect1d(shared, trace.x)
    values = [trace.y[np.searchsorted(trace.x, shared)] for trace in whole]
    return shared, np.mean(values, axis=0)


def thinned(x: Array, y: Array, points: int = POINTS) -> tuple[Array, Array]:
    """Return at most ``points`` points: means over neighbours, the last point kept.

    Example:
        >>> thinned(np.arange(5.0), np.arange(5.0), points=3)[1].tolist()
        [0.5, 2.5, 4.0]
    """
    if x.size <= points:
        return x, y
    size = -(-(x.size - 1) // (points - 1))
    starts = np.arange(0, x.size - 1, size)
    counts = np.diff([*starts, x.size - 1])
    return (
        np.append(np.add.reduceat(x[:-1], starts) / counts, x[-1]),
        np.append(np.add.reduceat(y[:-1], starts) / counts, y[-1]),
    )
