"""What a figure of the report is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from camber.compare.comparison import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One picture of a comparison.

    Args:
        key: its name, unique: letters and digits. Every drawn series has an id that begins with it:
            ``<key>-e<entry>-s<seed>`` for one seed's thin line, ``<key>-e<entry>-mean`` for a mean.
        title: its heading.
        order: figures are sorted by it.
        caption: what is drawn, in a sentence or two.
        draw: draws it; None where the comparison has nothing to show. Matplotlib is imported here
            and nowhere else.
    """

    key: str
    title: str
    order: int
    caption: str
    draw: Callable[[Comparison], Drawing | None]
