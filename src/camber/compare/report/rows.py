"""Every question that was asked of every entry: questions down, entries across."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from camber.compare.report.cells import cell_html
from camber.compare.report.section import Section
from camber.compare.rows import all_rows
from camber.train.html import name, text, wide

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison

ORDER: Final = 1000


def rows_section(comparison: Comparison) -> Section:
    """Return all rows that somebody has an answer to, with what each means."""
    heads = "".join(f'<th scope="col">{name(label)}</th>' for label in comparison.ranking)
    lines, meanings = [], []
    for row in all_rows():
        answers = comparison.rows.get(row.key, {})
        if all(answers.get(label) is None for label in comparison.ranking):
            continue
        heading = comparison.heading(row)
        cells = "".join(
            f"<td>{cell_html(row.show(answers.get(label)))}</td>" for label in comparison.ranking
        )
        lines.append(f'<tr><th scope="row">{cell_html(heading)}</th>{cells}</tr>')
        meanings.append(f"<dt>{text(heading.splitlines()[0])}</dt><dd>{text(row.explain)}</dd>")
    table = wide(
        f'<table class="all"><thead><tr><td></td>{heads}</tr></thead>\n'
        f"<tbody>{chr(10).join(lines)}</tbody></table>",
        "all measurements",
    )
    legend = (
        f"<details><summary>What each line means</summary><dl>{''.join(meanings)}</dl></details>"
    )
    return Section(
        key="measurements", title="All measurements", order=ORDER, body=f"{table}\n{legend}"
    )
