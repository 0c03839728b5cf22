"""Parity and homogeneity, read off the tree; where the tree does not show them, from samples.

Each node carries the set of symmetries it is known to have: a sum has those its terms share, a
product those its factors' symmetries multiply to, tanh those of its argument. What the tree proves
is exact. A single pair of points whose enclosures do not overlap disproves a symmetry; one that
holds at all samples but is not visible in the tree is reported as numeric.

Shapes: C channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.facts.pieces import find_pieces
from camber.facts.rational import NotRationalError, as_rational, multiply, reflect
from camber.facts.rewrite import prepare
from camber.facts.subject import Subject
from camber.facts.values import Homogeneity, Provenance
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter, fold

Array = npt.NDArray[np.float64]
Signs = frozenset[int]
#: A degree of homogeneity; ANY for zero, which has all degrees; None where there is none.
Degree = float | None

_NONE: Final[Signs] = frozenset()
_EVEN: Final[Signs] = frozenset({1})
_BOTH: Final[Signs] = frozenset({1, -1})
_ODD_FUNCTIONS: Final = ("tanh", "erf", "sin", "atan", "asin", "sinh", "tan", "sign")
_EVEN_FUNCTIONS: Final = ("cos", "cosh", "abs")
_ANY: Final = math.inf
_POINTS: Final[Array] = 1.7 ** np.arange(-16.0, 17.0) * 1.0137
_CLOSE: Final = 1e-12


def parity(subject: Subject, channel: int) -> tuple[str, Provenance, float]:
    """``even``, ``odd`` or ``none``, with provenance and error."""
    values, name = subject.one(channel), subject.name
    root = prepare(subject.root)
    shown = fold(root, lambda node, below: _signs(node, below, values, name))
    if shown:
        return ("even" if 1 in shown else "odd"), "exact", 0.0
    field = subject.field(subject.root)
    index = np.full(len(_POINTS), channel)
    right, left = field(_POINTS, index), field(-_POINTS, index)
    # Where both sides overflow nothing can be told; where one is not defined the other must not be.
    finite = np.isfinite(right) & np.isfinite(left)
    if (np.isnan(right) != np.isnan(left)).any() or not finite.any():
        return "none", "certified", 0.0
    right, left = right[finite], left[finite]
    for word, sign in (("even", 1), ("odd", -1)):
        gap = np.abs(right - sign * left)
        size = np.maximum(1.0, np.abs(right))
        if (gap <= _CLOSE * size).all():
            if _mirrored(subject, channel, sign):
                return word, "exact", 0.0
            return word, "numeric", float((gap / size).max()) + 1e-16
    return "none", "certified", 0.0


def _mirrored(subject: Subject, channel: int, sign: int) -> bool:
    """Whether each piece is rational and the mirror image, times ``sign``, of its opposite."""
    row = find_pieces(subject).of(channel)
    values, name = subject.one(channel), subject.name
    trees = [as_rational(piece.tree, values, name) for piece in row]
    for place, (piece, own) in enumerate(zip(row, trees, strict=True)):
        other, opposite = row[-1 - place], trees[-1 - place]
        if own is None or opposite is None or piece.lo != -other.hi or piece.open:
            return False
        image = reflect(opposite)
        # P/Q and R/S are the same function where P S = R Q.
        try:
            left = multiply(own.numerator, image.expanded)
            right = multiply(image.numerator, own.expanded)
        except NotRationalError:
            return False
        if left != tuple(sign * c for c in right):
            return False
    return True


def _signs(
    node: Node, below: tuple[Signs, ...], values: Mapping[Parameter, float], name: str
) -> Signs:
    if isinstance(node, Input) and node.name == name:
        return frozenset({-1})
    if isinstance(node, Number):
        return _EVEN if node.value else _BOTH
    if isinstance(node, Parameter):
        return _EVEN if values[node] else _BOTH
    if not isinstance(node, Call):
        return _EVEN if isinstance(node, Constant) else _NONE
    match node.operation, below:
        case (("add" | "sub"), (a, b)):
            return a & b
        case "neg", (a,):
            return a
        case (("mul" | "div"), (a, b)):
            return frozenset(x * y for x in a for y in b)
        case "pow", (a, b):
            exponent = node.arguments[1]
            if isinstance(exponent, Number) and exponent.value.denominator == 1:
                return frozenset(x ** (int(exponent.value) % 2) for x in a)
            return _EVEN if 1 in a and 1 in b else _NONE
        case "poly", (x, *coefficients):
            return _polynomial_signs(x, coefficients)
        case operation, (a,) if operation in _ODD_FUNCTIONS:
            return a
        case operation, (a,) if operation in _EVEN_FUNCTIONS:
            return _EVEN if a else _NONE
        case "where", (condition, a, b):
            return a & b if 1 in condition else _NONE
        case _:
            return _EVEN if all(1 in part for part in below) else _NONE


def _polynomial_signs(x: Signs, coefficients: list[Signs]) -> Signs:
    shared = _BOTH
    for power, coefficient in enumerate(coefficients):
        shared &= frozenset(a ** (power % 2) * c for a in x for c in coefficient)
    return shared


def homogeneity(subject: Subject, channel: int) -> tuple[Homogeneity | None, Provenance, float]:
    """The degree of positive homogeneity, None where there is none."""
    values, name = subject.one(channel), subject.name
    root = prepare(subject.root)
    degree = fold(root, lambda node, below: _degree(node, below, values, name))
    word, word_provenance, word_error = parity(subject, channel)
    if degree is not None:
        if degree == _ANY:
            return Homogeneity(1.0, True), "exact", 0.0
        linear = degree == 1 and word == "odd"
        return Homogeneity(degree, linear), "exact", 0.0
    field = subject.field(subject.root)
    index = np.full(2 * len(_POINTS), channel)
    points = np.concatenate([_POINTS, -_POINTS])
    once, twice = field(points, index), field(2 * points, index)
    if not (np.isfinite(once).all() and np.isfinite(twice).all()):
        return None, "certified", 0.0
    live = once != 0
    if not live.any() or (twice[~live] != 0).any() or (twice[live] / once[live] <= 0).any():
        return None, "certified", 0.0
    degrees = np.log2(twice[live] / once[live])
    found = float(np.round(degrees[0], 9))
    gap = float(np.abs(twice - 2.0**found * once).max() / np.abs(twice).max())
    if gap > _CLOSE:
        return None, "certified", 0.0
    linear = found == 1 and word == "odd" and word_provenance != "certified"
    return Homogeneity(found, linear), "numeric", max(gap, word_error, 1e-16)


def _degree(
    node: Node, below: tuple[Degree, ...], values: Mapping[Parameter, float], name: str
) -> Degree:
    if isinstance(node, Input):
        return 1.0 if node.name == name else 0.0
    if isinstance(node, Number):
        return 0.0 if node.value else _ANY
    if isinstance(node, Parameter):
        return 0.0 if values[node] else _ANY
    if not isinstance(node, Call):
        return 0.0
    if any(part is None for part in below):
        return None
    parts = [part for part in below if part is not None]
    match node.operation, parts:
        case (("add" | "sub" | "max" | "min"), [a, b]):
            return _shared(a, b)
        case (("lt" | "le" | "gt" | "ge" | "eq" | "ne"), [a, b]):
            # A comparison of equal degrees does not change along a ray.
            return None if _shared(a, b) is None else 0.0
        case "where", [_, a, b]:
            return _shared(a, b)
        case (("neg" | "abs"), [a]):
            return a
        case "sign", [a]:
            return _ANY if a == _ANY else 0.0
        case "mul", [a, b]:
            return a + b
        case "div", [a, b]:
            return None if b == _ANY else a - b
        case "sqrt", [a]:
            return a / 2
        case "pow", [a, _]:
            return _power_degree(node, a, parts[1], values)
        case "poly", [x, *coefficients]:
            total: Degree = _ANY
            for power, coefficient in enumerate(coefficients):
                total = None if total is None else _shared(total, power * x + coefficient)
            return total
        case _:
            return 0.0 if all(part == 0 for part in parts) else None


def _shared(a: float, b: float) -> Degree:
    if _ANY in (a, b):
        return min(a, b)
    return a if a == b else None


def _power_degree(
    node: Call, base: float, exponent: float, values: Mapping[Parameter, float]
) -> Degree:
    leaf = node.arguments[1]
    if isinstance(leaf, Number):
        power = float(leaf.value)
    elif isinstance(leaf, Parameter):
        power = values[leaf]
    else:
        return 0.0 if base == 0 and exponent == 0 else None
    return (
        base * power
        if power > 0
        else (0.0 if not power else (None if base == _ANY else base * power))
    )
