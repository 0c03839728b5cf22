"""A sum as its terms and a product as its factors, with numbers gathered exactly.

The stable rewrites look through the many ways of writing one thing (``0.5*x*y``, ``x/2*y``,
``y*(x*0.5)``); these are the glasses they look through.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import inf, isfinite

from camber.formula.build import ONE, call, divide, multiply
from camber.formula.limits import to_float
from camber.formula.tree import Call, Constant, Node, Number

_MOST = 16


def as_number(node: Node) -> Fraction | None:
    """The value of a number, or None."""
    return node.value if isinstance(node, Number) else None


def as_float(node: Node) -> float | None:
    """The float64 of a number, or None."""
    return to_float(node.value) if isinstance(node, Number) else None


def from_float(value: float) -> Node:
    """The node of a float64, infinities included; not for nan."""
    if isfinite(value):
        return Number(Fraction(value))
    return Constant("inf") if value == inf else call("neg", Constant("inf"))


def factors(node: Node) -> tuple[Fraction, list[Node], list[Node]]:
    """Split into (number, numerators, denominators) with node = number * numerators / denominators.

    Only products are opened, never powers or sums, and at most a few levels of them.
    """
    number = Fraction(1)
    above: list[Node] = []
    below: list[Node] = []
    pending: list[tuple[Node, bool]] = [(node, True)]
    while pending:
        part, upper = pending.pop()
        value = as_number(part)
        if value is not None and (upper or value != 0):
            number = number * value if upper else number / value
        elif isinstance(part, Call) and part.operation == "neg":
            number = -number
            pending.append((part.arguments[0], upper))
        elif isinstance(part, Call) and part.operation in ("mul", "div") and _open(above, below):
            first, second = part.arguments
            pending.append((second, upper if part.operation == "mul" else not upper))
            pending.append((first, upper))
        else:
            (above if upper else below).append(part)
    return number, above, below


def _open(above: list[Node], below: list[Node]) -> bool:
    return len(above) + len(below) < _MOST


def product(number: Fraction, above: list[Node], below: list[Node]) -> Node:
    """The node of number * above / below; the inverse of :func:`factors` up to order."""
    result: Node = Number(number)
    for part in above:
        result = multiply(result, part)
    if not below:
        return result
    denominator: Node = ONE
    for part in below:
        denominator = multiply(denominator, part)
    return divide(result, denominator)


def ratio(a: Node, b: Node) -> Fraction | None:
    """The number k with a = k b where both are products of the same things, else None."""
    number_a, above_a, below_a = factors(a)
    number_b, above_b, below_b = factors(b)
    if number_b == 0 or Counter(above_a) != Counter(above_b):
        return None
    return number_a / number_b if Counter(below_a) == Counter(below_b) else None


def terms(node: Node) -> tuple[Fraction, list[tuple[Fraction, Node]]]:
    """Split into (constant, [(coefficient, term), ...]) with node their sum."""
    constant = Fraction(0)
    found: list[tuple[Fraction, Node]] = []
    pending: list[tuple[Node, int]] = [(node, 1)]
    while pending:
        part, sign = pending.pop()
        value = as_number(part)
        if value is not None:
            constant += sign * value
        elif isinstance(part, Call) and part.operation in ("add", "sub") and len(found) < _MOST:
            first, second = part.arguments
            pending.append((second, sign if part.operation == "add" else -sign))
            pending.append((first, sign))
        elif isinstance(part, Call) and part.operation == "neg":
            pending.append((part.arguments[0], -sign))
        else:
            number, above, below = factors(part)
            if number == 1:
                found.append((Fraction(sign), part))
            else:
                found.append((sign * number, product(Fraction(1), above, below)))
    return constant, found


def is_call(node: Node, *names: str) -> bool:
    """Whether ``node`` is a call of one of the operations ``names``."""
    return isinstance(node, Call) and node.operation in names


def argument(node: Node, place: int = 0) -> Node:
    """One argument of a call."""
    return node.children[place]
