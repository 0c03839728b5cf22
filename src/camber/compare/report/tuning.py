"""The search for each entry's learning rate, where there was one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from camber.compare.report.section import Section
from camber.train.html import name, text, wide

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison
    from camber.compare.tuning import Tuning

ORDER: Final = 800


def tuning_sections(comparison: Comparison) -> list[Section]:
    """Return one section with every rate that was tried; none where nothing was tuned."""
    labels = [label for label in comparison.ranking if label in comparison.tunings]
    if not labels:
        return []
    searches = [comparison.tunings[label] for label in labels]
    heads = "".join(f'<th scope="col">{name(label)}</th>' for label in labels)
    grids = {tuple(tried.learning_rate for tried in search.tried) for search in searches}
    if len(grids) == 1:
        rates = [f"{rate:.3g}" for rate in next(iter(grids))]
    else:
        rates = [f"rate {place + 1}" for place in range(max(map(len, grids)))]
    lines = "\n".join(
        f'<tr><th scope="row">{rate}</th>'
        f"{''.join(_cell(search, place) for search in searches)}</tr>"
        for place, rate in enumerate(rates)
    )
    table = wide(
        f'<table class="all"><thead><tr><th scope="col">learning rate</th>{heads}</tr></thead>\n'
        f"<tbody>{lines}</tbody></table>",
        "learning rates tried",
    )
    at: dict[str, list[str]] = {}
    for label, search in zip(labels, searches, strict=True):
        if search.edge is not None:
            at.setdefault(search.edge, []).append(label)
    edges = [
        f"{', '.join(chosen)} chose the {edge} end of the grid, so a better rate may lie outside"
        for edge, chosen in at.items()
    ]
    said = f"<p>{text('; '.join(edges))}.</p>" if edges else ""
    steps = ", ".join(f"{count:,}" for count in searches[0].rungs)
    lead = (
        f"<p>Successive halving on seeds that the verdict does not use: every rate trains for "
        f"the first of {steps} steps, the better half goes on to the next. Each cell is the "
        f"{text(comparison.metric.replace('_', ' '))} at the last rung it reached; the chosen "
        f"rate is marked. The search took {searches[0].steps:,} steps per entry.</p>"
    )
    return [
        Section(
            key="tuning", title="Learning rates tried", order=ORDER, body=f"{lead}\n{table}\n{said}"
        )
    ]


def _cell(search: Tuning, place: int) -> str:
    if place >= len(search.tried):
        return "<td>—</td>"
    tried = search.tried[place]
    last = tried.metrics[-1] if tried.metrics else math.nan
    value = f"{last:.3f}" if math.isfinite(last) else "diverged"
    reached = f"{search.rungs[len(tried.metrics) - 1]:,} steps" if tried.metrics else ""
    chosen = tried.learning_rate == search.learning_rate
    shown = f'<b class="good">{value} ✓</b>' if chosen else value
    return f"<td>{shown}<small>{reached}</small></td>"
