"""The interval of slopes, rounded outwards."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.errors import CamberError


def _measure(subject: Subject) -> Cell:
    try:
        fact = subject.facts.slope
    except CamberError:  # not defined for this kind
        return None
    return {**fact.to_dict(), "text": str(fact)}


def _show(cell: Cell) -> str:
    return str(cell["text"]) if isinstance(cell, dict) else "—"


ROW = Row(
    key="slope",
    title="slope interval",
    order=80,
    explain="smallest interval known to hold every slope, printed outwards",
    measure=_measure,
    show=_show,
)
