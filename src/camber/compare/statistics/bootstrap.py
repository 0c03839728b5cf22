"""The bootstrap-t interval of a mean of paired differences: no normal law assumed.

With n differences of mean m and standard deviation s, resamples of size n with replacement have
mean m* and standard deviation s*. The quantiles of t* = (m* - m) sqrt(n) / s* replace Student's:

    [m - q(1 - alpha/2) s / sqrt(n),  m - q(alpha/2) s / sqrt(n)].

Up to nine differences the law of t* is exact: the n^n resamples collapse to C(2n-1, n) multisets
with multinomial weights. Beyond, 20,000 resamples are drawn from a generator of a fixed seed, the
same for every pair. Each quantile leaves at most alpha/2 beyond it. Resamples of a single value
have s* = 0 and t* = ±infinity; where a quantile falls among them, n seeds cannot resolve the level
and there is no interval (three seeds at 95 %, say).

Why this variant: the share of intervals at nominal 95 % that held the true mean, over 1,000 samples
of each law (standard error 0.7 % at 95 %):

======  ===========  ==========  =====  ===========
n       differences  percentile  BCa    bootstrap-t
======  ===========  ==========  =====  ===========
5       normal       0.831       0.824  0.943
5       exponential  0.762       0.776  0.912
8       normal       0.872       0.876  0.952
8       exponential  0.833       0.846  0.935
12      normal       0.916       0.916  0.951
12      exponential  0.848       0.870  0.924
20      normal       0.926       0.922  0.953
20      exponential  0.898       0.911  0.947
======  ===========  ==========  =====  ===========

Percentile and BCa cannot leave the range of the differences, which at n = 5 holds the mean of a
symmetric law in 94 % of cases at any level; the levels of Holm's correction are out of their reach.
The bootstrap-t interval is wide at n = 5 (1.3 times Student's at 95 %, 2.5 times at 99.5 %): that
is what five differences of unknown law say. It is a check on the t-interval, not its replacement.

Sources: Efron (1981), Nonparametric standard errors and confidence intervals, Canad. J. Statist.
9:139-172; Hall (1988), Theoretical comparison of bootstrap confidence intervals, Ann. Statist.
16:927-953; Fisher and Hall (1991), Bootstrap algorithms for small samples, J. Statist. Plann.
Inference 27:157-169 (enumeration).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.compare.statistics.student import moments

#: Up to this many differences every resample is counted.
EXACT_UP_TO: Final = 9
RESAMPLES: Final = 20_000
SEED: Final = 1979  # of the resamples beyond; fixed, so that an interval is a function of its data

Array = npt.NDArray[np.float64]


def bootstrap_interval(
    differences: Sequence[float], level: float = 0.95
) -> tuple[float | None, float | None]:
    """Return the bootstrap-t interval of the mean of ``differences``.

    Args:
        differences: entry minus other, one per seed, finite; in any order.
        level: between 0 and 1.

    Returns:
        Both ends, or None twice where so few differences cannot resolve the level or where all
        are equal. Reversing the signs reverses the interval exactly.

    Example:
        >>> low, high = bootstrap_interval([0.2, 0.5, 0.3, 0.9, 0.4])
        >>> round(low, 3), round(high, 3)
        (0.231, 1.064)
        >>> bootstrap_interval([0.2, 0.5, 0.3])
        (None, None)
    """
    count = len(differences)
    mean, deviation = moments(differences)
    if not deviation:
        return None, None
    # One orientation and one order for all, so that neither signs nor the order of seeds matter;
    # one scale, so that squares neither overflow nor vanish.
    sign = 1.0 if mean >= 0 else -1.0
    centred = np.sort(sign * (np.asarray(differences, dtype=np.float64) - mean))
    centred /= np.abs(centred).max()
    counts, weights = _resamples(count)
    shares = counts / count
    means = shares @ centred
    spread = np.maximum(shares @ (centred * centred) - means * means, 0)
    # Equal values whose rounding leaves a spread are of a single value all the same.
    single = (counts.max(axis=1) == count) | (spread <= 1e-14)
    t = means * math.sqrt(count - 1) / np.sqrt(np.where(single, 1.0, spread))
    t[single & (means > 0)], t[single & (means < 0)] = math.inf, -math.inf
    order = np.argsort(t, kind="stable")
    t, weights = t[order], weights[order]
    tail = (1 - level) / 2
    above, below = _upper(t, weights, tail), -_upper(-t[::-1], weights[::-1], tail)
    if math.isinf(above) or math.isinf(below):
        return None, None
    unit = deviation / math.sqrt(count)
    ends = sorted((mean - sign * above * unit, mean - sign * below * unit))
    return ends[0], ends[1]


def _upper(values: Array, weights: Array, tail: float) -> float:
    """The smallest of the ascending ``values`` that leaves at most ``tail`` of the weight above."""
    beyond = np.cumsum(weights[::-1])  # the weight of the i + 1 largest
    # a tail that the weights meet exactly is met in spite of rounding
    index = int(np.searchsorted(beyond, tail * (1 + 1e-9), side="right"))
    return float(values[len(values) - 1 - min(index, len(values) - 1)])


@lru_cache(maxsize=8)
def _resamples(count: int) -> tuple[Array, Array]:
    """How often each difference occurs in each resample (resamples, n), and the weights."""
    if count > EXACT_UP_TO:
        generator = np.random.default_rng(SEED)
        drawn = generator.multinomial(count, [1 / count] * count, size=RESAMPLES)
        return drawn.astype(np.float64), np.full(RESAMPLES, 1 / RESAMPLES)
    chosen = np.array(list(combinations_with_replacement(range(count), count)))
    counts = np.stack([(chosen == place).sum(axis=1) for place in range(count)], axis=1)
    factorials = np.array([math.factorial(k) for k in range(count + 1)], dtype=np.float64)
    weights = factorials[count] / factorials[counts].prod(axis=1) / float(count) ** count
    return counts.astype(np.float64), weights
