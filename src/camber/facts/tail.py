"""What a smooth formula does near ±infinity: range, sign, leading term and asymptote, enclosed.

The tree is evaluated as a series (:mod:`camber.facts.ray`) on a ray x ≥ R; the left tail is the ray
of t = −x. Starts R are tried in turn until the sign of the function is decided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from camber.facts.bounds import Bounds, down, rational, times, up
from camber.facts.rational import Rational, as_rational, reflect, series_beyond
from camber.facts.ray import ONE, Ray, Series, constant
from camber.facts.scale import DEGREE, LINE, UNIT, IndecisiveError
from camber.facts.subject import tape_of
from camber.facts.tail_functions import apply, exponential, logarithm, power
from camber.formula.build import call
from camber.formula.build import constant as constant_node
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter

STARTS: Final = (6.0, 24.0, 96.0, 400.0, 2e3, 1e4, 1e5, 1e6, 1e8)
_CONSTANTS: Final = {"pi": math.pi, "e": math.e}
_QUARTER: Final = call("div", Constant("pi"), constant_node(2))


@dataclass(frozen=True, slots=True)
class Tail:
    """A smooth formula on x ≥ start (side +1) or x ≤ −start (side −1).

    ``sign`` is None where the function keeps changing sign or the enclosure cannot tell.
    """

    start: float
    side: int
    series: Series
    sign: int | None
    bounds: Bounds

    @property
    def order(self) -> float:
        """p where |f| ~ c |x|^p; +inf for exponential growth, −inf for decay or zero."""
        if not self.series:
            return -math.inf
        *exponents, p, _ = self.series[0][0].order
        leading = next((exponent for exponent in exponents if exponent), 0.0)
        return math.copysign(math.inf, leading) if leading else p

    @property
    def limit(self) -> Bounds:
        """Bounds of the limit at infinity, itself maybe infinite."""
        if not self.series:
            return 0.0, 0.0
        monomial, bounds = self.series[0]
        trend = monomial.trend()
        if trend == 0:
            return bounds
        return (0.0, 0.0) if trend < 0 else times(bounds, (math.inf, math.inf))

    @property
    def line(self) -> tuple[Bounds, Bounds] | None:
        """Slope and intercept, enclosed, of the straight line that f approaches, if any."""
        found = dict(self.series)
        if any(monomial != LINE and monomial.trend() > 0 for monomial in found):
            return None
        lo, hi = found.get(LINE, (0.0, 0.0))
        slope = (lo, hi) if self.side > 0 else (0.0 - hi, 0.0 - lo)
        return slope, found.get(UNIT, (0.0, 0.0))


def tail(node: Node, values: Mapping[Parameter, float], name: str, side: int) -> Tail | None:
    """Return the tail of a smooth tree on one side, or None where it cannot be enclosed.

    >>> from camber.formula.parser import parse
    >>> right = tail(parse("x*sigmoid(x)", ("x",)), {}, "x", 1)
    >>> right.order, right.line
    (1.0, ((1.0, 1.0), (0.0, 0.0)))
    """
    return _tail(node, tuple(sorted(values.items(), key=repr)), name, side)


@lru_cache(maxsize=4096)
def _tail(
    node: Node, values: tuple[tuple[Parameter, float], ...], name: str, side: int
) -> Tail | None:
    known = dict(values)
    exact = as_rational(node, known, name)
    if exact is not None:
        return _rational_tail(exact if side > 0 else reflect(exact), side)
    undecided: Tail | None = None
    for start in STARTS:
        ray = Ray(start)
        try:
            series = _evaluate(node, ray, known, name, side)
            bounds = ray.range(series)
        except (IndecisiveError, OverflowError):
            continue
        try:
            return Tail(start, side, series, ray.sign(series), bounds)
        except IndecisiveError:
            undecided = undecided or Tail(start, side, series, None, bounds)
    return undecided


def _rational_tail(exact: Rational, side: int) -> Tail | None:
    for start in STARTS:
        found = series_beyond(exact, start)
        if found is not None:
            series, sign = found
            try:
                return Tail(start, side, series, sign, Ray(start).range(series))
            except IndecisiveError:
                continue
    return None


def _evaluate(
    root: Node, ray: Ray, values: Mapping[Parameter, float], name: str, side: int
) -> Series:
    tape = tape_of(root)
    registers: list[Series] = [()] * tape.registers
    for place, leaf in tape.leaves:
        if isinstance(leaf, Number):
            registers[place] = constant(*rational(leaf.value))
        elif isinstance(leaf, Parameter):
            registers[place] = constant(values[leaf], values[leaf])
        elif isinstance(leaf, Input) and leaf.name == name:
            registers[place] = ((LINE, (float(side), float(side))),)
        elif isinstance(leaf, Constant) and leaf.name in _CONSTANTS:
            value = _CONSTANTS[leaf.name]
            registers[place] = constant(down(value), up(value))
        else:
            raise IndecisiveError
    for step in tape.steps:
        below = tuple(registers[source] for source in step.sources)
        registers[step.target] = _call(ray, step.call, below)
    return registers[tape.result]


def _call(ray: Ray, node: Call, below: tuple[Series, ...]) -> Series:
    match node.operation, below:
        case (("add" | "sub"), (u, v)):
            exact = _quarter_turn(ray, node, below)
            if exact is not None:
                return exact
            return ray.add(u, v if node.operation == "add" else ray.negate(v))
        case "neg", (u,):
            return ray.negate(u)
        case "mul", (u, v):
            return ray.multiply(u, v)
        case "div", (u, v):
            return ray.multiply(u, ray.invert(v))
        case "pow", (u, v):
            return _power(ray, node, u, v)
        case "poly", (u, *coefficients):
            result = coefficients[-1]
            for coefficient in reversed(coefficients[:-1]):
                result = ray.add(ray.multiply(result, u), coefficient)
            return result
        case (("lt" | "le" | "gt" | "ge" | "eq" | "ne"), (u, v)):
            return _condition(ray, node.operation, u, v)
        case "where", (condition, u, v):
            if condition and condition != ONE:
                return _hull(ray, u, v)
            return u if condition else v
        case (("max" | "min"), (u, v)):
            return _extreme(ray, node.operation, u, v)
        case (("abs" | "sign"), (u,)):
            return _modulus(ray, node.operation, u)
        case operation, (u,):
            return apply(ray, operation, u, node.arguments[0])
        case _:
            raise IndecisiveError


def _quarter_turn(ray: Ray, node: Call, below: tuple[Series, ...]) -> Series | None:
    """atan(u) ± π/2 where u tends to ∓ infinity: what is left is −atan(1/u), exactly."""
    signs = (1, 1 if node.operation == "add" else -1)
    for place in (0, 1):
        arc, other = node.arguments[place], node.arguments[1 - place]
        if isinstance(arc, Call) and arc.operation == "atan" and other == _QUARTER:
            level = next((bounds[0] for monomial, bounds in below[place] if monomial == UNIT), 0.0)
            if signs[place] * level * signs[1 - place] < 0:
                falling = tuple(term for term in below[place] if term[0] != UNIT)
                return falling if signs[place] > 0 else ray.negate(falling)
    return None


def _power(ray: Ray, node: Call, u: Series, v: Series) -> Series:
    if not v:
        return ONE
    if len(v) == 1 and v[0][0] == UNIT:
        lo, hi = v[0][1]
        exponent = node.arguments[1]
        if isinstance(exponent, Number):
            return power(ray, u, exponent.value)
        if lo == hi:
            return power(ray, u, Fraction(lo))
    product = call("mul", node.arguments[1], call("log", node.arguments[0]))
    return exponential(ray, ray.multiply(v, logarithm(ray, u)), product)


def _condition(ray: Ray, operation: str, u: Series, v: Series) -> Series:
    """ONE where the comparison holds on the whole ray, nothing where it fails on all of it."""
    try:
        sign = ray.sign(ray.add(u, ray.negate(v)))
    except IndecisiveError:
        return constant(0.0, 1.0)
    holds = {
        "lt": sign < 0,
        "le": sign <= 0,
        "gt": sign > 0,
        "ge": sign >= 0,
        "eq": sign == 0,
        "ne": sign != 0,
    }[operation]
    return ONE if holds else ()


def _hull(ray: Ray, u: Series, v: Series) -> Series:
    """One term that encloses both."""
    if not u and not v:
        return ()
    largest = max((series[0][0] for series in (u, v) if series), key=lambda m: m.order)
    flipped = largest.raise_to(Fraction(-1))
    ranges = [ray.range(ray.shift(series, flipped)) for series in (u, v)]
    return ((largest, (min(lo for lo, _ in ranges), max(hi for _, hi in ranges))),)


def _extreme(ray: Ray, operation: str, u: Series, v: Series) -> Series:
    try:
        sign = ray.sign(ray.add(u, ray.negate(v)))
    except IndecisiveError:
        return _hull(ray, u, v)
    return u if (sign > 0) == (operation == "max") else v


def _modulus(ray: Ray, operation: str, u: Series) -> Series:
    try:
        sign = ray.sign(u)
    except IndecisiveError:
        if operation == "sign":
            return constant(-1.0, 1.0)
        lo, hi = ray.bracket(u)
        return ((u[0][0], (0.0, max(-lo, hi))),)
    if operation == "sign":
        return constant(float(sign), float(sign))
    return u if sign >= 0 else ray.negate(u)


def leading_term(known: Tail) -> str:
    """The dominant term as text, such as ``x``, ``0.25 x**2``, ``exp(x)`` or ``0``."""
    if not known.series:
        return "0"
    monomial, (lo, hi) = known.series[0]
    *exponents, p, q = monomial.order
    if lo <= 0 <= hi:
        return "bounded" if monomial == UNIT else "oscillating"
    # Where the coefficient itself is only bounded, the order is what there is to say.
    vague = math.isinf(hi - lo) or hi - lo > 1e-9 * max(abs(lo), abs(hi))
    factor = math.copysign(1.0, lo) if vague else 0.5 * (lo + hi)
    odd = known.side < 0 and p == int(p) and int(p) % 2
    parts = []
    if p:
        # On the left the ray runs along t = −x.
        base = "x" if known.side > 0 or p == int(p) else "(-x)"
        parts.append(base if p == 1 else f"{base}**{p:g}")
        factor = -factor if odd else factor
    if q:
        parts.append("log|x|" if q == 1 else f"log|x|**{q:g}")
    growth = _exponent_text(exponents, known.side)
    parts += [f"exp({growth})"] if growth else []
    if not parts:
        return f"{factor:.9g}"
    text = " ".join(parts)
    if vague:
        return f"of order {text}"
    if factor == 1:
        return text
    return f"-{text}" if factor == -1 else f"{factor:.9g} {text}"


def _exponent_text(exponents: list[float], side: int) -> str:
    text = ""
    for place, value in enumerate(exponents):
        if not value:
            continue
        degree = DEGREE - place
        value = value * side**degree
        name = "x" if degree == 1 else f"x**{degree}"
        term = name if abs(value) == 1 else f"{abs(value):.6g} {name}"
        sign = "-" if value < 0 else ("+" if text else "")
        text += (f" {sign} " if text else sign) + term
    return text
