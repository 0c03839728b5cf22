"""What the activation alone costs: forward and backward time beside GELU's."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject


def _measure(subject: Subject) -> Cell:
    return None if subject.price is None else subject.price.get("time_over_gelu")


def _show(cell: Cell) -> str:
    return f"{cell:.2f} x" if isinstance(cell, float | int) else "—"


ROW = Row(
    key="time_over_gelu",
    title="activation's time against GELU",
    order=40,
    explain="forward and backward of the activation alone, beside torch's GELU on 2048 x 1024",
    measure=_measure,
    show=_show,
)
