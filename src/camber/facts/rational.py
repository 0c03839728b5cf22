"""Rational functions of x in exact arithmetic, and what they do near infinity.

A tree built from x, numbers and parameter values (floats are exact rationals) by + − · / and whole
powers is P(x) / Π Q_i(x)^k_i. Derivatives of a quotient cancel to many orders at infinity; only
exact coefficients show what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from camber.facts.bounds import plus, rational
from camber.facts.ray import KEPT, Series
from camber.facts.scale import Monomial
from camber.formula.tree import Call, Input, Node, Number, Parameter, walk

Polynomial = tuple[Fraction, ...]

#: A polynomial of higher degree is left to the inexact scale.
MAX_DEGREE = 64
_ZERO: Polynomial = ()
_ONE: Polynomial = (Fraction(1),)


class NotRationalError(Exception):
    """A tree that is no rational function, or one of too high a degree."""


@dataclass(frozen=True, slots=True)
class Rational:
    """numerator / product of factors to their powers; coefficients ascend, without end zeros."""

    numerator: Polynomial
    denominator: tuple[tuple[Polynomial, int], ...] = ()

    @property
    def expanded(self) -> Polynomial:
        """The denominator multiplied out."""
        result = _ONE
        for factor, power in self.denominator:
            for _ in range(power):
                result = multiply(result, factor)
        return result


def _trim(coefficients: list[Fraction]) -> Polynomial:
    while coefficients and not coefficients[-1]:
        coefficients.pop()
    return tuple(coefficients)


def add(a: Polynomial, b: Polynomial) -> Polynomial:
    """a + b."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    return _trim([*(x + y for x, y in zip(long, short, strict=False)), *long[len(short) :]])


def multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    """a b."""
    if not a or not b:
        return _ZERO
    if len(a) + len(b) > MAX_DEGREE + 2:
        raise NotRationalError
    result = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        if x:
            for j, y in enumerate(b):
                result[i + j] += x * y
    return _trim(result)


def as_rational(root: Node, values: Mapping[Parameter, float], name: str) -> Rational | None:
    """The rational function that a tree is, or None.

    >>> from camber.formula.parser import parse
    >>> f = as_rational(parse("(1 + x)/(2*x)", ("x",)), {}, "x")
    >>> [str(c) for c in f.numerator], [str(c) for c in f.expanded]
    (['1', '1'], ['0', '2'])
    """
    results: dict[int, Rational] = {}
    try:
        for node in walk(root):
            below = [results[id(child)] for child in node.children]
            results[id(node)] = _combine(node, below, values, name)
    except NotRationalError:
        return None
    return results[id(root)]


def _combine(
    node: Node, below: list[Rational], values: Mapping[Parameter, float], name: str
) -> Rational:
    if isinstance(node, Number):
        return Rational(_trim([node.value]))
    if isinstance(node, Parameter):
        return Rational(_trim([Fraction(values[node])]))
    if isinstance(node, Input) and node.name == name:
        return Rational((Fraction(0), Fraction(1)))
    if not isinstance(node, Call):
        raise NotRationalError
    match node.operation, below:
        case "add", (a, b):
            return _sum(a, b)
        case "sub", (a, b):
            return _sum(a, _negative(b))
        case "neg", (a,):
            return _negative(a)
        case "mul", (a, b):
            return _product(a, b)
        case "div", (a, b):
            return _product(a, _inverse(b))
        case "abs", (a,) if len(a.numerator) <= 1 and not a.denominator:
            return Rational(tuple(abs(c) for c in a.numerator))
        case "pow", (a, _):
            exponent = node.arguments[1]
            if not isinstance(exponent, Number) or exponent.value.denominator != 1:
                raise NotRationalError
            return _power(a, int(exponent.value))
        case "poly", (x, *coefficients):
            result = coefficients[-1]
            for coefficient in reversed(coefficients[:-1]):
                result = _sum(_product(result, x), coefficient)
            return result
        case _:
            raise NotRationalError


def _negative(a: Rational) -> Rational:
    return Rational(tuple(-c for c in a.numerator), a.denominator)


