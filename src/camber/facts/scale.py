"""The scale in which tails are measured: monomials x^p (log x)^q e^E on a ray x ≥ R.

The exponent E is a sum of atoms with exact rational multiplicities. An atom is a power of x or,
where a coefficient is not exact (x²/2 written (x/sqrt(2))²), the expression itself: e^u and e^(−u)
then still cancel exactly, and two exponents are merged only where they are the same function.

Source of the idea: G. H. Hardy, Orders of Infinity (1910).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from camber.facts.bounds import Bounds, down, plus, rational, times, up
from camber.formula.tree import Node

#: Exponents are polynomials of at most this degree, up to bounded parts.
DEGREE: Final = 4
Polynomial = tuple[Bounds, ...]


class IndecisiveError(Exception):
    """An enclosure that is not good enough yet, or an operation the scale has no place for."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A function of x in an exponent: x^power, or the function that ``node`` is.

    ``polynomial`` encloses it: bounds of the coefficients of 1, x, ..., x^4 on the ray.
    """

    power: int
    node: Node | None
    polynomial: Polynomial = field(compare=False)

    @property
    def rank(self) -> tuple[int, int]:
        """Some fixed order of atoms."""
        return self.power, hash(self.node)


def power_atom(power: int) -> Atom:
    """The atom x^power."""
    return Atom(power, None, tuple((float(k == power),) * 2 for k in range(DEGREE + 1)))


Exponent = tuple[tuple[Atom, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Monomial:
    """x^p (log x)^q e^(sum of multiplicity times atom)."""

    p: float = 0.0
    q: float = 0.0
    exponent: Exponent = ()

    @property
    def order(self) -> tuple[float, ...]:
        """Approximate exponents by falling weight; compared as tuples this is dominance."""
        if not self.exponent:
            return (0.0,) * DEGREE + (self.p, self.q)
        sums = [0.0] * DEGREE
        for atom, multiplicity in self.exponent:
            for k in range(1, DEGREE + 1):
                lo, hi = atom.polynomial[k]
                sums[DEGREE - k] += float(multiplicity) * 0.5 * (lo + hi)
        return (*sums, self.p, self.q)

    def multiply(self, other: Monomial) -> Monomial:
        """The product of two monomials."""
        if not other.exponent:
            exponent = self.exponent
        elif not self.exponent:
            exponent = other.exponent
        else:
            exponent = _merge(self.exponent, other.exponent)
        return Monomial(self.p + other.p, self.q + other.q, exponent)

    def raise_to(self, power: Fraction) -> Monomial:
        """The monomial to a power."""
        if power == 0:
            return UNIT
        exponent = tuple((atom, multiplicity * power) for atom, multiplicity in self.exponent)
        return Monomial(self.p * float(power), self.q * float(power), exponent)

    def over(self, other: Monomial) -> Monomial:
        """The quotient of two monomials."""
        return self.multiply(other.raise_to(Fraction(-1)))

    def polynomial(self) -> list[Bounds]:
        """Bounds of the coefficients of the exponent."""
        total: list[Bounds] = [(0.0, 0.0)] * (DEGREE + 1)
        for atom, multiplicity in self.exponent:
            factor = rational(multiplicity)
            for k, bounds in enumerate(atom.polynomial):
                if bounds != (0.0, 0.0):
                    total[k] = plus(total[k], times(bounds, factor))
        return total

    def trend(self) -> int:
        """+1 for growth, −1 for decay, 0 for the constant 1."""
        for lo, hi in reversed(self.polynomial()[1:]):
            if lo > 0 or hi < 0:
                return 1 if lo > 0 else -1
            if (lo, hi) != (0.0, 0.0):
                raise IndecisiveError
        for part in (self.p, self.q):
            if part:
                return 1 if part > 0 else -1
        if self.exponent:
            raise IndecisiveError
        return 0

    def extent(self, start: float) -> Bounds:
        """The range on x ≥ ``start``, for a monomial that is monotone there (up to its bounds)."""
        if not self.exponent and not self.p and not self.q:
            return 1.0, 1.0
        trend = self.trend()
        log = math.log(start)
        end = 0 if trend > 0 else 1
        coefficients = [bounds[end] for bounds in self.polynomial()]
        # x d/dx of the logarithm, a polynomial of which every Taylor coefficient at the start
        # must have the sign of the trend: then it keeps that sign on the whole ray.
        power = self.p + (min(self.q, 0.0) if trend > 0 else max(self.q, 0.0)) / log
        slope = [power, *[k * coefficient for k, coefficient in enumerate(coefficients)][1:]]
        if any(trend * shifted < 0 for shifted in _shift(slope, start)):
            raise IndecisiveError
        parts = [coefficient * start**k for k, coefficient in enumerate(coefficients)]
        parts += [self.p * log, self.q * math.log(log)]
        exponent, slack = sum(parts), 1e-14 + 4e-15 * sum(abs(part) for part in parts)
        if exponent + slack > 700:
            return 1e300, math.inf
        if trend > 0:
            return down(math.exp(exponent) * (1 - slack)), math.inf
        return 0.0, up(math.exp(exponent) * (1 + slack))


def _merge(exponent: Exponent, other: Exponent) -> Exponent:
    total = dict(exponent)
    for atom, multiplicity in other:
        total[atom] = total.get(atom, Fraction(0)) + multiplicity
    kept = [(atom, multiplicity) for atom, multiplicity in total.items() if multiplicity]
    return tuple(sorted(kept, key=lambda entry: entry[0].rank))


def _shift(coefficients: list[float], start: float) -> list[float]:
    """Taylor coefficients of a polynomial at ``start``, by repeated synthetic division."""
    shifted = list(coefficients)
    for first in range(len(shifted)):
        for k in range(len(shifted) - 2, first - 1, -1):
            shifted[k] += start * shifted[k + 1]
    return shifted


UNIT: Final = Monomial()
LINE: Final = Monomial(1.0)
