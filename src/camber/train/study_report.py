"""`report.html`: one file that opens offline, prints, and holds everything a reader needs."""

from camber.train.claims import COLUMNS
from camber.train.html import page, pairs, table, text
from camber.train.study_result import StudyResult

#: How the outcome of a claim is coloured.
_CLASSES = {"holds": "good", "not shown": "open", "refuted": "bad"}


def study_html(result: StudyResult) -> str:
    """Return ``result`` as one self-contained HTML page; all text in it is escaped."""
    claims = [
        [f'<b class="{_CLASSES[row[0]]}">{text(row[0])}</b>', *map(text, row[1:])]
        for row in (claim.row() for claim in result.claims)
    ]
    parts = [
        f"<h1>{text(result.title)}</h1>",
        f'<p class="soft">{text(result.source)}</p>',
        f"<p>{text(result.summary)}.</p>",
        "<h2>Claims</h2>",
        table(COLUMNS, claims),
    ]
    for shown in result.tables:
        cells = [[text(cell) for cell in row] for row in shown.cells]
        parts += [f"<h2>{text(shown.title)}</h2>", table(shown.columns, cells)]
    if result.notes:
        parts.append("<h2>Notes</h2>")
        parts += [f"<p>{text(note)}</p>" for note in result.notes]
    parts += [
        "<h2>How it was made</h2>",
        pairs({**result.config, "size": result.size, "seconds": round(result.seconds, 1)}),
        "<h2>Where</h2>",
        pairs(result.environment),
    ]
    return page(result.title, "\n".join(parts))
