"""The task's metric: mean over seeds with its 95 % t-interval."""

from camber.compare.rows.row import Cell, Row
from camber.compare.sentences import number
from camber.compare.subject import Subject


def _measure(subject: Subject) -> Cell:
    return subject.estimate.to_dict()


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict) or cell["mean"] is None:
        failed = cell["failed"] if isinstance(cell, dict) else 0
        return f"diverged ({failed} runs)" if failed != 1 else "diverged (1 run)"
    if cell["low"] is None:
        return number(cell["mean"])
    return f"{number(cell['mean'])}\n{number(cell['low'])} … {number(cell['high'])}"


ROW = Row(
    key="metric",
    title="{metric}\n95 % interval",
    order=10,
    explain="mean over seeds of the metric on held-out data, with its t-interval",
    measure=_measure,
    show=_show,
)
