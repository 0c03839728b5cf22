"""The search for learning rates: what each entry reached at each rate, rung by rung."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from camber.compare.colours import Style, styles
from camber.compare.figures.figure import Figure
from camber.compare.figures.labels import Label, end_labels
from camber.compare.figures.sheet import (
    BODY,
    SMALL,
    WIDTH,
    compact,
    fitted,
    house_style,
    panel,
    pen,
    sheet,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison
    from camber.compare.tuning import Tuning

#: Points for ticks on the left and names on the right of a panel.
TICKS, ROOM = 44.0, 62.0


def _draw(comparison: Comparison) -> Drawing | None:
    tunings = comparison.tunings
    rungs = max((len(tuning.rungs) for tuning in tunings.values()), default=0)
    if not rungs:
        return None
    style = styles([entry.label for entry in comparison.entries])
    width = WIDTH / rungs - TICKS - ROOM
    rates = [tried.learning_rate for tuning in tunings.values() for tried in tuning.tried]
    with house_style():
        figure = sheet(222)
        for rung in range(rungs):
            left = TICKS + rung * (TICKS + width + ROOM)
            steps = sorted({t.rungs[rung] for t in tunings.values() if rung < len(t.rungs)})
            span = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
            axes = panel(figure, left, 24, width, 162, title=f"after {span} steps")
            labels = _lines(axes, comparison, rung, style, last=rung + 1 == rungs)
            _frame(axes, comparison, rates, first=rung == 0)
            end_labels(figure, axes, labels, size=SMALL - 0.4, offset=10)
    return figure


def _lines(
    axes: Axes, comparison: Comparison, rung: int, style: Mapping[str, Style], *, last: bool
) -> list[Label]:
    labels = []
    for index, entry in enumerate(comparison.entries):
        tuning = comparison.tunings.get(entry.label)
        reached = _reached(tuning, rung)
        if tuning is None or not reached:
            continue
        look = style[entry.label]
        axes.plot(
            list(reached), list(reached.values()), gid=f"tuning-r{rung}-e{index}-mean",
            **{**pen(look), "linewidth": 1.2},
        )  # fmt: skip
        if last and tuning.learning_rate in reached:
            axes.plot(
                [tuning.learning_rate], [reached[tuning.learning_rate]], "o", color=look.colour,
                markersize=5, gid=f"tuning-chosen-e{index}",
            )  # fmt: skip
        name = fitted(entry.label, ROOM - 14, SMALL)
        labels.append(Label(list(reached.values())[-1], name, look.colour))
    return labels


def _reached(tuning: Tuning | None, rung: int) -> dict[float, float]:
    """Learning rate -> metric of the rates that took part in a rung and did not diverge."""
    if tuning is None:
        return {}
    return {
        tried.learning_rate: tried.metrics[rung]
        for tried in tuning.tried
        if rung < len(tried.metrics) and math.isfinite(tried.metrics[rung])
    }


def _frame(axes: Axes, comparison: Comparison, rates: list[float], *, first: bool) -> None:
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xlim(min(rates) / 1.2, max(rates) * 1.2)
    shown = sorted(set(rates))
    axes.set_xticks(shown[:: max(1, (len(shown) + 2) // 3)])
    axes.margins(y=0.08)
    axes.locator_params(axis="y", nbins=6)
    axes.xaxis.set_major_formatter(lambda value, place: f"{value:.2g}")
    axes.yaxis.set_major_formatter(lambda value, place: compact(value))
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.6)
    axes.set_xlabel("learning rate", fontsize=BODY)
    if first:
        metric = shortened(comparison.metric.replace("_", " "), 30)
        axes.set_ylabel(f"{metric}, {shortened(comparison.unit, 20)}", fontsize=BODY)


FIGURE = Figure(
    key="tuning",
    title="The search for learning rates",
    order=80,
    caption=(
        "What each entry reached at each learning rate on the seed of the search: every rate is"
        " tried for a quarter of the steps, and the better half goes on. Dots mark the chosen "
        "rates; runs that diverged are left out."
    ),
    draw=_draw,
)
