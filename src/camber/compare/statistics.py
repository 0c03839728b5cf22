"""What the losses of a comparison support: paired intervals, Holm's correction.

Every entry runs with the same seeds, so entries are compared by the differences
d_s = metric(entry, seed s) - metric(other, seed s): initial weights and batches cancel. With n
differences of mean m and standard deviation s (n - 1 in the denominator),

    interval  m ± t(1 - alpha/2, n - 1) s / sqrt(n),     p = 2 P(T(n-1) > |m| sqrt(n) / s).

The best entry is the one with the best mean, so it is *chosen by looking*. Correcting for k - 1
comparisons would not pay for that look (with five equal entries and five seeds some entry would
be called worse in 7.6 % of comparisons rather than 5 %), so Holm's correction runs over all
k (k - 1) / 2 pairs of entries, of which the comparisons with the best are a part whichever entry
that is (the same simulation: 3.5 %).

The interval of the pair with the j-th smallest p is drawn at the level Holm tests it at,
1 - alpha / (pairs - j + 1), and from the first pair that is not rejected on at that pair's level:
it excludes 0 exactly where Holm's p is below alpha.

Sources: Student (1908), The probable error of a mean; Holm (1979), A simple sequentially rejective
multiple test procedure, Scand. J. Statist. 6:65-70.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from camber.errors import CamberError

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds with its t-interval; ``low`` and ``high`` are None for a single seed.

    A seed that ended without a finite value makes mean and interval None: a mean over the
    survivors would flatter the entry.
    """

    mean: float | None
    low: float | None
    high: float | None
    deviation: float | None
    count: int
    failed: int = 0

    def to_dict(self) -> dict[str, float | int | None]:
        return {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "deviation": self.deviation,
            "count": self.count,
            "failed": self.failed,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """``entry`` minus ``other`` over paired seeds.

    ``p`` is of the single pair, ``holm_p`` corrected over all pairs of the comparison; the
    interval is at Holm's level (see the module). None where too few seeds leave nothing to say.
    """

    entry: str
    other: str
    mean: float
    low: float | None
    high: float | None
    p: float | None
    holm_p: float | None
    count: int

    @property
    def separated(self) -> bool:
        """Whether the corrected interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    def to_dict(self) -> dict[str, str | float | int | None]:
        return {
            "entry": self.entry,
            "other": self.other,
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "holm_p": self.holm_p,
            "count": self.count,
        }


def estimate(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """Return the mean of ``values`` with its t-interval.

    Args:
        values: one number per seed; NaN or infinite where the run failed.
        level: of the interval, between 0 and 1.

    Example (n = 4, t(0.975, 3) = 3.182446):
        >>> result = estimate([1.0, 2.0, 3.0, 4.0])
        >>> result.mean, round(result.high, 6)
        (2.5, 4.55426)
    """
    finite = [value for value in values if math.isfinite(value)]
    failed = len(values) - len(finite)
    if failed or not finite:
        return Estimate(None, None, None, None, len(finite), failed)
    mean, deviation = _moments(finite)
    low, high = _interval(finite, level)
    return Estimate(mean, low, high, deviation, len(finite))


def paired(
    entry: Sequence[float], other: Sequence[float], level: float = LEVEL
) -> tuple[float, float | None, float | None, float | None]:
    """Return mean, low, high and two-sided p of ``entry - other`` over paired seeds.

    With one pair, interval and p are None. With equal differences in every seed the interval is
    that one number, and p is 1 where it is 0 and 0 elsewhere.

    Raises:
        CamberError: unequal lengths, no pair, or a value that is not finite.

    Example:
        >>> paired([1.0, 2.0], [1.0, 2.0])
        (0.0, 0.0, 0.0, 1.0)
    """
    if len(entry) != len(other) or not entry:
        raise CamberError(
            f"paired differences need as many values on either side and at least one; "
            f"got {len(entry)} and {len(other)}"
        )
    differences = [a - b for a, b in zip(entry, other, strict=True)]
    if not all(map(math.isfinite, differences)):
        raise CamberError("paired differences need finite values; drop the failed runs first")
    mean, _ = _moments(differences)
    low, high = _interval(differences, level)
    return mean, low, high, _p_value(differences)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values, in the order given.

    Sorted ascending, p_(j) becomes max over i <= j of (m - i + 1) p_(i), at most 1.

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(p_values)
    running = 0.0
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def against_best(
    metrics: Mapping[str, Sequence[float]], *, lower_is_better: bool = True, level: float = LEVEL
) -> tuple[str | None, dict[str, Difference]]:
    """Compare every entry with the one of best mean.

    Args:
        metrics: entry -> one value per seed, all entries in the same order of seeds; NaN or
            infinite where the run failed. An entry with a failed run is not compared.
        lower_is_better: whether the best mean is the lowest.
        level: family-wise level of the intervals.

    Returns:
        The best entry (None if every entry has a failed run) and the difference of each other
        comparable entry to it, entry minus best.

    Example:
        >>> best, differences = against_best({"a": [1.0, 1.1, 1.2], "b": [2.0, 2.1, 2.3]})
        >>> best, round(differences["b"].mean, 3), differences["b"].separated
        ('a', 1.033, True)
    """
    lengths = {len(values) for values in metrics.values()}
    if len(lengths) > 1:
        raise CamberError(f"entries have different numbers of seeds: {sorted(lengths)}")
    sound = {name: list(v) for name, v in metrics.items() if v and all(map(math.isfinite, v))}
    if not sound:
        return None, {}
    sign = 1 if lower_is_better else -1
    best = min(sound, key=lambda name: sign * _moments(sound[name])[0])
    names = list(sound)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    gaps = {
        (a, b): [x - y for x, y in zip(sound[a], sound[b], strict=True)] for a, b in pairs
    }  # fmt: skip
    raw = {pair: _p_value(gap) for pair, gap in gaps.items()}
    known = {pair: p for pair, p in raw.items() if p is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    levels = _holm_levels(known, 1 - level)
    differences = {}
    for a, b in pairs:
        if best not in (a, b):
            continue
        entry, side = (a, 1) if b == best else (b, -1)
        gap = [side * value for value in gaps[a, b]]
        low, high = _interval(gap, levels.get((a, b), level))
        differences[entry] = Difference(
            entry, best, _moments(gap)[0], low, high, raw[a, b], corrected.get((a, b)), len(gap)
        )
    return best, differences


def _holm_levels(
    p_values: Mapping[tuple[str, str], float], alpha: float
) -> dict[tuple[str, str], float]:
    """The level of each pair's interval, so that it excludes 0 exactly where Holm rejects."""
    levels = {}
    stopped: float | None = None
    for rank, pair in enumerate(sorted(p_values, key=lambda pair: p_values[pair])):
        tested_at = alpha / (len(p_values) - rank) if stopped is None else stopped
        if p_values[pair] >= tested_at:
            stopped = tested_at
        levels[pair] = 1 - tested_at
    return levels


def _moments(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and standard deviation (n - 1); None for a single value."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _interval(values: Sequence[float], level: float) -> tuple[float | None, float | None]:
    from scipy.special import stdtrit

    mean, deviation = _moments(values)
    if deviation is None:
        return None, None
    if len(set(values)) == 1:  # the mean of equal numbers may round away from them
        return values[0], values[0]
    quantile = float(stdtrit(len(values) - 1, 0.5 + level / 2))
    half = quantile * deviation / math.sqrt(len(values))
    return mean - half, mean + half


def _p_value(differences: Sequence[float]) -> float | None:
    from scipy.special import stdtr

    mean, deviation = _moments(differences)
    if deviation is None:
        return None
    if len(set(differences)) == 1 or deviation == 0:
        return 1.0 if differences[0] == 0 else 0.0
    return 2 * float(
        stdtr(len(differences) - 1, -abs(mean) * math.sqrt(len(differences)) / deviation)
    )
