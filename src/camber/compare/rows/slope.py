"""The interval of slopes, rounded outwards."""

import math

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.errors import CamberError

#: Four decimals stand in the table, all digits in the data.
SCALE = 10_000


def _measure(subject: Subject) -> Cell:
    try:
        fact = subject.facts.slope
    except CamberError:  # not defined for this kind
        return None
    return {**fact.to_dict(), "text": str(fact)}


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    low, high = cell["value"]["lo"], cell["value"]["hi"]
    if not isinstance(low, float) or not isinstance(high, float):
        return str(cell["text"])  # an infinite end, or one interval per channel
    return f"[{math.floor(low * SCALE) / SCALE:g}, {math.ceil(high * SCALE) / SCALE:g}]"


ROW = Row(
    key="slope",
    title="slope interval",
    order=80,
    explain="smallest interval known to hold every slope, printed outwards",
    measure=_measure,
    show=_show,
)
