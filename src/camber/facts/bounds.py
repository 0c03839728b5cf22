"""Interval arithmetic on single pairs of floats that stays exact wherever the result is a float.

Array interval arithmetic widens every result; here 1 − 1 is the point 0, so that leading terms of
expansions cancel. Rounding errors are found by error-free transformations and rounded outwards.

Source: T. J. Dekker, A floating-point technique for extending the available precision (1971).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Final

Bounds = tuple[float, float]

_SPLITTER: Final = 134217729.0


def down(value: float) -> float:
    """The next float below."""
    return math.nextafter(value, -math.inf)


def up(value: float) -> float:
    """The next float above."""
    return math.nextafter(value, math.inf)


def _sum(a: float, b: float) -> Bounds:
    total = a + b
    if math.isinf(total):
        return (total, total) if math.isinf(a) or math.isinf(b) else (down(total), up(total))
    shadow = total - a
    error = (a - (total - shadow)) + (b - shadow)
    return (down(total) if error < 0 else total, up(total) if error > 0 else total)


def _product(a: float, b: float) -> Bounds:
    # Zero times infinity is zero: an infinite end stands for arbitrarily large finite values.
    if a == 0 or b == 0:
        return 0.0, 0.0
    product = a * b
    if math.isinf(a) or math.isinf(b) or abs(a) == 1 or abs(b) == 1:
        return product, product
    if not 1e-280 < abs(product) < 1e280 or max(abs(a), abs(b)) > 1e280:
        return down(product), up(product)
    high_a = _SPLITTER * a - (_SPLITTER * a - a)
    high_b = _SPLITTER * b - (_SPLITTER * b - b)
    low_a, low_b = a - high_a, b - high_b
    error = ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b
    return (down(product) if error < 0 else product, up(product) if error > 0 else product)


def plus(a: Bounds, b: Bounds) -> Bounds:
    """a + b; opposite infinities add to everything.

    >>> plus((1.0, 1.0), (-1.0, -1.0))
    (0.0, 0.0)
    """
    lo, hi = _sum(a[0], b[0])[0], _sum(a[1], b[1])[1]
    return (-math.inf if math.isnan(lo) else lo, math.inf if math.isnan(hi) else hi)


def times(a: Bounds, b: Bounds) -> Bounds:
    """a b."""
    if a[0] == a[1] and b[0] == b[1]:
        return _product(a[0], b[0])
    ends = [_product(x, y) for x in a for y in b]
    return min(end[0] for end in ends), max(end[1] for end in ends)


def reciprocal(a: Bounds) -> Bounds:
    """1 / a for an interval without zero."""
    lo, hi = 1.0 / a[1], 1.0 / a[0]
    # Powers of two have exact reciprocals.
    exact = a[0] == a[1] and math.frexp(a[0])[0] in (0.5, -0.5)
    return (lo, hi) if exact else (down(lo), up(hi))


@lru_cache(maxsize=1024)
def rational(value: Fraction) -> Bounds:
    """The floats next to an exact rational, one float where it is one; OverflowError if too big.

    >>> rational(Fraction(1, 4)), rational(Fraction(1, 10))[0] < 0.1
    ((0.25, 0.25), True)
    """
    nearest = float(value)
    exact = Fraction(nearest)
    if exact == value:
        return nearest, nearest
    below = nearest if exact < value else down(nearest)
    return below, up(below)


def with_zero(a: Bounds) -> Bounds:
    """The hull of an interval and zero."""
    return min(a[0], 0.0), max(a[1], 0.0)
