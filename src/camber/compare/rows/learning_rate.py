"""The learning rate that an entry's own search chose."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject


def _measure(subject: Subject) -> Cell:
    if subject.tuning is None:
        return None
    return {"rate": subject.tuning.learning_rate, "edge": subject.tuning.edge}


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    edge = "" if cell["edge"] is None else f"\n{cell['edge']} edge of the grid"
    return f"{cell['rate']:.3g}{edge}"


ROW = Row(
    key="learning_rate",
    title="learning rate, tuned",
    order=25,
    explain="of the same grid for every entry, by successive halving on seeds of its own",
    measure=_measure,
    show=_show,
)
