"""What each operation is on torch tensors: one table, from names to plain torch operations.

Every entry takes ``(like, call, *arguments)``: a tensor that carries dtype and device, the call
with its options, and the arguments, each a tensor or a Python number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from camber.formula.derivative import spline_parts
from camber.formula.limits import to_float
from camber.formula.operations import FUNCTIONS
from camber.formula.saturate import LIMITS
from camber.formula.torch_statistics import STATISTICS, Entry, Value, tensor
from camber.formula.tree import Call


def _unary(function: Callable[[Tensor], Tensor]) -> Entry:
    def entry(like: Tensor, call: Call, u: Value) -> Tensor:
        return function(tensor(u, like))

    return entry


def _binary(function: Callable[[Any, Any], Tensor]) -> Entry:
    def entry(like: Tensor, call: Call, a: Value, b: Value) -> Tensor:
        # Two numbers meet only where their value is undefined, which Python raises for.
        if not isinstance(a, Tensor) and not isinstance(b, Tensor):
            a = tensor(a, like)
        return function(a, b)

    return entry


def integer_power(base: Tensor, exponent: int) -> Tensor:
    """base ** exponent by repeated squaring, exponent >= 1; its gradient has no 0 * inf at 0."""
    result: Tensor | None = None
    while True:
        if exponent & 1:
            result = base if result is None else result * base
        exponent >>= 1
        if not exponent:
            return base if result is None else result
        base = base * base


#: Whole exponents up to this one are computed by multiplication.
_MOST_PRODUCTS: Final = 64


def _pow(like: Tensor, call: Call, base: Value, exponent: Value) -> Tensor:
    if isinstance(exponent, Tensor):
        return torch.pow(base, exponent)
    base = tensor(base, like)
    if exponent == 0.5:
        return torch.sqrt(base)
    if exponent == -0.5:
        return torch.rsqrt(base)
    whole = abs(exponent) <= _MOST_PRODUCTS and exponent == int(exponent)
    if whole and exponent > 0:
        return integer_power(base, int(exponent))
    if whole and exponent < 0:
        return 1.0 / integer_power(base, -int(exponent))
    return torch.pow(base, exponent)


def _extreme(function: Callable[[Tensor, Tensor], Tensor]) -> Entry:
    def entry(like: Tensor, call: Call, *values: Value) -> Tensor:
        # Pairs from the left; torch gives each side half of the slope at a tie.
        return reduce(function, [tensor(value, like) for value in values])

    return entry


def _max(like: Tensor, call: Call, *values: Value) -> Tensor:
    # relu, not maximum, against a literal 0: the slope at the kink is 0 by definition.
    a = values[0]
    for b in values[1:]:
        if not isinstance(b, Tensor) and b == 0:
            a = torch.relu(tensor(a, like))
        elif not isinstance(a, Tensor) and a == 0:
            a = torch.relu(tensor(b, like))
        else:
            a = torch.maximum(tensor(a, like), tensor(b, like))
    return tensor(a, like)


def _where(like: Tensor, call: Call, condition: Tensor, a: Value, b: Value) -> Tensor:
    return torch.where(condition, tensor(a, like), tensor(b, like))


def _poly(like: Tensor, call: Call, x: Value, *coefficients: Value) -> Tensor:
    result = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = result * x + coefficient
    return tensor(result, like)


def _spline(like: Tensor, call: Call, x: Value, *rest: Value) -> Tensor:
    """The B-spline sum by the Cox-de Boor recursion (de Boor 1972), zero outside the knots."""
    degree, exact, coefficients = spline_parts(call)
    knots = [to_float(knot) for knot in exact]
    x = tensor(x, like)
    last = max(place for place in range(len(knots) - 1) if knots[place] < knots[place + 1])
    basis: list[Value] = []
    for place in range(len(knots) - 1):
        inside = (x >= knots[place]) & (
            (x <= knots[place + 1]) if place == last else (x < knots[place + 1])
        )
        basis.append(inside.to(like.dtype) if knots[place] < knots[place + 1] else 0.0)
    for order in range(1, degree + 1):
        raised: list[Value] = []
        for place in range(len(basis) - 1):
            low, high = (
                knots[place + order] - knots[place],
                knots[place + order + 1] - knots[place + 1],
            )
            left = (x - knots[place]) / low * basis[place] if low else 0.0
            right = (knots[place + order + 1] - x) / high * basis[place + 1] if high else 0.0
            raised.append(left + right)
        basis = raised
    values = rest[len(rest) - len(coefficients) :]
    return tensor(sum((c * b for c, b in zip(values, basis, strict=True)), 0.0), like)


def _signed_log(u: Tensor) -> Tensor:
    # In halves, because sign(u) log1p(|u|) would have slope 0, not 1, at 0.
    positive = torch.log1p(u.clamp_min(0.0))
    return torch.where(u < 0, -torch.log1p(-u.clamp_max(0.0)), positive)


def _signed_sqrt(u: Tensor) -> Tensor:
    # The slope at 0 is infinite; 0 there keeps a search over formulas alive.
    zero = u == 0
    size = torch.sqrt(torch.where(zero, torch.ones_like(u), torch.abs(u)))
    return torch.where(zero, torch.zeros_like(u), torch.sign(u) * size)


def _guarded_div(like: Tensor, call: Call, a: Value, b: Value) -> Tensor:
    b = tensor(b, like)
    tiny = b.abs() < 1e-12
    safe = torch.where(tiny, torch.ones_like(b), b)
    return torch.where(tiny, torch.ones_like(b), a / safe)


def softplus(u: Tensor) -> Tensor:
    """log(1 + exp(u)); torch's own cut at 20 would cost float64 nine digits."""
    return F.softplus(u, 1.0, 40.0)


