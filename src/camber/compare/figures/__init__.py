"""The pictures of the comparison report, one per file.

A figure enters by adding a file here that defines ``FIGURE``; nothing else changes. Drawing needs
matplotlib (the extra ``plot``), knowing which figures there are does not.
"""

from __future__ import annotations

import functools
from typing import Final

from camber.compare.figures.figure import Figure
from camber.compare.one_per_file import one_per_file

__all__ = ["Figure", "all_figures"]

#: What the figures share.
_SHARED: Final = {"figure", "grid", "labels", "sheet", "traces", "untrained"}


@functools.cache
def all_figures() -> tuple[Figure, ...]:
    """Return every figure of this package, in the order of the report.

    Example:
        >>> [figure.key for figure in all_figures()][:2]
        ['losses', 'verdict']
    """
    return one_per_file(__name__, __path__, "FIGURE", Figure, shared=_SHARED)
