"""The monotone stages of a formula, or of its slope, along each channel's axis.

On each smooth piece the sign of the next derivative cuts the axis into stages on which the function
rises, falls or stays; its values at the ends of the stages, enclosed by interval arithmetic or taken
as limits, then bound it everywhere. Stages of f give range, zeros and monotone pieces; stages of f'
give the slope interval, inflections and convex pieces.

Shapes: P pieces.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.facts.bounds import Bounds, plus, up
from camber.facts.periodic import split, total_bounds
from camber.facts.pieces import FAR, WINDOW, Piece, Pieces, oscillates
from camber.facts.point import enclose_at
from camber.facts.rewrite import tidy
from camber.facts.signs import NARROW, Run, sign_table
from camber.facts.subject import Field
from camber.facts.tail import Tail, tail
from camber.formula.build import add, call, constant
from camber.formula.tree import Input, Number, substitute

Array = npt.NDArray[np.float64]

#: A tail whose values are all below this is zero for every purpose.
_NOTHING: Final = 1e-250
#: More points than this go through array arithmetic, a little wider but much faster.
_SCALAR_LIMIT: Final = 64


@dataclass(slots=True)
class Stage:
    """A stretch on which g rises (+1), falls (−1) or stays (0); g's values at its two ends.

    ``tail`` marks a stretch to infinity on which g is only bounded: its ends bound all values, of
    which those in ``reached`` are known to be taken or approached.
    """

    lo: float
    hi: float
    direction: int
    proved: bool
    piece: Piece
    lo_error: float = 0.0
    hi_error: float = 0.0
    at_lo: Bounds = (-math.inf, math.inf)
    at_hi: Bounds = (-math.inf, math.inf)
    sure: bool = True
    tail: bool = False
    reached: Bounds | None = None


@dataclass(slots=True)
class Stages:
    """Stages of each channel from left to right; enclosures of g on cells of unproved stages."""

    of: list[list[Stage]]
    loose: list[list[Bounds]]
    windowed: list[bool] = field(default_factory=list)


def find_stages(pieces: Pieces, order: int, window: float = WINDOW) -> Stages:
    """Find the stages of the ``order``-th derivative of the formula in every channel."""
    channels = pieces.subject.channels
    stages = Stages(
        [[] for _ in range(channels)], [[] for _ in range(channels)], [False] * channels
    )
    for tree, members in pieces.groups():
        defined = [piece for piece in members if piece.defined]
        if not defined:
            continue
        g = pieces.subject.field(tree)
        for _ in range(order):
            g = g.derivative
        found = list(_stages(g, defined, window, stages))
        _fill_values(g, found)
        for stage in found:
            stages.of[stage.piece.channel].append(stage)
    for row in stages.of:
        row.sort(key=lambda stage: (stage.lo, stage.hi))
    return stages


def _stages(g: Field, members: list[Piece], window: float, stages: Stages) -> Iterator[Stage]:
    slope = g.derivative
    channel = np.array([piece.channel for piece in members])
    if not slope.varies:
        signs = np.sign(slope(np.zeros(len(members)), channel))
        for piece, sign in zip(members, signs, strict=True):
            yield _stage(piece, Run(piece.lo, piece.hi, int(sign), True))
        return
    plans = [_plan(slope, piece, window) for piece in members]
    lo = np.array([plan.lo for plan in plans])
    hi = np.array([plan.hi for plan in plans])
    table = sign_table(slope, lo, hi, channel)
    for piece, plan, runs in zip(members, plans, table.runs, strict=True):
        stages.windowed[piece.channel] |= plan.windowed
        yield from _with_tails(piece, plan, _snap(slope, piece, runs))
    wide = table.undecided.hi - table.undecided.lo > NARROW * np.maximum(
        1, np.abs(table.undecided.lo)
    )
    if wide.any():
        _add_loose(
            g,
            members,
            table.undecided.lo[wide],
            table.undecided.hi[wide],
            table.undecided.owner[wide],
            stages,
        )


def _snap(slope: Field, piece: Piece, runs: list[Run]) -> list[Run]:
    """Move ends between runs to a short decimal where the slope is exactly zero there."""
    if len(runs) > _SCALAR_LIMIT:
        return runs
    values = slope.subject.one(piece.channel)
    for place in range(len(runs) - 1):
        left, right = runs[place], runs[place + 1]
        short = round(left.hi, 6) + 0.0
        near = abs(short - left.hi) <= max(left.hi_error, 1e-13)
        if near and enclose_at(slope.node, values, slope.subject.name, short, short) == (0, 0):
            runs[place] = replace(left, hi=short, hi_error=0.0)
            runs[place + 1] = replace(right, lo=short, lo_error=0.0)
    return runs


def _add_loose(
    g: Field,
    members: list[Piece],
    lo: Array,
    hi: Array,
    owner: npt.NDArray[np.intp],
    stages: Stages,
) -> None:
    """Enclose g on cells where its slope's sign is not decided, by the mean value form."""
    channel = np.array([piece.channel for piece in members])[owner]
    low, high = g.enclose(lo, hi, channel)
    middle = 0.5 * (lo + hi)
    centre_low, centre_high = g.enclose(middle, middle, channel)
    slope_low, slope_high = g.derivative.enclose(lo, hi, channel)
    reach = 0.5 * (hi - lo) * np.maximum(np.abs(slope_low), np.abs(slope_high)) * (1 + 1e-15)
    low = np.maximum(low, np.nan_to_num(centre_low - reach, nan=-np.inf))
    high = np.minimum(high, np.nan_to_num(centre_high + reach, nan=np.inf))
    for place, a, b in zip(channel, low, high, strict=True):
        stages.loose[place].append((float(a), float(b)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a piece is looked at: a bounded part, and the tails of the slope beyond it."""

    lo: float
    hi: float
    left: Tail | None
    right: Tail | None
    proved: bool
    windowed: bool


def _plan(slope: Field, piece: Piece, window: float) -> _Plan:
    values = slope.subject.one(piece.channel)
    ends = [piece.lo, piece.hi]
    tails: list[Tail | None] = [None, None]
    proved, windowed = True, False
    for place, side in ((0, -1), (1, 1)):
        if math.isfinite(ends[place]):
            continue
        known = None if piece.open else tail(slope.node, values, slope.subject.name, side)
        if known is not None and (known.sign is not None or max(map(abs, known.bounds)) < _NOTHING):
            reach = known.start
            tails[place] = known
        elif piece.open or oscillates(slope.node):
            reach, windowed = window, True
        else:
            reach, proved = FAR, False
        other = ends[1 - place]
        ends[place] = side * (max(reach, side * other + 1.0) if math.isfinite(other) else reach)
    return _Plan(ends[0], ends[1], *tails, proved, windowed)


def _with_tails(piece: Piece, plan: _Plan, runs: list[Run]) -> Iterator[Stage]:
    """The runs of a bounded part, carried on to infinity by the tails."""
    runs = list(runs)
    first, last = runs[0], runs[-1]
    cut_left = not math.isfinite(piece.lo) and plan.windowed and plan.left is None
    cut_right = not math.isfinite(piece.hi) and plan.windowed and plan.right is None
    if not math.isfinite(piece.lo) and not cut_left:
        sign = first.sign if plan.left is None or plan.left.sign is None else plan.left.sign
        if sign == first.sign:
            runs[0] = Run(piece.lo, first.hi, sign, first.proved, 0.0, first.hi_error)
        else:
            runs.insert(0, Run(piece.lo, first.lo, sign, True))
    if not math.isfinite(piece.hi) and not cut_right:
        last = runs[-1]
        sign = last.sign if plan.right is None or plan.right.sign is None else plan.right.sign
        if sign == last.sign:
            runs[-1] = Run(last.lo, piece.hi, sign, last.proved, last.lo_error, 0.0)
        else:
            runs.append(Run(last.hi, piece.hi, sign, True))
    if cut_left:
        yield Stage(piece.lo, plan.lo, 0, False, piece, tail=True)
    for run in runs:
        stage = _stage(piece, run)
        decided = all(t is None or t.sign is not None for t in (plan.left, plan.right))
        stage.proved = run.proved and plan.proved and decided
        yield stage
    if cut_right:
        yield Stage(plan.hi, piece.hi, 0, False, piece, tail=True)


def _stage(piece: Piece, run: Run) -> Stage:
    return Stage(
        run.lo,
        run.hi,
        run.sign,
        run.proved and piece.proved,
        piece,
        piece.lo_error if run.lo == piece.lo else run.lo_error,
        piece.hi_error if run.hi == piece.hi else run.hi_error,
    )


def _fill_values(g: Field, stages: list[Stage]) -> None:
    """Bounds of g at the ends of all stages."""
    inner = [stage for stage in stages if not stage.tail]
    for stage in stages:
        if stage.tail:
            _bound_tail(g, stage)
    ends = [(stage, upper) for stage in inner for upper in (False, True)]
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
    for (stage, _), point, error in zip(ends, points, errors, strict=True):
        values = g.subject.one(stage.piece.channel)
        bounds = enclose_at(g.node, values, g.subject.name, point, point)
        if error:
            # g moves little around a root of its slope: bound it by the mean value theorem.
            around = point - error, point + error
            steepest = enclose_at(g.derivative.node, values, g.subject.name, *around)
            reach = up(error * max(abs(steepest[0]), abs(steepest[1])))
            direct = enclose_at(g.node, values, g.subject.name, *around)
            bounds = plus(bounds, (-reach, reach))
            bounds = max(bounds[0], direct[0]), min(bounds[1], direct[1])
        found.append(bounds)
    return found


def _bound_tail(g: Field, stage: Stage) -> None:
    """Bound g beyond the window: its periodic parts over a period, the rest by its tail."""
    side = -1 if not math.isfinite(stage.lo) else 1
    near = abs(stage.hi if side < 0 else stage.lo)
    channel = stage.piece.channel
    parts = None if stage.piece.open else split(g, channel)
    if parts is not None:
        periods = [_over_period(g.subject.field(node), channel, t) for node, t in parts[0]]
        outer, attained = _far(g.subject.field(parts[1]), channel, side, near)
        if attained is not None and attained[0] == attained[1]:
            # Whatever the rest tends to, every value of one period recurs beside it.
            inner = [found[1] for found in periods]
            if len(inner) == 1:
                stage.reached = total_bounds([*inner, attained])
        outer = total_bounds([outer, *(found[0] for found in periods)])
    else:
        outer, stage.reached = _far(g, channel, side, near)
    stage.at_lo = stage.at_hi = outer
    if stage.reached is None:
        stage.reached = _sampled_reach(g, channel, side)


def _far(g: Field, channel: int, side: int, near: float) -> tuple[Bounds, Bounds | None]:
    """Bounds of g beyond ``near``, and its limit where it has one."""
    known = tail(g.node, g.subject.one(channel), g.subject.name, side)
    if known is not None and known.start <= near:
        limit = known.limit
        return known.bounds, limit if limit[1] - limit[0] <= 1e-12 or limit[0] == limit[1] else None
    ends = (
        (np.array([-np.inf]), np.array([-near]))
        if side < 0
        else (np.array([near]), np.array([np.inf]))
    )
    low, high = g.enclose(*ends, np.array([channel]))
    return (float(low[0]), float(high[0])), None


def _over_period(g: Field, channel: int, period: float) -> tuple[Bounds, Bounds]:
    """Bounds of all values of a periodic function, and the range that it is known to take."""
    piece = Piece(0.0, period, channel, g.node)
    found = Stages([[] for _ in range(channel + 1)], [[] for _ in range(channel + 1)])
    found.windowed = [False] * (channel + 1)
    stages = list(_stages(g, [piece], period, found))
    _fill_values(g, stages)
    ends = [bounds for stage in stages for bounds in (stage.at_lo, stage.at_hi)]
    outer = ends + found.loose[channel]
    return (
        (min(b[0] for b in outer), max(b[1] for b in outer)),
        (min(b[1] for b in ends), max(b[0] for b in ends)),
    )


def _sampled_reach(g: Field, channel: int, side: int) -> Bounds | None:
    """Infinite ends that samples far out bear out: x cos(x) grows without bound both ways."""
    points = side * (np.array([1e4, 1e5])[:, None] + np.linspace(0.0, 40.0, 997))
    values = g(points, np.full(2, channel))
    if not np.isfinite(values).all():
        return None
    low, high = values.min(axis=1), values.max(axis=1)
    lo = -math.inf if low[1] < 3 * low[0] < -1e3 else float(low.min())
    hi = math.inf if high[1] > 3 * high[0] > 1e3 else float(high.max())
    return lo, hi


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
    values = g(side * 2.0 ** np.arange(4, 60)[None, :], channel)[0]
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
    step = reach * 0.5 ** np.arange(4, 48, 4)
    points = end - step if upper else end + step
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
