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

    ``tail`` marks a stretch to infinity on which g is only bounded: its ends bound all values.
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
            stage.at_lo, stage.at_hi, stage.sure = _bounded(g, stage)
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
            lo, hi = point - error, point + error
            lo, hi = enclose_at(g.derivative.node, values, g.subject.name, lo, hi)
            reach = up(error * max(abs(lo), abs(hi)))
            bounds = plus(bounds, (-reach, reach))
        found.append(bounds)
    return found


def _bounded(g: Field, stage: Stage) -> tuple[Bounds, Bounds, bool]:
    """Bounds of g beyond the window, from its tail or from plain interval arithmetic."""
    side = -1 if not math.isfinite(stage.lo) else 1
    known = tail(g.node, g.subject.one(stage.piece.channel), g.subject.name, side)
    near = stage.hi if side < 0 else stage.lo
    if known is not None and known.start <= abs(near):
        return known.bounds, known.bounds, True
    channel = np.array([stage.piece.channel])
    low, high = g.enclose(np.array([stage.lo]), np.array([stage.hi]), channel)
    bounds = float(low[0]), float(high[0])
    return bounds, bounds, True


def _limit(g: Field, stage: Stage, side: int) -> tuple[Bounds, bool]:
    """The limit of g at infinity, and whether it is proved."""
    known = tail(g.node, g.subject.one(stage.piece.channel), g.subject.name, side)
    if known is not None:
        lo, hi = known.limit
        if hi - lo <= 1e-9 * max(1.0, abs(lo)) or lo == hi:
            return known.limit, True
    # Without an expansion: the value far out, where it has settled or run off to infinity.
    channel = np.array([stage.piece.channel])
    points = side * np.array([1e3, 1e5, 1e7, 1e10, 1e15])
    values = g(points[None, :], channel)[0]
    values = values[np.isfinite(values)]
    if not len(values):
        return (-math.inf, math.inf), False
    last = float(values[-1])
    if abs(last) > 1e8 and np.all(np.diff(np.abs(values)) >= 0):
        last = math.copysign(math.inf, last)
    return (last, last), False


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
