"""The verdict as a picture: each entry's difference to the best with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from camber.compare.colours import styles
from camber.compare.figures.figure import Figure
from camber.compare.figures.sheet import (
    BODY,
    FAINT,
    GREY,
    SEED_ALPHA,
    WIDTH,
    compact,
    fitted,
    house_style,
    panel,
    sheet,
    shortened,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison
    from camber.compare.statistics import Difference

#: Points for names on the left, numbers on the right, and each row.
NAMES, NUMBERS, ROW = 132.0, 158.0, 24.0
#: Where the intervals begin, beside the numbers.
INTERVAL: Final = 56.0
#: Height of the axes above the first and below the last row.
MARGIN: Final = 8.0


def _draw(comparison: Comparison) -> Drawing | None:
    if comparison.best is None:
        return None
    style = styles([entry.label for entry in comparison.entries])
    places = {entry.label: index for index, entry in enumerate(comparison.entries)}
    count = len(comparison.ranking)
    height = count * ROW + 2 * MARGIN
    with house_style():
        figure = sheet(height + 40)
        axes = panel(figure, NAMES, 6, WIDTH - NAMES - NUMBERS, height)
        axes.set_ylim(height, 0)
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color="#EEEEEE", linewidth=0.6)
        decimals = _decimals(comparison.differences.values())
        for place, label in enumerate(comparison.ranking):
            middle = MARGIN + (place + 0.5) * ROW
            colour = style[label].colour
            name = fitted(label, NAMES - 16)
            words(
                figure, NAMES - 10, 6 + middle, name, color=colour, ha="right",
                fontweight="bold" if label == comparison.best else "normal",
            )  # fmt: skip
            note = _row(axes, comparison, label, places[label], middle, colour)
            numbers = _numbers(comparison.differences[label], decimals) if not note else (note, "")
            for text, left in zip(numbers, (10, INTERVAL), strict=True):
                words(figure, WIDTH - NUMBERS + left, 6 + middle, text)
        _limits(axes)
        axes.xaxis.set_major_formatter(lambda value, place: compact(value))
        worse = "right" if comparison.better == "lower" else "left"
        metric = shortened(comparison.metric.replace("_", " "), 40)
        best = shortened(comparison.best, 24)
        axes.set_xlabel(
            f"{metric} minus that of {best}, in {shortened(comparison.unit, 30)} "
            f"({worse} is worse)",
            fontsize=BODY,
        )
    return figure


def _row(
    axes: Axes, comparison: Comparison, label: str, index: int, middle: float, colour: str
) -> str:
    """Draw one entry; return what stands to the right of it, "" for its numbers."""
    if label == comparison.best:
        axes.plot([0], [middle], "D", color=colour, markersize=5, gid=f"verdict-e{index}-mean")
        estimate = comparison.estimates[label]
        return f"best: {estimate.mean:.4g}" if estimate.mean is not None else "best"
    difference = comparison.differences.get(label)
    if difference is None:
        failed = sum(run.failed for run in comparison.runs[label])
        return f"not ranked: {failed} of {len(comparison.runs[label])} diverged"
    own = {run.seed: run.metric for run in comparison.runs[label] if not run.failed}
    best = {run.seed: run.metric for run in comparison.runs[comparison.best or ""]}
    paired = [value - best[seed] for seed, value in own.items() if seed in best]
    axes.plot(
        paired, [middle + 5.5] * len(paired), "o", color=colour, markersize=2.6,
        markeredgewidth=0, alpha=SEED_ALPHA + 0.2, gid=f"verdict-e{index}-seeds",
    )  # fmt: skip
    if difference.low is not None and difference.high is not None:
        ends = [difference.low, difference.high]
        axes.plot(ends, [middle] * 2, color=colour, linewidth=2.2, gid=f"verdict-e{index}-interval")
    axes.plot(
        [difference.mean], [middle], "o", color=colour, markersize=5.5, zorder=3,
        gid=f"verdict-e{index}-mean",
    )  # fmt: skip
    return ""


def _decimals(differences: Iterable[Difference]) -> int:
    """As many decimals as show three digits of the largest number: the same in every row."""
    numbers = [
        abs(end)
        for difference in differences
        for end in (difference.mean, difference.low, difference.high)
        if end
    ]
    return min(6, max(0, 2 - math.floor(math.log10(max(numbers, default=1.0)))))


def _numbers(difference: Difference, decimals: int) -> tuple[str, str]:
    """The mean and its interval, "" where there is none."""
    mean = f"{difference.mean:+.{decimals}f}".replace("-", "−")
    if difference.low is None or difference.high is None:
        return mean, ""
    ends = f"{difference.low:+.{decimals}f} … {difference.high:+.{decimals}f}"
    return mean, ends.replace("-", "−")


def _limits(axes: Axes) -> None:
    """A little room on both sides, and 0 inside."""
    low, high = (float(end) for end in axes.get_xlim())
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = -1.0, 1.0
    room = 0.03 * (high - low)
    axes.set_xlim(low - room, high + room)
    axes.spines["bottom"].set_color(FAINT)


FIGURE = Figure(
    key="verdict",
    title="Differences to the best",
    order=20,
    caption=(
        "Paired differences to the best entry: the mean, its Holm-corrected interval (thick "
        "line), and single seeds (small dots). An interval that crosses the vertical line does "
        "not tell the two apart. Where an early look decided, mean and interval are of its seeds "
        "only."
    ),
    draw=_draw,
)
