"""Trees brought to a form that analysis can branch on: max and min of two, no splines.

:func:`prepare` replaces derived operations by their definitions (``signed_log``, ``signed_sqrt``,
``guarded_div``, ``spline``), so that ``abs``, ``sign``, ``max``, ``min`` and ``where`` are the only
operations with branches. :func:`tidy` folds constants and removes zeros and ones, and writes
1 − tanh² as a product, which interval arithmetic can tell from zero, and sin cos as one sine.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

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
from camber.formula.limits import number_fits
from camber.formula.tree import Call, Input, Node, Number, fold, rebuild, walk

#: Below this size the denominator of guarded_div counts as zero.
GUARD = Fraction(1, 10**12)


def depends_on(node: Node, name: str) -> bool:
    """Whether the input ``name`` occurs in the tree."""
    return any(isinstance(part, Input) and part.name == name for part in walk(node))


@lru_cache(maxsize=256)
def prepare(root: Node) -> Node:
    """Return ``root`` with derived operations written out and max and min of two arguments."""
    return fold(root, _prepare)


def _prepare(node: Node, children: tuple[Node, ...]) -> Node:
    node = rebuild(node, children)
    if not isinstance(node, Call):
        return node
    if node.operation in ("max", "min") and len(children) > 2:
        result = children[0]
        for child in children[1:]:
            result = call(node.operation, result, child)
        return result
    if node.operation == "signed_log":
        return multiply(call("sign", children[0]), call("log", add(ONE, call("abs", children[0]))))
    if node.operation == "signed_sqrt":
        return multiply(call("sign", children[0]), call("sqrt", call("abs", children[0])))
    if node.operation in ("sqrt", "pow"):
        return _root_of_power(node, children)
    if node.operation == "guarded_div":
        tiny = call("lt", call("abs", children[1]), Number(GUARD))
        return call("where", tiny, ONE, divide(children[0], children[1]))
    if node.operation == "spline":
        return _spline(node)
    return node


def _root_of_power(node: Call, children: tuple[Node, ...]) -> Node:
    """Write a broken power of an even power with the absolute value that it hides."""
    outer = children[1] if node.operation == "pow" else constant(1, 2)
    match children[0], outer:
        case Call("pow", (u, Number(even))), Number(broken) if (
            even.denominator == 1 and even % 2 == 0 and even > 0 and broken.denominator != 1
        ):
            exponent = even * broken
            size = call("abs", u)
            return size if exponent == 1 else call("pow", size, Number(exponent))
        case _:
            return node


def _spline(node: Call) -> Node:
    """A B-spline sum as nested ``where`` of one polynomial per knot interval."""
    degree = int(node.option("degree") or 0)
    x, *rest = node.arguments
    count = (len(rest) + degree + 1) // 2
    knots = [knot.value for knot in rest[:count] if isinstance(knot, Number)]
    coefficients = rest[count:]
    result: Node = ZERO
    # From the right: where(x < k_1, first piece, where(x < k_2, second piece, ...)).
    for place in range(len(knots) - 2, -1, -1):
        if knots[place] == knots[place + 1]:
            continue
        terms: list[Node] = [ZERO for _ in range(degree + 1)]
        for index, basis in _basis(knots, degree, place).items():
            for exponent, number in enumerate(basis):
                term = multiply(Number(number), coefficients[index])
                terms[exponent] = tidy(add(terms[exponent], term)) if number else terms[exponent]
        below = "le" if result == ZERO else "lt"
        piece = call("poly", x, *terms)
        result = call("where", call(below, x, Number(knots[place + 1])), piece, result)
    return call("where", call("lt", x, Number(knots[0])), ZERO, result)


def _basis(knots: list[Fraction], degree: int, place: int) -> dict[int, list[Fraction]]:
    """Polynomials of the B-splines that live on [k_place, k_place+1), by the de Boor recursion."""
    basis = {place: [Fraction(1)]}
    for order in range(1, degree + 1):
        raised: dict[int, list[Fraction]] = {}
        for index in range(place - order, place + 1):
            total = [Fraction(0)] * (order + 1)
            for shift, sign in ((0, 1), (1, -1)):
                lower = basis.get(index + shift)
                first, last = index + shift, index + shift + order
                if lower is None or first < 0 or last >= len(knots) or knots[first] == knots[last]:
                    continue
                # (x - k_i)/(k_i+p - k_i) B_i and (k_i+p+1 - x)/(k_i+p+1 - k_i+1) B_i+1
                anchor = knots[first] if sign == 1 else knots[last]
                for exponent, number in enumerate(lower):
                    scaled = sign * number / (knots[last] - knots[first])
                    total[exponent + 1] += scaled
                    total[exponent] -= scaled * anchor
            raised[index] = total
        basis = raised
    last_index = len(knots) - degree - 2
    return {index: row for index, row in basis.items() if 0 <= index <= last_index}


def tidy(root: Node) -> Node:
    """Fold constants, drop zeros and ones, and give 1 − tanh² the form that does not cancel."""
    return fold(root, _tidy)


def _tidy(node: Node, children: tuple[Node, ...]) -> Node:
    node = rebuild(node, children)
    if not isinstance(node, Call):
        return node
    match node.operation, children:
        case "add", (a, b):
            return add(a, b)
        case "sub", (a, b):
            return _difference(a, b)
        case "mul", (a, b):
            return _double_angle(multiply(a, b))
        case "div", (a, b):
            return _quotient(a, b)
        case "neg", (a,):
            return negative(a)
        case "pow", (Number(base), Number(exponent)) if exponent.denominator == 1:
            return _number_power(node, base, int(exponent))
        case "pow", (a, Number(exponent)) if exponent in (0, 1):
            return power(a, int(exponent))
        case "poly", (x, *coefficients):
            return _polynomial(x, coefficients)
        case "abs", (Number(a),):
            return Number(abs(a))
        case _:
            return node


def _double_angle(product: Node) -> Node:
    """Write sin(u) cos(u) in a product as sin(2u)/2, of which the range is known exactly."""
    factors = _factors(product)
    waves = {
        (part.operation, part.arguments[0]): place
        for place, part in enumerate(factors)
        if isinstance(part, Call) and part.operation in ("sin", "cos")
    }
    for (operation, u), place in waves.items():
        other = waves.get(("cos", u)) if operation == "sin" else None
        if other is None:
            continue
        number = Fraction(1, 2)
        rest: Node = call("sin", multiply(TWO, u))
        for index, part in enumerate(factors):
            if isinstance(part, Number):
                number *= part.value
            elif index not in (place, other):
                rest = multiply(rest, part)
        return multiply(Number(number), rest)
    return product


def _factors(product: Node) -> list[Node]:
    if isinstance(product, Call) and product.operation == "mul":
        return [part for child in product.arguments for part in _factors(child)]
    return [product]


def _difference(a: Node, b: Node) -> Node:
    if a == b:
        return ZERO
    match a, b:
        case Number(one), Call("pow", (Call("tanh", (u,)), Number(two))) if one == 1 and two == 2:
            return _squared_sech(multiply(TWO, u))
        case Number(one), Call("mul", (_, Call("mul", (Call("sigmoid", (u,)), _)))) if (
            one == 1 and b == _squared_sech(u)
        ):
            # 1 − (1 − tanh²), the slope of x − tanh(x)
            return power(call("tanh", divide(u, TWO)), 2)
        case _, Number(value) if value < 0:
            return add(a, Number(-value))
        case _:
            return subtract(a, b)


def _squared_sech(doubled: Node) -> Node:
    """1 − tanh(u)² = 4 sigmoid(2u) sigmoid(−2u), from 2u."""
    both = multiply(call("sigmoid", doubled), call("sigmoid", negative(doubled)))
    return multiply(constant(4), both)


def _quotient(a: Node, b: Node) -> Node:
    if isinstance(a, Number) and isinstance(b, Number) and b.value != 0:
        quotient = a.value / b.value
        if number_fits(quotient):
            return Number(quotient)
    return divide(a, b)


def _number_power(node: Call, base: Fraction, exponent: int) -> Node:
    if abs(exponent) <= 64 and (base != 0 or exponent > 0):
        value = base**exponent
        if number_fits(value):
            return Number(value)
    return node


def _polynomial(x: Node, coefficients: list[Node]) -> Node:
    while len(coefficients) > 1 and coefficients[-1] == ZERO:
        coefficients = coefficients[:-1]
    if len(coefficients) == 1:
        return coefficients[0]
    if len(coefficients) == 2:
        return add(multiply(coefficients[1], x), coefficients[0])
    return call("poly", x, *coefficients)
