"""Small pictures in a table: differences to the best on one scale, and the lines of figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from camber.compare.colours import Style
    from camber.compare.comparison import Comparison

#: In units of the picture; the style sheet scales it.
WIDTH: Final = 160
HEIGHT: Final = 48
MARGIN: Final = 6


@dataclass(frozen=True, slots=True)
class Scale:
    """From a difference in the metric to a place in the picture."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Return where ``value`` stands, in units of the picture.

        Example:
            >>> Scale(-1.0, 3.0).place(1.0)
            80.0
        """
        share = (value - self.low) / (self.high - self.low)
        return MARGIN + share * (WIDTH - 2 * MARGIN)


def scale_of(comparison: Comparison) -> Scale | None:
    """Return the scale that holds 0 and every interval; None where nothing differs."""
    ends = [0.0]
    for difference in comparison.differences.values():
        ends += [difference.mean]
        ends += [end for end in (difference.low, difference.high) if end is not None]
    low, high = min(ends), max(ends)
    return None if low == high else Scale(low, high)


def picture(comparison: Comparison, label: str, scale: Scale) -> str:
    """Return the interval of ``label`` as SVG; the numbers stand beside it, so it has no name."""
    zero = scale.place(0.0)
    parts = [f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{HEIGHT}"/>']
    difference = comparison.differences.get(label)
    middle = HEIGHT / 2
    if difference is not None:
        kind = "apart" if difference.separated else "tied"
        if difference.low is not None and difference.high is not None:
            start, end = scale.place(difference.low), scale.place(difference.high)
            parts.append(
                f'<line class="{kind}" x1="{start:.1f}" x2="{end:.1f}" y1="{middle:g}" '
                f'y2="{middle:g}"/>'
            )
        at = scale.place(difference.mean)
        parts.append(f'<circle class="{kind}" cx="{at:.1f}" cy="{middle:g}" r="3.5"/>')
    elif label == comparison.best:
        parts.append(f'<circle class="best" cx="{zero:.1f}" cy="{middle:g}" r="3.5"/>')
    drawn = "".join(parts)
    return (
        f'<svg class="interval" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="xMidYMid meet" '
        f'aria-hidden="true">{drawn}</svg>'
    )


def swatch(style: Style) -> str:
    """Return a short line in the colour and dash that an entry has in every figure."""
    dash = " ".join(f"{2.5 * length:g}" for length in style.dash)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        '<svg class="swatch" viewBox="0 0 24 10" aria-hidden="true">'
        f'<line x1="2" x2="22" y1="5" y2="5" stroke="{style.colour}"{dashes}/></svg>'
    )
