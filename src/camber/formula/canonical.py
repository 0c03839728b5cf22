"""Canonical form: one tree for the many ways of writing the same real function.

The form is reached by identities of real arithmetic that change neither a value nor the domain:
sums and products are flattened, like terms and like factors collected, operands sorted; rational
constants are folded exactly as long as they stay small; signs move outwards; comparisons are
written with ``<`` and ``==`` only. Nothing that could remove a hole of the domain is done:
``x/x`` stays, and ``x - x`` is 0 because ``x`` is defined everywhere, where ``log(x) - log(x)``
stays.

The form is idempotent. Two formulas with one canonical form are the same function; the converse
does not hold (``exp(x + 1)`` and ``e*exp(x)`` differ).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import isqrt
from types import MappingProxyType
from typing import Final

from camber.formula.build import ONE, ZERO, call, constant
from camber.formula.canonical_products import TooLargeError
from camber.formula.canonical_sums import Collector
from camber.formula.tree import Call, Constant, Node, Number, fold, rebuild

#: Functions whose value at 0 is rational.
_AT_ZERO: Final = MappingProxyType(
    {
        "exp": ONE, "cos": ONE, "cosh": ONE, "sigmoid": constant(1, 2),
        **dict.fromkeys(
            ("erf", "tanh", "sin", "tan", "asin", "atan", "sinh", "sign", "signed_log",
             "signed_sqrt"),
            ZERO,
        ),
    }
)  # fmt: skip
_ODD: Final = frozenset(
    ("erf", "tanh", "sin", "tan", "asin", "atan", "sinh", "sign", "signed_log", "signed_sqrt")
)
_EVEN: Final = frozenset(("abs", "cos", "cosh"))


def canonical(root: Node) -> Node:
    """Return the canonical form of ``root``.

    Example:
        >>> from camber.formula.parser import parse
        >>> from camber.formula.printer import print_tree
        >>> print_tree(canonical(parse("x*2*3 - x + 1", ("x",))))
        '1 + 5*x'
    """
    collector = Collector()

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        node = rebuild(node, children)
        if not isinstance(node, Call):
            return node
        rule = _RULES.get(node.operation)
        try:
            return rule(collector, node) if rule is not None else _function(collector, node)
        except TooLargeError:
            # A constant would outgrow its bound: the operation stays as it stands.
            return node

    return fold(root, combine)


def _arithmetic(collector: Collector, node: Call) -> Node:
    return collector.arithmetic(node)


def _pow(collector: Collector, node: Call) -> Node:
    base, exponent = node.arguments
    whole = isinstance(exponent, Number) and exponent.value.denominator == 1
    if base == Constant("e") and not whole:
        return _function(collector, call("exp", exponent))
    if exponent == constant(1, 2):
        return _sqrt(collector, call("sqrt", base))
    if exponent == ZERO and collector.total(base):
        return ONE
    return collector.arithmetic(node)


def _function(collector: Collector, node: Call) -> Node:
    """A function of one number: values at 0, parity."""
    if len(node.arguments) != 1 or node.options:
        return node
    u = node.arguments[0]
    if u == ZERO and node.operation in _AT_ZERO:
        return _AT_ZERO[node.operation]
    if isinstance(u, Number) and node.operation == "abs":
        return Number(abs(u.value))
    if isinstance(u, Number) and node.operation == "sign":
        return constant((u.value > 0) - (u.value < 0))
    if node.operation in _EVEN | _ODD and collector.leads_negative(u):
        inner = call(node.operation, collector.scale(u, Fraction(-1)))
        if node.operation in _EVEN:
            return _function(collector, inner)
        return collector.scale(inner, Fraction(-1))
    if node.operation == "abs" and isinstance(u, Call) and u.operation == "abs":
        return u
    if node.operation == "log" and u == ONE:
        return ZERO
    return node


def _sqrt(collector: Collector, node: Call) -> Node:
    u = node.arguments[0]
    if isinstance(u, Number) and u.value >= 0:
        above, below = isqrt(u.value.numerator), isqrt(u.value.denominator)
        if above**2 == u.value.numerator and below**2 == u.value.denominator:
            return Number(Fraction(above, below))
    return node


def _extreme(collector: Collector, node: Call) -> Node:
    """min and max: flatten, drop repetitions, keep one number, sort."""
    best = max if node.operation == "max" else min
    numbers: list[Fraction] = []
    rest: dict[Node, None] = {}
    pending = list(reversed(node.arguments))
    while pending:
        part = pending.pop()
        if isinstance(part, Number):
            numbers.append(part.value)
        elif isinstance(part, Call) and part.operation == node.operation:
            pending.extend(reversed(part.arguments))
        else:
            rest[part] = None
    operands = sorted(rest, key=collector.key)
    if numbers:
        operands.append(Number(best(numbers)))
    return operands[0] if len(operands) == 1 else Call(node.operation, tuple(operands))


def _where(collector: Collector, node: Call) -> Node:
    condition, a, b = node.arguments
    if not isinstance(condition, Call):
        return node
    first, second = condition.arguments
    if isinstance(first, Number) and isinstance(second, Number):
        holds = _HOLDS[condition.operation](first.value, second.value)
        return a if holds else b
    if a == b and collector.total(condition):
        return a
    swap = condition.operation in ("le", "ge", "ne")
    if condition.operation in ("lt", "ge"):
        written = call("lt", first, second)
    elif condition.operation in ("gt", "le"):
        written = call("lt", second, first)
    else:
        written = Call("eq", tuple(sorted((first, second), key=collector.key)))
    return call("where", written, b, a) if swap else call("where", written, a, b)


_HOLDS: Final[Mapping[str, Callable[[Fraction, Fraction], bool]]] = MappingProxyType(
    {
        "lt": lambda a, b: a < b,
        "le": lambda a, b: a <= b,
        "gt": lambda a, b: a > b,
        "ge": lambda a, b: a >= b,
        "eq": lambda a, b: a == b,
        "ne": lambda a, b: a != b,
    }
)


def _poly(collector: Collector, node: Call) -> Node:
    """Drop the highest coefficients that are 0."""
    x, *coefficients = node.arguments
    while len(coefficients) > 1 and coefficients[-1] == ZERO:
        coefficients.pop()
    if len(coefficients) == 1 and collector.total(x):
        return coefficients[0]
    if len(coefficients) == len(node.arguments) - 1:
        return node
    return call("poly", x, *coefficients)


_RULES: Final[Mapping[str, Callable[[Collector, Call], Node]]] = MappingProxyType(
    {
        **dict.fromkeys(("add", "sub", "mul", "div", "neg"), _arithmetic),
        **dict.fromkeys(("min", "max"), _extreme),
        "pow": _pow,
        "where": _where,
        "poly": _poly,
        "sqrt": _sqrt,
    }
)
