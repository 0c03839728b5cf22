"""What happens where two smooth pieces meet: nothing, a kink, a jump, a pole or a hole.

Values and slopes on both sides come from the pieces' own smooth formulas, enclosed by interval
arithmetic: enclosures that do not overlap prove a kink or a jump.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from camber.facts.bounds import Bounds
from camber.facts.pieces import Piece, Pieces
from camber.facts.stage import Stages

Kind = Literal["smooth", "kink", "jump", "pole", "edge", "hole"]

_CLOSE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Joint:
    """The point where two pieces of a channel meet.

    ``left`` and ``right`` bound the one-sided values, ``left_slope`` and ``right_slope`` the
    one-sided slopes, nan where a side is not defined; ``value`` is the formula's own value.
    """

    x: float
    error: float
    kind: Kind
    proved: bool
    value: float
    left: Bounds
    right: Bounds
    left_slope: Bounds
    right_slope: Bounds


_NOWHERE: Final[Bounds] = (math.nan, math.nan)


def find_joints(pieces: Pieces, values: Stages, slopes: Stages | None) -> list[list[Joint]]:
    """The joints of every channel, from left to right; without ``slopes`` no kinks are told."""
    subject = pieces.subject
    rows: list[list[Joint]] = [[] for _ in range(subject.channels)]
    pairs: list[tuple[Piece, Piece]] = []
    for channel in range(subject.channels):
        row = pieces.of(channel)
        pairs.extend(itertools.pairwise(row))
    if not pairs:
        return rows
    where = np.array([right.lo for _, right in pairs])
    channels = np.array([right.channel for _, right in pairs])
    at = subject.field(subject.root)(where, channels)
    ends = _ends(values), {} if slopes is None else _ends(slopes)
    for (left, right), x, value in zip(pairs, where.tolist(), at.tolist(), strict=True):
        if not left.defined and not right.defined:
            continue
        rows[right.channel].append(_joint(left, right, x, value, ends))
    return rows


_Ends = dict[tuple[int, bool], Bounds]


def _ends(stages: Stages) -> _Ends:
    """Bounds of the function at each end of each piece, by the piece's identity and side."""
    found: _Ends = {}
    for row in stages.of:
        for stage in row:
            if stage.lo == stage.piece.lo:
                found[id(stage.piece), False] = stage.at_lo
            if stage.hi == stage.piece.hi:
                found[id(stage.piece), True] = stage.at_hi
    return found


def _joint(left: Piece, right: Piece, x: float, value: float, ends: tuple[_Ends, _Ends]) -> Joint:
    before, after = (
        ends[0].get((id(left), True), _NOWHERE),
        ends[0].get((id(right), False), _NOWHERE),
    )
    slope_before = ends[1].get((id(left), True), _NOWHERE)
    slope_after = ends[1].get((id(right), False), _NOWHERE)
    kind, proved = _classify(left, right, value, before, after, slope_before, slope_after)
    if left.open or right.open:
        # The end of the window, not a place where anything happens.
        kind, proved = "smooth", False
        before = after = slope_before = slope_after = _NOWHERE
    if kind == "pole":
        # At a rounded pole the formula has some huge value, which is not its own.
        value = math.nan
    return Joint(
        x,
        max(left.hi_error, right.lo_error),
        kind,
        proved and left.proved and right.proved,
        value,
        before,
        after,
        slope_before,
        slope_after,
    )


def _classify(
    left: Piece,
    right: Piece,
    value: float,
    before: Bounds,
    after: Bounds,
    slope_before: Bounds,
    slope_after: Bounds,
) -> tuple[Kind, bool]:
    if not (left.defined and right.defined):
        return "edge", True
    if any(math.isinf(end) for end in (*before, *after)):
        return "pole", True
    if _apart(before, after):
        return "jump", True
    if not math.isfinite(value):
        return "hole", True
    middle = 0.5 * (max(before[0], after[0]) + min(before[1], after[1]))
    # Where the formula is steep its value at a rounded place is no surer than the enclosures.
    unsure = before[1] - before[0] + after[1] - after[0]
    if abs(value - middle) > _CLOSE * max(1.0, abs(middle)) + unsure:
        return "jump", True
    if any(math.isinf(end) for end in (*slope_before, *slope_after)):
        return "kink", True
    if _apart(slope_before, slope_after):
        return "kink", True
    return "smooth", True


def _apart(a: Bounds, b: Bounds) -> bool:
    """Whether two enclosures prove different numbers, different by more than rounding."""
    gap = max(b[0] - a[1], a[0] - b[1])
    return gap > 1e-13 * max(1.0, abs(a[0]), abs(b[0]))
