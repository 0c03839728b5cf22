"""Each entry as it was trained: its formula, where it comes from, and what is true of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from camber.compare.report.section import Section
from camber.train.html import name, table, text

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison
    from camber.compare.entries import Entry

ORDER: Final = 900
#: Longer texts (a derivative of a normalised polynomial) are cut; the data have all of it.
LONGEST: Final = 600


def entries_section(comparison: Comparison) -> Section:
    """Return one folded card per entry, in the order of the ranking."""
    known = {entry.label: entry for entry in comparison.entries}
    cards = "\n".join(_card(known[label]) for label in comparison.ranking)
    lead = "<p>What is true of each formula at its initial coefficients, and how that is known.</p>"
    return Section(key="facts", title="Formulas and facts", order=ORDER, body=f"{lead}\n{cards}")


def _card(entry: Entry) -> str:
    from camber.compare.card import HEADINGS, Card

    card = Card(entry.written, entry.activation(), entry.usage())
    named = card.entry
    lines = {
        "formula": str(card.formula),
        "canonical": str(card.formula.canonical()),
        **{f"d/d{along}": str(slope) for along, slope in card.derivatives.items()},
        "learnable": ", ".join(
            f"{key} = {value}" for key, value in card.activation.parameter_values().items()
        ),
        "in Python": entry.usage(),
    }
    identity = "".join(
        f"<dt>{text(key)}</dt><dd><code>{text(_cut(value))}</code></dd>"
        for key, value in lines.items()
        if value
    )
    about = [named.summary if named else "", str(card.activation.source or "")]
    said = "".join(f"<p>{text(line)}</p>" for line in about if line)
    facts = [
        (text(HEADINGS.get(key, key.replace("_", " "))), text(_cut(str(fact))), text(fact.how))
        for key, fact in card.facts.items()
        if fact is not None
    ]
    return (
        f'<details class="card"><summary>{name(entry.label)} '
        f"<code>{text(_cut(str(card.formula), 80))}</code></summary>\n"
        f'{said}<dl class="lines">{identity}</dl>\n'
        f"{table(('fact', 'value', 'how it is known'), facts)}</details>"
    )


def _cut(written: str, longest: int = LONGEST) -> str:
    return written if len(written) <= longest else f"{written[: longest - 1]}…"
