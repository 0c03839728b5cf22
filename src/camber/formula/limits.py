"""How large a formula may be: every bound that keeps hostile text cheap, in one place.

The text limits hold before Python's own parser sees a character; the number limit holds in every
formula, so that exact arithmetic on its constants stays small.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

#: Characters of a formula's text.
MAX_LENGTH: Final = 10_000
#: Brackets inside brackets; each ``a if c else b`` counts as one that stays open.
MAX_NESTING: Final = 100
#: Operators in one text that Python's parser treats by recursion: signs and ``**``.
MAX_RECURSIVE: Final = 200
#: Nodes of the tree, macros expanded and shared parts counted each time they stand in the text.
MAX_NODES: Final = 2_000
#: Calls inside calls; ``a + b + c`` counts two.
MAX_DEPTH: Final = 200
#: Characters of a name.
MAX_NAME: Final = 64
#: Entries of one indexed family ``weight[0], weight[1], ...``.
MAX_INDEX: Final = 1_024
#: Digits of a numerator or denominator.
MAX_DIGITS: Final = 1_000

_MAX_INTEGER: Final = 10**MAX_DIGITS


def number_fits(value: Fraction) -> bool:
    """Whether ``value`` is small enough, in digits, to be a constant of a formula."""
    return abs(value.numerator) < _MAX_INTEGER and value.denominator < _MAX_INTEGER


def to_float(value: Fraction) -> float:
    """The nearest float64 of an exact constant; beyond float64's range, an infinity."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
