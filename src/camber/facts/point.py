"""A formula at one point or on one thin interval, enclosed as tightly as float64 allows.

Array interval arithmetic widens every product and function value. Here exact results stay exact,
so that sigmoid(0) sigmoid(−0) is the point 1/4 and prints as 0.25.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from camber.facts.bounds import Bounds, down, plus, rational, reciprocal, times, up
from camber.facts.scale import IndecisiveError
from camber.facts.subject import tape_of
from camber.facts.tail_functions import enclosed
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter

_CONSTANTS = {"pi": math.pi, "e": math.e}
_EVERYTHING: Bounds = (-math.inf, math.inf)


def enclose_at(
    root: Node, values: Mapping[Parameter, float], name: str, lo: float, hi: float
) -> Bounds:
    """Enclose a smooth tree on [lo, hi]; (−inf, inf) where it has no finite value.

    >>> from camber.formula.parser import parse
    >>> enclose_at(parse("sigmoid(x)*sigmoid(-x)", ("x",)), {}, "x", 0.0, 0.0)
    (0.25, 0.25)
    """
    tape = tape_of(root)
    registers: list[Bounds] = [_EVERYTHING] * tape.registers
    try:
        for place, leaf in tape.leaves:
            registers[place] = _leaf(leaf, values, name, (lo, hi))
        for step in tape.steps:
            below = [registers[source] for source in step.sources]
            registers[step.target] = _call(step.call, below)
    except (IndecisiveError, OverflowError, ZeroDivisionError):
        return _EVERYTHING
    bounds = registers[tape.result]
    return bounds if math.isfinite(bounds[0]) and math.isfinite(bounds[1]) else _EVERYTHING


def _leaf(leaf: Node, values: Mapping[Parameter, float], name: str, around: Bounds) -> Bounds:
    if isinstance(leaf, Number):
        return rational(leaf.value)
    if isinstance(leaf, Parameter):
        return values[leaf], values[leaf]
    if isinstance(leaf, Input) and leaf.name == name:
        return around
    if isinstance(leaf, Constant) and leaf.name in _CONSTANTS:
        value = _CONSTANTS[leaf.name]
        return value, up(value)
    raise IndecisiveError


def _call(node: Call, below: list[Bounds]) -> Bounds:
    match node.operation, below:
        case "add", (u, v):
            return plus(u, v)
        case "sub", (u, v):
            return plus(u, (-v[1], -v[0]))
        case "neg", (u,):
            return -u[1], -u[0]
        case "mul", (u, v):
            return times(u, v)
        case "div", (u, v):
            return _quotient(u, v)
        case "pow", (u, v):
            return _power(node, u, v)
        case "poly", (u, *coefficients):
            result = coefficients[-1]
            for coefficient in reversed(coefficients[:-1]):
                result = plus(times(result, u), coefficient)
            return result
        case "abs", (u,):
            return (max(u[0], -u[1], 0.0), max(-u[0], u[1]))
        case "sign", (u,) if u[0] > 0 or u[1] < 0:
            # At 0 the sign is no limit: a smooth tree, as the slope of sqrt(x*x), has one beside.
            sign = float((u[0] > 0) - (u[0] < 0))
            return sign, sign
        case "sign", _:
            raise IndecisiveError
        case "max", (u, v):
            return max(u[0], v[0]), max(u[1], v[1])
        case "min", (u, v):
            return min(u[0], v[0]), min(u[1], v[1])
        case operation, (u,):
            return enclosed(operation, 0, u)
        case _:
            raise IndecisiveError


def _quotient(u: Bounds, v: Bounds) -> Bounds:
    if v[0] <= 0 <= v[1]:
        raise IndecisiveError
    if v[0] == v[1] and u[0] == u[1]:
        quotient = u[0] / v[0]
        # The quotient is exact where multiplying back loses nothing.
        if times((quotient, quotient), v) == u:
            return quotient, quotient
        return down(quotient), up(quotient)
    return times(u, reciprocal(v))


def _power(node: Call, u: Bounds, v: Bounds) -> Bounds:
    exponent = node.arguments[1]
    if isinstance(exponent, Number) and exponent.value.denominator == 1:
        whole = int(exponent.value)
        if 0 <= whole <= 64:
            result: Bounds = (1.0, 1.0)
            for _ in range(whole):
                result = times(result, u)
            return (max(result[0], 0.0), result[1]) if whole % 2 == 0 else result
        if -64 <= whole < 0:
            return _quotient((1.0, 1.0), _power_of(u, -whole))
    if u[0] < 0 or (u[0] == 0 and v[0] <= 0):
        raise IndecisiveError
    if u == (0.0, 0.0):
        return 0.0, 0.0
    if u[0] == 0:
        raise IndecisiveError
    return enclosed("exp", 0, times(v, enclosed("log", 0, u)))


def _power_of(u: Bounds, whole: int) -> Bounds:
    result: Bounds = (1.0, 1.0)
    for _ in range(whole):
        result = times(result, u)
    return result
