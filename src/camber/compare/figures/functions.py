"""Each entry's function and derivative, at its initial coefficients, kinks and jumps marked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from camber.compare.colours import Style, styles
from camber.compare.figures.figure import Figure
from camber.compare.figures.sheet import (
    BODY,
    FAINT,
    GREY,
    SMALL,
    THICK,
    WIDTH,
    compact,
    fitted,
    house_style,
    panel,
    sheet,
    shortened,
)
from camber.compare.figures.traces import Array
from camber.compare.figures.untrained import untrained
from camber.compare.plot import REACH, curves, window
from camber.errors import CamberError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from camber.activations import Activation
    from camber.compare.comparison import Comparison

ACROSS: Final = 5
#: Points of one panel and around it.
WIDE, HIGH, LEFT, ABOVE, BELOW = 98.0, 96.0, 24.0, 22.0, 34.0
#: Points of a curve, beside those at its kinks.
POINTS: Final = 260


def _draw(comparison: Comparison) -> Drawing | None:
    style = styles([entry.label for entry in comparison.entries])
    rows = -(-len(comparison.entries) // ACROSS)
    with house_style():
        figure = sheet(rows * (ABOVE + HIGH + BELOW))
        for index, entry in enumerate(comparison.entries):
            row, column = divmod(index, ACROSS)
            left = LEFT + column * (WIDTH - LEFT + 20) / ACROSS
            axes = panel(figure, left, row * (ABOVE + HIGH + BELOW) + ABOVE, WIDE, HIGH)
            look = style[entry.label]
            axes.set_title(
                fitted(entry.label, WIDE, BODY), color=look.colour, fontsize=BODY,
                pad=6, parse_math=False,
            )  # fmt: skip
            _panel(axes, untrained(entry), look, index)
    return figure


def _panel(axes: Axes, module: Activation, look: Style, index: int) -> None:
    try:
        x, y, slope, meaning = curves(module)
        shown = [y] if slope is None else [y, slope]
        low, high = window(shown)
    except CamberError as error:
        _no_curve(axes, str(error))
        return
    kinks, jumps = _points(module, "kinks"), _points(module, "jumps")
    breaks = [*kinks, *jumps]
    if slope is not None:
        slope = np.where(np.isfinite(y), slope, np.nan)  # no slope where there is no value
        axes.plot(
            *_interrupted(*_decimated(x, slope, breaks), breaks), color=GREY, linewidth=0.9,
            linestyle=(0, (3, 1.4)), gid=f"functions-e{index}-slope",
        )  # fmt: skip
    axes.plot(
        *_interrupted(*_decimated(x, y, breaks), jumps), color=look.colour, linewidth=THICK,
        gid=f"functions-e{index}-mean",
    )  # fmt: skip
    if kinks:
        axes.plot(
            kinks, np.interp(kinks, x, y), "o", color=look.colour, markersize=3.6,
            gid=f"functions-e{index}-kinks",
        )  # fmt: skip
    for jump in jumps:
        if not _visible(x, y, jump, high - low):
            continue
        axes.axvline(jump, color=look.colour, linewidth=0.7, linestyle=(0, (1, 2)))
    _frame(axes, low, high, meaning)


def _frame(axes: Axes, low: float, high: float, meaning: str) -> None:
    axes.set_ylim(low, high)
    axes.set_xlim(-REACH, REACH)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.6, zorder=0)
    axes.set_xticks([-4, -2, 0, 2, 4])
    axes.locator_params(axis="y", nbins=5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, place: compact(value))
    axes.set_xlabel(meaning.replace("standard ", ""), fontsize=SMALL, labelpad=2)  # to fit


def _points(module: Activation, name: str) -> list[float]:
    """Kinks or jumps in sight, at most a dozen; empty where the kind has none to name."""
    from camber import facts

    try:
        found: Any = getattr(facts.of(module), name).value
    except CamberError:  # not defined for this kind
        return []
    if not isinstance(found, tuple):
        return []
    points = [float(point) for point in found if isinstance(point, float) and abs(point) <= REACH]
    return points if len(points) <= 12 else []


def _visible(x: Array, y: Array, jump: float, height: float) -> bool:
    """Whether a jump can be seen: some functions have one of 1e-6, for the sake of rounding."""
    after = int(np.searchsorted(x, jump, side="right"))
    if not 1 < after < x.size - 1:
        return False
    # beyond what the curve climbs on both sides
    step = abs(y[after] - y[after - 2]) - abs(y[after + 1] - y[after])
    return not step < 0.01 * height  # a pole has no number


def _decimated(x: Array, y: Array, keep: Sequence[float]) -> tuple[Array, Array]:
    """Points evenly spaced in x, and those on both sides of what must be kept."""
    places = set(np.searchsorted(x, np.linspace(x[0], x[-1], POINTS)).tolist())
    for point in keep:
        after = int(np.searchsorted(x, point))
        places |= {place for place in (after - 1, after) if 0 <= place < x.size}
    chosen = sorted(places)
    return x[chosen], y[chosen]


def _interrupted(x: Array, y: Array, breaks: Sequence[float]) -> tuple[Array, Array]:
    places = np.searchsorted(x, [point for point in breaks if x[0] < point < x[-1]])
    return np.insert(x, places, np.nan), np.insert(y, places, np.nan)


def _no_curve(axes: Axes, reason: str) -> None:
    """Say in the entry's place why there is no curve."""
    axes.set_axis_off()
    lines = textwrap.wrap(shortened(reason, 110), 20)
    axes.text(
        0, 0.97, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=SMALL, color=GREY,
        linespacing=1.5, parse_math=False,
    )  # fmt: skip


FIGURE = Figure(
    key="functions",
    title="Functions and derivatives",
    order=40,
    caption=(
        "Each entry at its initial coefficients: the function (coloured), its derivative (grey,"
        " dashed), kinks (dots) and jumps (dotted). A function of a value and a gate is drawn "
        "over its gate at value 1; one that looks at whole rows on a standard normal row."
    ),
    draw=_draw,
)
