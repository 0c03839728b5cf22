"""What each operation is on intervals: one table, from names to outward enclosures.

Every entry takes ``(step, *intervals)`` and returns the interval of all values the operation takes
where it is defined; (nan, nan) where it is defined nowhere. A comparison returns two boolean
arrays instead: whether it may hold, and whether it may fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from camber.formula.derivative import spline_parts
from camber.formula.interval_functions import FUNCTIONS, magnitude
from camber.formula.interval_statistics import STATISTICS
from camber.formula.rounding import (
    ULPS,
    Array,
    Interval,
    add,
    choose,
    divide,
    down,
    hull,
    meet,
    multiply,
    negative,
    point,
    subtract,
    up,
)
from camber.formula.tape import Step
from camber.formula.tree import Number

Entry = Callable[..., Any]
Function = Callable[[Array], Array]

ZERO: Final = point(0.0)
ONE: Final = point(1.0)


def _plain(function: Callable[..., Interval]) -> Entry:
    def entry(step: Step, *arguments: Interval) -> Interval:
        return function(*arguments)

    return entry


def whole_power(base: Interval, exponent: int) -> Interval:
    """base ** exponent for a whole exponent."""
    if exponent == 0:
        return choose(np.isnan(base[0]), base, ONE)
    if exponent < 0:
        return divide(ONE, whole_power(base, -exponent))
    if exponent == 1:
        return base
    ends = magnitude(base) if exponent % 2 == 0 else base
    lo, hi = (np.power(end, float(exponent)) for end in ends)
    exact = [(end == 0) | (np.abs(end) == 1) for end in ends]
    lo = np.where(exact[0], lo, down(lo, ULPS["pow"]))
    hi = np.where(exact[1], hi, up(hi, ULPS["pow"]))
    return (np.maximum(lo, 0.0) if exponent % 2 == 0 else lo), hi


def _pow(step: Step, base: Interval, exponent: Interval) -> Interval:
    node = step.call.arguments[1]
    if isinstance(node, Number) and node.value.denominator == 1 and abs(node.value) < 2**53:
        return whole_power(base, int(node.value))
    positive = _corner_power(meet(base, 0.0, math.inf), exponent)
    # A negative base has a real power where the exponent is a whole number.
    whole = np.ceil(exponent[0]) <= np.floor(exponent[1])
    top = _corner_power(magnitude(meet(base, -math.inf, 0.0)), exponent)[1]
    mixed = whole & (base[0] < 0)
    single = mixed & (exponent[0] == exponent[1])
    odd = np.mod(exponent[0], 2) == 1
    below = _corner_power(magnitude(meet(base, -math.inf, 0.0)), exponent)
    mirrored = choose(odd, negative(below), below)
    result = choose(mixed & ~single, hull(positive, (-top, top)), positive)
    return choose(single, hull(positive, mirrored), result)


def _corner_power(base: Interval, exponent: Interval) -> Interval:
    """base ** exponent over base >= 0: monotone in each, so the corners decide."""
    corners = [np.power(b, e) for b in base for e in exponent]
    lo = reduce(np.minimum, corners)
    hi = reduce(np.maximum, corners)
    return np.maximum(down(lo, ULPS["pow"]), 0.0), up(hi, ULPS["pow"])


def _mul(step: Step, a: Interval, b: Interval) -> Interval:
    # x * x is a square: never negative
    return whole_power(a, 2) if step.sources[0] == step.sources[1] else multiply(a, b)


def _sub(step: Step, a: Interval, b: Interval) -> Interval:
    same = step.sources[0] == step.sources[1]
    return choose(np.isnan(a[0]), a, ZERO) if same else subtract(a, b)


def _div(step: Step, a: Interval, b: Interval) -> Interval:
    same = step.sources[0] == step.sources[1]
    return choose(np.isnan(a[0]), a, ONE) if same else divide(a, b)


def _compare(
    may_hold: Callable[[Interval, Interval], Any], may_fail: Callable[[Interval, Interval], Any]
) -> Entry:
    def entry(step: Step, a: Interval, b: Interval) -> tuple[Any, Any]:
        return may_hold(a, b), may_fail(a, b)

    return entry


def _equal(a: Interval, b: Interval) -> Any:
    return (a[0] <= b[1]) & (b[0] <= a[1])


def _unequal(a: Interval, b: Interval) -> Any:
    return ~((a[0] == a[1]) & (b[0] == b[1]) & (a[0] == b[0])) & ~np.isnan(a[0] + b[0])


def _where(step: Step, condition: tuple[Any, Any], a: Interval, b: Interval) -> Interval:
    holds, fails = condition
    nothing = (np.asarray(np.nan), np.asarray(np.nan))
    return hull(choose(holds, a, nothing), choose(fails, b, nothing))


def _poly(step: Step, x: Interval, *coefficients: Interval) -> Interval:
    """Horner's form and the sum of powers, both of which hold: their intersection."""
    nested = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        nested = add(multiply(nested, x), coefficient)
    total = coefficients[0]
    for exponent, coefficient in enumerate(coefficients[1:], start=1):
        total = add(total, multiply(coefficient, whole_power(x, exponent)))
    return np.maximum(nested[0], total[0]), np.minimum(nested[1], total[1])


