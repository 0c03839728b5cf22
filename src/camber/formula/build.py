"""Small constructors for trees, with the simplifications that keep derivatives readable."""

from __future__ import annotations

from fractions import Fraction

from camber.formula.limits import number_fits
from camber.formula.tree import Call, Node, Number

ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))
TWO = Number(Fraction(2))


def constant(numerator: int, denominator: int = 1) -> Number:
    """An exact rational constant."""
    return Number(Fraction(numerator, denominator))


def call(operation: str, *arguments: Node, **options: str | int) -> Call:
    """An operation applied to arguments."""
    return Call(operation, arguments, tuple(sorted(options.items())))


def add(a: Node, b: Node) -> Node:
    """a + b, without zeros."""
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    if isinstance(a, Number) and isinstance(b, Number) and number_fits(a.value + b.value):
        return Number(a.value + b.value)
    if isinstance(b, Call) and b.operation == "neg":
        return call("sub", a, b.arguments[0])
    return call("add", a, b)


def subtract(a: Node, b: Node) -> Node:
    """a - b, without zeros."""
    if b == ZERO:
        return a
    if a == ZERO:
        return negative(b)
    if isinstance(a, Number) and isinstance(b, Number) and number_fits(a.value - b.value):
        return Number(a.value - b.value)
    return call("sub", a, b)


def negative(a: Node) -> Node:
    """-a."""
    if isinstance(a, Number):
        return Number(-a.value)
    if isinstance(a, Call) and a.operation == "neg":
        return a.arguments[0]
    return call("neg", a)


def multiply(a: Node, b: Node) -> Node:
    """a * b, without zeros and ones; a zero factor wins, as the derivative rules want."""
    if a == ZERO or b == ZERO:
        return ZERO
    if a == ONE:
        return b
    if b == ONE:
        return a
    if isinstance(a, Number) and isinstance(b, Number) and number_fits(a.value * b.value):
        return Number(a.value * b.value)
    return call("mul", a, b)


def divide(a: Node, b: Node) -> Node:
    """a / b, without ones; a zero numerator wins."""
    if a == ZERO or b == ONE:
        return a
    return call("div", a, b)


def power(a: Node, exponent: int) -> Node:
    """a ** exponent."""
    if exponent == 0:
        return ONE
    return a if exponent == 1 else call("pow", a, constant(exponent))
