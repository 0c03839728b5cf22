"""Signals and gradients with depth, at the first and at the last step of training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

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
    words,
)
from camber.compare.figures.traces import Array, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison

#: Key in the rows' notes -> heading of its column.
SIZES: Final = {
    "before": "what enters, mean square",
    "after": "what leaves, mean square",
    "gradient": "gradient there, mean square",
}
MOMENTS: Final = {"start": "first step", "end": "last step"}
#: Points: names of the rows, ticks, names of entries, a row's height, above and between rows.
NAMES, TICKS, ROOM, HEIGHT, TOP, BETWEEN = 50.0, 40.0, 62.0, 128.0, 24.0, 14.0


def _draw(comparison: Comparison) -> Drawing | None:
    profiles = {
        (entry.label, moment, size): _profile(comparison, entry.label, moment, size)
        for entry in comparison.entries
        for moment in MOMENTS
        for size in SIZES
    }
    longest = max((profile.size for profile in profiles.values()), default=0)
    if not longest:
        return None
    style = styles([entry.label for entry in comparison.entries])
    columns = [s for s in SIZES if any(p.size for (_, _, size), p in profiles.items() if size == s)]
    width = (WIDTH - NAMES) / len(columns) - TICKS - ROOM
    with house_style():
        figure = sheet(TOP + 2 * HEIGHT + BETWEEN + 34)
        for row, (moment, name) in enumerate(MOMENTS.items()):
            top = TOP + row * (HEIGHT + BETWEEN)
            words(figure, 2, top + 8, name)
            for column, size in enumerate(columns):
                left = NAMES + TICKS + column * (TICKS + width + ROOM)
                axes = panel(figure, left, top, width, HEIGHT)
                if row == 0:
                    words(figure, left - 20, 9, SIZES[size], fontsize=BODY)
                both = [p for (_, _, own), p in profiles.items() if own == size]
                _frame(axes, both, longest)
                if row + 1 == len(MOMENTS):
                    axes.set_xlabel("layer", fontsize=BODY)
                else:
                    axes.tick_params(labelbottom=False)
                lines = {e.label: profiles[e.label, moment, size] for e in comparison.entries}
                end_labels(
                    figure, axes, _lines(axes, lines, style, f"{moment}-{size}"),
                    size=SMALL - 0.4, offset=10,
                )  # fmt: skip
    return figure


def _lines(
    axes: Axes, lines: Mapping[str, Array], style: Mapping[str, Style], part: str
) -> list[Label]:
    labels = []
    for index, (label, profile) in enumerate(lines.items()):
        if not profile.size:
            continue
        depth = np.arange(1, profile.size + 1)
        marks = {"marker": "o", "markersize": 3.2} if profile.size == 1 else {}
        axes.plot(
            depth, profile, gid=f"propagation-{part}-e{index}-mean", clip_on=False,
            **{**pen(style[label]), **marks, "linewidth": 1.4},
        )  # fmt: skip
        if math.isfinite(profile[-1]):
            name = fitted(label, ROOM - 14, SMALL)
            labels.append(Label(float(profile[-1]), name, style[label].colour))
    return labels


def _frame(axes: Axes, profiles: list[Array], longest: int) -> None:
    """A logarithmic axis that start and end share, so that the two rows compare."""
    known = np.concatenate([p[np.isfinite(p)] for p in profiles] or [np.empty(0)])
    axes.set_yscale("log")
    axes.minorticks_off()
    low, high = (float(known.min()), float(known.max())) if known.size else (1.0, 10.0)
    axes.set_ylim(low / 1.6, high * 1.6)
    axes.set_yticks(_ticks(low / 1.6, high * 1.6))
    axes.yaxis.set_major_formatter(lambda value, place: _power(value))
    axes.set_xlim(1 - 0.04 * longest, longest + 0.04 * longest)
    step = max(1, -(-longest // 6))
    axes.set_xticks(range(1, longest + 1, step))
    axes.xaxis.set_major_formatter(lambda value, place: compact(value))
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.6)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers in [low, high]: powers of ten, at most five; finer steps where few fit."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)):
        ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) > 1:
            return ticks[:: -(-len(ticks) // 5)]
    return [low, high]


def _power(value: float) -> str:
    if 1e-3 <= value < 1e5:
        return compact(value)
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


def _profile(comparison: Comparison, label: str, moment: str, size: str) -> Array:
    """The geometric mean over seeds by depth; NaN where a site has none, empty without notes."""
    rows = []
    for run in comparison.runs[label]:
        noted = run.probes.get("propagation", {}).get(moment)
        if isinstance(noted, list):
            values = [
                number(site.get(size)) if isinstance(site, Mapping) else None for site in noted
            ]
            rows.append([math.log(v) if v is not None and v > 0 else math.nan for v in values])
    if not rows or len({len(row) for row in rows}) != 1:
        return np.empty(0)
    logs = np.array(rows)
    if not np.isfinite(logs).any():
        return np.empty(0)
    finite = np.isfinite(logs)
    sums = np.where(finite, logs, 0.0).sum(axis=0)
    counts = finite.sum(axis=0)
    return np.exp(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


FIGURE = Figure(
    key="propagation",
    title="Signals and gradients with depth",
    order=70,
    caption=(
        "By layer, at the first and at the last step of training: the mean square of what "
        "enters each activation, of what leaves it, and of the loss's gradient with respect to "
        "what leaves it; geometric means over seeds. Level lines carry signals and gradients "
        "through depth."
    ),
    draw=_draw,
)
