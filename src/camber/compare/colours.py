"""Colours: one fixed style per nonlinearity, the same in every figure.

Eight colours that readers with protanopia, deuteranopia and tritanopia tell apart: seven of Okabe
and Ito's palette (its yellow does not show on white paper) and a dark wine red. Names that are
compared most have a colour of their own; anything else takes the first that is free. Where there
are more entries than colours, the next eight are dashed, then dotted.

Source: M. Okabe and K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

#: In the order in which they are handed out.
PALETTE: Final = (
    "#0072B2",  # blue
    "#D55E00",  # vermillion
    "#009E73",  # bluish green
    "#CC79A7",  # reddish purple
    "#E69F00",  # orange
    "#56B4E9",  # sky blue
    "#222222",  # near black
    "#882255",  # wine
)

#: Lengths of strokes and gaps, in widths of the line; () is a solid line.
DASHES: Final[tuple[tuple[float, ...], ...]] = (
    (),
    (4.0, 1.6),
    (1.0, 1.4),
    (6.0, 1.6, 1.0, 1.6),
    (8.0, 2.0, 3.0, 2.0),
)

#: Name -> place in the palette, whatever it is compared with.
FIXED: Final = MappingProxyType(
    {
        "gelu": 0,
        "relu": 1,
        "swiglu": 2,
        "polynorm": 3,
        "polyrelu": 4,
        "silu": 5,
        "tanh": 6,
        "squared_relu": 7,
    }
)


@dataclass(frozen=True, slots=True)
class Style:
    """How the lines of one entry are drawn.

    Args:
        colour: ``"#RRGGBB"``.
        dash: strokes and gaps in widths of the line; empty for a solid line.
    """

    colour: str
    dash: tuple[float, ...] = ()


def styles(labels: Sequence[str]) -> dict[str, Style]:
    """Return a style for each label, all different.

    A well-known name, also with options (``polynorm:order=2``), has its own colour while no other
    label of this comparison has taken it; the plain name goes first.

    Args:
        labels: of the entries, in their order.

    Example:
        >>> styles(["x*sigmoid(2*x)", "relu"])["relu"].colour
        '#D55E00'
        >>> styles(["x*sigmoid(2*x)", "relu"])["x*sigmoid(2*x)"].colour
        '#0072B2'
    """
    taken: dict[str, int] = {}
    wishes = [(label, label) for label in labels]
    wishes += [(label, label.partition(":")[0].strip()) for label in labels]
    for label, name in wishes:
        place = FIXED.get(name)
        if place is not None and label not in taken and place not in taken.values():
            taken[label] = place
    free = (place for place in range(_count(labels)) if place not in set(taken.values()))
    for label in labels:
        if label not in taken:
            taken[label] = next(free)
    return {label: _style(taken[label]) for label in labels}


def _count(labels: Sequence[str]) -> int:
    return len(labels) + len(FIXED)


def _style(place: int) -> Style:
    turn, colour = divmod(place, len(PALETTE))
    if turn < len(DASHES):
        return Style(PALETTE[colour], DASHES[turn])
    # beyond forty entries: ever longer strokes, still all different
    return Style(PALETTE[colour], (2.0 * turn, 2.0))
