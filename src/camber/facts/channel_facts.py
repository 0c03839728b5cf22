"""Each structural fact of one channel, from the analysis: a value, its provenance and its error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import numpy as np

from camber.errors import CamberError
from camber.facts import infinity, outline, symmetry
from camber.facts.analysis import Analysis
from camber.facts.bounds import Bounds
from camber.facts.extent import Extent, extent
from camber.facts.joints import Joint
from camber.facts.point import enclose_at
from camber.facts.subject import Subject
from camber.facts.values import (
    Asymptotes,
    Growth,
    Homogeneity,
    Interval,
    Piece,
    Provenance,
    round_nearest,
    weakest,
)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class One(Generic[Value]):
    """The answer for one channel."""

    value: Value
    provenance: Provenance
    error: float = 0.0
    note: str = ""


def join(values: Sequence[Value], shape: tuple[int, ...]) -> Value:
    """Join the values of channels: intervals and numbers to arrays, the rest to nested tuples."""
    if all(isinstance(value, Interval) for value in values):
        intervals = [value for value in values if isinstance(value, Interval)]
        lo = np.array([interval.lo for interval in intervals]).reshape(shape)
        hi = np.array([interval.hi for interval in intervals]).reshape(shape)
        sides = {interval.closed for interval in intervals}
        closed = sides.pop() if len(sides) == 1 else (True, True)
        return cast(Value, Interval(lo, hi, closed))
    if all(isinstance(value, float) for value in values):
        return cast(Value, np.array(values).reshape(shape))
    nested: list[object] = list(values)
    for size in reversed(shape[1:]):
        nested = [tuple(nested[i : i + size]) for i in range(0, len(nested), size)]
    return cast(Value, tuple(nested))


def _window(analysis: Analysis, channel: int) -> str:
    if not analysis.windowed[channel]:
        return ""
    reach = round_nearest(analysis.window)
    return f"oscillates for ever; listed within [-{reach}, {reach}]"


def _known(value: Value, proved: bool, error: float, note: str = "") -> One[Value]:
    if not proved:
        # Points that are not proved were still polished to about nine digits.
        return One(value, "numeric", max(error, 1e-9), note)
    return One(value, "certified" if error else "exact", error, note)


def domain(analysis: Analysis, channel: int) -> One[tuple[Interval, ...]]:
    """Where the formula is a finite number."""
    pieces, joints = analysis.pieces.of(channel), analysis.joints[channel]
    edges = [joint for joint in joints if joint.kind in ("edge", "pole", "hole")]
    error = max((joint.error for joint in edges), default=0.0)
    proved = _cut_sure(analysis, channel)
    value = outline.domain(pieces, joints)
    note = _window(analysis, channel) if analysis.pieces.windowed and edges else ""
    return _known(value, proved, error, note)


def _cut_sure(analysis: Analysis, channel: int) -> bool:
    """Whether the cut into pieces is proved: what is found on the pieces is no surer than that."""
    return all(piece.proved for piece in analysis.pieces.of(channel))


def _extent(found: Extent | None, analysis: Analysis, channel: int) -> One[Interval]:
    if found is None:
        raise CamberError(f"{analysis.subject.text} is not defined anywhere")
    if not _cut_sure(analysis, channel):
        return One(found.interval, "numeric", max(found.error, 1e-9), found.note)
    return One(found.interval, found.provenance, found.error, found.note)


def range_(analysis: Analysis, channel: int) -> One[Interval]:
    """All values of the formula."""
    at = tuple(
        (joint.value, joint.value)
        for joint in analysis.joints[channel]
        if joint.kind == "jump" and math.isfinite(joint.value)
    )
    found = extent(analysis.values, channel, analysis.natural(0, channel), at)
    return _extent(found, analysis, channel)


def slope(analysis: Analysis, channel: int) -> One[Interval]:
    """All slopes of the formula; a jump up counts as slope +inf, one down as −inf."""
    steps: list[Bounds] = []
    for joint in analysis.joints[channel]:
        if joint.kind == "jump":
            levels = [0.5 * sum(joint.left), joint.value, 0.5 * sum(joint.right)]
            rises = [b - a for a, b in itertools.pairwise(levels)]
            steps += [(math.copysign(math.inf, rise),) * 2 for rise in rises if abs(rise) > 1e-13]
    found = extent(analysis.slopes, channel, analysis.natural(1, channel), tuple(steps))
    return _extent(found, analysis, channel)


def lipschitz(analysis: Analysis, channel: int) -> One[float]:
    """The largest size of a slope."""
    found = slope(analysis, channel)
    value = max(abs(float(found.value.lo)), abs(float(found.value.hi)))
    return One(value, found.provenance, found.error, found.note)


def _points(analysis: Analysis, channel: int, kind: str) -> One[tuple[float, ...]]:
    joints = [joint for joint in analysis.joints[channel] if joint.kind == kind]
    error = max((joint.error for joint in joints), default=0.0)
    proved = all(joint.proved for joint in joints)
    proved &= _cut_sure(analysis, channel)
    note = _window(analysis, channel) if analysis.pieces.windowed else ""
    return _known(tuple(joint.x for joint in joints), proved, error, note)


def kinks(analysis: Analysis, channel: int) -> One[tuple[float, ...]]:
    """Where the formula is continuous and its slope is not."""
    return _points(analysis, channel, "kink")


def jumps(analysis: Analysis, channel: int) -> One[tuple[float, ...]]:
    """Where the formula is defined and not continuous."""
    return _points(analysis, channel, "jump")


def inflections(analysis: Analysis, channel: int) -> One[tuple[float, ...]]:
    """Where the curvature changes sign and the slope is continuous."""
    found = outline.inflections(analysis.slopes.of[channel], analysis.joints[channel])
    error = max((entry[1] for entry in found), default=0.0)
    proved = all(entry[2] for entry in found) and _all_proved(analysis, channel, 1)
    points = tuple(entry[0] for entry in found)
    return _known(points, proved, error, _window(analysis, channel))


def _all_proved(analysis: Analysis, channel: int, order: int) -> bool:
    stages = analysis.slopes if order else analysis.values
    followed = all(stage.proved for stage in stages.of[channel] if not stage.tail)
    return followed and _cut_sure(analysis, channel)


def monotone_pieces(analysis: Analysis, channel: int) -> One[tuple[Piece, ...]]:
    """Maximal stretches on which the formula rises, falls or stays."""
    stages = analysis.values.of[channel]
    value = outline.monotone_pieces(stages, analysis.joints[channel])
    error = max((stage.hi_error for stage in stages), default=0.0)
    note = _window(analysis, channel) if analysis.values.windowed[channel] else ""
    return _known(value, _all_proved(analysis, channel, 0), error, note)


def convex_pieces(analysis: Analysis, channel: int) -> One[tuple[Piece, ...]]:
    """Stretches on which the formula is convex, concave or affine."""
    stages = analysis.slopes.of[channel]
    value = outline.convex_pieces(stages, analysis.joints[channel])
    error = max((stage.hi_error for stage in stages), default=0.0)
    note = _window(analysis, channel) if analysis.slopes.windowed[channel] else ""
    return _known(value, _all_proved(analysis, channel, 1), error, note)


def parity(subject: Subject, channel: int) -> One[str]:
    """even, odd or none."""
    return One(*symmetry.parity(subject, channel))


def homogeneity(subject: Subject, channel: int) -> One[Homogeneity | None]:
    """Degree of positive homogeneity."""
    return One(*symmetry.homogeneity(subject, channel))


def growth(analysis: Analysis, channel: int) -> One[Growth]:
    """Orders and leading terms at both ends."""
    return One(*infinity.growth(analysis.subject, analysis.pieces.of(channel)))


def asymptotes(analysis: Analysis, channel: int) -> One[Asymptotes]:
    """Straight lines approached at both ends, and poles."""
    return One(
        *infinity.asymptotes(
            analysis.subject, analysis.pieces.of(channel), analysis.joints[channel]
        )
    )


def zero_set(analysis: Analysis, channel: int) -> One[tuple[float | Interval, ...]]:
    """Isolated zeros as numbers, stretches of zeros as intervals."""
    stages = analysis.values.of[channel]
    found = outline.zeros(analysis.subject, stages, channel)
    error = max((entry[1] for entry in found), default=0.0)
    proved = all(entry[2] for entry in found) and _all_proved(analysis, channel, 0)
    beyond = any(stage.tail and stage.at_lo[0] <= 0 <= stage.at_lo[1] for stage in stages)
    note = _window(analysis, channel) if beyond else ""
    return _known(tuple(entry[0] for entry in found), proved, error, note)


def slopes_at_zero(analysis: Analysis, channel: int) -> One[tuple[float, float]]:
    """The slopes at 0 from the left and from the right; nan where a side is not defined."""
    for joint in analysis.joints[channel]:
        if joint.x == 0:
            return _one_sided(joint)
    for piece in analysis.pieces.of(channel):
        if piece.lo < 0 < piece.hi and piece.defined:
            field = analysis.subject.field(piece.tree).derivative
            values = analysis.subject.one(channel)
            lo, hi = enclose_at(field.node, values, analysis.subject.name, 0.0, 0.0)
            middle = 0.5 * (lo + hi)
            if math.isfinite(middle):
                return One((middle, middle), "exact" if lo == hi else "certified", hi - lo)
    return One((math.nan, math.nan), "exact")


def _one_sided(joint: Joint) -> One[tuple[float, float]]:
    sides, error = [], 0.0
    for lo, hi in (joint.left_slope, joint.right_slope):
        sides.append(lo if lo == hi else 0.5 * (lo + hi))
        error = max(error, 0.0 if lo == hi or math.isnan(lo) else hi - lo)
    strength = weakest("certified" if error else "exact", "exact" if joint.proved else "numeric")
    return One((sides[0], sides[1]), strength, error)
