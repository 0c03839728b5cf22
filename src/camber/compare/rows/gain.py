"""The initialisation gain E[s(z)²]^(-1/2), z ~ N(0, 1)."""

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.errors import CamberError


def _measure(subject: Subject) -> Cell:
    try:
        value = subject.facts.gain.value
    except CamberError:  # no finite second moment, or a kind the moments are not defined for
        return None
    return value if isinstance(value, float) else None  # one per channel is no single number


def _show(cell: Cell) -> str:
    return f"{cell:.4f}" if isinstance(cell, float) else "—"


ROW = Row(
    key="gain",
    title="gain",
    order=60,
    explain="std = gain / √fan_in keeps unit variance at the initial coefficients",
    measure=_measure,
    show=_show,
)
