"""What each operation is on float64 NumPy arrays: one table, from names to functions.

Every entry takes ``(call, *arguments)``: the call with its options, and float64 arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from camber.formula.axes import gather, scatter
from camber.formula.derivative import spline_parts
from camber.formula.limits import to_float
from camber.formula.tree import Call

Array = NDArray[np.float64]
Entry = Callable[..., Any]


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
    for place, (low, high) in enumerate(zip(knots, knots[1:], strict=False)):
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


def _guarded_div(call: Call, a: Array, b: Array) -> Array:
    tiny = np.abs(b) < 1e-12
    return np.where(tiny, 1.0, a / np.where(tiny, 1.0, b))


def _statistic(function: Callable[..., Array], same_shape: bool) -> Entry:
    def entry(call: Call, z: Array, *rest: Array) -> Array:
        z = np.asarray(z)
        over, size = str(call.option("over")), call.option("size")
        gathered = gather(z, over, None if size is None else int(size))
        values = function(gathered, *rest)
        if not same_shape:
            if over == "feature" and size is None:
                return values
            values = np.broadcast_to(values, gathered.shape)
        return scatter(values, tuple(z.shape), over)

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
        "erf": _plain(special.erf),
        "sigmoid": _plain(special.expit),
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
        "mean": _statistic(lambda z: np.mean(z, axis=-1, keepdims=True), same_shape=False),
        "sum": _statistic(lambda z: np.sum(z, axis=-1, keepdims=True), same_shape=False),
        "rms": _statistic(_rms, same_shape=False),
        "std": _statistic(_std, same_shape=False),
        "amax": _statistic(lambda z: np.max(z, axis=-1, keepdims=True), same_shape=False),
        "softmax": _statistic(lambda z: special.softmax(z, axis=-1), same_shape=True),
        "sort": _statistic(lambda z: np.sort(z, axis=-1), same_shape=True),
        "topk": _statistic(_topk, same_shape=True),
    }
)
