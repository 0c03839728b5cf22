"""How each function of the language acts on series near infinity.

sigmoid(u) = 1/(1 + e^−u); tanh(u) = (1 − e^−2u)/(1 + e^−2u); erfc(u) = e^(−u²)/(u √π) (1 − θ/(2u²))
with 0 ≤ θ ≤ 1; log(1 + e) = e − e²/(2 (1 + θ e)²). Arguments that tend to a constant go through
Taylor's formula with the second derivative enclosed by interval arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final

import numpy as np

from camber.facts.bounds import Bounds, down, plus, times, up, with_zero
from camber.facts.ray import ONE, Ray, Series, constant, grows
from camber.facts.scale import DEGREE, UNIT, Atom, IndecisiveError, Monomial, power_atom
from camber.formula import Formula, to_interval
from camber.formula.build import power as power_node
from camber.formula.tree import Call, Node, Number

#: Values and slopes that are exact: (function, order of derivative, argument) -> value.
_EXACT: Final = {
    **{(name, 0, 0.0): 0.0 for name in ("tanh", "erf", "sin", "atan", "sinh", "asin", "tan")},
    **{(name, 1, 0.0): 1.0 for name in ("tanh", "sin", "atan", "sinh", "asin", "tan", "exp")},
    **{(name, 0, 0.0): 1.0 for name in ("exp", "cos", "cosh")},
    ("sigmoid", 0, 0.0): 0.5,
    ("sigmoid", 1, 0.0): 0.25,
    ("log", 0, 1.0): 0.0,
    ("log", 1, 1.0): 1.0,
    ("sqrt", 0, 1.0): 1.0,
    ("sqrt", 1, 1.0): 0.5,
}


def apply(ray: Ray, operation: str, u: Series, node: Node) -> Series:
    """f(u) for a function of one argument, whose tree is ``node``."""
    if grows(u):
        function = _UNBOUNDED.get(operation)
        if function is None:
            raise IndecisiveError
        return function(ray, u, node)
    if operation == "log" and u and u[0][0] != UNIT:
        return logarithm(ray, u)
    if operation == "sqrt" and u and u[0][0] != UNIT:
        return power(ray, u, Fraction(1, 2))
    return taylor(ray, operation, u)


def taylor(ray: Ray, operation: str, u: Series) -> Series:
    """f(c + e) = f(c) + f'(c) e + f''(c + θ e) e²/2 for u = c + e, e tending to 0."""
    c = next((bounds for monomial, bounds in u if monomial == UNIT), (0.0, 0.0))
    small = tuple(term for term in u if term[0] != UNIT)
    value = constant(*enclosed(operation, 0, c))
    if not small:
        return value
    around = plus(c, with_zero(ray.range(small)))
    bend = times(enclosed(operation, 2, around), (0.5, 0.5))
    linear = ray.scale(small, enclosed(operation, 1, c))
    return ray.add(value, ray.add(linear, ray.scale(ray.multiply(small, small), bend)))


def strip(node: Node) -> tuple[Fraction, Node]:
    """Write a tree as a rational factor times a base."""
    factor = Fraction(1)
    while isinstance(node, Call):
        match node.operation, node.arguments:
            case "neg", (u,):
                factor, node = -factor, u
            case "mul", (Number(value), u) if value:
                factor, node = factor * value, u
            case "mul", (u, Number(value)) if value:
                factor, node = factor * value, u
            case "div", (u, Number(value)) if value:
                factor, node = factor / value, u
            case _:
                break
    return factor, node


