"""The operations of the formula language as C, each with its reverse-mode rule.

``value`` gives the C expression of a node from its arguments' names; ``slopes`` gives, for each
argument, the contribution to its adjoint from the node's adjoint ``d``, its arguments ``a`` and its
own value ``v``; None means that no slope passes. Slopes at kinks are those of the definition:
``max(u, 0)`` has slope 0 at 0, ``abs`` 0, other ties one half each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from camber.formula.saturate import LIMITS

Names = Sequence[str]
Slopes = Callable[[str, Names, str], Sequence[str | None]]


@dataclass(frozen=True)
class Rule:
    """``value(a)`` and ``slopes(d, a, v)`` as C expressions."""

    value: Callable[[Names], str]
    slopes: Slopes


def literal(value: float) -> str:
    """A C constant that is exactly ``value`` (rounded to ``A`` by the compiler)."""
    if math.isinf(value):
        return "((A)INFINITY)" if value > 0 else "((A)-INFINITY)"
    return f"((A){value.hex()})"


def _unary(name: str, slope: str, factor: str = "TIMES") -> Rule:
    """``name(u)`` with slope text over ``{a}`` and ``{v}``, applied by ``factor``."""

    def slopes(d: str, a: Names, v: str) -> list[str]:
        return [f"{factor}({d}, {slope.format(a=a[0], v=v)})"]

    return Rule(lambda a: f"{name}({a[0]})", slopes)


def _compare(symbol: str) -> Rule:
    return Rule(lambda a: f"({a[0]} {symbol} {a[1]})", lambda d, a, v: [None, None])


def _gelu(d: str, a: Names, v: str) -> list[str]:
    phi = f"EXP((A)-0.5 * {a[0]} * {a[0]}) * {literal(1 / math.sqrt(2 * math.pi))}"
    cumulative = f"(A)0.5 * ((A)1 + ERF({a[0]} * {literal(math.sqrt(0.5))}))"
    return [f"{d} * ({cumulative} + TIMES({phi}, {a[0]}))"]


_CUBIC: Final = 0.044715
_TWICE: Final = literal(2 * math.sqrt(2 / math.pi))


def _gelu_tanh_gate(x: str) -> str:
    return f"SIGMOID({_TWICE} * {x} * ((A)1 + {literal(_CUBIC)} * {x} * {x}))"


def _gelu_tanh(d: str, a: Names, v: str) -> list[str]:
    gate, x = _gelu_tanh_gate(a[0]), a[0]
    inner = f"{_TWICE} * ((A)1 + {literal(3 * _CUBIC)} * {x} * {x}) * {x}"
    return [f"{d} * ({gate} + TIMES({gate} * ((A)1 - {gate}), {inner}))"]


def _silu(d: str, a: Names, v: str) -> list[str]:
    gate = f"SIGMOID({a[0]})"
    return [f"{d} * ({gate} + TIMES({gate} * ((A)1 - {gate}), {a[0]}))"]


def _power(d: str, a: Names, v: str) -> list[str]:
    lowered = f"{a[1]} * POW({a[0]}, {a[1]} - (A)1)"
    logarithm = f"({a[0]} == 0 && {a[1]} >= 0 ? (A)0 : {v} * LOG({a[0]}))"
    return [f"({a[1]} == 0 ? (A)0 : TIMES({d}, {lowered}))", f"TIMES({d}, {logarithm})"]


def _tie(d: str, a: Names, symbol: str) -> list[str]:
    half = f"({a[0]} == {a[1]} ? (A)0.5 * {d} : (A)0)"
    return [
        f"({a[0]} {symbol} {a[1]} ? {d} : {half})",
        f"({a[1]} {symbol} {a[0]} ? {d} : {half})",
    ]


def _guarded_div(d: str, a: Names, v: str) -> list[str]:
    tiny = f"ABS({a[1]}) < (A)1e-12"
    return [
        f"({tiny} ? (A)0 : OVER({d}, {a[1]}))",
        f"({tiny} ? (A)0 : -TIMES(OVER({d}, {a[1]}), {v}))",
    ]


def _log_softplus(d: str, a: Names, v: str) -> list[str]:
    near = f"TIMES({d}, SIGMOID({a[0]})) / SOFTPLUS(MAXIMUM({a[0]}, (A)-40))"
    return [f"({a[0]} < (A)-40 ? {d} : {near})"]


_INVERSE_ROOT: Final = "SQRT((A)1 - {a} * {a})"


#: max against a literal zero: the slope at the kink is 0.
RELU: Final = Rule(
    lambda a: f"MAXIMUM({a[0]}, (A)0)", lambda d, a, v: [f"({a[0]} > 0 ? {d} : (A)0)"]
)


def _held(name: str) -> Rule:
    """``name`` of an argument held within the limit of the type, with slope 0 beyond."""
    how, _, function = name.partition("_")
    single, double = LIMITS[how]
    limit = f"(sizeof(A) == 8 ? {literal(double)} : {literal(single)})"
    slope = {"exp": "{v}", "expm1": "({v} + (A)1)", "sinh": "COSH({a})", "cosh": "SINH({a})"}

    def value(a: Names) -> str:
        capped = f"MINIMUM({a[0]}, {limit})"
        if function.endswith("h"):
            capped = f"MAXIMUM({capped}, -{limit})"
        return f"{function.upper()}({capped})"

    def slopes(d: str, a: Names, v: str) -> list[str]:
        beyond = f"{a[0]} > {limit}"
        if function.endswith("h"):
            beyond = f"ABS({a[0]}) > {limit}"
        return [f"({beyond} ? (A)0 : {d} * {slope[function].format(a=a[0], v=v)})"]

    return Rule(value, slopes)


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        **{
            name: _held(name)
            for how in LIMITS
            for name in (f"{how}_exp", f"{how}_expm1", f"{how}_sinh", f"{how}_cosh")
        },
        # the scales of rewritten ratios, on which no value depends
        "scale": Rule(lambda a: f"(ABS({a[0]}) < 1 ? (A)1 : ABS({a[0]}))", lambda d, a, v: [None]),
        "lift": Rule(lambda a: f"MAXIMUM({a[0]}, (A)0)", lambda d, a, v: [None]),
        "add": Rule(lambda a: f"{a[0]} + {a[1]}", lambda d, a, v: [d, d]),
        "sub": Rule(lambda a: f"{a[0]} - {a[1]}", lambda d, a, v: [d, f"-{d}"]),
        "mul": Rule(
            lambda a: f"{a[0]} * {a[1]}",
            lambda d, a, v: [f"TIMES({d}, {a[1]})", f"TIMES({d}, {a[0]})"],
        ),
        "div": Rule(
            lambda a: f"{a[0]} / {a[1]}",
            lambda d, a, v: [f"OVER({d}, {a[1]})", f"-TIMES(OVER({d}, {a[1]}), {v})"],
        ),
        "neg": Rule(lambda a: f"-{a[0]}", lambda d, a, v: [f"-{d}"]),
        "pow": Rule(lambda a: f"POW({a[0]}, {a[1]})", _power),
        "lt": _compare("<"),
        "le": _compare("<="),
        "gt": _compare(">"),
        "ge": _compare(">="),
        "eq": _compare("=="),
        "ne": _compare("!="),
        "exp": _unary("EXP", "{v}"),
        "expm1": _unary("EXPM1", "({v} + (A)1)"),
        "log": _unary("LOG", "{a}", "OVER"),
        "log1p": _unary("LOG1P", "((A)1 + {a})", "OVER"),
        "sqrt": _unary("SQRT", "((A)2 * {v})", "OVER"),
        "erf": _unary("ERF", f"{literal(2 / math.sqrt(math.pi))} * EXP(-{{a}} * {{a}})"),
        "erfc": _unary("ERFC", f"{literal(-2 / math.sqrt(math.pi))} * EXP(-{{a}} * {{a}})"),
        "sigmoid": _unary("SIGMOID", "{v} * ((A)1 - {v})"),
        "logsigmoid": _unary("LOGSIGMOID", "SIGMOID(-{a})"),
        "softplus": _unary("SOFTPLUS", "SIGMOID({a})"),
        "logcosh": _unary("LOGCOSH", "TANH({a})"),
        # log(log(1 + exp(u))) is u itself to within exp(u) / 2 far left
        "log_softplus": Rule(
            lambda a: f"({a[0]} < (A)-40 ? {a[0]} : LOG(SOFTPLUS(MAXIMUM({a[0]}, (A)-40))))",
            _log_softplus,
        ),
        "tanh": _unary("TANH", "((A)1 - {v} * {v})"),
        "silu": Rule(lambda a: f"{a[0]} * SIGMOID({a[0]})", _silu),
        "gelu": Rule(
            lambda a: f"(A)0.5 * {a[0]} * ((A)1 + ERF({a[0]} * {literal(math.sqrt(0.5))}))",
            _gelu,
        ),
        "gelu_tanh": Rule(lambda a: f"{a[0]} * {_gelu_tanh_gate(a[0])}", _gelu_tanh),
        "sin": _unary("SIN", "COS({a})"),
        "cos": _unary("COS", "-SIN({a})"),
        "tan": _unary("TAN", "((A)1 + {v} * {v})"),
        "asin": _unary("ASIN", _INVERSE_ROOT, "OVER"),
        "acos": _unary("ACOS", f"-{_INVERSE_ROOT}", "OVER"),
        "atan": _unary("ATAN", "((A)1 + {a} * {a})", "OVER"),
        "sinh": _unary("SINH", "COSH({a})"),
        "cosh": _unary("COSH", "SINH({a})"),
        "abs": _unary("ABS", "SIGN({a})"),
        "sign": Rule(lambda a: f"SIGN({a[0]})", lambda d, a, v: [None]),
        "max": Rule(lambda a: f"MAXIMUM({a[0]}, {a[1]})", lambda d, a, v: _tie(d, a, ">")),
        "min": Rule(lambda a: f"MINIMUM({a[0]}, {a[1]})", lambda d, a, v: _tie(d, a, "<")),
        "where": Rule(
            lambda a: f"({a[0]} ? {a[1]} : {a[2]})",
            lambda d, a, v: [None, f"({a[0]} ? {d} : (A)0)", f"({a[0]} ? (A)0 : {d})"],
        ),
        "signed_log": Rule(
            lambda a: f"COPYSIGN(LOG1P(ABS({a[0]})), {a[0]})",
            lambda d, a, v: [f"{d} / ((A)1 + ABS({a[0]}))"],
        ),
        "signed_sqrt": Rule(
            lambda a: f"COPYSIGN(SQRT(ABS({a[0]})), {a[0]})",
            # infinite at 0; 0 there keeps a search over formulas alive
            lambda d, a, v: [f"({a[0]} == 0 ? (A)0 : {d} / ((A)2 * ABS({v})))"],
        ),
        "guarded_div": Rule(
            lambda a: f"(ABS({a[1]}) < (A)1e-12 ? (A)1 : {a[0]} / {a[1]})", _guarded_div
        ),
    }
)
