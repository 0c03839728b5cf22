"""The range of formulas that oscillate for ever, over one period instead of the whole axis.

A tree that sees x only through sin, cos and tan of affine arguments with commensurable frequencies
is periodic. A sum is split into such parts and a rest; far out the rest is bounded by its tail,
each part by its stages on one period. So 1 + sin(2 a x) has range [0, 2], exactly attained.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from camber.facts.bounds import Bounds, plus
from camber.facts.rewrite import depends_on, tidy
from camber.facts.subject import Field, slope_of
from camber.formula.build import ZERO, add, negative
from camber.formula.tree import Call, Input, Node, walk

#: Frequencies count as commensurable when they are whole multiples, up to this, of a common one.
_MULTIPLES = 64
_WAVES = ("sin", "cos", "tan")


def addends(node: Node) -> list[Node]:
    """The terms of a sum, signs included."""
    if isinstance(node, Call):
        match node.operation, node.arguments:
            case "add", (u, v):
                return addends(u) + addends(v)
            case "sub", (u, v):
                return addends(u) + [negative(part) for part in addends(v)]
            case "neg", (u,):
                return [negative(part) for part in addends(u)]
            case _:
                pass
    return [node]


def frequencies(field: Field, channel: int) -> tuple[Fraction, ...] | None:
    """The frequencies of a tree that depends on x through waves only; None for any other."""
    waves: list[Node] = []
    hidden: set[int] = set()
    name = field.subject.name
    for node in walk(field.node):
        if isinstance(node, Input) and node.name == name:
            hidden.add(id(node))
        elif isinstance(node, Call) and any(id(child) in hidden for child in node.arguments):
            if node.operation in _WAVES:
                waves.append(node.arguments[0])
            else:
                hidden.add(id(node))
    if id(field.node) in hidden:
        return None
    found = set()
    at = np.array([0.0]), np.array([channel])
    for argument in waves:
        slope = field.subject.field(slope_of(argument, name))
        if slope.varies:
            return None
        found.add(Fraction(abs(float(slope(*at)[0]))))
    return tuple(sorted(found - {Fraction(0)}))


def common(given: tuple[Fraction, ...]) -> Fraction | None:
    """The largest frequency of which all are whole multiples, None where they have none."""
    base = given[0]
    for other in given[1:]:
        ratio = (other / base).limit_denominator(_MULTIPLES)
        if ratio * base != other:
            return None
        base = base / ratio.denominator
    return base if max(given) / base <= _MULTIPLES else None


def split(field: Field, channel: int) -> tuple[list[tuple[Node, float]], Node] | None:
    """Periodic parts with their periods, and the rest of the sum; None without such parts."""
    groups: dict[Fraction, list[Node]] = {}
    rest: Node = ZERO
    for part in addends(field.node):
        own = None
        if depends_on(part, field.subject.name):
            own = frequencies(field.subject.field(part), channel)
        base = common(own) if own else None
        if base is None:
            rest = add(rest, part)
            continue
        # Parts of commensurable frequencies are bounded together: sin(x) + cos(x), say.
        for known in list(groups):
            joint = common((known, base))
            if joint is not None:
                groups[joint] = [*groups.pop(known), part]
                break
        else:
            groups[base] = [part]
    if not groups:
        return None
    parts = []
    for base, members in groups.items():
        total: Node = ZERO
        for member in members:
            total = add(total, member)
        # A little more than a period covers all values, whatever the rounding of 2 π / base.
        parts.append((total, 2 * math.pi / float(base) * (1 + 1e-12)))
    return parts, tidy(rest)


def total_bounds(parts: list[Bounds]) -> Bounds:
    """The sum of intervals."""
    result: Bounds = (0.0, 0.0)
    for part in parts:
        result = plus(result, part)
    return result
