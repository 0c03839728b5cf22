"""What the losses of a comparison support: paired differences of all pairs, Holm's correction.

Every entry runs with the same seeds, so entries are compared by the differences
d_s = metric(entry, seed s) - metric(other, seed s): initial weights and batches cancel. Student's t
(:mod:`.student`) gives each pair its p.

The best entry is the one with the best mean, so it is *chosen by looking*. Correcting for k - 1
comparisons would not pay for that look (with five equal entries and five seeds some entry would
be called worse in 7.6 % of comparisons rather than 5 %), so Holm's correction runs over all
k (k - 1) / 2 pairs of entries, of which the comparisons with the best are a part whichever entry
that is (the same simulation: 3.5 %).

Intervals are drawn at the levels of :mod:`.holm_correction`: simultaneous over all pairs, and
excluding 0 exactly where Holm's p is below alpha. The bootstrap interval and that of the effect
size stand at the same level.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from camber.compare.statistics.difference import Difference, Pair, difference_of, interval_of
from camber.compare.statistics.holm_correction import holm_verdicts
from camber.compare.statistics.student import (
    LEVEL,
    check_level,
    moments,
    p_value,
    paired_differences,
    t_interval,
)
from camber.errors import CamberError


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
        """Return the fields as plain data."""
        return asdict(self)


def estimate(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """Return the mean of ``values`` with its t-interval.

    Args:
        values: one number per seed; NaN or infinite where the run failed.
        level: of the interval, between 0 and 1.

    Raises:
        CamberError: a level that is not.

    Example (n = 4, t(0.975, 3) = 3.182446):
        >>> result = estimate([1.0, 2.0, 3.0, 4.0])
        >>> result.mean, round(result.high, 6)
        (2.5, 4.55426)
    """
    check_level(level)
    finite = [float(value) for value in values if math.isfinite(value)]
    failed = len(values) - len(finite)
    if failed or not finite:
        return Estimate(None, None, None, None, len(finite), failed)
    mean, deviation = moments(finite)
    low, high = t_interval(finite, level)
    return Estimate(mean, low, high, deviation, len(finite))


def paired(
    entry: Sequence[float], other: Sequence[float], level: float = LEVEL
) -> tuple[float, float | None, float | None, float | None]:
    """Return mean, low, high and two-sided p of ``entry - other`` over paired seeds.

    With one pair, interval and p are None. Differences that are equal in every seed have no
    spread: p is 1 where they are 0 and 2^(1-n) elsewhere, see :mod:`.student`; the
    interval is that one number where this p rejects at ``level`` or the number is 0, else None.

    Raises:
        CamberError: unequal lengths, no pair, a value that is not finite, or a level that is not
            between 0 and 1.

    Example:
        >>> paired([1.0, 2.0], [1.0, 2.0])
        (0.0, 0.0, 0.0, 1.0)
    """
    check_level(level)
    differences = paired_differences(entry, other)
    low, high = interval_of(differences, level)
    return moments(differences)[0], low, high, p_value(differences)


def pairwise(
    metrics: Mapping[str, Sequence[float]], *, lower_is_better: bool = True, level: float = LEVEL
) -> dict[Pair, Difference]:
    """Compare every entry with every other.

    Args:
        metrics: entry -> one value per seed, all entries in the same order of seeds; NaN or
            infinite where the run failed. An entry with a failed run is not compared.
        lower_is_better: what counts as a win.
        level: family-wise level over all pairs, between 0 and 1.

    Returns:
        (entry, other) -> entry minus other, for each pair once, in the order of ``metrics``.

    Raises:
        CamberError: entries with different numbers of seeds, or a level not between 0 and 1.

    Example:
        >>> pairs = pairwise({"a": [1.0, 1.1, 1.2], "b": [2.0, 2.1, 2.3]})
        >>> found = pairs["a", "b"]
        >>> round(found.mean, 3), found.separated, found.wins
        (-1.033, True, 1.0)
    """
    check_level(level)
    gaps = gaps_of(metrics)
    raw = {pair: p_value(gap) for pair, gap in gaps.items()}
    known = {pair: p for pair, p in raw.items() if p is not None}
    verdicts = holm_verdicts(known, 1 - level)
    return {
        pair: difference_of(
            pair,
            gap,
            holm_p=verdicts[pair].p if pair in verdicts else None,
            level=verdicts[pair].level if pair in verdicts else level,
            lower_is_better=lower_is_better,
        )
        for pair, gap in gaps.items()
    }


def against_best(
    metrics: Mapping[str, Sequence[float]], *, lower_is_better: bool = True, level: float = LEVEL
) -> tuple[str | None, dict[str, Difference]]:
    """Compare every entry with the one of best mean: those of :func:`pairwise` that hold it.

    Args:
        metrics, level: as for :func:`pairwise`.
        lower_is_better: whether the best mean is the lowest.

    Returns:
        The best entry (None if every entry has a failed run) and the difference of each other
        comparable entry to it, entry minus best.

    Example:
        >>> best, differences = against_best({"a": [1.0, 1.1, 1.2], "b": [2.0, 2.1, 2.3]})
        >>> best, round(differences["b"].mean, 3), differences["b"].separated
        ('a', 1.033, True)
    """
    pairs = pairwise(metrics, lower_is_better=lower_is_better, level=level)
    best = best_mean(metrics, lower_is_better=lower_is_better)
    return best, {} if best is None else seen_from(best, pairs)


def seen_from(name: str, pairs: Mapping[Pair, Difference]) -> dict[str, Difference]:
    """Return the differences of every other entry to ``name``, entry minus ``name``."""
    found = {}
    for (entry, other), difference in pairs.items():
        if other == name:
            found[entry] = difference
        elif entry == name:
            found[other] = difference.swapped()
    return found


def best_mean(
    metrics: Mapping[str, Sequence[float]], *, lower_is_better: bool = True
) -> str | None:
    """Return the entry of best mean among those without a failed run; the first of equals."""
    means = {name: moments(values)[0] for name, values in _sound(metrics).items()}
    if not means:
        return None
    sign = 1 if lower_is_better else -1
    return min(means, key=lambda name: sign * means[name])


def gaps_of(metrics: Mapping[str, Sequence[float]]) -> dict[Pair, list[float]]:
    """Return the paired differences of all pairs of entries without a failed run.

    Raises:
        CamberError: entries with different numbers of seeds.
    """
    lengths = {len(values) for values in metrics.values()}
    if len(lengths) > 1:
        raise CamberError(f"entries have different numbers of seeds: {sorted(lengths)}")
    sound = _sound(metrics)
    return {(a, b): paired_differences(sound[a], sound[b]) for a, b in combinations(sound, 2)}


def _sound(metrics: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """The entries whose runs all ended with a finite value."""
    numbers = {name: [float(value) for value in values] for name, values in metrics.items()}
    return {name: own for name, own in numbers.items() if own and all(map(math.isfinite, own))}
