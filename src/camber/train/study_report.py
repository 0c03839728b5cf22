"""`report.html`: one file that opens offline, prints, and holds everything a reader needs."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from camber.train.claims import COLUMNS
from camber.train.study_result import StudyResult

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd;
  vertical-align: top; }
.holds { color: #00664f; } .not-shown { color: #7a5200; } .refuted { color: #a32200; }
.source, footer { color: #555; }
@media print { body { margin: 0; max-width: none; } }
"""


def study_html(result: StudyResult) -> str:
    """Return ``result`` as one self-contained HTML page; all text in it is escaped."""
    claims = [
        [f'<b class="{row[0].replace(" ", "-")}">{escape(row[0])}</b>', *map(escape, row[1:])]
        for row in (claim.row() for claim in result.claims)
    ]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(result.title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(result.title)}</h1>",
        f'<p class="source">{escape(result.source)}</p>',
        f"<p>{escape(result.summary)}.</p>",
        "<h2>Claims</h2>",
        _table(COLUMNS, claims),
    ]
    for table in result.tables:
        cells = [[escape(cell) for cell in row] for row in table.cells]
        parts += [f"<h2>{escape(table.title)}</h2>", _table(table.columns, cells)]
    if result.notes:
        parts.append("<h2>Notes</h2>")
        parts += [f"<p>{escape(note)}</p>" for note in result.notes]
    parts += [
        "<h2>How it was made</h2>",
        _pairs({**result.config, "size": result.size, "seconds": round(result.seconds, 1)}),
        "<h2>Where</h2>",
        _pairs(result.environment),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; ``rows`` hold HTML, ``columns`` text."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _pairs(record: Mapping[str, object]) -> str:
    return _table(("", ""), [[escape(key), escape(str(value))] for key, value in record.items()])
