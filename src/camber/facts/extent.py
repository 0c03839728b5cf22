"""The interval of all values of a function from its stages: the range, and the slope interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from camber.facts.bounds import Bounds
from camber.facts.stage import Stages
from camber.facts.values import Interval, Provenance

#: A proved enclosure is reported, slack and all, unless it exceeds the values found by more than
#: their own size: then they are reported, as numeric, with the enclosure in the note.
TIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Extent:
    """The interval of values, how it is known, and the slack of its worse end."""

    interval: Interval
    provenance: Provenance
    error: float
    note: str = ""


def extent(
    stages: Stages, channel: int, natural: Bounds, extra: tuple[Bounds, ...] = ()
) -> Extent | None:
    """Bound all values in one channel, ``extra`` ones too; None where nothing is defined.

    ``natural`` are bounds of all values (not of the extra ones) that are known beforehand.
    """
    attained: list[Bounds] = []
    outer: list[Bounds] = []
    sure = True
    ends: dict[float, bool] = {}
    for stage in stages.of[channel]:
        outer += [stage.at_lo, stage.at_hi]
        sure &= stage.sure
        if stage.tail:
            if stage.reached is not None:
                lowest, highest = stage.reached
                attained += [(lowest, lowest), (highest, highest)]
            continue
        attained += [stage.at_lo, stage.at_hi]
        for bounds, place in ((stage.at_lo, stage.lo), (stage.at_hi, stage.hi)):
            for value in _meet(bounds, natural):
                taken = math.isfinite(place) or stage.direction == 0
                ends[value] = ends.get(value, False) or taken
    if not attained:
        return None
    outer += stages.loose[channel]
    outer = [*extra, *(_meet(bounds, natural) for bounds in outer)]
    attained = [*extra, *(_meet(bounds, natural) for bounds in attained)]
    lo, hi = min(b[0] for b in outer), max(b[1] for b in outer)
    inner_lo, inner_hi = min(b[1] for b in attained), max(b[0] for b in attained)
    slack = max(_gap(lo, inner_lo), _gap(inner_hi, hi))
    scale = max([1.0, *(abs(v) for v in (inner_lo, inner_hi) if math.isfinite(v))])
    closed = (ends.get(lo, True), ends.get(hi, True))
    proved = sure and all(stage.proved or stage.tail for stage in stages.of[channel])
    if sure and slack <= TIGHT * scale:
        exact = proved and slack == 0
        return Extent(Interval(lo, hi, closed), "exact" if exact else "certified", slack)
    attained_lo = min(b[0] for b in attained)
    attained_hi = max(b[1] for b in attained)
    note = f"proved to lie in {Interval(lo, hi)}" if sure else ""
    error = slack if sure else max(slack if math.isfinite(slack) else 0.0, 1e-6 * scale)
    return Extent(Interval(attained_lo, attained_hi, closed), "numeric", error, note)


def _meet(a: Bounds, b: Bounds) -> Bounds:
    """Two enclosures of one value are one, tighter; rounding may leave them a hair apart."""
    lo, hi = max(a[0], b[0]), min(a[1], b[1])
    return (lo, hi) if lo <= hi else a


def _gap(a: float, b: float) -> float:
    """b − a, zero between equal infinities."""
    return 0.0 if a == b else b - a
