"""The question, the answer, and the table and sentences that carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from camber.compare.colours import styles
from camber.compare.report.cells import cell_html, sort_number
from camber.compare.report.intervals import picture, scale_of, swatch
from camber.compare.report.section import Section
from camber.compare.rows import Row, all_rows
from camber.compare.sentences import number
from camber.train.html import name, table, text, wide

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison
    from camber.compare.statistics import Difference

#: Rows up to this order stand in the verdict table; all of them stand in the table of all rows.
LAST_ORDER: Final = 45


def question(comparison: Comparison) -> str:
    """Return the question that the comparison puts, as text."""
    return f"Which nonlinearity on {comparison.task.get('task', 'this task')}?"


def answer(comparison: Comparison) -> str:
    """Return the head of the page: the question, and the answer in one sentence."""
    labels = [entry.label for entry in comparison.entries]
    best = comparison.best
    sentence = comparison.sentences[best] if best is not None else "No entry can be ranked."
    scope = f'<p class="soft">{text(comparison.notes[0])}</p>' if comparison.notes else ""
    return "\n".join(
        [
            "<header>",
            '<p class="eyebrow">camber compare</p>',
            f"<h1>{text(question(comparison))}</h1>",
            f'<p class="entries">{", ".join(name(label) for label in labels)}</p>',
            f'<p class="answer">{text(sentence)}</p>',
            scope,
            "</header>",
        ]
    )


def verdict_section(comparison: Comparison) -> Section:
    """Return the table that sorts, one sentence per entry, and every pair folded below."""
    sentences = "".join(
        f"<li>{text(comparison.sentences[label])}</li>\n" for label in comparison.ranking
    )
    body = (
        f'{verdict_table(comparison)}\n<ul class="sentences">\n{sentences}</ul>\n'
        f"{_every_pair(comparison)}"
    )
    return Section(key="verdict", title="Verdict", order=0, body=body)


def verdict_table(comparison: Comparison) -> str:
    """Return one line per entry, best first; the script lets every column sort."""
    rows = [row for row in all_rows() if row.order <= LAST_ORDER and _answered(comparison, row)]
    scale = scale_of(comparison)
    heads = ['<th scope="col" data-kind="text">entry</th>']
    for row in rows:
        sorted_by = ""
        if row.key == "metric":
            sorted_by = f' aria-sort="{_direction(comparison)}"'
        title = cell_html(comparison.heading(row))
        heads.append(f'<th scope="col"{sorted_by} title="{text(row.explain)}">{title}</th>')
        if row.key == "difference" and scale is not None:
            heads.append('<td class="picture" aria-hidden="true"></td>')
    looks = styles([entry.label for entry in comparison.entries])
    lines = []
    for label in comparison.ranking:
        cells = [f'<th scope="row">{swatch(looks[label])}{name(label)}</th>']
        for row in rows:
            cell = comparison.rows[row.key][label]
            place = sort_number(cell)
            value = "" if place is None else f' data-value="{place!r}"'
            cells.append(f"<td{value}>{cell_html(row.show(cell))}</td>")
            if row.key == "difference" and scale is not None:
                drawn = picture(comparison, label, scale)
                cells.append(f'<td class="picture" aria-hidden="true">{drawn}</td>')
        best = ' class="best"' if label == comparison.best else ""
        lines.append(f"<tr{best}>{''.join(cells)}</tr>")
    caption = f"<caption>{text(comparison.title)}</caption>"
    return wide(
        f'<table class="sortable">{caption}<thead><tr>{"".join(heads)}</tr></thead>\n'
        f"<tbody>{chr(10).join(lines)}</tbody></table>",
        "verdict table",
    )


def _every_pair(comparison: Comparison) -> str:
    """All pairs, folded: the sentence and what it rests on."""
    if not comparison.pair_sentences:
        return ""
    lines = []
    for pair, sentence in comparison.pair_sentences.items():
        found = comparison.pairs.get(pair)
        lines.append([text(sentence), *(_figures(found) if found is not None else ["—"] * 4)])
    columns = ("sentence", "t interval", "bootstrap interval", "Hedges' g", "seeds won")
    count = len(comparison.pair_sentences)
    title = "The pair" if count == 1 else f"All {count} pairs"
    return (
        f'<details class="every-pair"><summary>{title}</summary>\n{table(columns, lines)}\n'
        "<p>Intervals are at Holm's level for the pair, and of the first entry minus the second "
        "in the order they were given.</p></details>"
    )


def _figures(found: Difference) -> list[str]:
    """The numbers of one pair as cells."""
    won = "—" if found.wins is None else f"{round(found.wins * found.count)} of {found.count}"
    return [
        _interval(found.low, found.high),
        _interval(found.bootstrap_low, found.bootstrap_high),
        "—" if found.effect is None else f"{found.effect:+.2f}",
        won,
    ]


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "—"
    return f"{number(low, sign=True)} … {number(high, sign=True)}"


def _direction(comparison: Comparison) -> str:
    return "ascending" if comparison.better == "lower" else "descending"


def _answered(comparison: Comparison, row: Row) -> bool:
    return any(cell is not None for cell in comparison.rows.get(row.key, {}).values())
