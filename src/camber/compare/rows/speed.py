"""Training speed of the whole model, not of the activation alone."""

from statistics import median

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject


def _measure(subject: Subject) -> Cell:
    speeds = [run.units_per_second for run in subject.runs if run.units_per_second > 0]
    return median(speeds) if speeds else None


def _show(cell: Cell) -> str:
    return f"{cell:,.0f}" if isinstance(cell, float | int) else "—"


ROW = Row(
    key="units_per_second",
    title="{unit}/s in training",
    order=30,
    explain="median over seeds, of the whole model, as many runs at a time as there were workers",
    measure=_measure,
    show=_show,
)
