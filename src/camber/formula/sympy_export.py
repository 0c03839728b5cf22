"""Formulas as SymPy expressions, for algebra by hand. Needs the extra ``symbolic``.

The expression is built as written, without evaluation: SymPy would otherwise compute constants
such as 9**9**9 in full. ``expression.doit()`` lets it simplify.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from camber.errors import FormulaError, require
from camber.formula.derivative import spline_parts
from camber.formula.formula import Formula
from camber.formula.operations import OPERATIONS
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter, fold

Entry = Callable[..., Any]


def to_sympy(formula: Formula) -> Any:
    """Return the formula as an unevaluated SymPy expression of real symbols.

    Inputs and parameters become real symbols of their own names, ``weight[0]`` the symbol of that
    name. A statistic becomes an undefined function of its argument and its axis.

    Raises:
        MissingExtraError: where SymPy is not installed.
        FormulaError: where the condition of a ``where`` holds another one.

    Example:
        >>> import sympy
        >>> swish = to_sympy(Formula.parse("x*sigmoid(beta*x)"))
        >>> swish.subs(sympy.Symbol("x", real=True), 0).doit()
        0
    """
    sympy = require("sympy", extra="symbolic", feature="to_sympy")

    def write(node: Node, parts: tuple[Any, ...]) -> Any:
        if isinstance(node, Number):
            return sympy.Rational(node.value.numerator, node.value.denominator)
        if isinstance(node, Constant):
            return {"pi": sympy.pi, "e": sympy.E, "inf": sympy.oo}[node.name]
        if isinstance(node, Input):
            return sympy.Symbol(node.name, real=True)
        if isinstance(node, Parameter):
            index = "" if node.index is None else f"[{node.index}]"
            return sympy.Symbol(node.name + index, real=True)
        if not isinstance(node, Call):
            raise FormulaError(f"a tree holds a {type(node).__name__}, which is not a node")
        return SYMPY[node.operation](sympy, node, *parts)

    return fold(formula.root, write)


def _function(name: str) -> Entry:
    return lambda sympy, node, *parts: getattr(sympy, name)(*parts, evaluate=False)


def _add(sympy: Any, *parts: Any) -> Any:
    return sympy.Add(*parts, evaluate=False)


def _mul(sympy: Any, *parts: Any) -> Any:
    return sympy.Mul(*parts, evaluate=False)


def _negative(sympy: Any, a: Any) -> Any:
    return _mul(sympy, sympy.Integer(-1), a)


def _quotient(sympy: Any, a: Any, b: Any) -> Any:
    return _mul(sympy, a, sympy.Pow(b, sympy.Integer(-1), evaluate=False))


def _exp(sympy: Any, a: Any) -> Any:
    return sympy.exp(a, evaluate=False)


def _sigmoid(sympy: Any, node: Call, u: Any) -> Any:
    return _quotient(sympy, sympy.Integer(1), _add(sympy, 1, _exp(sympy, _negative(sympy, u))))


def _softplus(sympy: Any, node: Call, u: Any) -> Any:
    return sympy.log(_add(sympy, 1, _exp(sympy, u)), evaluate=False)


def _piecewise(sympy: Any, condition: Any, a: Any, b: Any) -> Any:
    if condition.has(sympy.Piecewise):
        # SymPy multiplies out nested cases in a condition, at exponential cost.
        raise FormulaError("SymPy cannot hold a choice inside the condition of another choice")
    return sympy.Piecewise((a, condition), (b, True), evaluate=False)


def _where(sympy: Any, node: Call, condition: Any, a: Any, b: Any) -> Any:
    return _piecewise(sympy, condition, a, b)


def _poly(sympy: Any, node: Call, x: Any, *coefficients: Any) -> Any:
    result = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = _add(sympy, _mul(sympy, result, x), coefficient)
    return result


def _spline(sympy: Any, node: Call, x: Any, *rest: Any) -> Any:
    """The Cox-de Boor recursion with steps as Piecewise."""
    degree, exact, coefficients = spline_parts(node)
    knots = rest[: len(exact)]
    last = max(place for place in range(len(exact) - 1) if exact[place] < exact[place + 1])
    basis = []
    for place in range(len(exact) - 1):
        upper = sympy.Le if place == last else sympy.Lt
        inside = sympy.And(
            sympy.Ge(x, knots[place], evaluate=False),
            upper(x, knots[place + 1], evaluate=False),
            evaluate=False,
        )
        empty = exact[place] == exact[place + 1]
        step = sympy.Integer(0) if empty else _piecewise(sympy, inside, sympy.Integer(1), 0)
        basis.append(step)
    for order in range(1, degree + 1):
        raised = []
        for place in range(len(basis) - 1):
            total = sympy.Integer(0)
            if exact[place + order] > exact[place]:
                width = knots[place + order] - knots[place]
                rise = _quotient(sympy, _add(sympy, x, -knots[place]), width)
                total = _add(sympy, total, _mul(sympy, rise, basis[place]))
            if exact[place + order + 1] > exact[place + 1]:
                width = knots[place + order + 1] - knots[place + 1]
                fall = _add(sympy, knots[place + order + 1], _negative(sympy, x))
                share = _mul(sympy, _quotient(sympy, fall, width), basis[place + 1])
                total = _add(sympy, total, share)
            raised.append(total)
        basis = raised
    values = rest[len(rest) - len(coefficients) :]
    return _add(sympy, *(_mul(sympy, c, b) for c, b in zip(values, basis, strict=True)))


def _signed(inner: Callable[[Any, Any], Any]) -> Entry:
    def entry(sympy: Any, node: Call, u: Any) -> Any:
        size = sympy.Abs(u, evaluate=False)
        return _mul(sympy, sympy.sign(u, evaluate=False), inner(sympy, size))

    return entry


def _guarded_div(sympy: Any, node: Call, a: Any, b: Any) -> Any:
    tiny = sympy.Lt(sympy.Abs(b, evaluate=False), sympy.Rational(1, 10**12), evaluate=False)
    return _piecewise(sympy, tiny, sympy.Integer(1), _quotient(sympy, a, b))


def _statistic(sympy: Any, node: Call, *parts: Any) -> Any:
    settings = [sympy.Symbol(str(value)) for _, value in node.options]
    return sympy.Function(node.operation)(*parts, *settings)


SYMPY: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "add": lambda sympy, node, a, b: _add(sympy, a, b),
        "sub": lambda sympy, node, a, b: _add(sympy, a, _negative(sympy, b)),
        "mul": lambda sympy, node, a, b: _mul(sympy, a, b),
        "div": lambda sympy, node, a, b: _quotient(sympy, a, b),
        "pow": lambda sympy, node, a, b: sympy.Pow(a, b, evaluate=False),
        "neg": lambda sympy, node, a: _negative(sympy, a),
        **{name: _function(name.capitalize()) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
        **{
            name: _function(name)
            for name in (
                "exp", "log", "erf", "tanh", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
                "cosh", "sign",
            )
        },
        "sqrt": lambda sympy, node, a: sympy.Pow(a, sympy.Rational(1, 2), evaluate=False),
        "abs": _function("Abs"),
        "min": _function("Min"),
        "max": _function("Max"),
        "sigmoid": _sigmoid,
        "softplus": _softplus,
        "where": _where,
        "poly": _poly,
        "spline": _spline,
        "signed_log": _signed(
            lambda sympy, size: sympy.log(_add(sympy, 1, size), evaluate=False)
        ),
        "signed_sqrt": _signed(
            lambda sympy, size: sympy.Pow(size, sympy.Rational(1, 2), evaluate=False)
        ),
        "guarded_div": _guarded_div,
        **{name: _statistic for name, entry in OPERATIONS.items() if entry.statistic},
    }
)  # fmt: skip
