"""Zeros over training: the share of exact zeros, and of units that are always zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from camber.compare.colours import styles
from camber.compare.figures.figure import Figure
from camber.compare.figures.labels import Label, end_labels
from camber.compare.figures.sheet import (
    BODY,
    GREY,
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
from camber.compare.figures.traces import Trace, logs_of, mean_trace, number, thinned, traces

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison

#: Points for names to the right of each panel.
ROOM: Final = 92.0


def _draw(comparison: Comparison) -> Drawing | None:
    readings = {"zeros": _share_of_zeros, "dead": _share_of_dead}
    logs = [logs_of(comparison, entry.label) for entry in comparison.entries]
    found = {
        part: [traces(comparison, own, reading) for own in logs]
        for part, reading in readings.items()
    }
    if not any(trace.x.size for own in found["zeros"] for trace in own):
        return None
    style = styles([entry.label for entry in comparison.entries])
    titles = {"zeros": "values that are exactly 0, %", "dead": "units that are always 0, %"}
    width = (WIDTH - 2 * (34 + ROOM)) / 2
    with house_style():
        figure = sheet(216)
        for column, part in enumerate(readings):
            left = 34 + column * (34 + width + ROOM)
            axes = panel(figure, left, 24, width, 158, title=titles[part])
            values = [float(trace.y.max()) for own in found[part] for trace in own if trace.y.size]
            axes.set_ylim(0, 1.06 * max([*values, 1.0]))
            axes.set_xlim(0, max(t.x[-1] for own in found["zeros"] for t in own if t.x.size))
            axes.xaxis.set_major_formatter(lambda value, place: compact(value))
            axes.yaxis.set_major_formatter(lambda value, place: compact(value))
            axes.locator_params(axis="x", nbins=5)
            axes.grid(axis="y", color="#EEEEEE", linewidth=0.6)
            axes.set_xlabel(f"{shortened(comparison.throughput, 30)} seen", fontsize=BODY)
            labels = []
            # ids begin with the figure's key; the second panel's part follows it
            key = "zeros" if part == "zeros" else "zeros-dead"
            for index, (entry, own) in enumerate(zip(comparison.entries, found[part], strict=True)):
                look = style[entry.label]
                for trace in own:
                    if trace.x.size:
                        axes.plot(
                            *thinned(trace.x, trace.y),
                            gid=f"{key}-e{index}-s{trace.run.seed}",
                            clip_on=False,
                            **pen(look, seed=True),
                        )
                x, y = mean_trace(own)
                if x.size:
                    axes.plot(
                        *thinned(x, y), gid=f"{key}-e{index}-mean", clip_on=False, **pen(look)
                    )
                    name = fitted(entry.label, ROOM - 22, SMALL)
                    labels.append(Label(float(y[-1]), name, look.colour))
            end_labels(figure, axes, _without_nothing(labels, found[part]), size=SMALL)
    return figure


def _without_nothing(labels: list[Label], found: list[list[Trace]]) -> list[Label]:
    """Name lines that end at 0 together where there are more than two of them."""
    flat = [label for label in labels if label.y == 0]
    if len(flat) <= 2:
        return labels
    every = "all" if len(flat) == sum(any(t.x.size for t in own) for own in found) else "the other"
    together = Label(0.0, f"{every} {len(flat)}: none", GREY)
    return [*(label for label in labels if label.y), together]


def _share_of_zeros(record: Mapping[str, object]) -> float | None:
    """Per cent of values that are exactly 0 over all sites, each site weighing by its units."""
    return _share(record, lambda site: number(site.get("zero_fraction")))


def _share_of_dead(record: Mapping[str, object]) -> float | None:
    def dead(site: Mapping[str, object]) -> float | None:
        count, units = number(site.get("dead_units")), number(site.get("units"))
        return None if count is None or not units else count / units

    return _share(record, dead)


def _share(
    record: Mapping[str, object], of_site: Callable[[Mapping[str, object]], float | None]
) -> float | None:
    noted = record.get("zeros")
    if not isinstance(noted, Mapping):
        return None
    total = weight = 0.0
    for site in noted.values():
        if not isinstance(site, Mapping):
            continue
        units, value = number(site.get("units")), of_site(site)
        if units and value is not None:
            total, weight = total + units * value, weight + units
    return 100 * total / weight if weight else None


FIGURE = Figure(
    key="zeros",
    title="Zeros and dead units while training",
    order=50,
    caption=(
        "On the training batches of about a dozen steps: the share of activation outputs that "
        "are exactly 0, and of units that were 0 on the whole batch, over all layers. In a "
        "gated network it is the product that enters the next matrix. Thin lines are seeds."
    ),
    draw=_draw,
)
