"""The drawing of one nonlinearity: function and derivative, kinks marked, labelled directly.

Colours are blue and vermillion of Okabe and Ito's palette, which colour-blind readers tell apart.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from camber.activations import Activation, Along, Gated, Normed
from camber.errors import CamberError, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#777777"
ENDINGS: Final = (".svg", ".png", ".pdf")
REACH: Final = 5.0
POINTS: Final = 4001
#: Entries of the row on which row-wise activations are drawn; many group sizes divide it.
ROW: Final = 4096

Array = npt.NDArray[np.float64]


def draw(
    module: Activation,
    title: str,
    path: str | os.PathLike[str],
    *,
    kinks: Sequence[float] = (),
    jumps: Sequence[float] = (),
) -> None:
    """Draw ``module`` on [-5, 5] into ``path``, with its ``kinks`` marked.

    A gated activation is drawn as a function of its gate, at value 1. One that looks at whole rows
    is drawn on a row of standard normal quantiles, where statistics have their large-width values.

    Raises:
        MissingExtraError: matplotlib is not installed.
        CamberError: another file ending, or an activation that is no curve (it permutes or mixes
            neighbours).
    """
    target = Path(path)
    if target.suffix.lower() not in ENDINGS:
        raise CamberError(f"{target} should end in {', '.join(ENDINGS)}: that decides the format")
    x, y, slope, axis = curves(module)
    require("matplotlib", extra="plot", feature="drawing a card")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.axvline(0, color=GREY, linewidth=0.6)
    shown = [y] if slope is None else [y, slope]
    low, high = window(shown)
    axes.set_ylim(low, high)
    axes.set_xlim(-REACH, REACH + 1.2)
    end = _line(axes, x, y, "function", BLUE, jumps)
    if slope is not None:
        slope = np.where(np.isfinite(y), slope, np.nan)  # no slope where there is no value
        _line(axes, x, slope, "derivative", VERMILLION, [*kinks, *jumps], avoid=end)
    for kink in kinks:
        if -REACH <= kink <= REACH:
            height = float(np.interp(kink, x, y))
            axes.plot([kink], [height], "o", color=BLUE, markersize=5)
            axes.annotate(
                f"kink at {kink:.3g}", (kink, height), (4, -12), textcoords="offset points",
                fontsize=8, color=GREY,
            )  # fmt: skip
    axes.set_xticks(range(-4, 5, 2))
    axes.set_xlabel(axis)
    axes.set_title(title if len(title) <= 70 else f"{title[:67]}...", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    from matplotlib import rc_context

    try:
        # text stays text: searchable, small, and in the reader's font
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "camber"}):
            undated: dict[str, Any] = {"Date": None} if target.suffix.lower() == ".svg" else {}
            figure.savefig(target, dpi=150, metadata=undated)
    except OSError as error:
        raise CamberError(f"{target} could not be written ({error.strerror})") from error


def curves(module: Activation) -> tuple[Array, Array, Array | None, str]:
    """Return x, the function, its derivative (None for rows) and the meaning of x.

    Raises:
        CamberError: the activation is no curve.

    Example:
        >>> from camber import activation
        >>> x, y, slope, meaning = curves(activation("relu"))
        >>> float(y[0]), float(y[-1]), float(slope[-1]), meaning
        (0.0, 5.0, 1.0, 'x')
    """
    x = torch.linspace(-REACH, REACH, POINTS, dtype=torch.float64)
    double = copy.deepcopy(module).double()
    if isinstance(double, Along | Normed):
        return _row_curve(double)
    gate = isinstance(double, Gated)
    given = x.requires_grad_()
    y = double(torch.ones_like(x), given) if gate else double(given)
    slope: Tensor = torch.zeros_like(x)
    if y.requires_grad:  # a constant has no gradient to ask for
        (slope,) = torch.autograd.grad(y.sum(), given, materialize_grads=True)
    return (
        x.detach().numpy(),
        y.detach().numpy(),
        slope.detach().numpy(),
        "gate, at value 1" if gate else "x",
    )


def _row_curve(module: Activation) -> tuple[Array, Array, None, str]:
    """The value of each entry of a row of normal quantiles, as a function of the entry."""
    shares = (torch.arange(ROW, dtype=torch.float64) + 0.5) / ROW
    row = torch.special.ndtri(shares)
    order = torch.randperm(ROW, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = module(row[None])[0]
        mixed = module(row[order][None])[0]
    if y.shape != row.shape or not torch.allclose(mixed, y[order], equal_nan=True):
        raise CamberError(
            f"{module.label} has no curve to draw: its output depends on the order of a row"
        )
    return row.numpy(), y.numpy(), None, "entry of a standard normal row"


def _line(
    axes: Axes,
    x: Array,
    y: Array,
    label: str,
    colour: str,
    breaks: Sequence[float],
    avoid: tuple[float, float] | None = None,
) -> tuple[float, float] | None:
    """Draw one curve, interrupted at ``breaks``, and write its name at its right end.

    Returns that end, None where nothing is in sight; ``avoid`` is where another name stands.
    """
    places = np.searchsorted(x, [point for point in breaks if x[0] < point < x[-1]])
    axes.plot(np.insert(x, places, np.nan), np.insert(y, places, np.nan), color=colour)
    low, high = axes.get_ylim()
    seen = np.flatnonzero(np.isfinite(y) & (y >= low) & (y <= high))
    if not seen.size:
        return None
    end = (float(x[seen[-1]]), float(y[seen[-1]]))
    crowded = (
        avoid is not None
        and abs(end[0] - avoid[0]) < 1.5
        and abs(end[1] - avoid[1]) < 0.06 * (high - low)
    )
    axes.annotate(
        label, end, (5, -12 if crowded else 0), textcoords="offset points",
        color=colour, fontsize=9, va="center", annotation_clip=False,
    )  # fmt: skip
    return end


def window(curves_shown: Sequence[Array]) -> tuple[float, float]:
    """Limits that show the curves without letting a pole or a cubic tail flatten the rest."""
    finite = np.concatenate([curve[np.isfinite(curve)] for curve in curves_shown])
    if not finite.size:
        raise CamberError("there is no curve to draw: the function is nowhere finite on [-5, 5]")
    low, high = max(float(finite.min()), -2 * REACH), min(float(finite.max()), 2 * REACH)
    if low >= high:
        low, high = low - 1, low + 1
    room = 0.08 * (high - low)
    return low - room, high + room
