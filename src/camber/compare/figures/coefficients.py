"""Learned coefficients over training: one small panel per entry and layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from camber.compare.colours import Style, styles
from camber.compare.figures.figure import Figure
from camber.compare.figures.grid import Cell, grid, noted_sites
from camber.compare.figures.labels import Label, end_labels
from camber.compare.figures.sheet import (
    SMALL,
    compact,
    house_style,
    pen,
    shortened,
)
from camber.compare.figures.traces import Array, Log, logs_of, mean_trace, number, thinned, traces
from camber.compare.figures.untrained import starts_alike, untrained
from camber.compare.rows.coefficients import noted_coefficients

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison
    from camber.compare.entries import Entry

#: Coefficients drawn per panel; of longer families, the first.
SHOWN: Final = 8
#: Points of a line.
POINTS: Final = 16
#: Points that names take to the right of a panel.
ROOM: Final = 52.0


def _draw(comparison: Comparison) -> Drawing | None:
    sites = noted_sites(comparison, "coefficients")
    if not sites:
        return None
    style = styles([entry.label for entry in comparison.entries])
    with house_style():
        figure, cells = grid(comparison, sites, style, room=ROOM, foot=34)
        logs = {label: logs_of(comparison, label) for label in sites}
        for cell in cells:
            _panel(comparison, figure, cell, logs[cell.label], style[cell.label])
    return figure


def _panel(
    comparison: Comparison, figure: Drawing, cell: Cell, logs: Sequence[Log], look: Style
) -> None:
    found = {
        name: traces(comparison, logs, partial(_coefficient, path=cell.path, name=name))
        for name in _names(logs, cell.path)
    }
    starts = _starts(comparison.entries[cell.index])
    seeds: dict[int, list[tuple[Array, Array]]] = {}
    labels = []
    for place, (name, own) in enumerate(found.items()):
        for trace in own:
            seeds.setdefault(trace.run.seed, []).append(
                _from(starts.get(name), *thinned(trace.x, trace.y, POINTS))
            )
        x, y = mean_trace(own)
        if x.size:
            cell.axes.plot(
                *_from(starts.get(name), *thinned(x, y, POINTS)),
                gid=f"coefficients-e{cell.index}-l{cell.column}-c{place}-mean",
                zorder=3,
                **pen(look),
            )
            labels.append(Label(float(y[-1]), shortened(name, 11), look.colour))
    end = max((float(t.x[-1]) for own in found.values() for t in own if t.x.size), default=1.0)
    for seed, lines in seeds.items():
        # one path with gaps: all coefficients of a seed at this layer
        gap = np.array([np.nan])
        x, y = (np.concatenate([part for line in lines for part in (line[k], gap)]) for k in (0, 1))
        gid = f"coefficients-e{cell.index}-l{cell.column}-s{seed}"
        cell.axes.plot(x, y, gid=gid, **pen(look, seed=True))
    cell.axes.set_xlim(0, end)
    cell.axes.margins(y=0.08)
    cell.axes.locator_params(axis="x", nbins=3)
    cell.axes.locator_params(axis="y", nbins=4)
    cell.axes.xaxis.set_major_formatter(lambda value, place: compact(value))
    cell.axes.yaxis.set_major_formatter(lambda value, place: compact(value))
    if cell.last:
        cell.axes.set_xlabel(f"{shortened(comparison.throughput, 16)} seen", fontsize=SMALL)
    end_labels(figure, cell.axes, labels, size=SMALL - 0.6, offset=10)


def _starts(entry: Entry) -> dict[str, float]:
    """Coefficient -> its value before training, where that is the same everywhere."""
    if not starts_alike(entry):
        return {}
    # the one site of a module by itself has the empty path
    own = noted_coefficients(untrained(entry)).get("", {})
    return {
        name if len(values) == 1 else f"{name}[{index}]": value
        for name, values in own.items()
        for index, value in enumerate(values)
    }


def _from(start: float | None, x: Array, y: Array) -> tuple[Array, Array]:
    """Begin a line at what stood before the first step."""
    if start is None or not x.size:
        return x, y
    return np.insert(x, 0, 0.0), np.insert(y, 0, start)


def _names(logs: Sequence[Log], path: str) -> list[str]:
    """``name`` or ``name[index]`` of each coefficient that the logs hold at this site."""
    for _, log in logs:
        for record in log:
            noted = record.get("coefficients")
            own = noted.get(path) if isinstance(noted, Mapping) else None
            if isinstance(own, Mapping):
                names = [
                    str(name) if len(values) == 1 else f"{name}[{index}]"
                    for name, values in own.items()
                    if isinstance(values, list)
                    for index in range(len(values))
                ]
                return names[:SHOWN]
    return []


def _coefficient(record: Mapping[str, object], *, path: str, name: str) -> float | None:
    noted = record.get("coefficients")
    own = noted.get(path) if isinstance(noted, Mapping) else None
    if not isinstance(own, Mapping):
        return None
    family, _, index = name.partition("[")
    values = own.get(family)
    place = int(index.removesuffix("]") or 0) if index else 0
    return number(values[place]) if isinstance(values, list) and place < len(values) else None


FIGURE = Figure(
    key="coefficients",
    title="Learned coefficients while training",
    order=60,
    caption=(
        "The activation's own coefficients before training and at about a dozen steps: one row "
        "per entry that learns any, one column per layer; thin lines are seeds, thick lines "
        "their mean. Coefficients with one value per channel are shown by their median. In the "
        "order of the module: weight[0] multiplies the highest power."
    ),
    draw=_draw,
)
