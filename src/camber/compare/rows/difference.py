"""The paired difference to the best entry, with its Holm-corrected interval."""

from camber.compare.rows.row import Cell, Row
from camber.compare.sentences import number
from camber.compare.subject import Subject


def _measure(subject: Subject) -> Cell:
    if subject.is_best:
        return "best"
    if subject.difference is None:
        return None
    return {**subject.difference.to_dict(), "seeds": len(subject.runs)}


def _show(cell: Cell) -> str:
    if cell == "best":
        return "best"
    if not isinstance(cell, dict):
        return "not ranked"
    if cell["low"] is None:
        return number(cell["mean"], sign=True)
    mean, low, high = (number(cell[key], sign=True) for key in ("mean", "low", "high"))
    lines = [mean, f"{low} … {high}"]
    if cell["count"] < cell.get("seeds", 0):  # decided at a look before the last seeds
        lines.append(f"first {cell['count']} seeds")
    return "\n".join(lines)


ROW = Row(
    key="difference",
    title="difference to the best\nHolm-corrected 95 % interval",
    order=20,
    explain="same seeds, same batches: entry minus best, corrected over all pairs of entries",
    measure=_measure,
    show=_show,
)
