"""The report as a person reads it: questions down, entries across, then the sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camber.compare.rows import all_rows

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from camber.compare.comparison import Comparison

#: Entries side by side; more go into a further table below.
ACROSS = 6


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Return the comparison as tables of at most six entries each, the best first."""
    from rich.table import Table
    from rich.text import Text

    tables = []
    labels = comparison.ranking
    for start in range(0, len(labels), ACROSS):
        part = labels[start : start + ACROSS]
        table = Table(title=comparison.title if start == 0 else None, title_justify="left")
        table.add_column("")
        for label in part:
            best = label == comparison.best
            table.add_column(
                Text(label, style="bold" if best else ""), justify="right", overflow="fold"
            )
        for row in all_rows():
            cells = comparison.rows[row.key]
            if all(cell is None for cell in cells.values()):
                continue  # nobody has an answer: the question does not arise here
            table.add_row(
                Text(comparison.heading(row)), *(Text(row.show(cells[label])) for label in part)
            )
        tables.append(table)
    return tables


def render(comparison: Comparison) -> RenderableType:
    """Return tables, one sentence per entry, and what the verdict speaks for."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [*comparison_tables(comparison), Text("")]
    parts += [Text(f"• {comparison.sentences[label]}") for label in comparison.ranking]
    parts.append(Text(""))
    parts += [Text(note) for note in comparison.notes]
    parts.append(Text(f"Again: {comparison.command}"))
    legend = (f"{comparison.heading(row).splitlines()[0]}: {row.explain}" for row in all_rows())
    parts.append(Text("; ".join(legend) + ".", style="dim"))
    return Group(*parts)
