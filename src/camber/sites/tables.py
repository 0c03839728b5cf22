"""Plain text tables: columns of equal width, text to the left and numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return ``rows`` under ``headings`` as text; columns of numbers are aligned to the right.

    Example:
        >>> print(table(("path", "zeros"), [("a", "0.5"), ("long.path", "1")]))
        path       zeros
        a            0.5
        long.path      1
    """
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [bool(rows) and all(map(_is_number, column[1:])) for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in (headings, *rows)
    ]
    return "\n".join(lines)


def number(value: float) -> str:
    """A number for a table: integers in full, others to four digits."""
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell in ("", "—")
    return True
