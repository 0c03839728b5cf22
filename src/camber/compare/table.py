"""The report as a person reads it: questions down, entries across, and last the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from camber.compare.rows import all_rows
from camber.compare.sentences import number

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from camber.compare.comparison import Comparison

#: Columns of characters that the headings take, and that an entry wants.
HEADING, WANTED = 30, 18


@dataclass(frozen=True)
class Report:
    """A comparison as something rich can print, at any width of the terminal."""

    comparison: Comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield tables and what their rows mean; the verdict comes last, where a reader looks."""
        comparison = self.comparison
        across = max(2, (options.max_width - HEADING) // WANTED)
        for start in range(0, len(comparison.ranking), across):
            yield table_of(comparison, comparison.ranking[start : start + across])
        yield _legend(comparison)
        yield Text("")
        for label in comparison.ranking:
            yield _item("•", comparison.sentences[label])
        for line in other_pairs(comparison):
            yield _item("·", line)
        yield Text("")
        for note in comparison.notes:
            yield _item("-", note)
        yield _item("-", f"Again: {comparison.command}")


def other_pairs(comparison: Comparison) -> Iterator[str]:
    """Yield a line each on the pairs without the best entry that differ, do not, and are equal."""
    apart, level, equal = [], [], []
    lower = comparison.better == "lower"
    for pair, difference in comparison.pairs.items():
        if comparison.best in pair:
            continue  # the sentences above say it
        ahead = difference if (difference.mean < 0) == lower else difference.swapped()
        if difference.separated:
            apart.append(f"{ahead.entry} before {ahead.other} by {number(abs(ahead.mean))}")
        elif difference.low == difference.high == 0:
            equal.append(f"{difference.entry} and {difference.other}")
        elif difference.low is not None:
            level.append(f"{ahead.entry} and {ahead.other}")
    if apart:
        yield f"Also separated: {'; '.join(apart)} {comparison.unit}."
    if level:
        yield f"Within noise of each other: {'; '.join(level)}."
    if equal:
        yield f"The same value in every seed: {'; '.join(equal)}."


def table_of(comparison: Comparison, labels: tuple[str, ...]) -> Table:
    """Return the rows of ``labels``, side by side in that order."""
    table = Table(title=comparison.title, title_justify="left")
    table.add_column("", overflow="fold")
    for label in labels:
        style = "bold" if label == comparison.best else ""
        table.add_column(Text(label, style=style), justify="right", overflow="fold")
    for row in all_rows():
        if _answered(comparison, row.key):
            shown = [row.show(comparison.rows[row.key][label]).splitlines() for label in labels]
            # A line each: a heading that wraps must not push the next answer off its question.
            for line in zip_longest(comparison.heading(row).splitlines(), *shown, fillvalue=""):
                table.add_row(*(Text(cell) for cell in line))
    return table


def _legend(comparison: Comparison) -> Table:
    """What each row means, one line each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", max_width=HEADING, overflow="fold")
    table.add_column(style="dim", overflow="fold")
    for row in all_rows():
        if _answered(comparison, row.key):
            heading = comparison.heading(row).splitlines()[0]
            table.add_row(Text(heading), Text(row.explain))
    return table


def _item(mark: str, line: str) -> Table:
    """A line of a list; what does not fit goes on below its first word."""
    table = Table.grid(padding=(0, 1))
    table.add_column()
    table.add_column(overflow="fold")  # a hash or a path is told in full, at any width
    table.add_row(Text(mark), Text(line))
    return table


def _answered(comparison: Comparison, key: str) -> bool:
    """Whether anybody has an answer: where nobody has, the question does not arise."""
    return any(cell is not None for cell in comparison.rows[key].values())
