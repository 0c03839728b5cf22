"""How far the activation is from a plain copy, which no elementwise function can beat."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject


def _measure(subject: Subject) -> Cell:
    return None if subject.price is None else subject.price.get("time_over_copy")


def _show(cell: Cell) -> str:
    return f"{cell:.2f} x" if isinstance(cell, float | int) else "—"


ROW = Row(
    key="time_over_copy",
    title="activation's time against a copy",
    order=45,
    explain="the same beside torch's clone and its backward pass, the limit of memory",
    measure=_measure,
    show=_show,
)
