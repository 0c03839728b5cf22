"""The pictures of the comparison report, one per file.

A figure enters by adding a file here that defines ``FIGURE``; nothing else changes. Drawing needs
matplotlib (the extra ``plot``), knowing which figures there are does not.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from camber.compare.figures.figure import Figure

__all__ = ["Figure", "all_figures"]

#: What the figures share.
_NOT_FIGURES = {"figure", "grid", "labels", "sheet", "traces", "untrained"}


@functools.cache
def all_figures() -> tuple[Figure, ...]:
    """Return every figure of this package, in the order of the report.

    Example:
        >>> [figure.key for figure in all_figures()][:2]
        ['losses', 'verdict']
    """
    names = [
        found.name for found in pkgutil.iter_modules(__path__) if found.name not in _NOT_FIGURES
    ]
    found: list[Figure] = [importlib.import_module(f"{__name__}.{name}").FIGURE for name in names]
    return tuple(sorted(found, key=lambda figure: (figure.order, figure.key)))
