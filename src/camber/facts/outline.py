"""The outline of a graph from its stages and joints: domain, monotone and convex pieces, zeros.

A function of one channel is followed from left to right; stretches of one behaviour are joined
across the points where nothing changes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.facts.bounds import Bounds
from camber.facts.bracket import bracketed_roots
from camber.facts.joints import Joint
from camber.facts.pieces import Piece as SmoothPiece
from camber.facts.point import enclose_at
from camber.facts.stage import Stage
from camber.facts.subject import Field, Subject
from camber.facts.values import Interval, Piece

Index = npt.NDArray[np.intp]

_MONOTONE: Final = {1: "increasing", -1: "decreasing", 0: "constant"}
_CONVEX: Final = {1: "convex", -1: "concave", 0: "affine"}


#: Where f vanishes, the error of a point, and whether it is proved.
Zero = tuple[float | Interval, float, bool]


def domain(pieces: Sequence[SmoothPiece], joints: Sequence[Joint]) -> tuple[Interval, ...]:
    """Where the formula is a number: intervals with their ends."""
    at = {joint.x: joint for joint in joints}
    found: list[Interval] = []
    for piece in pieces:
        if not piece.defined:
            continue
        here = at.get(piece.lo)
        value = here is not None and math.isfinite(here.value)
        beyond = at.get(piece.hi)
        end = beyond is not None and math.isfinite(beyond.value)
        if found and found[-1].hi == piece.lo and value:
            last = found.pop()
            found.append(Interval(last.lo, piece.hi, (last.closed[0], end)))
        else:
            found.append(Interval(piece.lo, piece.hi, (value, end)))
    return tuple(found)


def monotone_pieces(stages: Sequence[Stage], joints: Sequence[Joint]) -> tuple[Piece, ...]:
    """Maximal stretches on which the formula rises, falls or stays."""
    at = {joint.x: joint for joint in joints}
    found: list[Piece] = []
    for stage in stages:
        if stage.tail:
            continue
        shape = _MONOTONE[stage.direction]
        if found and found[-1].hi == stage.lo and found[-1].shape == shape:
            joint = at.get(stage.lo)
            if joint is None or _keeps_order(joint, stage.direction):
                last = found.pop()
                found.append(Piece(last.lo, stage.hi, shape))
                continue
        found.append(Piece(stage.lo, stage.hi, shape))
    return tuple(found)


def _keeps_order(joint: Joint, direction: int) -> bool:
    """Whether a stretch goes on through a joint: no jump against its direction."""
    if joint.kind in ("pole", "edge", "hole"):
        return False
    if joint.kind != "jump":
        return True
    if not direction:
        return False
    steps = (joint.left[1], joint.value, joint.right[0])
    slack = 1e-12 * max(1.0, *(abs(step) for step in steps))
    return all(direction * (b - a) >= -slack for a, b in pairwise(steps))


def convex_pieces(stages: Sequence[Stage], joints: Sequence[Joint]) -> tuple[Piece, ...]:
    """Stretches on which the formula is convex, concave or affine, joined from the left.

    ``stages`` are those of the slope. A kink joins two stretches where the slope moves with the
    curvature: ReLU is convex on the whole line.
    """
    at = {joint.x: joint for joint in joints}
    found: list[tuple[float, float, int]] = []
    for stage in stages:
        if stage.tail:
            continue
        bend = stage.direction
        if found and found[-1][1] == stage.lo:
            lo, _, before = found[-1]
            turn = _turn(at.get(stage.lo))
            bends = {before, bend} | ({turn} if turn is not None else set())
            bends.discard(0)
            if turn is not None and len(bends) <= 1:
                # Two affine stretches in line stay affine; a smooth change of curvature ends both.
                joined = bends.pop() if bends else 0
                if turn != 0 or before == bend:
                    found[-1] = (lo, stage.hi, joined)
                    continue
        found.append((stage.lo, stage.hi, bend))
    return tuple(Piece(lo, hi, _CONVEX[bend]) for lo, hi, bend in found)


def _turn(joint: Joint | None) -> int | None:
    """+1 where the slope jumps up, −1 down, 0 where it is continuous, None where f is not."""
    if joint is None or joint.kind == "smooth":
        return 0
    if joint.kind != "kink":
        return None
    return 1 if joint.right_slope[0] > joint.left_slope[1] else -1


def inflections(
    stages: Sequence[Stage], joints: Sequence[Joint]
) -> list[tuple[float, float, bool]]:
    """Points (x, error, proved) where the curvature changes sign and the slope is continuous."""
    kinds = {joint.x: joint.kind for joint in joints}
    found = []
    for left, right in itertools.pairwise(stages):
        turns = left.direction * right.direction == -1 and left.hi == right.lo
        if turns and not (left.tail or right.tail) and kinds.get(right.lo, "smooth") == "smooth":
            error = max(left.hi_error, right.lo_error)
            found.append((right.lo, error, left.proved and right.proved))
    return found


def zeros(subject: Subject, stages: Sequence[Stage], channel: int) -> list[Zero]:
    """Zeros (where, error, proved): isolated points, and intervals on which f vanishes."""
    found: list[Zero] = []
    field = subject.field(subject.root)

    def vanishes(x: float) -> bool:
        # At the end of a stage the limit is zero; it counts if the formula takes it there.
        return math.isfinite(x) and abs(float(field(np.array([x]), np.array([channel]))[0])) < 1e-12

    for stage in stages:
        if stage.tail:
            continue
        if stage.direction == 0:
            if stage.at_lo == (0.0, 0.0):
                closed = (vanishes(stage.lo), vanishes(stage.hi))
                found.append((Interval(stage.lo, stage.hi, closed), 0.0, stage.proved))
            continue
        for x, bounds, error in (
            (stage.lo, stage.at_lo, stage.lo_error),
            (stage.hi, stage.at_hi, stage.hi_error),
        ):
            if bounds[0] <= 0 <= bounds[1] and vanishes(x):
                found.append((x, error, bounds == (0.0, 0.0)))
        if stage.at_lo[1] * stage.at_hi[0] < 0 and stage.at_lo[0] * stage.at_hi[1] < 0:
            found.append(_crossing(subject.field(stage.piece.tree), stage))
    return _merged(found)


def _crossing(field: Field, stage: Stage) -> tuple[float, float, bool]:
    """The one zero inside a monotone stage whose ends have opposite signs."""
    channel = np.array([stage.piece.channel])
    lo, hi = _finite_bracket(field, stage, channel)
    root = float(bracketed_roots(lambda x: field(x, channel), np.array([lo]), np.array([hi]))[0])
    values, name = field.subject.one(stage.piece.channel), field.subject.name
    short = round(root, 6) + 0.0
    if abs(short - root) < 1e-11 and enclose_at(field.node, values, name, short, short) == (0, 0):
        return short, 0.0, True
    radius = 2 * float(np.spacing(max(abs(root), 1e-300)))
    for _ in range(24):
        before: Bounds = enclose_at(field.node, values, name, root - radius, root - radius)
        after: Bounds = enclose_at(field.node, values, name, root + radius, root + radius)
        if before[1] * after[0] < 0 and before[0] * after[1] < 0:
            return root, radius, stage.proved
        radius *= 4
    return root, radius, False


def _finite_bracket(field: Field, stage: Stage, channel: Index) -> tuple[float, float]:
    """Finite points of a stage between which the function changes sign."""
    lo, hi = stage.lo, stage.hi
    middle = lo + 1.0 if math.isfinite(lo) else (hi - 1.0 if math.isfinite(hi) else 0.0)
    for side in (-1, 1):
        end = lo if side < 0 else hi
        if math.isfinite(end):
            continue
        wanted = math.copysign(1.0, sum(stage.at_lo if side < 0 else stage.at_hi))
        for exponent in range(1, 1000):
            end = middle + side * 2.0**exponent
            if float(field(np.array([end]), channel)[0]) * wanted > 0:
                break
        lo, hi = (end, hi) if side < 0 else (lo, end)
    return _inside(field, stage.at_lo, lo, hi, channel), _inside(
        field, stage.at_hi, hi, lo, channel
    )


def _inside(field: Field, bounds: Bounds, end: float, other: float, channel: Index) -> float:
    """A point next to ``end`` at which the function has the sign of its limit there.

    At a pole the end itself has no value, or after rounding that of the other side.
    """
    wanted = 1.0 if bounds[0] > 0 else -1.0
    for point in (end, *(end + (other - end) * 2.0**-k for k in range(50, 1, -1))):
        value = float(field(np.array([point]), channel)[0])
        if math.isfinite(value) and value * wanted > 0:
            return point
    return end


def _merged(found: list[Zero]) -> list[Zero]:
    """Join intervals that touch, drop points inside intervals and points met twice."""
    result: list[Zero] = []
    for where, error, proved in found:
        if not result:
            result.append((where, error, proved))
            continue
        last, last_error, last_proved = result[-1]
        end = float(last.hi) if isinstance(last, Interval) else last
        start = float(where.lo) if isinstance(where, Interval) else where
        if start - end > max(error, last_error, 1e-12 * max(1.0, abs(start))):
            result.append((where, error, proved))
        elif isinstance(where, Interval):
            joined = where
            if isinstance(last, Interval):
                joined = Interval(last.lo, where.hi, (last.closed[0], where.closed[1]))
            result[-1] = (joined, 0.0, proved and last_proved)
    return result
