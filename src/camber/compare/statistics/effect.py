"""How large a difference is against its own spread over seeds: Hedges' g, its interval, and wins.

With n paired differences of mean m and standard deviation s,

    d = m / s,    g = J(n - 1) d,    J(v) = gamma(v/2) / (sqrt(v/2) gamma((v-1)/2)),

where J makes g unbiased for the population's mean over standard deviation, delta. Under normal
differences t = d sqrt(n) has the noncentral t law with n - 1 degrees of freedom and noncentrality
delta sqrt(n); the interval holds the delta for which t is neither in the upper nor in the lower
(1 - level)/2. It is exact, it is not multiplied by J, and it excludes 0 exactly where the
t-interval of the mean does.

Sources: Hedges (1981), Distribution theory for Glass's estimator of effect size and related
estimators, J. Educ. Stat. 6:107-128; Steiger and Fouladi (1997), Noncentrality interval estimation
and the evaluation of statistical models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from camber.compare.statistics.student import moments


@dataclass(frozen=True, slots=True)
class Effect:
    """Hedges' g with its interval; each None where it is not defined.

    Args:
        g: mean over standard deviation of the differences, small-sample corrected.
        low, high: ends of the interval of its population value.
    """

    g: float | None
    low: float | None
    high: float | None


def small_sample_factor(degrees: int) -> float:
    """Return J(v) = gamma(v/2) / (sqrt(v/2) gamma((v-1)/2)) for v >= 2 degrees of freedom.

    Example (J(2) = 1/sqrt(pi)):
        >>> round(small_sample_factor(2), 6), round(small_sample_factor(4), 6)
        (0.56419, 0.797885)
    """
    half = degrees / 2
    return math.exp(math.lgamma(half) - math.lgamma(half - 0.5)) / math.sqrt(half)


def effect_size(differences: Sequence[float], level: float = 0.95) -> Effect:
    """Return Hedges' g of paired differences.

    All is None below three differences (with two, no factor makes d unbiased) and where they are
    all equal (no spread to measure them by).

    Args:
        differences: entry minus other, one per seed, finite.
        level: of the interval, between 0 and 1.

    Example:
        >>> found = effect_size([1.0, 2.0, 3.0])
        >>> round(found.g, 4), round(found.low, 3), round(found.high, 3)
        (1.1284, -0.142, 4.105)
    """
    count = len(differences)
    if count < 3:
        return Effect(None, None, None)
    mean, deviation = moments(differences)
    if not deviation:
        return Effect(None, None, None)
    ratio = mean / deviation
    root, tail = math.sqrt(count), (1 - level) / 2
    return Effect(
        small_sample_factor(count - 1) * ratio,
        _noncentrality(ratio * root, count - 1, 1 - tail) / root,
        _noncentrality(ratio * root, count - 1, tail) / root,
    )


def wins(differences: Sequence[float], *, lower_is_better: bool = True) -> float:
    """Return the share of seeds in which the entry beats the other; a tie is a win of neither.

    Example:
        >>> wins([-0.1, -0.2, 0.3, 0.0])
        0.5
    """
    sign = 1 if lower_is_better else -1
    return sum(sign * difference < 0 for difference in differences) / len(differences)


def noncentral_t_below(t: float, degrees: int, noncentrality: float) -> float:
    """Return P(T <= t) for T = (Z + c) / W, with c the noncentrality and W² = chi²(v) / v.

    For t > 0 this is the integral of phi(z) P(W >= (z + c) / t) over z: Gauss-Legendre over
    panels that follow both factors. ``scipy.special.nctdtr`` returns NaN at places in its range.

    Example (c = 0 is Student's t):
        >>> round(noncentral_t_below(2.776445, 4, 0.0), 7)
        0.975
    """
    from scipy.special import gammaincc, ndtr

    if t < 0:
        return 1 - noncentral_t_below(-t, degrees, -noncentrality)
    if t == 0:
        return float(ndtr(-noncentrality))
    ratios = -noncentrality + t * np.array([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 6])
    cuts = np.unique(np.clip(np.concatenate([ratios, np.arange(-9.0, 9.1, 1.5)]), -9, 9))
    nodes, weights = _gauss_legendre()
    half = np.diff(cuts)[:, None] / 2
    z = cuts[:-1, None] + half * (1 + nodes)  # (panels, nodes)
    w = np.maximum(z + noncentrality, 0) / t
    above = gammaincc(degrees / 2, degrees * w * w / 2)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return float(np.sum(half * weights * density * above))


@cache
def _gauss_legendre() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Nodes and weights on [-1, 1]; sixteen leave no error above rounding on these panels."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    return nodes, weights


def _noncentrality(t: float, degrees: int, below: float) -> float:
    """The noncentrality under which a noncentral t falls below ``t`` with probability ``below``."""
    from scipy.optimize import brentq

    def excess(noncentrality: float) -> float:
        return noncentral_t_below(t, degrees, noncentrality) - below

    # c = t W - Z: where W is far above 1, c may be several times t.
    reach = 4.0 * (1 + abs(t))
    while not excess(t - reach) >= 0 >= excess(t + reach):
        reach *= 2
    return float(brentq(excess, t - reach, t + reach, xtol=1e-12, rtol=1e-12))
