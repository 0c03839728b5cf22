"""Parameters of the whole model: the comparison is at equal counts."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject

#: Relative differences below this are called equal (the width rule's promise).
TOLERANCE = 0.005


def _measure(subject: Subject) -> Cell:
    count = subject.runs[0].parameters
    return {"count": count, "relative": count / subject.reference_parameters - 1}


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    mark = "" if abs(cell["relative"]) <= TOLERANCE else " (not equal)"
    return f"{cell['count']:,}\n{100 * cell['relative']:+.2f} %{mark}"


ROW = Row(
    key="parameters",
    title="parameters\nagainst the first entry",
    order=100,
    explain="of the whole model; gated networks get the hidden width of equal counts",
    measure=_measure,
    show=_show,
)
