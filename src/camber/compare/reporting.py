"""The report of a comparison, written where its runs lie."""

from __future__ import annotations

import shlex
from dataclasses import replace

from camber.compare.comparison import Comparison
from camber.errors import CamberError


def reported(comparison: Comparison) -> Comparison:
    """Write ``report.html`` and return the comparison with its path.

    A report that cannot be written (the disk is full, a picture fails) loses nothing: the
    comparison is returned with a note that says so, and ``camber compare --show`` tries again.
    """
    from camber.compare.report import write_report  # here: the page is no part of the verdict

    try:
        path = write_report(comparison)
    except (CamberError, OSError) as error:
        lost = (
            f"The report could not be written ({error}); nothing else is lost, and "
            f"camber compare --show {shlex.quote(comparison.directory)} writes it."
        )
        return replace(comparison, report=None, notes=(*comparison.notes, lost))
    return replace(comparison, report=str(path))
