"""Loss curves: a thin line per seed, a thick one for their mean, named at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from camber.compare.colours import styles
from camber.compare.figures.figure import Figure
from camber.compare.figures.labels import Label, end_labels
from camber.compare.figures.sheet import (
    BODY,
    WIDTH,
    compact,
    fitted,
    house_style,
    panel,
    pen,
    sheet,
    shortened,
)
from camber.compare.figures.traces import (
    Array,
    Trace,
    logs_of,
    mean_trace,
    number,
    thinned,
    traces,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison

#: The first steep fall ends about here, as a share of the training; what lies higher is cut off.
EARLY: Final = 0.12
#: Losses that fall by more than this factor after that are drawn on a logarithmic axis.
DECADES: Final = 12.0
#: Room for names on the right, in points.
ROOM: Final = 128.0


def _draw(comparison: Comparison) -> Drawing | None:
    found = [
        traces(
            comparison,
            logs_of(comparison, entry.label),
            lambda record: number(record.get("loss")),
        )
        for entry in comparison.entries
    ]
    if not any(trace.x.size for own in found for trace in own):
        return None
    with house_style():
        figure = sheet(316)
        axes = panel(figure, 46, 14, WIDTH - 46 - ROOM, 272)
        means = [mean_trace(own) for own in found]
        _frame(axes, comparison, found, means)
        low, high = axes.get_ylim()
        style = styles([entry.label for entry in comparison.entries])
        labels = []
        for index, (entry, own, mean) in enumerate(
            zip(comparison.entries, found, means, strict=True)
        ):
            look = style[entry.label]
            for trace in own:
                axes.plot(
                    *thinned(trace.x, trace.y),
                    gid=f"losses-e{index}-s{trace.run.seed}",
                    **pen(look, seed=True),
                )
                if trace.run.failed:
                    x, y = _end(trace, high)
                    axes.plot(
                        [x], [min(max(y, low), high)], "x", color=look.colour, markersize=6,
                        markeredgewidth=1.4, clip_on=False, gid=f"losses-x{index}-{trace.run.seed}",
                    )  # fmt: skip
            name = fitted(entry.label, ROOM - 20)
            if mean[0].size:
                axes.plot(*thinned(*mean), gid=f"losses-e{index}-mean", zorder=3, **pen(look))
                labels.append(Label(float(mean[1][-1]), name, look.colour))
            elif own:
                short = fitted(entry.label, ROOM - 72)
                labels.append(Label(high, f"{short} (diverged)", look.colour))
        end_labels(figure, axes, labels)
    return figure


def _frame(
    axes: Axes,
    comparison: Comparison,
    found: list[list[Trace]],
    means: list[tuple[Array, Array]],
) -> None:
    """Set limits and scale so that the end of the training can be read."""
    end = max(float(trace.x[-1]) for own in found for trace in own if trace.x.size)
    settled = [
        trace.y[trace.x >= EARLY * end]
        for own in found
        for trace in own
        if not trace.run.failed and trace.x.size
    ]
    values = np.concatenate([part for part in settled if part.size] or [np.array([0.0, 1.0])])
    low, high = float(values.min()), float(values.max())
    early = [float(np.interp(EARLY * end, x, y)) for x, y in means if x.size]
    high = max(early, default=high)
    logarithmic = low > 0 and high / low > DECADES
    if logarithmic:
        axes.set_yscale("log")
        low, high = low / 1.15, high * 1.15
    else:
        room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        low, high = low - room, high + room
    axes.set_ylim(low, high)
    axes.set_xlim(0, end)
    axes.xaxis.set_major_formatter(lambda value, place: compact(value))
    axes.yaxis.set_major_formatter(lambda value, place: compact(value))
    axes.minorticks_off()
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.6)
    axes.set_xlabel(f"{shortened(comparison.throughput, 40)} seen", fontsize=BODY)
    scale = ", logarithmic" if logarithmic else ""
    unit = f" in {shortened(comparison.unit, 30)}" if _same_unit(comparison) else ""
    axes.set_ylabel(f"training loss{unit}{scale}", fontsize=BODY)


def _same_unit(comparison: Comparison) -> bool:
    """Whether the metric is a loss: then the training loss is measured in its unit too."""
    return "loss" in comparison.metric


def _end(trace: Trace, high: float) -> tuple[float, float]:
    """Where a diverged run ended; at the upper edge where it had no reading yet."""
    if trace.x.size:
        return float(trace.x[-1]), float(trace.y[-1])
    return 0.0, high


FIGURE = Figure(
    key="losses",
    title="Loss while training",
    order=10,
    caption=(
        "Training loss against what had been seen. Thin lines are single seeds, thick lines "
        "their mean over seeds that finished; a cross marks where a run diverged. What lies "
        "above the axis in the first steps is cut off."
    ),
    draw=_draw,
)
