"""Derivatives of rational functions as polynomials over a power, and their signs, proved cheaply.

For f = P/Q the k-th derivative is N_k / Q^(k+1) with N_0 = P, N_(k+1) = N_k' Q − (k + 1) N_k Q',
in exact arithmetic. The sign of a numerator on a cell m ± h follows from its Taylor coefficients at
m: |c_0| > Σ |c_k| h^k, with the rounding error of the shift bounded by the same shift of absolute
values. Interval arithmetic on the derivative's tree would lose the cancellation between its terms.

Shapes: C channels, N cells, n the largest degree.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from camber.facts.rational import (
    NotRationalError,
    Polynomial,
    Rational,
    add,
    as_rational,
    multiply,
    reflect,
    sign_beyond,
)
from camber.facts.subject import Field, Subject
from camber.facts.tail import STARTS

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

_EPSILON = float(np.finfo(np.float64).eps)


def derive(p: Polynomial) -> Polynomial:
    """The derivative of a polynomial."""
    return tuple(k * c for k, c in enumerate(p) if k)


def numerators(f: Rational, order: int) -> tuple[Polynomial, Polynomial]:
    """N_order and Q."""
    q = f.expanded
    slope = derive(q)
    n = f.numerator
    for k in range(order):
        crossed = multiply(n, slope)
        n = add(multiply(derive(n), q), tuple(-(k + 1) * c for c in crossed))
    return n, q


class NumeratorField:
    """The sign of the ``order``-th derivative of a rational tree, as a polynomial per channel.

    Answers the same calls as a :class:`~camber.facts.subject.Field` does for signs.
    """

    def __init__(self, field: Field, order: int, channels: Index) -> None:
        self.subject: Subject = field.subject
        self._exact: dict[int, tuple[Polynomial, Polynomial]] = {}
        for channel in dict.fromkeys(channels.tolist()):
            f = as_rational(field.node, self.subject.one(channel), self.subject.name)
            if f is None:
                raise NotRationalError
            self._exact[channel] = numerators(f, order)
        self._power = order + 1
        rows = {channel: [float(c) for c in n] for channel, (n, _) in self._exact.items()}
        # A factor x^j is taken out: the sign of x^j is exact, also on cells that end at 0.
        self._order = min(
            next((k for k, c in enumerate(row) if c), 0) if row else 0 for row in rows.values()
        )
        rows = {channel: row[self._order :] for channel, row in rows.items()}
        size = max(1, *(len(row) for row in rows.values()))
        self._coefficients = np.zeros((size, self.subject.channels))
        for channel, row in rows.items():
            self._coefficients[: len(row), channel] = row
        if not np.isfinite(self._coefficients).all():
            raise NotRationalError

    @property
    def vanishes_at_zero(self) -> bool:
        """Whether the numerator has a factor x."""
        return self._order > 0

    def orient(self, points: Array, channel: Index) -> Index:
        """Sign of the denominator's power at points: what turns N's sign into the derivative's."""
        signs = [
            np.sign(float(_value(self._exact[c][1], Fraction(x)))) ** self._power
            for x, c in zip(points.tolist(), channel.tolist(), strict=True)
        ]
        return np.array(signs, dtype=np.intp)

    def beyond(self, channel: int, side: int) -> tuple[float, int] | None:
        """(R, sign of the derivative on |x| ≥ R on that side), from exact coefficients."""
        n, q = self._exact[channel]
        if side < 0:
            n, q = reflect(Rational(n)).numerator, reflect(Rational(q)).numerator
        for start in STARTS:
            sign, below = sign_beyond(n, Fraction(start)), sign_beyond(q, Fraction(start))
            if sign is not None and below:
                return start, sign * below**self._power
        return None

    def sample(self, points: Array, channel: Index) -> Array:
        """The numerator at points (P,) or (P, K), in floating point."""
        rows = self._coefficients[:, channel]
        if points.ndim == 2:
            rows = rows[..., None]
        result = np.zeros(points.shape)
        for row in rows[::-1]:
            result = result * points + row
        return result * points**self._order

    def enclose(self, lo: Array, hi: Array, channel: Index) -> tuple[Array, Array]:
        """Bounds of the numerator on cells [lo, hi], (N,)."""
        middle, half = 0.5 * (lo + hi), 0.5 * (hi - lo) * (1 + 4 * _EPSILON)
        rows = self._coefficients[:, channel]
        shifted = _shift(rows.copy(), middle)
        sizes = _shift(np.abs(rows), np.abs(middle))
        powers = half ** np.arange(len(rows))[:, None]
        error = (4 * len(rows) + 8) * _EPSILON * (sizes * powers).sum(axis=0)
        reach = (np.abs(shifted[1:]) * powers[1:]).sum(axis=0) + error
        low, high = shifted[0] - reach, shifted[0] + reach
        if not self._order:
            return low, high
        ends = np.sort(np.stack([lo**self._order, hi**self._order]), axis=0)
        if self._order % 2 == 0:
            ends[0][(lo < 0) & (hi > 0)] = 0.0
        corners = np.stack([low * ends[0], low * ends[1], high * ends[0], high * ends[1]])
        return corners.min(axis=0), corners.max(axis=0)


def _shift(rows: Array, middle: Array) -> Array:
    """Taylor coefficients at ``middle``, by repeated synthetic division; (n + 1, N)."""
    for first in range(len(rows)):
        for k in range(len(rows) - 2, first - 1, -1):
            rows[k] += middle * rows[k + 1]
    return rows


def _value(p: Polynomial, x: Fraction) -> Fraction:
    result = Fraction(0)
    for c in reversed(p):
        result = result * x + c
    return result
