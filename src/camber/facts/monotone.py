"""The stages of a function on smooth pieces, from the sign of its derivative.

A rational function's derivatives are rational with an exact numerator; all others are enclosed by
interval arithmetic, and followed to infinity by their tails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from camber.facts.cover import Cells
from camber.facts.pieces import FAR, Piece
from camber.facts.plans import Plan, carry_on, clipped, make_plan, stage_of
from camber.facts.polynomials import NumeratorField
from camber.facts.rational import NotRationalError
from camber.facts.signs import Run, sign_table
from camber.facts.snap import snap_runs
from camber.facts.stage import Stage, Stages
from camber.facts.subject import Field

Array = npt.NDArray[np.float64]


def numerator_of(f: Field, order: int, members: list[Piece]) -> NumeratorField | None:
    """The next derivative's numerator, where the formula is rational on these pieces."""
    if not f.varies or any(piece.open for piece in members):
        return None
    try:
        return NumeratorField(f, order, np.array([piece.channel for piece in members]))
    except NotRationalError:
        return None


def monotone_stages(
    g: Field,
    members: list[Piece],
    window: float,
    stages: Stages,
    numerator: NumeratorField | None,
) -> Iterator[Stage]:
    """The stages of g on its pieces; enclosures where they are not proved go to ``stages``."""
    slope = g.derivative
    channel = np.array([piece.channel for piece in members])
    if not slope.varies:
        signs = np.sign(slope.sample(np.zeros(len(members)), channel))
        for piece, sign in zip(members, signs, strict=True):
            yield stage_of(piece, Run(piece.lo, piece.hi, int(sign), True))
        return
    if numerator is not None:
        yield from _rational_stages(g, members, numerator, stages)
        return
    plans = [make_plan(slope, piece, window) for piece in members]
    lo = np.array([plan.lo for plan in plans])
    hi = np.array([plan.hi for plan in plans])
    table = sign_table(slope, lo, hi, channel)
    for piece, plan, runs in zip(members, plans, table.runs, strict=True):
        stages.windowed[piece.channel] |= plan.windowed
        yield from carry_on(piece, plan, snap_runs(slope, piece.channel, runs))
    if len(table.undecided.lo):
        _add_loose(g, members, table.undecided, stages)


def _rational_stages(
    g: Field, members: list[Piece], numerator: NumeratorField, stages: Stages
) -> Iterator[Stage]:
    """Stages from the exact numerator of the slope, whose sign is known beyond some point."""
    plans = []
    for piece in members:
        ends, proved = [piece.lo, piece.hi], True
        signs: list[int | None] = [None, None]
        for place, side in ((0, -1), (1, 1)):
            if math.isinf(ends[place]):
                known = numerator.beyond(piece.channel, side)
                reach, signs[place] = (FAR, None) if known is None else known
                proved &= known is not None
                ends[place] = clipped(reach, side, ends[1 - place])
        plans.append(Plan(ends[0], ends[1], signs[0], signs[1], proved, False))
    lo, hi = np.array([plan.lo for plan in plans]), np.array([plan.hi for plan in plans])
    channel = np.array([piece.channel for piece in members])
    table = sign_table(numerator, lo, hi, channel)
    if len(table.undecided.lo):
        _add_loose(g, members, table.undecided, stages)
    turn = numerator.orient(0.5 * (lo + hi), channel)
    for piece, plan, runs, sign in zip(members, plans, table.runs, turn.tolist(), strict=True):
        turned = [replace(run, sign=run.sign * sign) for run in runs]
        yield from carry_on(piece, plan, snap_runs(g.derivative, piece.channel, turned))


def _add_loose(g: Field, members: list[Piece], cells: Cells, stages: Stages) -> None:
    """Enclose g on cells where its slope's sign is not decided, by the mean value form."""
    lo, hi = cells.lo, cells.hi
    channel = np.array([piece.channel for piece in members])[cells.owner]
    low, high = g.enclose(lo, hi, channel)
    middle = 0.5 * (lo + hi)
    centre_low, centre_high = g.enclose(middle, middle, channel)
    slope_low, slope_high = g.derivative.enclose(lo, hi, channel)
    with np.errstate(over="ignore", invalid="ignore"):
        reach = 0.5 * (hi - lo) * np.maximum(np.abs(slope_low), np.abs(slope_high)) * (1 + 1e-15)
    reach = np.where(np.isnan(reach), np.inf, reach)
    low = np.fmax(low, centre_low - reach)
    high = np.fmin(high, centre_high + reach)
    for place, a, b in zip(channel, low, high, strict=True):
        stages.loose[place].append((float(a), float(b)))