def exponential(ray: Ray, u: Series, node: Node, multiple: int = 1) -> Series:
    """exp(multiple · u), where u is the function of x that ``node`` is."""
    growing = [term for term in u if term[0].trend() > 0]
    rest = tuple(term for term in u if term not in growing)
    if not growing:
        return taylor(ray, "exp", ray.scale(u, (float(multiple),) * 2))
    if any(m.exponent or m.q or m.p not in range(1, DEGREE + 1) for m, _ in growing):
        return _steep(ray, ray.scale(u, (float(multiple),) * 2))
    if all(lo == hi for _, (lo, hi) in growing):
        pure = [(power_atom(int(m.p)), Fraction(lo) * multiple) for m, (lo, _) in growing]
        ordered = tuple(sorted(pure, key=lambda entry: entry[0].rank))
        bounded = taylor(ray, "exp", ray.scale(rest, (float(multiple),) * 2))
        return ray.shift(bounded, Monomial(0.0, 0.0, ordered))
    factor, base = strip(node)
    # The atom is the base, so the coefficients of u are divided by the factor.
    inverse = _ratio(1 / factor)
    polynomial: list[Bounds] = [(0.0, 0.0)] * (DEGREE + 1)
    for monomial, bounds in growing:
        polynomial[int(monomial.p)] = times(bounds, inverse)
    polynomial[0] = times(ray.range(rest), inverse) if rest else (0.0, 0.0)
    atom = Atom(0, base, tuple(polynomial))
    return ((Monomial(0.0, 0.0, ((atom, factor * multiple),)), (1.0, 1.0)),)


def _ratio(value: Fraction) -> Bounds:
    nearest = float(value)
    return (nearest, nearest) if Fraction(nearest) == value else (down(nearest), up(nearest))


def _steep(ray: Ray, u: Series) -> Series:
    """exp of something outside the scale: at least as extreme as e^(k x²), e^(k x) or 1."""
    for power_of_x in (2, 1):
        lo, hi = ray.range(ray.shift(u, Monomial(-float(power_of_x))))
        rate = hi if hi < 0 else (lo if lo > 0 else 0.0)
        if rate and math.isfinite(rate):
            key = Monomial(0.0, 0.0, ((power_atom(power_of_x), Fraction(rate)),))
            return ((key, (0.0, 1.0) if rate < 0 else (1.0, math.inf)),)
    if ray.sign(u) < 0:
        return constant(0.0, up(math.exp(ray.range(u)[1])))
    raise IndecisiveError


def _exp(ray: Ray, u: Series, node: Node) -> Series:
    return exponential(ray, u, node)


def _sigmoid(ray: Ray, u: Series, node: Node) -> Series:
    if ray.sign(u) > 0:
        return ray.invert(ray.add(ONE, exponential(ray, u, node, -1)))
    small = exponential(ray, u, node)
    return ray.multiply(small, ray.invert(ray.add(ONE, small)))


def _tanh(ray: Ray, u: Series, node: Node) -> Series:
    sign = ray.sign(u)
    small = exponential(ray, u, node, -2 * sign)
    magnitude = ray.multiply(ray.add(ONE, ray.negate(small)), ray.invert(ray.add(ONE, small)))
    return magnitude if sign > 0 else ray.negate(magnitude)


def _erf(ray: Ray, u: Series, node: Node) -> Series:
    if ray.sign(u) < 0:
        return ray.negate(_erf(ray, ray.negate(u), node))
    gauss = exponential(ray, ray.multiply(u, u), power_node(node, 2), -1)
    root = 1.0 / math.sqrt(math.pi)
    inverse = ray.invert(u)
    correction = ray.add(ONE, ray.scale(ray.multiply(inverse, inverse), (-0.5, 0.0)))
    bounded = ray.scale(ray.multiply(inverse, correction), (root * (1 - 1e-15), root * (1 + 1e-15)))
    return ray.add(ONE, ray.negate(ray.multiply(gauss, bounded)))


def _softplus(ray: Ray, u: Series, node: Node) -> Series:
    if ray.sign(u) < 0:
        return _log_one_plus(ray, exponential(ray, u, node))
    return ray.add(u, _log_one_plus(ray, exponential(ray, u, node, -1)))


def _log_one_plus(ray: Ray, small: Series) -> Series:
    """log(1 + e) = e − e²/(2 (1 + θ e)²) for e > 0 that tends to 0."""
    lo, hi = ray.range(small)
    if lo < 0 or hi > 1:
        raise IndecisiveError
    bend = (-0.5, -0.5 / (1 + hi) ** 2 * (1 - 1e-15))
    return ray.add(small, ray.scale(ray.multiply(small, small), bend))


