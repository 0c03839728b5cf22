"""Arithmetic of series: functions on x ≥ R enclosed by a few terms, intervals times monomials.

Terms too small to keep are absorbed into the coefficient of the last one kept. Unlike plain
interval arithmetic this knows that x e^(−x) is small at infinity and that 1 − tanh(x)² is positive
there. What cannot be decided from the start R on raises :class:`IndecisiveError`; a later start may
decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from camber.facts.bounds import Bounds, plus, reciprocal, times
from camber.facts.scale import UNIT, IndecisiveError, Monomial

Term = tuple[Monomial, Bounds]
#: Terms by falling dominance.
Series = tuple[Term, ...]

ONE: Final[Series] = ((UNIT, (1.0, 1.0)),)
KEPT: Final = 4


def constant(lo: float, hi: float) -> Series:
    """A constant known to lie in [lo, hi]."""
    return () if lo == hi == 0 else ((UNIT, (lo, hi)),)


def grows(u: Series) -> bool:
    """Whether the dominant term tends to infinity."""
    return bool(u) and u[0][0].trend() > 0


@dataclass(frozen=True, slots=True)
class Ray:
    """Arithmetic of series on x ≥ ``start``, a number above e."""

    start: float

    def collect(self, terms: Iterable[Term]) -> Series:
        """Merge equal monomials, order by dominance, absorb all but the first few."""
        merged: dict[Monomial, Bounds] = {}
        for monomial, bounds in terms:
            known = merged.get(monomial)
            merged[monomial] = bounds if known is None else plus(known, bounds)
        live = [(monomial, bounds) for monomial, bounds in merged.items() if bounds != (0.0, 0.0)]
        if len(live) > 1:
            live.sort(key=lambda term: term[0].order, reverse=True)
        if len(live) <= KEPT:
            return tuple(live)
        last, total = live[KEPT - 1]
        for smaller, bounds in live[KEPT:]:
            ratio = smaller.over(last).extent(self.start)
            total = plus(total, times(bounds, (0.0, ratio[1])))
        return (*live[: KEPT - 1], (last, total))

    def add(self, u: Series, v: Series) -> Series:
        """u + v."""
        if not u or not v:
            return u or v
        return self.collect((*u, *v))

    def negate(self, u: Series) -> Series:
        """−u."""
        return tuple((monomial, (-bounds[1], -bounds[0])) for monomial, bounds in u)

    def scale(self, u: Series, factor: Bounds) -> Series:
        """u times an interval."""
        scaled = ((monomial, times(bounds, factor)) for monomial, bounds in u)
        return tuple((monomial, bounds) for monomial, bounds in scaled if bounds != (0.0, 0.0))

    def multiply(self, u: Series, v: Series) -> Series:
        """u v."""
        if u == ONE:
            return v
        if v == ONE:
            return u
        return self.collect(
            (first.multiply(second), times(a, b)) for first, a in u for second, b in v
        )

    def shift(self, u: Series, monomial: Monomial) -> Series:
        """u times a monomial."""
        return tuple((own.multiply(monomial), bounds) for own, bounds in u)

    def bracket(self, u: Series) -> Bounds:
        """The range of u divided by its dominant monomial."""
        first, total = u[0]
        for monomial, bounds in u[1:]:
            total = plus(total, times(bounds, monomial.over(first).extent(self.start)))
        return total

    def range(self, u: Series) -> Bounds:
        """Bounds of all values of u on the ray; a limit at infinity counts as a bound."""
        if not u:
            return 0.0, 0.0
        return times(self.bracket(u), u[0][0].extent(self.start))

    def sign(self, u: Series) -> int:
        """The sign of u on the whole ray, 0 for the zero series."""
        if not u:
            return 0
        lo, hi = self.bracket(u)
        if lo >= 0:
            return 1
        if hi <= 0:
            return -1
        raise IndecisiveError

    def relative(self, u: Series) -> tuple[Monomial, Bounds, Series]:
        """Write u = c m (1 + e): the dominant monomial m, its coefficient c, the rest e."""
        if not u:
            raise IndecisiveError
        (first, bounds), *rest = u
        if bounds[0] <= 0 <= bounds[1] or not (math.isfinite(bounds[0] + bounds[1])):
            raise IndecisiveError
        inverse = reciprocal(bounds)
        small = [(monomial.over(first), times(other, inverse)) for monomial, other in rest]
        return first, bounds, self.collect(small)

    def invert(self, u: Series) -> Series:
        """1 / u, from 1/(1 + e) = 1 − e + e²/(1 + e)."""
        monomial, coefficient, small = self.relative(u)
        series = ONE
        if small:
            lo, hi = self.range(small)
            if lo < -0.75:
                raise IndecisiveError
            bend = reciprocal(plus((1.0, 1.0), (lo, hi)))
            remainder = self.scale(self.multiply(small, small), bend)
            series = self.add(self.add(ONE, self.negate(small)), remainder)
        flipped = monomial.raise_to(Fraction(-1))
        return self.shift(self.scale(series, reciprocal(coefficient)), flipped)
