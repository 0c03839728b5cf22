"""Ratios of polynomials at large arguments, without inf / inf: evaluate in x / s, s = max(|x|, 1).

A ratio such as P(x)/Q(x) is the same for every s > 0 when both sides are written in t = x/s and
r = 1/s: P(x) = s^m (a_m t^m + a_{m-1} r t^{m-1} + ... + a_0 r^m). All of t, r and the bracket stay
of order one, so nothing overflows before the ratio itself does, and where |x| <= 1 the arithmetic
is the plain one. Because the ratio does not depend on s at all, s counts as a constant for
derivatives of every order, and no gradient passes through it.

The same holds in the variable E = exp(u), where s = max(E, 1), t = exp(u - max(u, 0)) and
r = exp(-max(u, 0)) exist without E: (E^2 + 2E)/(E^2 + 2E + 2) is 1 at u = 1000, not inf/inf.

Written as a *weighted* form, an expression e is (degree d, h) with e = s^d h.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from camber.formula.build import ONE, add, call, divide, multiply, power
from camber.formula.guard import is_statistic
from camber.formula.parts import as_number, is_call
from camber.formula.tree import Call, Input, Node, substitute, walk

_MOST = 64
#: Squares of float32 overflow at 1.8e19; below this degree plain arithmetic is left as written.
_LEAST = 2

Weighted = tuple[int, Node] | None


def scale_ratios(root: Node) -> Node:
    """Return ``root`` with its outermost ratios of polynomials in one variable evaluated in x/s."""
    found = dict.fromkeys(walk(root))
    for node in found:
        if isinstance(node, Input):
            root = _scale(root, node)
    for node in found:
        if is_call(node, "exp"):
            root = _scale(root, node)
    return root


def _scale(root: Node, variable: Node) -> Node:
    forms: dict[int, Weighted] = {}
    largest: dict[int, int] = {}
    for node in walk(root):
        below = [forms[id(child)] for child in node.children]
        form = forms[id(node)] = _weigh(node, below, variable)
        own = 0 if form is None else abs(form[0])
        largest[id(node)] = max([own, *(largest[id(child)] for child in node.children)])
    replacements: dict[Node, Node] = {}
    pending, seen = [root], set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        form = forms[id(node)]
        if form is not None and _overflows(node, forms, largest, variable):
            replacements[node] = _restore(form, variable)
        else:
            pending.extend(node.children)
    return substitute(root, replacements) if replacements else root


def _overflows(
    node: Node, forms: dict[int, Weighted], largest: dict[int, int], variable: Node
) -> bool:
    """Whether ``node`` is a ratio whose parts may overflow though the ratio does not."""
    if is_call(node, "pow"):
        exponent = as_number(node.children[1])
        return exponent is not None and exponent < 0 and largest[id(node)] >= _LEAST
    if not is_call(node, "div") or largest[id(node.children[1])] == 0:
        return False
    if isinstance(variable, Input):
        return largest[id(node)] >= _LEAST
    # exp(u) / polynomial(exp(u)); where exp(u) stands only below, holding it is enough
    return largest[id(node.children[0])] > 0


def _size(variable: Node) -> Node:
    """s, a constant as far as derivatives go."""
    if isinstance(variable, Input):
        return call("scale", variable)
    return call("exp", call("lift", variable.children[0]))


def _unit(variable: Node) -> Node:
    """t = variable / s."""
    if isinstance(variable, Input):
        return divide(variable, _size(variable))
    u = variable.children[0]
    return call("exp", call("sub", u, call("lift", u)))


def _reciprocal(variable: Node, exponent: int) -> Node:
    """r ** exponent, r = 1/s, in a form that shares its lower powers."""
    if isinstance(variable, Input):
        once: Node = divide(ONE, _size(variable))
    else:
        once = call("exp", call("neg", call("lift", variable.children[0])))
    result: Node = ONE
    for _ in range(exponent):
        result = multiply(result, once)
    return result


def _restore(form: tuple[int, Node], variable: Node) -> Node:
    degree, inner = form
    if degree > 0:
        return multiply(inner, power(_size(variable), degree))
    return multiply(inner, _reciprocal(variable, -degree))


def _lift(form: tuple[int, Node], degree: int, variable: Node) -> Node:
    """The bracket of ``form`` rewritten to a higher degree."""
    return multiply(form[1], _reciprocal(variable, degree - form[0]))


def _weigh(node: Node, below: list[Weighted], variable: Node) -> Weighted:
    if node == variable:
        return 1, _unit(variable)
    if is_statistic(node):
        return None if any(part == variable for part in walk(node)) else (0, node)
    if all(
        part is not None and part[0] == 0 and part[1] is child
        for part, child in zip(below, node.children, strict=True)
    ):
        # Nothing here depends on the variable: a constant as far as the scale is concerned.
        return 0, node
    if not isinstance(node, Call) or any(part is None for part in below):
        return None
    rule = _RULES.get(node.operation)
    if rule is None:
        return None
    form = rule(node, [part for part in below if part is not None], variable)
    return form if form is not None and abs(form[0]) <= _MOST else None


Parts = list[tuple[int, Node]]


def _alike(node: Call, parts: Parts, variable: Node) -> Weighted:
    degree = max(part[0] for part in parts)
    if degree - min(part[0] for part in parts) > _MOST:
        return None
    lifted = [_lift(part, degree, variable) for part in parts]
    return degree, Call(node.operation, tuple(lifted))


def _keep(node: Call, parts: Parts, variable: Node) -> Weighted:
    return parts[0][0], Call(node.operation, (parts[0][1],))


def _mul(node: Call, parts: Parts, variable: Node) -> Weighted:
    return parts[0][0] + parts[1][0], multiply(parts[0][1], parts[1][1])


def _div(node: Call, parts: Parts, variable: Node) -> Weighted:
    return parts[0][0] - parts[1][0], divide(parts[0][1], parts[1][1])


def _pow(node: Call, parts: Parts, variable: Node) -> Weighted:
    exponent = as_number(node.arguments[1])
    degree, inner = parts[0]
    if exponent is None or abs(exponent) > _MOST:
        return None
    if exponent.denominator == 1:
        return degree * int(exponent), call("pow", inner, node.arguments[1])
    if exponent == Fraction(1, 2):
        return _sqrt(node, parts, variable)
    return None


def _sqrt(node: Call, parts: Parts, variable: Node) -> Weighted:
    degree, inner = parts[0]
    if degree % 2:
        degree, inner = degree + 1, _lift(parts[0], degree + 1, variable)
    return degree // 2, call("sqrt", inner)


def _poly(node: Call, parts: Parts, variable: Node) -> Weighted:
    (degree, t), *coefficients = parts
    if degree < 1 or any(part[0] for part in coefficients):
        return None
    top = len(coefficients) - 1
    if top * degree > _MOST:
        return None
    result = coefficients[-1][1]
    for place in range(top - 1, -1, -1):
        weight = _reciprocal(variable, degree * (top - place))
        result = add(multiply(result, t), multiply(coefficients[place][1], weight))
    return top * degree, result


_RULES: dict[str, Callable[[Call, Parts, Node], Weighted]] = {
    **dict.fromkeys(("add", "sub", "min", "max"), _alike),
    **dict.fromkeys(("neg", "abs"), _keep),
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "sqrt": _sqrt,
    "poly": _poly,
}
