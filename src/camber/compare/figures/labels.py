"""Direct labels: the name of a line at its right end, moved just enough that none overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camber.compare.figures.sheet import BODY, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Label:
    """A name to write at height ``y`` (data coordinates of the axes)."""

    y: float
    text: str
    colour: str


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places near ``wanted``, at least ``gap`` apart and inside [low, high] if they fit.

    The sum of squared moves is the smallest possible: neighbours that would overlap are merged
    into blocks centred on the mean of what they want (pool adjacent violators).

    Example:
        >>> spread([1.0, 1.0, 9.0], gap=2.0, low=0.0, high=10.0)
        [0.0, 2.0, 9.0]
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks: list[tuple[float, int]] = []  # sum of the wanted places of first members, members
    for place, index in enumerate(order):
        # a member's wish, told as a wish for the first place of an evenly spaced column
        total, count = wanted[index] - place * gap, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            before, members = blocks.pop()
            total, count = total + before, count + members
        blocks.append((total, count))
    starts = [total / count for total, count in blocks for _ in range(count)]
    room = max(low, high - (len(order) - 1) * gap)  # where the first of a full column stands
    places = [0.0] * len(wanted)
    for place, index in enumerate(order):
        places[index] = min(max(starts[place], low), room) + place * gap
    return places


def end_labels(
    figure: Figure, axes: Axes, labels: Sequence[Label], *, size: float = BODY, offset: float = 14
) -> None:
    """Write ``labels`` to the right of ``axes``, joined to their heights by hairlines.

    Limits and scale of the axes must be final.
    """
    from matplotlib.lines import Line2D

    if not labels:
        return
    across, down = (72 * float(side) for side in figure.get_size_inches())
    frame = axes.get_position()
    right, low, high = frame.x1 * across, frame.y0 * down, frame.y1 * down
    heights = []
    for label in labels:
        height = float(axes.transData.transform((axes.get_xlim()[1], label.y))[1])
        heights.append(min(max(height, low), high))
    places = spread(heights, 1.32 * size, low + 0.4 * size, high)
    for label, height, place in zip(labels, heights, places, strict=True):
        line = Line2D(
            [(right + 1.5) / across, (right + offset - 3) / across],
            [height / down, place / down],
            color=label.colour,
            linewidth=0.5,
            transform=figure.transFigure,
        )
        figure.add_artist(line)
        words(figure, right + offset, down - place, label.text, color=label.colour, fontsize=size)
