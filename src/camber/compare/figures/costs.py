"""What each entry costs: time beside GELU and a copy, memory for the backward pass, speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from camber.compare.colours import styles
from camber.compare.figures.figure import Figure
from camber.compare.figures.sheet import (
    BODY,
    GREY,
    INK,
    SMALL,
    WIDTH,
    fitted,
    house_style,
    panel,
    sheet,
    shortened,
    words,
)
from camber.compare.figures.traces import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison

#: Points for names, between panels, for the number after a bar, and for each row.
NAMES, GAP, AFTER, ROW = 116.0, 26.0, 36.0, 17.0
#: Times beyond this many GELUs are cut off, so that the others can still be told apart.
LONGEST: Final = 4.0
TOP: Final = 34.0


@dataclass(frozen=True, slots=True)
class _Panel:
    """One column of bars: a row of the comparison, its heading and how a value is written."""

    row: str
    title: str
    show: Callable[[float], str]


def _draw(comparison: Comparison) -> Drawing | None:
    panels = [
        shown
        for shown in (
            _Panel("time_over_gelu", "time, GELU = 1", lambda value: f"{value:.2f}"),
            _Panel("saved_over_input", "saved for backward, input = 1", lambda v: f"{v:.2g}"),
            _Panel(
                "units_per_second",
                f"{shortened(comparison.throughput, 14)}/s in training",
                lambda value: f"{value:,.0f}",
            ),
        )
        if any(number(value) is not None for value in comparison.rows.get(shown.row, {}).values())
    ]
    if not panels:
        return None
    style = styles([entry.label for entry in comparison.entries])
    count = len(comparison.entries)
    height = count * ROW
    width = (WIDTH - NAMES - 6 - (len(panels) - 1) * GAP) / len(panels) - AFTER
    with house_style():
        figure = sheet(TOP + height + 14)
        for index, entry in enumerate(comparison.entries):
            words(
                figure, NAMES - 10, TOP + (index + 0.5) * ROW,
                fitted(entry.label, NAMES - 16),
                color=style[entry.label].colour, ha="right",
            )  # fmt: skip
        for place, shown in enumerate(panels):
            left = NAMES + place * (width + AFTER + GAP)
            axes = panel(figure, left, TOP, width, height)
            words(figure, left, 10, shown.title, fontsize=BODY + 0.4)
            values = [
                number(comparison.rows[shown.row].get(entry.label)) for entry in comparison.entries
            ]
            _bars(axes, shown, values, [style[entry.label].colour for entry in comparison.entries])
            if shown.row == "time_over_gelu":
                _references(axes, _copy(comparison.rows))
    return figure


def _bars(axes: Axes, shown: _Panel, values: list[float | None], colours: list[str]) -> None:
    top = max((value for value in values if value is not None), default=1.0) or 1.0
    if shown.row == "time_over_gelu":
        top = min(max(top, 1.3), LONGEST)
    axes.set_xlim(0, top)
    axes.set_ylim(len(values), 0)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_color(GREY)
    axes.yaxis.set_visible(False)
    for index, (value, colour) in enumerate(zip(values, colours, strict=True)):
        axes.barh(
            [index + 0.5], [min(value or 0.0, top)],
            height=0.62, color=colour, alpha=0.85, linewidth=0,
        )[0].set_gid(f"costs-e{index}-{shown.row.replace('_', '')}")  # fmt: skip
        if value is not None and value > top:
            axes.annotate(
                "»", (top, index + 0.5), (-3, 0), textcoords="offset points", color="white",
                fontsize=BODY, ha="right", va="center", parse_math=False,
            )  # fmt: skip
        axes.annotate(
            "—" if value is None else shown.show(value),
            (1.0, index + 0.5),
            (AFTER, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=SMALL,
            va="center",
            ha="right",
            color=INK,
            annotation_clip=False,
            parse_math=False,
        )


def _references(axes: Axes, copy: float | None) -> None:
    """Lines at GELU's time and at a copy's, which no activation can beat."""
    marks: list[tuple[float, str, Any]] = [(1.0, "GELU", "-")]
    if copy is not None:
        marks.append((copy, "copy", (0, (2, 1.5))))
    for value, name, dashes in marks:
        # names lean away from each other
        lean = "center" if copy is None else "left" if value == max(1.0, copy) else "right"
        axes.axvline(value, color=INK, linewidth=0.8, linestyle=dashes, gid=f"costs-{name.lower()}")
        axes.annotate(
            name, (value, 1.0), (0, 3), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=SMALL, ha=lean, color=INK, parse_math=False,
        )  # fmt: skip


def _copy(rows: Mapping[str, Mapping[str, object]]) -> float | None:
    """A copy's time over GELU's: the entries' ratios to both give it, each in its own rounds."""
    ratios = []
    for label, value in rows.get("time_over_copy", {}).items():
        to_copy, to_gelu = number(value), number(rows.get("time_over_gelu", {}).get(label))
        if to_copy and to_gelu:
            ratios.append(to_gelu / to_copy)
    return median(ratios) if ratios else None


FIGURE = Figure(
    key="costs",
    title="What it costs",
    order=30,
    caption=(
        "Forward and backward time of the activation alone beside torch's GELU (line at 1) and "
        "a plain copy, the least that any elementwise function takes; what it keeps for the "
        "backward pass, in units of its input; and the speed of the whole model in training."
    ),
    draw=_draw,
)
