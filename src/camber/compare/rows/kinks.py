"""Where the function is not differentiable."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.errors import CamberError


def _measure(subject: Subject) -> Cell:
    try:
        return subject.facts.kinks.to_dict()
    except CamberError:  # not defined for this kind
        return None


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    points = cell["value"]
    if not isinstance(points, list) or any(isinstance(point, list) for point in points):
        return "—"  # one list per channel
    return ", ".join(f"{point:.4g}" for point in points) or "none"


ROW = Row(
    key="kinks",
    title="kinks",
    order=70,
    explain="inputs where the slope jumps, at the initial coefficients",
    measure=_measure,
    show=_show,
)