def logarithm(ray: Ray, u: Series) -> Series:
    """log(c m (1 + e)) = log c + log m + log(1 + e)."""
    if not u or u[0][0] == UNIT:
        return taylor(ray, "log", u)
    monomial, coefficient, small = ray.relative(u)
    if coefficient[0] <= 0 or monomial.q or any(atom.node for atom, _ in monomial.exponent):
        raise IndecisiveError
    terms = [(Monomial(float(atom.power)), _ratio(m)) for atom, m in monomial.exponent]
    if monomial.p:
        terms.append((Monomial(0.0, 1.0), (monomial.p, monomial.p)))
    terms.extend(constant(*enclosed("log", 0, coefficient)))
    return ray.add(ray.collect(terms), taylor(ray, "log", ray.add(ONE, small)))


def power(ray: Ray, u: Series, exponent: Fraction) -> Series:
    """u to a constant power; (1 + e)^k = 1 + k e + k (k − 1)/2 (1 + θ e)^(k − 2) e²."""
    if exponent.denominator == 1 and 0 <= exponent <= 16:
        result = ONE
        for _ in range(int(exponent)):
            result = ray.multiply(result, u)
        return result
    if exponent.denominator == 1 and -16 <= exponent < 0:
        return power(ray, ray.invert(u), -exponent)
    monomial, coefficient, small = ray.relative(u)
    if coefficient[0] <= 0:
        raise IndecisiveError
    k = float(exponent)
    result = ray.shift(ONE, monomial.raise_to(exponent))
    if coefficient != (1.0, 1.0):
        ends = [end**k for end in coefficient]
        result = ray.scale(result, (min(ends) * (1 - 4e-16), max(ends) * (1 + 4e-16)))
    if not small:
        return result
    lo, hi = with_zero(ray.range(small))
    if lo < -0.75:
        raise IndecisiveError
    ends = [(1 + lo) ** (k - 2), (1 + hi) ** (k - 2)]
    bend = times((0.5 * k * (k - 1),) * 2, (min(ends) * (1 - 4e-16), max(ends) * (1 + 4e-16)))
    bent = ray.scale(ray.multiply(small, small), bend)
    return ray.multiply(result, ray.add(ONE, ray.add(ray.scale(small, _ratio(exponent)), bent)))


def _sqrt(ray: Ray, u: Series, node: Node) -> Series:
    return power(ray, u, Fraction(1, 2))


def _wave(ray: Ray, u: Series, node: Node) -> Series:
    return constant(-1.0, 1.0)


def _atan(ray: Ray, u: Series, node: Node) -> Series:
    quarter = math.pi / 2 * ray.sign(u)
    return ray.add(
        constant(down(quarter), up(quarter)), ray.negate(taylor(ray, "atan", ray.invert(u)))
    )


def _cosh(ray: Ray, u: Series, node: Node) -> Series:
    both = ray.add(exponential(ray, u, node), exponential(ray, u, node, -1))
    return ray.scale(both, (0.5, 0.5))


def _sinh(ray: Ray, u: Series, node: Node) -> Series:
    both = ray.add(exponential(ray, u, node), ray.negate(exponential(ray, u, node, -1)))
    return ray.scale(both, (0.5, 0.5))


def _log(ray: Ray, u: Series, node: Node) -> Series:
    return logarithm(ray, u)


_UNBOUNDED: Final[Mapping[str, Callable[[Ray, Series, Node], Series]]] = {
    "exp": _exp,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "erf": _erf,
    "softplus": _softplus,
    "log": _log,
    "sqrt": _sqrt,
    "sin": _wave,
    "cos": _wave,
    "atan": _atan,
    "cosh": _cosh,
    "sinh": _sinh,
}


@lru_cache(maxsize=4096)
def enclosed(operation: str, order: int, around: Bounds) -> Bounds:
    """Enclose a function, or a derivative of it, on an interval."""
    if around[0] == around[1] and (operation, order, around[0]) in _EXACT:
        value = _EXACT[operation, order, around[0]]
        return value, value
    function = to_interval(_function(operation, order))
    low, high = function(np.array([around[0]]), np.array([around[1]]))
    lo, hi = float(np.ravel(low)[0]), float(np.ravel(high)[0])
    if not (math.isfinite(lo) and math.isfinite(hi)):
        raise IndecisiveError
    return lo, hi


@lru_cache(maxsize=128)
def _function(operation: str, order: int) -> Formula:
    formula = Formula.parse(f"{operation}(x)")
    for _ in range(order):
        formula = formula.derivative("x")
    return formula
