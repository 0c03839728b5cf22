"""The pictures: one section for each figure that has something to show."""

from __future__ import annotations

import shlex
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from camber.compare.report.section import Section
from camber.compare.report.svg import letters_of_any_font, svg
from camber.train.html import text

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison
    from camber.compare.figures import Figure

#: Figures follow the verdict (0) in their own order and come before the facts.
ORDER: Final = 1


def figure_sections(comparison: Comparison) -> list[Section]:
    """Return a section per figure; one sentence where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        again = f"camber compare --show {shlex.quote(comparison.directory)}"
        sentence = (
            "The figures need matplotlib, which was not installed where this page was made: "
            f"<code>pip install 'camber[plot]'</code>, then <code>{text(again)}</code>. "
            "All numbers are in the tables."
        )
        return [Section(key="figures", title="Figures", order=ORDER, body=f"<p>{sentence}</p>")]
    from camber.compare.figures import all_figures

    found = ((figure, _body(figure, comparison)) for figure in all_figures())
    return [
        Section(
            key=f"figure-{figure.key}",
            title=figure.title,
            order=ORDER + place / 1000,
            body=body,
        )
        for place, (figure, body) in enumerate(found)
        if body is not None
    ]


def within(sections: list[Section], room: int) -> list[Section]:
    """Return ``sections`` with the largest left out, each with a sentence, until they fit ``room``.

    Args:
        sections: of figures.
        room: bytes for all of them together.
    """
    sizes = {section.key: len(section.body.encode()) for section in sections}
    dropped: set[str] = set()
    for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if sum(sizes[kept] for kept in sizes.keys() - dropped) <= room:
            break
        dropped.add(key)
    return [
        replace(section, body=_left_out(sizes[section.key])) if section.key in dropped else section
        for section in sections
    ]


def _left_out(size: int) -> str:
    return (
        f"<p>This figure takes {size / 1000:,.0f} kB with so many entries and seeds, and is left "
        "out to keep the page below 500 kB. Compare fewer of them to see it.</p>"
    )


def _body(figure: Figure, comparison: Comparison) -> str | None:
    try:
        with letters_of_any_font():
            drawn = figure.draw(comparison)
        if drawn is None:
            return None
        picture = svg(drawn, figure.key, f"{figure.title}. {figure.caption}")
    except Exception as error:  # hours of training must not wait for one picture
        reason = f"{type(error).__name__}: {error}"
        return f'<p class="bad">This figure could not be drawn ({text(reason)}).</p>'
    caption = f"<figcaption>{text(figure.caption)}</figcaption>"
    return f'<figure><div class="sheet">{picture}</div>{caption}</figure>'
