"""How far a piece must be looked at, and how its stages go on to infinity from there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from camber.facts.pieces import FAR, Piece, oscillates
from camber.facts.signs import Run
from camber.facts.stage import Stage
from camber.facts.subject import Field
from camber.facts.tail import tail

#: A tail whose values are all below this is zero for every purpose.
_NOTHING: Final = 1e-250


@dataclass(frozen=True, slots=True)
class Plan:
    """How a piece is looked at: a bounded part, and the sign of the slope beyond it.

    A sign is None where the slope is too small to have one, or keeps changing sign (``windowed``).
    """

    lo: float
    hi: float
    left: int | None
    right: int | None
    proved: bool
    windowed: bool


def make_plan(slope: Field, piece: Piece, window: float) -> Plan:
    """Bring the ends of a piece to where the tails of the slope are known."""
    values = slope.subject.one(piece.channel)
    ends = [piece.lo, piece.hi]
    signs: list[int | None] = [None, None]
    proved, windowed = True, False
    for place, side in ((0, -1), (1, 1)):
        if math.isfinite(ends[place]):
            continue
        known = None if piece.open else tail(slope.node, values, slope.subject.name, side)
        if known is not None and (known.sign is not None or max(map(abs, known.bounds)) < _NOTHING):
            reach = known.start
            signs[place] = known.sign
            proved &= known.sign is not None
        elif piece.open or oscillates(slope.node):
            reach, windowed = window, True
        else:
            reach, proved = FAR, False
        ends[place] = clipped(reach, side, ends[1 - place])
    return Plan(ends[0], ends[1], signs[0], signs[1], proved, windowed)


def clipped(reach: float, side: int, other: float) -> float:
    """Where to cut an infinite end: at ``reach``, or a unit beyond a later other end."""
    late = math.isfinite(other) and side * other >= reach
    return side * (side * other + 1.0 if late else reach)


def carry_on(piece: Piece, plan: Plan, runs: list[Run]) -> Iterator[Stage]:
    """The runs of a bounded part, carried on to infinity by the tails."""
    runs = list(runs)
    cut_left = not math.isfinite(piece.lo) and plan.windowed and plan.left is None
    cut_right = not math.isfinite(piece.hi) and plan.windowed and plan.right is None
    if not math.isfinite(piece.lo) and not cut_left:
        first = runs[0]
        sign = first.sign if plan.left is None else plan.left
        if sign == first.sign:
            runs[0] = replace(first, lo=piece.lo, lo_error=0.0)
        else:
            runs.insert(0, Run(piece.lo, first.lo, sign, True))
    if not math.isfinite(piece.hi) and not cut_right:
        last = runs[-1]
        sign = last.sign if plan.right is None else plan.right
        if sign == last.sign:
            runs[-1] = replace(last, hi=piece.hi, hi_error=0.0)
        else:
            runs.append(Run(last.hi, piece.hi, sign, True))
    if cut_left:
        yield Stage(piece.lo, plan.lo, 0, False, piece, tail=True)
    for run in runs:
        stage = stage_of(piece, run)
        stage.proved = run.proved and plan.proved
        yield stage
    if cut_right:
        yield Stage(plan.hi, piece.hi, 0, False, piece, tail=True)


def stage_of(piece: Piece, run: Run) -> Stage:
    """The stage of a run, with the errors of the piece's own ends."""
    return Stage(
        run.lo,
        run.hi,
        run.sign,
        run.proved and piece.proved,
        piece,
        piece.lo_error if run.lo == piece.lo else run.lo_error,
        piece.hi_error if run.hi == piece.hi else run.hi_error,
    )
