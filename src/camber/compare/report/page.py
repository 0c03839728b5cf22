"""The page: the answer first, then everything it rests on, in the order a reader asks."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from camber.compare.report.entries import entries_section
from camber.compare.report.figures import figure_sections, within
from camber.compare.report.machine_readable import data_block
from camber.compare.report.origin import origin_sections
from camber.compare.report.rows import rows_section
from camber.compare.report.tuning import tuning_sections
from camber.compare.report.verdict import answer, question, verdict_section
from camber.train.atomic import write_text
from camber.train.html import page

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison

#: The page promises to stay below 500 kB: so much may the figures take together, and beyond this
#: size of the page the data for programs stay in result.json.
FIGURES: Final = 360_000
LARGEST: Final = 480_000


def report_html(comparison: Comparison) -> str:
    """Return ``comparison`` as one HTML page that needs no other file and asks for none.

    All that a user wrote (labels, formulas, paths) is escaped. The bytes depend on the comparison
    and the installed versions alone. Figures need matplotlib (the extra ``plot``); without it the
    page says so and has all the numbers.

    Example:
        >>> import tempfile
        >>> from camber import compare
        >>> tiny = {"steps": 2, "warmup_steps": 1, "batch": 2, "context": 8, "width": 8}
        >>> with tempfile.TemporaryDirectory() as place:
        ...     found = compare.run(["relu", "gelu"], preset="quick", seeds=2, settings=tiny,
        ...                         directory=place, executor="inline", report=False)
        ...     "Which nonlinearity on charlm?" in report_html(found)
        True
    """
    words = [
        verdict_section(comparison),
        entries_section(comparison),
        *tuning_sections(comparison),
        rows_section(comparison),
        *origin_sections(comparison),
    ]
    # long formulas stand in many places, and leave the figures less
    room = min(FIGURES, LARGEST - sum(len(section.body.encode()) for section in words))
    pictures = within(figure_sections(comparison), room)
    sections = sorted([*words, *pictures], key=lambda section: section.order)
    links = "".join(section.link() for section in sections)
    contents = (
        f'<nav aria-labelledby="contents"><h2 id="contents">Contents</h2><ul>{links}</ul></nav>'
    )
    body = "\n".join(
        [
            answer(comparison),
            contents,
            "<main>",
            *(section.html() for section in sections),
            "</main>",
        ]
    )
    room = LARGEST - len(body.encode())
    return page(
        f"{question(comparison)} – camber",
        f"{body}\n{data_block(comparison, room)}",
        style=_file("report.css"),
        script=_file("report.js"),
    )


def write_report(comparison: Comparison, path: str | os.PathLike[str] | None = None) -> Path:
    """Write :func:`report_html` to a file and return where it is.

    Args:
        comparison: from :func:`camber.compare.run` or :func:`camber.compare.read`.
        path: ``report.html`` in the comparison's directory unless given. A reader never meets half
            a file: the old one is replaced when the new one is complete.

    Raises:
        RunError: the disk is full or the place cannot be written.
    """
    target = Path(comparison.directory, "report.html") if path is None else Path(path)
    write_text(target, report_html(comparison))
    return target


def _file(name: str) -> str:
    return resources.files("camber.compare.report").joinpath(name).read_text(encoding="utf-8")
