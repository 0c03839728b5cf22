"""The sheet of paper that figures are drawn on: sizes in points, one quiet style.

A sheet is 648 points wide and is shown about 900 pixels wide. Nothing here reads or changes the
user's matplotlib settings, and no text of the user is ever read as mathematics.
"""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from camber.errors import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from camber.compare.colours import Style

#: Points across.
WIDTH: Final = 648.0
#: Sizes of letters, in points.
SMALL, BODY, LARGE = 7.0, 7.8, 8.6
INK, GREY, FAINT = "#333333", "#6B6B6B", "#DDDDDD"
THIN, THICK = 0.55, 1.7
#: How far single seeds step back behind their mean.
SEED_ALPHA: Final = 0.38

_STYLE: Final[dict[Any, Any]] = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": BODY,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": LARGE,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": BODY,
    "lines.dash_capstyle": "butt",
    "lines.solid_capstyle": "round",
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "xtick.minor.size": 0,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
    "ytick.minor.size": 0,
}


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Draw in the style of the report, whatever the user's settings are.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("matplotlib", extra="plot", feature="drawing the figures of a comparison")
    import matplotlib
    from matplotlib import rc_context

    with rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def sheet(height: float) -> Figure:
    """Return an empty figure of ``height`` points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # 72 dots per inch: pixels of the canvas are points, whatever it is saved as later
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, layout=None)
    FigureCanvasAgg(figure)
    return figure


def panel(
    figure: Figure, left: float, top: float, width: float, height: float, *, title: str = ""
) -> Axes:
    """Return axes whose frame begins ``left`` and ``top`` points from the sheet's upper left."""
    across, down = (72 * float(size) for size in figure.get_size_inches())
    bottom = down - top - height
    axes = figure.add_axes((left / across, bottom / down, width / across, height / down))
    if title:
        axes.set_title(title, pad=5, parse_math=False)
    return axes


def words(figure: Figure, left: float, top: float, text: str, **changes: Any) -> Text:
    """Write ``text`` so that its middle line begins at a place in points from the upper left."""
    across, down = (72 * float(size) for size in figure.get_size_inches())
    settings: dict[str, Any] = {"va": "center", "fontsize": BODY, "color": INK, **changes}
    return figure.text(left / across, 1 - top / down, text, parse_math=False, **settings)


def pen(style: Style, *, seed: bool = False) -> dict[str, Any]:
    """Return how matplotlib draws a line of this style: a thick mean, or one thin seed."""
    dashes: Any = (0, style.dash) if style.dash else "-"
    if seed:
        return {"color": style.colour, "linewidth": THIN, "alpha": SEED_ALPHA}
    return {"color": style.colour, "linewidth": THICK, "linestyle": dashes}


def shortened(text: str, limit: int) -> str:
    """Return ``text`` on one line of at most ``limit`` characters, its end an ellipsis if cut.

    Characters that cannot be seen (controls, marks that turn the direction of writing) go.

    Example:
        >>> shortened("x*sigmoid(1.702*x)", 10)
        'x*sigmoid…'
    """
    seen = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    seen = " ".join(seen.split()) or "?"
    return seen if len(seen) <= limit else f"{seen[: max(1, limit - 1)]}…"


def fitted(text: str, width: float, size: float = BODY) -> str:
    """Return ``text`` cut to about ``width`` points in letters of ``size`` points.

    Letters are reckoned by kind, on the wide side: the reader's font is not known.
    """
    seen = shortened(text, 400)
    room, used = width / size, 0.0
    for place, character in enumerate(seen):
        used += _breadth(character)
        if used > room and place:
            return shortened(seen, max(2, place))
    return seen


def _breadth(character: str) -> float:
    """About how wide a character is, in units of the size of its letters."""
    if unicodedata.east_asian_width(character) in ("W", "F"):
        return 1.05
    if character in "ijl.,:;|'()[]!/ftrI-":
        return 0.41
    if character in "mwMW@%":
        return 0.98
    return 0.7 if character.isupper() else 0.65


def compact(value: float) -> str:
    """Return a number as an axis shows it: thousands as k, millions as M.

    Example:
        >>> compact(0), compact(0.25), compact(1500), compact(2_000_000)
        ('0', '0.25', '1.5k', '2M')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")
