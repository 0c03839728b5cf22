"""The learned shape of each layer's nonlinearity over training, from light to dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from camber.compare.colours import Style, styles
from camber.compare.figures.figure import Figure
from camber.compare.figures.grid import Cell, grid, noted_sites
from camber.compare.figures.sheet import (
    FAINT,
    GREY,
    SMALL,
    compact,
    fitted,
    house_style,
)
from camber.compare.figures.traces import Array, number, units
from camber.compare.figures.untrained import starts_alike, untrained
from camber.compare.plot import curves
from camber.errors import CamberError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from camber.activations import Activation
    from camber.compare.comparison import Comparison

#: Moments that are drawn after the untrained one, as shares of the training.
MOMENTS: Final = (0.1, 0.35, 1.0)
#: How dark the untrained function and each moment is.
ALPHAS: Final = (0.2, 0.38, 0.6, 1.0)
REACH: Final = 3.0
#: Points of a curve: every 0.02, so that kinks at round places stay sharp (and enough of them for
#: matplotlib to leave out what lies on straight pieces, which it does from 128 on).
POINTS: Final = 301
#: Heights beyond this are cut off.
TALLEST: Final = 6.0

#: Name -> numbers of one site.
Values = Mapping[str, Sequence[float]]


def _draw(comparison: Comparison) -> Drawing | None:
    sites = noted_sites(comparison, "coefficients")
    if not sites:
        return None
    style = styles([entry.label for entry in comparison.entries])
    with house_style():
        figure, cells = grid(comparison, sites, style, room=0.0, foot=34)
        drawn = [_panel(comparison, cell, style[cell.label]) for cell in cells]
    return figure if any(drawn) else None


def _panel(comparison: Comparison, cell: Cell, look: Style) -> bool:
    """Draw one panel; return whether there was a curve."""
    entry = comparison.entries[cell.index]
    shapes: list[Values] = [{}] if starts_alike(entry) else []
    shapes += _moments(comparison, cell.label, cell.path)
    shown: list[Array] = []
    meaning = "x"
    for place, values in enumerate(shapes):
        try:
            x, y, _, meaning = curves(_with(untrained(entry), values))
        except CamberError as error:
            _say(cell.axes, str(error))
            return False
        x, y = _decimated(x, np.where(np.isfinite(y), y, np.nan))
        last = place + 1 == len(shapes)
        alpha = 1.0 if last else ALPHAS[min(place, len(ALPHAS) - 2)]
        cell.axes.plot(
            x, y, color=look.colour, alpha=alpha, linewidth=1.6 if last else 1.2,
            gid=f"shapes-e{cell.index}-l{cell.column}-t{place}",
        )  # fmt: skip
        shown.append(y[np.isfinite(y)])
    _frame(cell.axes, np.concatenate(shown))
    if cell.last:
        cell.axes.set_xlabel(meaning, fontsize=SMALL)
    return True


def _decimated(x: Array, y: Array) -> tuple[Array, Array]:
    """Points evenly spaced in x, as far as the curve goes."""
    wanted = np.linspace(-REACH, REACH, POINTS)
    wanted = wanted[(wanted >= x[0]) & (wanted <= x[-1])]
    places = np.unique(np.searchsorted(x, wanted - 1e-9))
    return x[places], y[places]


def _frame(axes: Axes, heights: Array) -> None:
    low, high = (float(heights.min()), float(heights.max())) if heights.size else (0.0, 1.0)
    low, high = max(low, -TALLEST), min(high, TALLEST)
    if low >= high:
        low, high = low - 1, low + 1
    room = 0.06 * (high - low)
    axes.set_ylim(low - room, high + room)
    axes.set_xlim(-REACH, REACH)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.6, zorder=0)
    axes.set_xticks([-2, 0, 2])
    axes.locator_params(axis="y", nbins=4)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, place: compact(value))


def _say(axes: Axes, sentence: str) -> None:
    axes.set_axis_off()
    axes.text(
        0, 0.9, fitted(sentence, 200, SMALL), transform=axes.transAxes,
        fontsize=SMALL, color=GREY, parse_math=False,
    )  # fmt: skip


def _moments(comparison: Comparison, label: str, path: str) -> list[Values]:
    """The site's coefficients at the moments of training, each the mean over seeds."""
    found: dict[float, list[Values]] = {}
    for run in comparison.runs[label]:
        for record in comparison.log(run) if not run.failed else ():
            noted = record.get("coefficients")
            own = noted.get(path) if isinstance(noted, Mapping) else None
            seen = units(comparison, record)
            if isinstance(own, Mapping) and seen is not None:
                found.setdefault(seen, []).append(own)
    if not found:
        return []
    times = sorted(found)
    chosen = {min(times, key=lambda t: abs(t - share * times[-1])) for share in MOMENTS}
    return [_mean(found[time]) for time in sorted(chosen)]


def _mean(own: Sequence[Values]) -> Values:
    first = own[0]
    return {
        name: np.mean(
            [
                [number(value) or 0.0 for value in values[name]]
                for values in own
                if len(values.get(name, ())) == len(first[name])
            ],
            axis=0,
        ).tolist()
        for name in first
    }


def _with(module: Activation, values: Values) -> Activation:
    """Return ``module`` with its coefficients set; one per channel or group is set for all."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name not in values:
                continue
            new = torch.tensor(values[name], dtype=parameter.dtype)
            if new.numel() == parameter.numel():
                parameter.copy_(new.reshape(parameter.shape))
            elif parameter.ndim == 2 and new.numel() == parameter.shape[0]:
                parameter.copy_(new[:, None].expand_as(parameter))
            elif new.numel() == 1:
                parameter.fill_(float(new))
            else:
                raise CamberError(f"{name} has {new.numel()} numbers in the log: no curve")
    return module


FIGURE = Figure(
    key="shapes",
    title="Learned shapes",
    order=65,
    caption=(
        "The function that each layer computes with the mean coefficients over seeds, from "
        "light to dark: untrained, early, in the middle, and at the end. A function of a value "
        "and a gate is drawn over its gate at value 1; one that looks at whole rows on standard"
        " normal ones."
    ),
    draw=_draw,
)
