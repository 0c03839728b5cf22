"""Replace what overflows or cancels, as it is usually written, by the function that does not.

===============================  ==========================
written                          computed
===============================  ==========================
log(1 + exp(u))                  softplus(u)
log(1 + u)                       log1p(u)
log(sigmoid(u))                  logsigmoid(u)
log(exp(u) + exp(v))             v + softplus(u - v)
log(cosh(u))                     logcosh(u)
exp(u) - 1                       expm1(u)
1 + erf(u), 1 - erf(u)           erfc(-u), erfc(u)
1 + tanh(u), 1 - tanh(u)         2 sigmoid(2u), 2 sigmoid(-2u)
1 - sigmoid(u)                   sigmoid(-u)
a / (1 + exp(u))                 a sigmoid(-u)
exp(u) / (1 + exp(u))            sigmoid(u)
(exp(u)-exp(v))/(exp(u)+exp(v))  tanh((u - v)/2)
(exp(u) - 1) / (exp(u) + 1)      tanh(u/2)
sinh(u) / cosh(u)                tanh(u)
u sigmoid(u)                     silu(u)
u erfc(-u / sqrt(2)) / 2         gelu(u)
u (1 + tanh(cubic))/2            gelu_tanh(u), for GELU's own cubic
sqrt(u**2)                       abs(u)
log(softplus(u))                 log_softplus(u), which is u far left
sqrt(softplus(u))                exp(log_softplus(u)/2)
sqrt(sigmoid(u))                 exp(logsigmoid(u)/2)
===============================  ==========================

Each is an identity of real functions; numbers are matched to 1e-15. Names on the right that are
not operations of the language exist only behind this file, in the array interpreters' tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal

from camber.formula.build import ONE, ZERO, add, call, constant, multiply, negative, subtract
from camber.formula.fused import fuse
from camber.formula.parts import (
    argument,
    as_float,
    factors,
    from_float,
    is_call,
    product,
    terms,
)
from camber.formula.tree import Call, Constant, Node, Number, fold, rebuild

#: Operations that rewriting may introduce.
SPECIAL: Final = (
    "expm1", "log1p", "erfc", "logsigmoid", "logcosh", "log_softplus", "silu", "gelu", "gelu_tanh",
)  # fmt: skip


Mode = Literal["array", "interval", "formula"]


def recognise(root: Node, mode: Mode = "array") -> Node:
    """Return ``root`` with the rewrites of this file applied, children first.

    ``"array"`` applies all of them. ``"interval"`` keeps to those that hold exactly, not to within
    the rounding of a constant, and leaves out silu and gelu, whose value is fine as written.
    ``"formula"`` keeps further to those whose result is an operation of the language.
    """

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        node = rebuild(node, children)
        rule = _RULES.get(node.operation) if isinstance(node, Call) else None
        if rule is None or not isinstance(node, Call):
            return node
        found = rule(node, mode) or node
        if mode == "array" and rule is _div:
            return fuse(found) or found
        return found

    return fold(root, combine)


def _times(number: Fraction, node: Node) -> Node:
    return multiply(Number(number), node)


def _log_of_ratio(a: Fraction, b: Fraction) -> Node:
    return from_float(math.log(a) - math.log(b))


def _sum(node: Call, mode: Mode) -> Node | None:
    """c + k f(u) with |c| = |k|: the sums that cancel."""
    if mode == "formula":
        return None
    fixed, found = terms(node)
    if len(found) != 1 or fixed == 0 or abs(fixed) != abs(found[0][0]):
        return None
    coefficient, term = found[0]
    opposite = (coefficient > 0) != (fixed > 0)
    if is_call(term, "erf"):
        u = argument(term)
        return _times(fixed, call("erfc", u if opposite else negative(u)))
    if is_call(term, "tanh"):
        doubled = _times(Fraction(-2 if opposite else 2), argument(term))
        return _times(2 * fixed, call("sigmoid", doubled))
    if is_call(term, "sigmoid") and opposite:
        return _times(fixed, call("sigmoid", negative(argument(term))))
    if is_call(term, "exp") and opposite:
        return _times(coefficient, call("expm1", argument(term)))
    return None


def _log(node: Call, mode: Mode) -> Node | None:
    inner = node.arguments[0]
    if is_call(inner, "exp"):
        return argument(inner)
    if is_call(inner, "sigmoid"):
        u = argument(inner)
        if mode == "formula":
            return negative(call("softplus", negative(u)))
        return call("logsigmoid", u)
    if is_call(inner, "softplus") and mode == "array":
        return call("log_softplus", argument(inner))
    if is_call(inner, "cosh") and mode != "formula":
        return call("logcosh", argument(inner))
    fixed, found = terms(inner)
    exponentials = [(k, argument(term)) for k, term in found if is_call(term, "exp")]
    positive = len(exponentials) == len(found) > 0 and min(k for k, _ in found) > 0
    one = Fraction(1)
    if mode != "array" and (fixed not in (0, 1) or any(k != 1 for k, _ in found)):
        return None
    if positive and len(found) == 1 and fixed > 0:
        coefficient, u = exponentials[0]
        lifted = add(u, _log_of_ratio(coefficient, fixed))
        return add(call("softplus", lifted), _log_of_ratio(fixed, one))
    if positive and len(found) == 2 and fixed == 0:
        u, v = (add(u, _log_of_ratio(k, one)) for k, u in exponentials)
        return add(v, call("softplus", subtract(u, v)))
    if fixed == 1 and found and mode != "formula":
        rest: Node = ZERO
        for coefficient, term in found:
            negated = coefficient < 0
            part = _times(abs(coefficient), term)
            rest = subtract(rest, part) if negated else add(rest, part)
        return call("log1p", rest)
    return None


def _div(node: Call, mode: Mode) -> Node | None:
    above, below = node.arguments
    whole = _over_cosh(node) or (_logistic_slope(node) if mode == "array" else None)
    if whole is not None:
        return whole
    fixed, found = terms(below)
    exponentials = [(k, argument(term)) for k, term in found if is_call(term, "exp")]
    if len(exponentials) != len(found) or not found or min(k for k, _ in found) <= 0:
        return None
    if len(found) == 1 and fixed > 0:
        coefficient, u = exponentials[0]
        number, numerators, denominators = factors(above)
        if mode != "array" and coefficient != fixed:
            return None
        shifted = add(u, _log_of_ratio(coefficient, fixed))
        rest = list(numerators)
        if call("exp", u) in rest:
            rest.remove(call("exp", u))
            logistic: Node = call("sigmoid", shifted)
            return product(number / coefficient, [*rest, logistic], denominators)
        for part in rest if coefficient == fixed else ():
            if part == call("expm1", u) or _is_minus_one(part, u):
                rest.remove(part)
                half: Node = call("tanh", multiply(constant(1, 2), u))
                return product(number / coefficient, [*rest, half], denominators)
        logistic = call("sigmoid", negative(shifted))
        return product(number / fixed, [*rest, logistic], denominators)
    if len(found) == 2 and fixed == 0:
        top_fixed, top = terms(above)
        (k, u), (m, v) = exponentials
        signs = {term: coefficient for coefficient, term in top}
        a, b = signs.get(call("exp", u)), signs.get(call("exp", v))
        if len(top) == 2 and top_fixed == 0 and a and b and a == -b and k == m:
            half = call("tanh", multiply(constant(1, 2), subtract(u, v)))
            return _times(a / k, half)
    return None


def _is_minus_one(node: Node, u: Node) -> bool:
    """Whether ``node`` is written exp(u) - 1."""
    fixed, found = terms(node)
    return fixed == -1 and len(found) == 1 and found[0] == (Fraction(1), call("exp", u))


def _over_cosh(node: Call) -> Node | None:
    """sinh(u) / cosh(u), also among other factors."""
    number, above, below = factors(node)
    for part in above:
        if is_call(part, "sinh") and call("cosh", argument(part)) in below:
            above.remove(part)
            below.remove(call("cosh", argument(part)))
            return product(number, [*above, call("tanh", argument(part))], below)
    return None


def _logistic_slope(node: Call) -> Node | None:
    """sigmoid(u) / softplus(u), also under its square root, which is 0/0 far left."""
    number, above, below = factors(node)
    for part in above:
        if not is_call(part, "sigmoid"):
            continue
        u = argument(part)
        logarithm = call("log_softplus", u)
        half = multiply(constant(1, 2), logarithm)
        for under, taken in ((call("softplus", u), logarithm), (call("exp", half), half)):
            if under in below:
                above.remove(part)
                below.remove(under)
                share = call("exp", call("sub", call("logsigmoid", u), taken))
                return product(number, [*above, share], below)
    return None


def _product(node: Call, mode: Mode) -> Node | None:
    return fuse(node) if mode == "array" else None


def _sqrt(node: Call, mode: Mode) -> Node | None:
    inner = node.arguments[0]
    if is_call(inner, "pow") and as_float(argument(inner, 1)) == 2.0:
        return call("abs", argument(inner))
    if is_call(inner, "mul") and argument(inner) == argument(inner, 1):
        return call("abs", argument(inner))
    # Positive functions that underflow on the way to the root, whose slope there is infinite.
    for name, logarithm in (("sigmoid", "logsigmoid"), ("softplus", "log_softplus")):
        if mode == "array" and is_call(inner, name):
            return call("exp", multiply(constant(1, 2), call(logarithm, argument(inner))))
    return None


def _pow(node: Call, mode: Mode) -> Node | None:
    base, exponent = node.arguments
    if base == Constant("e"):
        return call("exp", exponent)
    if as_float(exponent) == 0.5:
        return _sqrt(call("sqrt", base), mode) or call("sqrt", base)
    if as_float(exponent) == -1.0:
        inverse = call("div", ONE, base)
        return _div(inverse, mode) or inverse
    return None


_RULES: Final[Mapping[str, Callable[..., Node | None]]] = MappingProxyType(
    {
        "add": _sum, "sub": _sum, "mul": _product, "div": _div, "pow": _pow, "sqrt": _sqrt,
        "log": _log,
    }
)  # fmt: skip
