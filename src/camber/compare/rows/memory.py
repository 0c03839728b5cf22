"""What the activation keeps in memory for its backward pass."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject


def _measure(subject: Subject) -> Cell:
    return None if subject.price is None else subject.price.get("saved_over_input")


def _show(cell: Cell) -> str:
    return f"{cell:.2f} x input" if isinstance(cell, float | int) else "—"


ROW = Row(
    key="saved_over_input",
    title="saved for backward",
    order=50,
    explain="bytes the activation keeps for its backward pass, over the bytes of its input",
    measure=_measure,
    show=_show,
)
