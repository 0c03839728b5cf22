"""Values of a function at the ends of its stages: enclosed, or taken as one-sided limits."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.facts.bounds import Bounds, plus, up
from camber.facts.point import enclose_at
from camber.facts.rewrite import tidy
from camber.facts.stage import Stage
from camber.facts.subject import Field
from camber.facts.tail import tail
from camber.formula.build import add, call, constant
from camber.formula.tree import Input, Number, substitute

Array = npt.NDArray[np.float64]

#: More points than this go through array arithmetic, a little wider but much faster.
_SCALAR_LIMIT: Final = 64


def fill_values(g: Field, stages: list[Stage]) -> None:
    """Bounds of g at the ends of all stages."""
    ends = [(stage, upper) for stage in stages for upper in (False, True)]
    finite = [
        (stage, upper) for stage, upper in ends if math.isfinite(stage.hi if upper else stage.lo)
    ]
    bounds = dict(zip(((id(s), u) for s, u in finite), _at_points(g, finite), strict=True))
    for stage, upper in ends:
        own = bounds.get((id(stage), upper))
        sure = True
        if own is None:
            own, sure = _limit(g, stage, 1 if upper else -1)
        elif not (math.isfinite(own[0]) and math.isfinite(own[1])):
            own, sure = _approach(g, stage, upper)
        stage.sure &= sure
        if upper:
            stage.at_hi = own
        else:
            stage.at_lo = own


def _at_points(g: Field, ends: list[tuple[Stage, bool]]) -> list[Bounds]:
    """Enclose g at finite ends of stages, each known up to its error."""
    points = [stage.hi if upper else stage.lo for stage, upper in ends]
    errors = [stage.hi_error if upper else stage.lo_error for stage, upper in ends]
    if len(ends) > _SCALAR_LIMIT:
        channel = np.array([stage.piece.channel for stage, _ in ends])
        point, error = np.array(points), np.array(errors)
        low, high = g.enclose(point - error, point + error, channel)
        return list(zip(low.tolist(), high.tolist(), strict=True))
    if isinstance(g.node, Number):
        exact = float(g.node.value)
        return [(exact, exact) for _ in ends]
    found = []
    # Neighbouring stages share their ends.
    known: dict[tuple[int, float, float], Bounds] = {}
    for (stage, _), x, radius in zip(ends, points, errors, strict=True):
        key = (stage.piece.channel, x, radius)
        if key in known:
            found.append(known[key])
            continue
        values = g.subject.one(stage.piece.channel)
        bounds = enclose_at(g.node, values, g.subject.name, x, x)
        if radius:
            # g moves little around a root of its slope: bound it by the mean value theorem.
            around = x - radius, x + radius
            steepest = enclose_at(g.derivative.node, values, g.subject.name, *around)
            reach = up(radius * max(abs(steepest[0]), abs(steepest[1])))
            direct = enclose_at(g.node, values, g.subject.name, *around)
            bounds = plus(bounds, (-reach, reach))
            bounds = max(bounds[0], direct[0]), min(bounds[1], direct[1])
        known[key] = bounds
        found.append(bounds)
    return found


def _limit(g: Field, stage: Stage, side: int) -> tuple[Bounds, bool]:
    """The limit of g at infinity, and whether it is proved."""
    if isinstance(g.node, Number):
        return (float(g.node.value),) * 2, True
    known = tail(g.node, g.subject.one(stage.piece.channel), g.subject.name, side)
    if known is not None:
        lo, hi = known.limit
        if hi - lo <= 1e-9 * max(1.0, abs(lo)) or lo == hi:
            return known.limit, True
    # Without an expansion: the value where it has settled best, before rounding takes over.
    channel = np.array([stage.piece.channel])
    far: Array = side * 2.0 ** np.arange(4.0, 60.0)
    values = g(far[None, :], channel)[0]
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return (-math.inf, math.inf), False
    change = np.abs(np.diff(values))
    settled = int(np.argmin(change + 1e-3 * np.abs(values[1:]) * (change == 0)))
    best = float(values[settled + 1])
    if change[settled] > 1e-3 * max(1.0, abs(best)):
        best = math.copysign(math.inf, values[len(values) // 2])
    return (best, best), False


def _approach(g: Field, stage: Stage, upper: bool) -> tuple[Bounds, bool]:
    """The one-sided limit of g at a finite end where it has no value, and whether it is proved."""
    end, error = (stage.hi, stage.hi_error) if upper else (stage.lo, stage.lo_error)
    if not error:
        # With x = end ± 1/u the end lies at infinity, where the scale of growth knows limits.
        away = call("div", constant(-1 if upper else 1), Input(g.subject.name))
        moved = substitute(g.node, {Input(g.subject.name): add(Number(Fraction(end)), away)})
        known = tail(tidy(moved), g.subject.one(stage.piece.channel), g.subject.name, 1)
        if known is not None and known.limit[0] == known.limit[1]:
            return known.limit, True
    return _sampled_limit(g, stage, upper), False


def _sampled_limit(g: Field, stage: Stage, upper: bool) -> Bounds:
    """The one-sided limit of g at a finite end, in floating point."""
    end, other = (stage.hi, stage.lo) if upper else (stage.lo, stage.hi)
    reach = min(1.0, abs(other - end)) if math.isfinite(other) else 1.0
    step: Array = reach * np.exp2(-np.arange(4.0, 48.0, 4.0))
    points: Array = end - step if upper else end + step
    values = g(points[None, :], np.array([stage.piece.channel]))[0]
    values = values[np.isfinite(values)]
    if len(values) < 3:
        return -math.inf, math.inf
    sizes = np.abs(np.diff(values))
    last = float(values[-1])
    # Differences that shrink geometrically settle; others run off, be it as slowly as a logarithm.
    if sizes[-1] > 0.5 * sizes[-2] and sizes[-1] > 1e-9 * max(1.0, abs(last)):
        last = math.copysign(math.inf, values[-1] - values[-2])
    elif sizes[-1] > 0:
        ratio = sizes[-1] / sizes[-2] if sizes[-2] else 0.0
        last += float(values[-1] - values[-2]) * ratio / (1 - ratio)
    return last, last
