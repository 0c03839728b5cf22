"""What each operation is on float64 NumPy arrays: one table, from names to functions.

Every entry takes ``(call, *arguments)``: the call with its options, and float64 arrays.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from camber.errors import FormulaError
from camber.formula.axes import gather, scatter
from camber.formula.derivative import spline_parts
from camber.formula.limits import to_float
from camber.formula.saturate import LIMITS
from camber.formula.tree import Call, Constant, Node, Number

_HELD: Final = LIMITS["held"][True]
_CONSTANTS: Final = {"pi": math.pi, "e": math.e, "inf": math.inf}

Array = NDArray[np.float64]
Entry = Callable[..., Any]


def constant_value(leaf: Node) -> float:
    """The float64 of a ``Number`` or ``Constant``."""
    if isinstance(leaf, Number):
        return to_float(leaf.value)
    if isinstance(leaf, Constant):
        return _CONSTANTS[leaf.name]
    raise FormulaError(f"{leaf!r} is not a constant")


def family(name: str, given: Any, size: int) -> Sequence[Any]:
    """The entries of an indexed parameter, given as a sequence or an array along its first axis."""
    if not hasattr(given, "__len__") or len(given) != size:
        raise FormulaError(f"parameter {name!r} is a family and takes a sequence of {size} values")
    return [given[index] for index in range(size)]


def _special(name: str) -> Callable[..., Array]:
    """A function of ``scipy.special``, which takes a third of a second to load, on first use."""

    def function(*arguments: Array, **options: Any) -> Any:
        return getattr(importlib.import_module("scipy.special"), name)(*arguments, **options)

    return function


def _plain(function: Callable[..., Any]) -> Entry:
    def entry(call: Call, *arguments: Array) -> Any:
        return function(*arguments)

    return entry


def _poly(call: Call, x: Array, *coefficients: Array) -> Array:
    return reduce(lambda result, a: result * x + a, reversed(coefficients[:-1]), coefficients[-1])


def _spline(call: Call, x: Array, *rest: Array) -> Any:
    """The B-spline sum by the Cox-de Boor recursion (de Boor 1972), zero outside the knots."""
    degree, exact, coefficients = spline_parts(call)
    knots = [to_float(knot) for knot in exact]
    last = max(place for place in range(len(knots) - 1) if knots[place] < knots[place + 1])
    basis: list[Any] = []
    for place, (low, high) in enumerate(pairwise(knots)):
        inside = (x >= low) & ((x <= high) if place == last else (x < high))
        basis.append(np.where(inside & (low < high), 1.0, 0.0))
    for order in range(1, degree + 1):
        raised = []
        for place in range(len(basis) - 1):
            low = knots[place + order] - knots[place]
            high = knots[place + order + 1] - knots[place + 1]
            left = (x - knots[place]) / low * basis[place] if low else 0.0
            right = (knots[place + order + 1] - x) / high * basis[place + 1] if high else 0.0
            raised.append(left + right)
        basis = raised
    values = rest[len(rest) - len(coefficients) :]
    return sum((c * b for c, b in zip(values, basis, strict=True)), np.float64(0.0))


def _logcosh(u: Array) -> Array:
    size = np.abs(u)
    # near 0 the terms cancel: log cosh u = log(1 + 2 sinh(u/2)^2)
    near = np.log1p(2 * np.sinh(np.minimum(size, 1.0) / 2) ** 2)
    return np.where(size < 1, near, size + np.log1p(np.exp(-2 * size)) - math.log(2))


def _log_softplus(u: Array) -> Array:
    # log(log(1 + exp(u))) is u to within exp(u)/2, below 1e-17 where u < -40
    return np.where(u < -40.0, u, np.log(np.logaddexp(0.0, np.maximum(u, -40.0))))


def _gelu_tanh(u: Array) -> Array:
    return u * _special("expit")(2 * math.sqrt(2 / math.pi) * (u + 0.044715 * u**3))


def _guarded_div(call: Call, a: Array, b: Array) -> Array:
    tiny = np.abs(b) < 1e-12
    return np.where(tiny, 1.0, a / np.where(tiny, 1.0, b))


def _statistic(function: Callable[..., Array], same_shape: bool) -> Entry:
    def entry(call: Call, z: Array, *rest: Array) -> Array:
        z = np.asarray(z)
        over, size = str(call.option("over")), call.option("size")
        shape = tuple(z.shape)
        gathered = gather(z, over, None if size is None else int(size))
        values = function(gathered, *rest)
        if not same_shape:
            if over == "feature" and size is None and shape:
                return values
            values = np.broadcast_to(values, gathered.shape)
        return scatter(values, shape, over)

    return entry


def _rms(z: Array, epsilon: Any = 0.0) -> Array:
    return np.sqrt(np.mean(z * z, axis=-1, keepdims=True) + epsilon)


def _std(z: Array, epsilon: Any = 0.0) -> Array:
    return _rms(z - np.mean(z, axis=-1, keepdims=True), epsilon)


def _topk(z: Array, count: Array) -> Array:
    order = np.argsort(-z, axis=-1, kind="stable")[..., : int(count)]
    result = np.zeros_like(z)
    np.put_along_axis(result, order, np.take_along_axis(z, order, -1), -1)
    return result


NUMPY: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "add": _plain(np.add),
        "sub": _plain(np.subtract),
        "mul": _plain(np.multiply),
        "div": _plain(np.divide),
        "pow": _plain(np.power),
        "neg": _plain(np.negative),
        "lt": _plain(np.less),
        "le": _plain(np.less_equal),
        "gt": _plain(np.greater),
        "ge": _plain(np.greater_equal),
        "eq": _plain(np.equal),
        "ne": _plain(np.not_equal),
        "exp": _plain(np.exp),
        "log": _plain(np.log),
        "sqrt": _plain(np.sqrt),
        "erf": _plain(_special("erf")),
        "sigmoid": _plain(_special("expit")),
        "tanh": _plain(np.tanh),
        "softplus": _plain(lambda u: np.logaddexp(0.0, u)),
        "sin": _plain(np.sin),
        "cos": _plain(np.cos),
        "tan": _plain(np.tan),
        "asin": _plain(np.arcsin),
        "acos": _plain(np.arccos),
        "atan": _plain(np.arctan),
        "sinh": _plain(np.sinh),
        "cosh": _plain(np.cosh),
        "abs": _plain(np.abs),
        "sign": _plain(np.sign),
        "min": _plain(lambda *values: reduce(np.minimum, values)),
        "max": _plain(lambda *values: reduce(np.maximum, values)),
        "where": _plain(np.where),
        "poly": _poly,
        "spline": _spline,
        "signed_log": _plain(lambda u: np.sign(u) * np.log1p(np.abs(u))),
        "signed_sqrt": _plain(lambda u: np.sign(u) * np.sqrt(np.abs(u))),
        "guarded_div": _guarded_div,
        # introduced by the stable rewrites only
        "expm1": _plain(np.expm1),
        "log1p": _plain(np.log1p),
        "erfc": _plain(_special("erfc")),
        "logsigmoid": _plain(_special("log_expit")),
        "logcosh": _plain(_logcosh),
        "log_softplus": _plain(_log_softplus),
        "silu": _plain(lambda u: u * _special("expit")(u)),
        "gelu": _plain(lambda u: u * _special("ndtr")(u)),
        "gelu_tanh": _plain(_gelu_tanh),
        "scale": _plain(lambda u: np.maximum(np.abs(u), 1.0)),
        "lift": _plain(lambda u: np.maximum(u, 0.0)),
        "capped_exp": _plain(np.exp),
        "capped_expm1": _plain(np.expm1),
        "capped_sinh": _plain(np.sinh),
        "capped_cosh": _plain(np.cosh),
        "held_exp": _plain(lambda u: np.exp(np.minimum(u, _HELD))),
        "held_expm1": _plain(lambda u: np.expm1(np.minimum(u, _HELD))),
        "held_sinh": _plain(lambda u: np.sinh(np.clip(u, -_HELD, _HELD))),
        "held_cosh": _plain(lambda u: np.cosh(np.clip(u, -_HELD, _HELD))),
        "mean": _statistic(lambda z: np.mean(z, axis=-1, keepdims=True), same_shape=False),
        "sum": _statistic(lambda z: np.sum(z, axis=-1, keepdims=True), same_shape=False),
        "rms": _statistic(_rms, same_shape=False),
        "std": _statistic(_std, same_shape=False),
        "amax": _statistic(lambda z: np.max(z, axis=-1, keepdims=True), same_shape=False),
        "softmax": _statistic(lambda z: _special("softmax")(z, axis=-1), same_shape=True),
        "sort": _statistic(lambda z: np.sort(z, axis=-1), same_shape=True),
        "topk": _statistic(_topk, same_shape=True),
    }
)
