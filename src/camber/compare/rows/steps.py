"""How many training steps an entry got, where entries share time instead of tokens."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject


def _measure(subject: Subject) -> Cell:
    return None if subject.pace is None else {"steps": subject.steps, "pace": subject.pace}


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    return f"{cell['steps']:,}\n{cell['pace']:.2f} x"


ROW = Row(
    key="steps",
    title="steps in equal time\na step's time to the first entry's",
    order=28,
    explain="as many as take the time of the first entry's, measured before training",
    measure=_measure,
    show=_show,
)