def _sum(a: Rational, b: Rational) -> Rational:
    if not a.numerator or not b.numerator:
        return a if a.numerator else b
    first, second = dict(a.denominator), dict(b.denominator)
    joint = {f: max(first.get(f, 0), second.get(f, 0)) for f in [*first, *second]}
    total = _ZERO
    for part, own in ((a, first), (b, second)):
        numerator = part.numerator
        for factor, power in joint.items():
            for _ in range(power - own.get(factor, 0)):
                numerator = multiply(numerator, factor)
        total = add(total, numerator)
    return Rational(total, tuple(joint.items()) if total else ())


def _product(a: Rational, b: Rational) -> Rational:
    numerator = multiply(a.numerator, b.numerator)
    if not numerator:
        return Rational(_ZERO)
    joint = dict(a.denominator)
    for factor, power in b.denominator:
        joint[factor] = joint.get(factor, 0) + power
    return Rational(numerator, tuple(joint.items()))


def _inverse(a: Rational) -> Rational:
    if not a.numerator:
        raise NotRationalError
    if len(a.numerator) == 1:
        return Rational(tuple(c / a.numerator[0] for c in a.expanded))
    return Rational(a.expanded, ((a.numerator, 1),))


def _power(a: Rational, exponent: int) -> Rational:
    if abs(exponent) > MAX_DEGREE:
        raise NotRationalError
    base = a if exponent >= 0 else _inverse(a)
    result = Rational(_ONE)
    for _ in range(abs(exponent)):
        result = _product(result, base)
    return result


def reflect(a: Rational) -> Rational:
    """The function of −x."""

    def flip(p: Polynomial) -> Polynomial:
        return tuple(-c if k % 2 else c for k, c in enumerate(p))

    return Rational(flip(a.numerator), tuple((flip(f), power) for f, power in a.denominator))


def sign_beyond(p: Polynomial, start: Fraction) -> int | None:
    """The sign of a polynomial on x ≥ start if its Taylor coefficients there agree, else None."""
    shifted = list(p)
    for first in range(len(shifted)):
        for k in range(len(shifted) - 2, first - 1, -1):
            shifted[k] += start * shifted[k + 1]
    signs = {(c > 0) - (c < 0) for c in shifted if c}
    return (signs.pop() if signs else 0) if len(signs) <= 1 else None


def series_beyond(a: Rational, start: float) -> tuple[Series, int] | None:
    """Expand a rational function on x ≥ start, with its sign; None where it has roots there."""
    begin = Fraction(start)
    sign = sign_beyond(a.numerator, begin)
    for factor, power in a.denominator:
        own = sign_beyond(factor, begin)
        if not own or sign is None:
            return None
        sign *= own**power
    if not sign:
        return None if sign is None else ((), 0)
    # In y = 1/x: f = x^shift (c_0 + c_1 y + ... + y^m R(y) / D(y)), the c exact by long division.
    numerator, denominator = a.numerator[::-1], a.expanded[::-1]
    quotient: list[Fraction] = []
    for k in range(KEPT):
        total = numerator[k] if k < len(numerator) else Fraction(0)
        reach = min(k, len(denominator) - 1)
        total -= sum(denominator[j] * quotient[k - j] for j in range(1, reach + 1))
        quotient.append(total / denominator[0])
    product = multiply(denominator, _trim(list(quotient)))
    remainder = add(numerator, tuple(-c for c in product))[KEPT:]
    largest = 1 / begin
    spread = _size(denominator[1:], largest) * largest / abs(denominator[0])
    if remainder and spread > Fraction(9, 10):
        return None
    shift = len(a.numerator) - len(denominator)
    terms = [(Monomial(float(shift - k)), rational(c)) for k, c in enumerate(quotient) if c]
    if remainder:
        last = max(k for k, c in enumerate(quotient) if c)
        rest = _size(remainder, largest) / (abs(denominator[0]) * (1 - spread))
        rest *= largest ** (KEPT - last)
        monomial, bounds = terms[-1]
        terms[-1] = (monomial, plus(bounds, (rational(-rest)[0], rational(rest)[1])))
    return tuple(terms), sign


def _size(p: Polynomial, x: Fraction) -> Fraction:
    """A bound of |p| on [0, x]."""
    return sum((abs(c) * x**k for k, c in enumerate(p)), Fraction(0))
