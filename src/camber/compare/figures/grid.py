"""Small multiples: a row of panels per entry that learns coefficients, a column per layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camber.compare.colours import Style
from camber.compare.figures.sheet import (
    GREY,
    SMALL,
    WIDTH,
    fitted,
    house_style,
    panel,
    sheet,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison

#: Layers and entries shown at most; of more layers, evenly spaced ones with the first and last.
COLUMNS, ROWS = 4, 8
NAMES, GUTTER, HEIGHT, TOP = 76.0, 32.0, 92.0, 22.0


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One panel: an entry (by label and place), a site (by path and column), its axes."""

    label: str
    index: int
    path: str
    column: int
    axes: Axes
    last: bool


def noted_sites(comparison: Comparison, note: str) -> dict[str, list[str]]:
    """Return label -> paths of the sites that the logs hold ``note`` of, at most four each."""
    found: dict[str, list[str]] = {}
    for entry in comparison.entries:
        for run in comparison.runs[entry.label]:
            noted = next((record[note] for record in comparison.log(run) if record.get(note)), None)
            if isinstance(noted, Mapping):
                found[entry.label] = _chosen([str(path) for path in noted])
                break
    return dict(list(found.items())[:ROWS])


def grid(
    comparison: Comparison,
    sites: Mapping[str, list[str]],
    style: Mapping[str, Style],
    *,
    room: float,
    foot: float,
) -> tuple[Drawing, list[Cell]]:
    """Return a figure with one panel per entry and site.

    Args:
        comparison: its entries give the order.
        sites: label -> paths, as :func:`noted_sites` returns them.
        style: label -> style, for the entries' names.
        room: points to the right of each panel, for names.
        foot: points below the last row.
    """
    columns = max(len(paths) for paths in sites.values())
    # a lone column does not grow over the whole page
    width = min(220.0, (WIDTH - NAMES - 8) / columns - GUTTER - room)
    labels = [entry.label for entry in comparison.entries]
    cells = []
    with house_style():
        figure = sheet(TOP + len(sites) * (HEIGHT + 20) - 20 + foot)
        for row, (label, paths) in enumerate(sites.items()):
            top = TOP + row * (HEIGHT + 20)
            name = fitted(label, NAMES - 6)
            words(figure, 2, top + 8, name, color=style[label].colour)
            for column, path in enumerate(paths):
                left = NAMES + GUTTER + column * (width + GUTTER + room)
                axes = panel(figure, left, top, width, HEIGHT)
                if row == 0 or sites[label] != next(iter(sites.values())):
                    words(
                        figure, left, top - 11, fitted(_layer(path), width, SMALL),
                        fontsize=SMALL, color=GREY,
                    )  # fmt: skip
                cells.append(
                    Cell(label, labels.index(label), path, column, axes, row + 1 == len(sites))
                )
    return figure, cells


def _layer(path: str) -> str:
    """A site's path without its last word, which is the same everywhere."""
    return path.rpartition(".")[0] or path


def _chosen(paths: list[str]) -> list[str]:
    if len(paths) <= COLUMNS:
        return paths
    places = sorted({round(k * (len(paths) - 1) / (COLUMNS - 1)) for k in range(COLUMNS)})
    return [paths[place] for place in places]
