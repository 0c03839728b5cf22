"""An independent reading of formulas: real values of trees by mpmath, with 50 digits."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from camber.formula import Call, Constant, Input, Node, Number, Parameter
from camber.formula.derivative import spline_parts
from camber.formula.tree import fold

DIGITS = 50
_HUGE = mpf(10) ** 5


class UndefinedError(ArithmeticError):
    """The formula has no real value at the point, or one too large to compute."""


def evaluate(root: Node, point: dict[str, float]) -> mpf:
    """The value of ``root``; inputs and parameters (``w[0]`` by that name) are looked up."""

    def write(node: Node, parts: tuple) -> mpf | bool:
        if isinstance(node, Number):
            return mpf(node.value.numerator) / mpf(node.value.denominator)
        if isinstance(node, Constant):
            return {"pi": mpmath.pi(), "e": mpmath.e(), "inf": mpmath.inf}[node.name]
        if isinstance(node, Input):
            return mpf(point[node.name])
        if isinstance(node, Parameter):
            name = node.name if node.index is None else f"{node.name}[{node.index}]"
            return mpf(point[name])
        assert isinstance(node, Call)
        return _finite(_TABLE[node.operation](node, *parts))

    with mpmath.workdps(DIGITS):
        try:
            return _Lazy(root, write).value()
        except (ZeroDivisionError, OverflowError):
            raise UndefinedError from None


class _Lazy:
    """Evaluates both branches of ``where``, but only the selected one may be undefined."""

    def __init__(self, root, write):
        self.root, self.write = root, write

    def value(self):
        def combine(node, parts):
            chosen = parts
            if isinstance(node, Call) and node.operation == "where":
                if isinstance(parts[0], UndefinedError):
                    return parts[0]
                return parts[1] if parts[0] else parts[2]
            for part in chosen:
                if isinstance(part, UndefinedError):
                    return part
            try:
                return self.write(node, parts)
            except (ZeroDivisionError, OverflowError):
                return UndefinedError()
            except UndefinedError as error:
                return error

        result = fold(self.root, combine)
        if isinstance(result, UndefinedError):
            raise result
        return result


def _finite(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
        raise UndefinedError
    return value


def _exp(u):
    if abs(u) > _HUGE:
        raise UndefinedError
    return mpmath.exp(u)


def _pow(node, base, exponent):
    if base == 0:
        if exponent < 0:
            raise UndefinedError
        return mpf(1) if exponent == 0 else mpf(0)
    if base < 0 and exponent != mpmath.floor(exponent):
        raise UndefinedError
    if abs(exponent * mpmath.log(abs(base))) > _HUGE:
        raise UndefinedError
    return mpmath.power(base, exponent)


def _domain(function, low, high):
    def entry(node, u):
        if not low <= u <= high:
            raise UndefinedError
        return function(u)

    return entry


def _log(node, u):
    if u <= 0:
        raise UndefinedError
    return mpmath.log(u)


def _spline(node, x, *rest):
    degree, exact, coefficients = spline_parts(node)
    knots = rest[: len(exact)]
    values = rest[len(rest) - len(coefficients) :]
    last = max(i for i in range(len(exact) - 1) if exact[i] < exact[i + 1])

    def basis(i, d):
        if d == 0:
            if exact[i] == exact[i + 1]:
                return mpf(0)
            top = x <= knots[i + 1] if i == last else x < knots[i + 1]
            return mpf(1) if knots[i] <= x and top else mpf(0)
        total = mpf(0)
        if exact[i + d] > exact[i]:
            total += (x - knots[i]) / (knots[i + d] - knots[i]) * basis(i, d - 1)
        if exact[i + d + 1] > exact[i + 1]:
            share = (knots[i + d + 1] - x) / (knots[i + d + 1] - knots[i + 1])
            total += share * basis(i + 1, d - 1)
        return total

    return sum((c * basis(i, degree) for i, c in enumerate(values)), mpf(0))


def _guarded_div(node, a, b):
    return mpf(1) if abs(b) < mpf(10) ** -12 else a / b


_TABLE = {
    "add": lambda n, a, b: a + b,
    "sub": lambda n, a, b: a - b,
    "mul": lambda n, a, b: a * b,
    "div": lambda n, a, b: a / b,
    "neg": lambda n, a: -a,
    "pow": _pow,
    "lt": lambda n, a, b: bool(a < b),
    "le": lambda n, a, b: bool(a <= b),
    "gt": lambda n, a, b: bool(a > b),
    "ge": lambda n, a, b: bool(a >= b),
    "eq": lambda n, a, b: bool(a == b),
    "ne": lambda n, a, b: bool(a != b),
    "exp": lambda n, u: _exp(u),
    "log": _log,
    "sqrt": _domain(mpmath.sqrt, mpf(0), mpmath.inf),
    "erf": lambda n, u: mpmath.erf(u),
    "sigmoid": lambda n, u: 1 / (1 + _exp(-u)) if u > 0 else _exp(u) / (1 + _exp(u)),
    "tanh": lambda n, u: mpmath.tanh(u) if abs(u) < 200 else mpmath.sign(u),
    "softplus": lambda n, u: max(u, mpf(0)) + mpmath.log1p(_exp(-abs(u))),
    "sin": lambda n, u: mpmath.sin(u),
    "cos": lambda n, u: mpmath.cos(u),
    "tan": lambda n, u: mpmath.tan(u),
    "asin": _domain(mpmath.asin, mpf(-1), mpf(1)),
    "acos": _domain(mpmath.acos, mpf(-1), mpf(1)),
    "atan": lambda n, u: mpmath.atan(u),
    "sinh": lambda n, u: (_exp(u) - _exp(-u)) / 2 if abs(u) > 1 else mpmath.sinh(u),
    "cosh": lambda n, u: (_exp(u) + _exp(-u)) / 2,
    "abs": lambda n, u: abs(u),
    "sign": lambda n, u: mpmath.sign(u),
    "min": lambda n, *u: min(u),
    "max": lambda n, *u: max(u),
    "poly": lambda n, x, *a: mpmath.polyval(list(reversed(a)), x),
    "spline": _spline,
    "signed_log": lambda n, u: mpmath.sign(u) * mpmath.log1p(abs(u)),
    "signed_sqrt": lambda n, u: mpmath.sign(u) * mpmath.sqrt(abs(u)),
    "guarded_div": _guarded_div,
}
