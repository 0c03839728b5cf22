"""One answer as a table cell: its lines as the row prints them, and the number it sorts by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from camber.compare.rows import Cell
from camber.train.html import text

#: Where a cell of several numbers keeps the one that ranks it.
_RANKED_BY: Final = ("mean", "value", "count", "zero_fraction")


def sort_number(cell: Cell) -> float | None:
    """Return the finite number that ``cell`` sorts by; None where it has none and comes last.

    Example:
        >>> sort_number({"mean": 1.5, "low": 1.0}), sort_number("best"), sort_number(None)
        (1.5, 0.0, None)
    """
    if cell == "best":  # the difference of the best entry to itself
        return 0.0
    if isinstance(cell, Mapping):
        found = (cell[key] for key in _RANKED_BY if key in cell)
        return sort_number(next(found, None))
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not math.isfinite(cell):
        return None
    return float(cell)


def cell_html(shown: str) -> str:
    """Return the lines of an answer: the first as it is, the others smaller.

    Example:
        >>> cell_html("1.5\\n1.4 … 1.6")
        '1.5<small>1.4 … 1.6</small>'
    """
    first, *others = shown.splitlines() or [""]
    return text(first) + "".join(f"<small>{text(line)}</small>" for line in others)
