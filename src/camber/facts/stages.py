"""The monotone stages of a formula, or of its slope, along each channel's axis.

On each smooth piece the sign of the next derivative cuts the axis into stages on which the function
rises, falls or stays; its values at the ends of the stages, enclosed or taken as limits, then bound
it everywhere. Stages of f give range, zeros and monotone pieces; stages of f' give the slope
interval, inflections and convex pieces. Beyond the window in which an oscillation is followed, its
periodic parts are bounded over one period and the rest by its tail.
"""

from __future__ import annotations

import math

import numpy as np

from camber.facts.bounds import Bounds
from camber.facts.ends import fill_values
from camber.facts.monotone import monotone_stages, numerator_of
from camber.facts.periodic import split, total_bounds
from camber.facts.pieces import WINDOW, Piece, Pieces
from camber.facts.stage import Stage, Stages
from camber.facts.subject import Field
from camber.facts.tail import tail
from camber.formula.tree import Node

#: (function, channel, period) -> proved bounds and the range known to be taken.
_Periods = dict[tuple[Node, int, float], tuple[Bounds, Bounds]]


def find_stages(pieces: Pieces, order: int, window: float = WINDOW) -> Stages:
    """Find the stages of the ``order``-th derivative of the formula in every channel."""
    channels = pieces.subject.channels
    stages = Stages(
        [[] for _ in range(channels)], [[] for _ in range(channels)], [False] * channels
    )
    # Both ends of the axis see the same periods.
    periods: _Periods = {}
    for tree, members in pieces.groups():
        defined = [piece for piece in members if piece.defined]
        if not defined:
            continue
        g = pieces.subject.field(tree)
        numerator = numerator_of(g, order + 1, defined)
        for _ in range(order):
            g = g.derivative
        closed = [piece for piece in defined if not endless(piece)]
        found = list(monotone_stages(g, closed, window, stages, numerator)) if closed else []
        # Beyond the window branches are open: the function is only bounded there.
        for piece in defined:
            if endless(piece):
                found.append(Stage(piece.lo, piece.hi, 0, False, piece, tail=True))
                stages.windowed[piece.channel] = True
        fill_values(g, [stage for stage in found if not stage.tail])
        for stage in found:
            if stage.tail:
                _bound_tail(g, stage, periods)
        for stage in found:
            stages.of[stage.piece.channel].append(stage)
    for row in stages.of:
        row.sort(key=lambda stage: (stage.lo, stage.hi))
    return stages


def endless(piece: Piece) -> bool:
    """Whether a piece reaches to infinity with its branches open."""
    return piece.open and math.isinf(piece.hi - piece.lo)


def _bound_tail(g: Field, stage: Stage, known: _Periods) -> None:
    """Bound g beyond the window: its periodic parts over a period, the rest by its tail."""
    side = -1 if not math.isfinite(stage.lo) else 1
    near = abs(stage.hi if side < 0 else stage.lo)
    channel = stage.piece.channel
    parts = None if stage.piece.open else split(g, channel)
    if parts is not None:
        periods = [_over_period(g.subject.field(node), channel, t, known) for node, t in parts[0]]
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


def _over_period(g: Field, channel: int, period: float, known: _Periods) -> tuple[Bounds, Bounds]:
    """Bounds of all values of a periodic function, and the range that it is known to take."""
    key = (g.node, channel, period)
    if key not in known:
        known[key] = _one_period(g, channel, period)
    return known[key]


def _one_period(g: Field, channel: int, period: float) -> tuple[Bounds, Bounds]:
    piece = Piece(0.0, period, channel, g.node)
    found = Stages([[] for _ in range(channel + 1)], [[] for _ in range(channel + 1)])
    found.windowed = [False] * (channel + 1)
    stages = list(monotone_stages(g, [piece], period, found, None))
    fill_values(g, stages)
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