def _logcosh(u: Tensor) -> Tensor:
    # |u| + softplus(-2|u|) - log 2, whose terms cancel near 0: log1p(2 sinh(u/2)^2) there
    size = torch.abs(u)
    small = size < 1
    half = torch.sinh(torch.where(small, u, torch.zeros_like(u)) / 2)
    return torch.where(small, torch.log1p(2 * half * half), size + softplus(-2 * size) - _LOG2)


def _log_softplus(u: Tensor) -> Tensor:
    # log(log(1 + exp(u))) is u to within exp(u)/2, below 1e-17 where u < -40
    near = torch.log(softplus(u.clamp_min(-40.0)))
    return torch.where(u < -40.0, u, near)


def _scale(u: Tensor) -> Tensor:
    return u.detach().abs().clamp_min(1.0)


def _held(function: Callable[[Tensor], Tensor]) -> Entry:
    """``function`` of an argument held within the limit of its dtype, with slope 0 beyond."""

    def entry(like: Tensor, call: Call, u: Value) -> Tensor:
        limit = LIMITS[call.operation.partition("_")[0]][like.dtype == torch.float64]
        both_sides = call.operation.endswith("h")
        return function(tensor(u, like).clamp(-limit if both_sides else None, limit))

    return entry


_LOG2: Final = math.log(2)

TORCH: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "add": _binary(lambda a, b: a + b),
        "sub": _binary(lambda a, b: a - b),
        "mul": _binary(lambda a, b: a * b),
        "div": _binary(lambda a, b: a / b),
        "pow": _pow,
        "neg": _unary(torch.neg),
        "lt": _binary(lambda a, b: a < b),
        "le": _binary(lambda a, b: a <= b),
        "gt": _binary(lambda a, b: a > b),
        "ge": _binary(lambda a, b: a >= b),
        "eq": _binary(lambda a, b: a == b),
        "ne": _binary(lambda a, b: a != b),
        **{name: _unary(getattr(torch, name)) for name in FUNCTIONS if name != "softplus"},
        "softplus": _unary(softplus),
        "min": _extreme(torch.minimum),
        "max": _max,
        "where": _where,
        "poly": _poly,
        "spline": _spline,
        "signed_log": _unary(_signed_log),
        "signed_sqrt": _unary(_signed_sqrt),
        "guarded_div": _guarded_div,
        # introduced by the stable rewrites only
        "expm1": _unary(torch.expm1),
        "log1p": _unary(torch.log1p),
        "erfc": _unary(torch.erfc),
        "logsigmoid": _unary(F.logsigmoid),
        "logcosh": _unary(_logcosh),
        "log_softplus": _unary(_log_softplus),
        "silu": _unary(F.silu),
        "gelu": _unary(F.gelu),
        "gelu_tanh": _unary(lambda u: F.gelu(u, approximate="tanh")),
        "scale": _unary(_scale),
        "lift": _unary(lambda u: torch.relu(u.detach())),
        "capped_exp": _held(torch.exp),
        "capped_expm1": _held(torch.expm1),
        "capped_sinh": _held(torch.sinh),
        "capped_cosh": _held(torch.cosh),
        "held_exp": _held(torch.exp),
        "held_expm1": _held(torch.expm1),
        "held_sinh": _held(torch.sinh),
        "held_cosh": _held(torch.cosh),
        **STATISTICS,
    }
)
