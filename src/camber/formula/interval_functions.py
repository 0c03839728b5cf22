"""What each function of one number is on intervals.

A monotone function takes the interval of its two end values; an even one goes through |u|; sine,
cosine and tangent ask whether the interval may reach an extremum or a pole. Ends are moved outwards
by the units of :data:`camber.formula.rounding.ULPS`; a bound of the range (exp > 0, |tanh| < 1) and
a point known without error (exp(0) = 1) are kept exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from scipy import special

from camber.formula.rounding import ULPS, Array, Interval, down, meet, negative, up
from camber.formula.tape import Step

Entry = Callable[..., Any]
Function = Callable[[Array], Array]


def _plain(function: Callable[..., Interval]) -> Entry:
    def entry(step: Step, *arguments: Interval) -> Interval:
        return function(*arguments)

    return entry


def _rising(
    name: str,
    function: Function,
    domain: tuple[float, float] = (-math.inf, math.inf),
    values: tuple[float, float] = (-math.inf, math.inf),
    exact: tuple[float, float] | None = (0.0, 0.0),
) -> Entry:
    """A function that rises on ``domain`` into ``values``; ``exact`` is a point without error."""

    def entry(step: Step, u: Interval) -> Interval:
        u = meet(u, *domain)
        ulps: int | Array = ULPS[name]
        ends = []
        for end, move in zip(u, (down, up), strict=True):
            moved = move(function(end), ulps)
            if exact is not None:
                moved = np.where(end == exact[0], exact[1], moved)
            ends.append(np.clip(moved, *values))
        return ends[0], ends[1]

    return entry


def _falling(entry: Entry) -> Entry:
    """f(u) from the entry of -f(u)."""
    return lambda step, u: negative(entry(step, u))


def _erfc(step: Step, u: Interval) -> Interval:
    # the tail of erfc carries the error of exp(-x^2), which grows with x^2
    ulps = [ULPS["erfc"] + 2 * np.minimum(np.square(end), 1e4) for end in u]
    lo, hi = down(special.erfc(u[1]), ulps[1]), up(special.erfc(u[0]), ulps[0])
    return np.where(u[1] == 0, 1.0, np.clip(lo, 0, 2)), np.where(u[0] == 0, 1.0, np.clip(hi, 0, 2))


def magnitude(u: Interval) -> Interval:
    """|u|."""
    inside = (u[0] <= 0) & (u[1] >= 0)
    low, high = np.abs(u[0]), np.abs(u[1])
    return np.where(inside, 0.0, np.minimum(low, high)), np.maximum(low, high)


def _sign(u: Interval) -> Interval:
    return np.sign(u[0]), np.sign(u[1])


def _cosh(u: Interval) -> Interval:
    low, high = magnitude(u)
    lo = np.where(low == 0, 1.0, np.maximum(down(np.cosh(low), ULPS["cosh"]), 1.0))
    return lo, np.where(high == 0, 1.0, up(np.cosh(high), ULPS["cosh"]))


def _logcosh(u: Interval) -> Interval:
    # |u| + log((1 + exp(-2|u|)) / 2) >= log1p(u^2 / 4) rises in |u|; six units cover all its terms
    low, high = magnitude(u)
    ends = []
    for size, move in ((low, down), (high, up)):
        near = np.log1p(2 * np.sinh(np.minimum(size, 1.0) / 2) ** 2)
        far = size + np.log1p(np.exp(-2 * size)) - math.log(2)
        value = np.where(size < 1, near, far)
        ends.append(np.where(size == 0, 0.0, np.maximum(move(value, ULPS["logcosh"]), 0.0)))
    return ends[0], ends[1]


def _crosses(u: Interval, offset: float, period: float) -> Any:
    """Whether ``u`` may contain a point offset + k period, on the safe side of rounding."""
    low, high = (u[0] - offset) / period, (u[1] - offset) / period
    slack = 4e-16 * (1 + np.maximum(np.abs(low), np.abs(high))) * 4
    return ~(np.ceil(low - slack) > np.floor(high + slack))


def _wave(function: Function, top: float, u: Interval) -> Interval:
    """sin or cos, whose maxima lie at top + 2 pi k."""
    ends = [function(np.where(np.isfinite(end), end, 0.0)) for end in u]
    lo = np.maximum(down(np.minimum(*ends), ULPS["sin"]), -1.0)
    hi = np.minimum(up(np.maximum(*ends), ULPS["sin"]), 1.0)
    unbounded = ~(np.isfinite(u[0]) & np.isfinite(u[1]))
    hi = np.where(unbounded | _crosses(u, top, 2 * math.pi), 1.0, hi)
    lo = np.where(unbounded | _crosses(u, top + math.pi, 2 * math.pi), -1.0, lo)
    zero = (u[0] == 0) & (u[1] == 0)
    exact = function(np.zeros(()))
    lo, hi = np.where(zero, exact, lo), np.where(zero, exact, hi)
    empty = np.isnan(u[0])
    return np.where(empty, np.nan, lo), np.where(empty, np.nan, hi)


def _tan(u: Interval) -> Interval:
    finite = np.isfinite(u[0]) & np.isfinite(u[1])
    pole = ~finite | _crosses(u, math.pi / 2, math.pi)
    ends = [np.where(np.isfinite(end), end, 0.0) for end in u]
    lo = np.where(ends[0] == 0, 0.0, down(np.tan(ends[0]), ULPS["tan"]))
    hi = np.where(ends[1] == 0, 0.0, up(np.tan(ends[1]), ULPS["tan"]))
    lo, hi = np.where(pole, -np.inf, lo), np.where(pole, np.inf, hi)
    empty = np.isnan(u[0])
    return np.where(empty, np.nan, lo), np.where(empty, np.nan, hi)


def _signed_sqrt(u: Array) -> Array:
    return np.sign(u) * np.sqrt(np.abs(u))


_EVERY = (-math.inf, math.inf)
_POSITIVE = (0.0, math.inf)

FUNCTIONS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "exp": _rising("exp", np.exp, _EVERY, _POSITIVE, (0.0, 1.0)),
        "log": _rising("log", np.log, _POSITIVE, _EVERY, (1.0, 0.0)),
        "sqrt": _rising("sqrt", np.sqrt, _POSITIVE, _POSITIVE),
        "erf": _rising("erf", special.erf, _EVERY, (-1.0, 1.0)),
        "sigmoid": _rising("sigmoid", special.expit, _EVERY, (0.0, 1.0), (0.0, 0.5)),
        "tanh": _rising("tanh", np.tanh, _EVERY, (-1.0, 1.0)),
        "softplus": _rising("softplus", lambda u: np.logaddexp(0.0, u), _EVERY, _POSITIVE, None),
        "sin": _plain(lambda u: _wave(np.sin, math.pi / 2, u)),
        "cos": _plain(lambda u: _wave(np.cos, 0.0, u)),
        "tan": _plain(_tan),
        "asin": _rising("asin", np.arcsin, (-1.0, 1.0)),
        "acos": _falling(
            _rising("acos", lambda u: -np.arccos(u), (-1.0, 1.0), (-4.0, 0.0), (1.0, 0.0))
        ),
        "atan": _rising("atan", np.arctan),
        "sinh": _rising("sinh", np.sinh),
        "cosh": _plain(_cosh),
        "abs": _plain(magnitude),
        "sign": _plain(_sign),
        "signed_log": _rising("signed_log", lambda u: np.sign(u) * np.log1p(np.abs(u))),
        "signed_sqrt": _rising("signed_sqrt", _signed_sqrt),
        # introduced by the exact rewrites only
        "expm1": _rising("expm1", np.expm1, _EVERY, (-1.0, math.inf)),
        "log1p": _rising("log1p", np.log1p, (-1.0, math.inf)),
        "erfc": _erfc,
        "logsigmoid": _rising("logsigmoid", special.log_expit, _EVERY, (-math.inf, 0.0), None),
        "logcosh": _plain(_logcosh),
    }
)
