"""The derivative of a tree with respect to one leaf, as a tree again, by exact rules.

At kinks: ``max(u, 0)`` has slope 0 where u = 0 and ``abs`` slope 0; every other tie of ``min`` or
``max`` takes the mean of the two slopes; ``where`` takes the slope of the branch that it selects,
and ``spline`` the slope from the right. The derivative of a statistic is a whole matrix, not a
formula of the same kind, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from camber.errors import FormulaError
from camber.formula.build import (
    ONE,
    TWO,
    ZERO,
    add,
    call,
    constant,
    divide,
    multiply,
    negative,
    power,
    subtract,
)
from camber.formula.operations import OPERATIONS
from camber.formula.recognise import recognise
from camber.formula.tree import Call, Constant, Node, Number, walk

PI: Final = Constant("pi")

Slopes = Sequence[Node]


def derivative(root: Node, variable: Node) -> Node:
    """Return the tree of d ``root`` / d ``variable``, where ``variable`` is an input or parameter.

    Shared parts stay shared: the result has a bounded number of distinct nodes per node of
    ``root``, however long its text would be.

    Raises:
        FormulaError: where ``variable`` passes through a statistic.

    Example:
        >>> from camber.formula.parser import parse
        >>> from camber.formula.printer import print_tree
        >>> from camber.formula.tree import Input
        >>> print_tree(derivative(parse("x*tanh(x)", ("x",)), Input("x")))
        'tanh(x) + x*(1 - tanh(x)**2)'
    """
    # log(1 + exp(x)) and the like are differentiated as the one function they are.
    root = recognise(root, "formula")
    slopes: dict[int, Node] = {}
    dependent: set[int] = set()
    for node in walk(root):
        if node == variable or any(id(child) in dependent for child in node.children):
            dependent.add(id(node))
    for node in walk(root):
        slope: Node = ZERO
        if node == variable:
            slope = ONE
        elif id(node) in dependent and isinstance(node, Call):
            rule = RULES.get(node.operation)
            # A statistic keeps no slope; only one that something differentiable uses is an error.
            if rule is None:
                continue
            below = [slopes.get(id(child)) for child in node.arguments]
            if OPERATIONS[node.operation].condition:
                below = [ZERO for _ in below]
            if any(part is None for part in below):
                refuse(node)
            slope = rule(node, [part for part in below if part is not None])
        slopes[id(node)] = slope
    if id(root) not in slopes:
        refuse(root)
    return slopes[id(root)]


def refuse(node: Node) -> None:
    """Raise for a statistic of the variable."""
    names = sorted(
        {
            part.operation
            for part in walk(node)
            if isinstance(part, Call) and OPERATIONS[part.operation].statistic
        }
    )
    raise FormulaError(
        f"{', '.join(names)} of the variable mixes several values, so the derivative is not a "
        "formula; use torch.func.jacrev on the formula's torch form"
    )


def _chain(outer: Callable[[Node, Node], Node]) -> Callable[[Call, Slopes], Node]:
    """The rule of f(u): ``outer(u, f)`` times the slope of u."""

    def rule(node: Call, slopes: Slopes) -> Node:
        if slopes[0] == ZERO:
            return ZERO
        return multiply(outer(node.arguments[0], node), slopes[0])

    return rule


def _add(node: Call, slopes: Slopes) -> Node:
    return add(slopes[0], slopes[1])


def _sub(node: Call, slopes: Slopes) -> Node:
    return subtract(slopes[0], slopes[1])


def _neg(node: Call, slopes: Slopes) -> Node:
    return negative(slopes[0])


def _mul(node: Call, slopes: Slopes) -> Node:
    a, b = node.arguments
    return add(multiply(slopes[0], b), multiply(a, slopes[1]))


def _div(node: Call, slopes: Slopes) -> Node:
    # (a' - (a/b) b') / b keeps the sizes of a/b, where a b' / b^2 would overflow first.
    _, b = node.arguments
    return divide(subtract(slopes[0], multiply(node, slopes[1])), b)


def _pow(node: Call, slopes: Slopes) -> Node:
    base, exponent = node.arguments
    result: Node = ZERO
    if slopes[0] != ZERO:
        if isinstance(exponent, Number):
            lowered: Node = _raised(base, exponent.value - 1)
        else:
            lowered = call("pow", base, subtract(exponent, ONE))
        result = multiply(multiply(exponent, lowered), slopes[0])
    if slopes[1] != ZERO:
        result = add(result, multiply(multiply(node, call("log", base)), slopes[1]))
    return result


def _raised(base: Node, exponent: Fraction) -> Node:
    if exponent.denominator == 1 and exponent in (0, 1):
        return power(base, int(exponent))
    return call("pow", base, Number(exponent))


def _abs(node: Call, slopes: Slopes) -> Node:
    return multiply(call("sign", node.arguments[0]), slopes[0])


def _zero(node: Call, slopes: Slopes) -> Node:
    return ZERO


def _extreme(node: Call, slopes: Slopes) -> Node:
    """min and max of several values, taken in pairs from the left as the interpreters do."""
    wins = "gt" if node.operation == "max" else "lt"
    loses = "lt" if node.operation == "max" else "gt"
    value, slope = node.arguments[0], slopes[0]
    for other, other_slope in zip(node.arguments[1:], slopes[1:], strict=True):
        if slope != other_slope:
            if node.operation == "max" and other == ZERO:
                slope = call("where", call("gt", value, ZERO), slope, ZERO)
            elif node.operation == "max" and value == ZERO:
                slope = call("where", call("gt", other, ZERO), other_slope, ZERO)
            else:
                tie = divide(add(slope, other_slope), TWO)
                below = call("where", call(loses, value, other), other_slope, tie)
                slope = call("where", call(wins, value, other), slope, below)
        value = call(node.operation, value, other)
    return slope


def _where(node: Call, slopes: Slopes) -> Node:
    _, a, b = slopes
    return a if a == b else call("where", node.arguments[0], a, b)


def _poly(node: Call, slopes: Slopes) -> Node:
    x, *coefficients = node.arguments
    result: Node = ZERO
    if slopes[0] != ZERO and len(coefficients) > 1:
        lowered = [
            multiply(constant(place), coefficient)
            for place, coefficient in enumerate(coefficients)
            if place
        ]
        inner = lowered[0] if len(lowered) == 1 else call("poly", x, *lowered)
        result = multiply(inner, slopes[0])
    if any(slope != ZERO for slope in slopes[1:]):
        inner = slopes[1] if len(coefficients) == 1 else call("poly", x, *slopes[1:])
        result = add(result, inner)
    return result


def spline_parts(node: Call) -> tuple[int, list[Fraction], list[Node]]:
    """Degree, knots and coefficients of a ``spline`` call."""
    degree = int(node.option("degree") or 0)
    rest = node.arguments[1:]
    count = (len(rest) + degree + 1) // 2
    return (
        degree,
        [knot.value for knot in rest[:count] if isinstance(knot, Number)],
        list(rest[count:]),
    )


def _spline(node: Call, slopes: Slopes) -> Node:
    degree, knots, coefficients = spline_parts(node)
    x = node.arguments[0]
    result: Node = ZERO
    if slopes[0] != ZERO and degree:
        # S' = sum of degree (c_i - c_{i-1}) / (k_{i+degree} - k_i) B_{i, degree-1}, c = 0 outside
        lowered: list[Node] = []
        padded = [ZERO, *coefficients, ZERO]
        for place in range(len(coefficients) + 1):
            width = knots[place + degree] - knots[place]
            rise = subtract(padded[place + 1], padded[place])
            lowered.append(multiply(Number(degree / width), rise) if width else ZERO)
        inner = call("spline", x, *map(Number, knots), *lowered, degree=degree - 1)
        result = multiply(inner, slopes[0])
    tail = slopes[len(slopes) - len(coefficients) :]
    if any(slope != ZERO for slope in tail):
        result = add(result, call("spline", x, *map(Number, knots), *tail, degree=degree))
    return result


def _guarded_div(node: Call, slopes: Slopes) -> Node:
    a, b = node.arguments
    slope = divide(subtract(slopes[0], multiply(divide(a, b), slopes[1])), b)
    tiny = call("lt", call("abs", b), Number(Fraction(1, 10**12)))
    return call("where", tiny, ZERO, slope)


def _signed_sqrt(u: Node, f: Node) -> Node:
    """1 / (2 sqrt|u|), and 0 in the place of inf at 0."""
    slope = divide(ONE, multiply(TWO, call("sqrt", call("abs", u))))
    return call("where", call("eq", u, ZERO), ZERO, slope)


def _one_plus(u: Node) -> Node:
    return call("add", ONE, u)


RULES: Final[Mapping[str, Callable[[Call, Slopes], Node]]] = MappingProxyType(
    {
        "add": _add,
        "sub": _sub,
        "mul": _mul,
        "div": _div,
        "pow": _pow,
        "neg": _neg,
        **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "sign"), _zero),
        "exp": _chain(lambda u, f: f),
        "log": lambda node, slopes: divide(slopes[0], node.arguments[0]),
        "sqrt": _chain(lambda u, f: divide(ONE, multiply(TWO, f))),
        "erf": _chain(
            lambda u, f: multiply(divide(TWO, call("sqrt", PI)), call("exp", negative(power(u, 2))))
        ),
        # s(u) s(-u) keeps relative accuracy where 1 - s(u) cancels
        "sigmoid": _chain(lambda u, f: multiply(f, call("sigmoid", negative(u)))),
        "tanh": _chain(lambda u, f: subtract(ONE, power(f, 2))),
        "softplus": _chain(lambda u, f: call("sigmoid", u)),
        "sin": _chain(lambda u, f: call("cos", u)),
        "cos": _chain(lambda u, f: negative(call("sin", u))),
        "tan": _chain(lambda u, f: _one_plus(power(f, 2))),
        "asin": _chain(lambda u, f: divide(ONE, call("sqrt", subtract(ONE, power(u, 2))))),
        "acos": _chain(
            lambda u, f: negative(divide(ONE, call("sqrt", subtract(ONE, power(u, 2)))))
        ),
        "atan": _chain(lambda u, f: divide(ONE, _one_plus(power(u, 2)))),
        "sinh": _chain(lambda u, f: call("cosh", u)),
        "cosh": _chain(lambda u, f: call("sinh", u)),
        "abs": _abs,
        "min": _extreme,
        "max": _extreme,
        "where": _where,
        "poly": _poly,
        "spline": _spline,
        "signed_log": _chain(lambda u, f: divide(ONE, _one_plus(call("abs", u)))),
        "signed_sqrt": _chain(_signed_sqrt),
        "guarded_div": _guarded_div,
    }
)
