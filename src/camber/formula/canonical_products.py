"""A product in canonical form: a coefficient, and whole powers above and below the line."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from camber.formula.tree import Node

#: Digits of folded constants, in bits, and the largest whole exponent that is collected.
MAX_BITS: Final = 1_024
MAX_EXPONENT: Final = 64


class TooLargeError(ArithmeticError):
    """A folded constant would exceed its bound."""


def bounded(value: Fraction) -> Fraction:
    """``value``, or TooLargeError where it has too many digits."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise TooLargeError
    return value


def raised(value: Fraction, exponent: int) -> Fraction:
    """value ** exponent within bounds; TooLargeError before anything large is computed."""
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits * abs(exponent) > 2 * MAX_BITS and abs(value) != 1 and value != 0:
        raise TooLargeError
    return bounded(value**exponent)


class Product:
    """coefficient * product of above[f]**n / product of below[f]**n."""

    def __init__(self) -> None:
        self.coefficient = Fraction(1)
        self.above: dict[Node, int] = {}
        self.below: dict[Node, int] = {}

    def monic(self) -> Product:
        """A copy with coefficient 1."""
        copy = Product()
        copy.above, copy.below = dict(self.above), dict(self.below)
        return copy

    def scale(self, value: Fraction) -> None:
        self.coefficient = bounded(self.coefficient * value)

    def enter(self, factor: Node, exponent: int) -> None:
        side = self.above if exponent > 0 else self.below
        total = side.get(factor, 0) + abs(exponent)
        if total > MAX_EXPONENT:
            raise TooLargeError
        side[factor] = total

    def settle(self) -> None:
        """Cancel factors that stand above and below, but for one below that marks the hole."""
        for factor in [factor for factor in self.above if factor in self.below]:
            rest = self.above.pop(factor) - self.below.pop(factor)
            if rest >= 0:
                self.above[factor], self.below[factor] = rest + 1, 1
            else:
                self.below[factor] = -rest


def keep_hole(pending: list[tuple[Node, int]], base: Node, exponent: int) -> None:
    """1/(a/b) is b/a only where b is not 0: written b b/(a b)."""
    pending.append((base, -exponent))
    pending.append((base, exponent))