def _spline(step: Step, x: Interval, *rest: Interval) -> Interval:
    """The Cox-de Boor recursion on intervals."""
    degree, exact, coefficients = spline_parts(step.call)
    knots = list(rest[: len(exact)])
    basis: list[Interval] = []
    for low, high in pairwise(knots):
        outside = (x[1] < low[0]) | (x[0] > high[1])
        inside = (x[0] >= low[1]) & (x[1] < high[0])
        basis.append((np.where(inside, 1.0, 0.0), np.where(outside, 0.0, 1.0)))
    for order in range(1, degree + 1):
        raised = []
        for place in range(len(basis) - 1):
            total: Interval = ZERO
            if exact[place + order] > exact[place]:
                rise = divide(
                    subtract(x, knots[place]), subtract(knots[place + order], knots[place])
                )
                total = add(total, multiply(_share(rise), basis[place]))
            if exact[place + order + 1] > exact[place + 1]:
                width = subtract(knots[place + order + 1], knots[place + 1])
                fall = divide(subtract(knots[place + order + 1], x), width)
                total = add(total, multiply(_share(fall), basis[place + 1]))
            raised.append(_share(total))
        basis = raised
    values = rest[len(rest) - len(coefficients) :]
    result: Interval = ZERO
    for value, weight in zip(values, basis, strict=True):
        result = add(result, multiply(value, weight))
    return choose(np.isnan(x[0]), x, result)


def _share(a: Interval) -> Interval:
    """The part of a weight that lies in [0, 1], as it does wherever its basis function is not 0."""
    return np.clip(a[0], 0.0, 1.0), np.clip(a[1], 0.0, 1.0)


def _guarded_div(step: Step, a: Interval, b: Interval) -> Interval:
    tiny = 1e-12
    touches = (b[0] < tiny) & (b[1] > -tiny)
    parts = hull(
        divide(a, meet(b, -math.inf, np.nextafter(-tiny, 0))),
        divide(a, meet(b, np.nextafter(tiny, 0), math.inf)),
    )
    return choose(touches, hull(parts, ONE), divide(a, b))


def _extreme(function: Callable[[Any, Any], Any]) -> Entry:
    def entry(step: Step, *values: Interval) -> Interval:
        lows = reduce(function, [value[0] for value in values])
        return lows, reduce(function, [value[1] for value in values])

    return entry


INTERVAL: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "add": _plain(add),
        "sub": _sub,
        "mul": _mul,
        "div": _div,
        "pow": _pow,
        "neg": _plain(negative),
        "lt": _compare(lambda a, b: a[0] < b[1], lambda a, b: a[1] >= b[0]),
        "le": _compare(lambda a, b: a[0] <= b[1], lambda a, b: a[1] > b[0]),
        "gt": _compare(lambda a, b: a[1] > b[0], lambda a, b: a[0] <= b[1]),
        "ge": _compare(lambda a, b: a[1] >= b[0], lambda a, b: a[0] < b[1]),
        "eq": _compare(_equal, _unequal),
        "ne": _compare(_unequal, _equal),
        **FUNCTIONS,
        "min": _extreme(np.minimum),
        "max": _extreme(np.maximum),
        "where": _where,
        "poly": _poly,
        "spline": _spline,
        "guarded_div": _guarded_div,
        **STATISTICS,
    }
)
