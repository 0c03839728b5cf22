"""Roots at short decimals, such as 0 or 0.5, are recognised and become exact."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from camber.facts.point import enclose_at
from camber.facts.signs import Run
from camber.facts.subject import Field

#: With more runs than this no end is looked at one by one.
_FEW: Final = 64
_NEAR: Final = 1e-9


def snap_runs(field: Field, channel: int, runs: list[Run]) -> list[Run]:
    """Move ends between runs of ``field`` to a short decimal where it is exactly zero there."""
    if len(runs) > _FEW:
        return runs
    runs = list(runs)
    values, name = field.subject.one(channel), field.subject.name
    for place in range(len(runs) - 1):
        left, right = runs[place], runs[place + 1]
        short = round(left.hi, 6) + 0.0
        reach = max(left.hi_error, abs(short - left.hi))
        if reach > _NEAR or enclose_at(field.node, values, name, short, short) != (0, 0):
            continue
        # Where the function moves strictly through its zero, the zero is the only one nearby.
        around = short - reach, short + reach
        slope = enclose_at(field.derivative.node, values, name, *around)
        if slope[0] > 0 or slope[1] < 0 or not reach:
            runs[place] = replace(left, hi=short, hi_error=0.0)
            runs[place + 1] = replace(right, lo=short, lo_error=0.0)
    return runs
