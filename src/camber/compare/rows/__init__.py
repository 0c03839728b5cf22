"""The rows of the comparison report, one per file: what is asked of every entry.

A row enters by adding a file here that defines ``ROW``; nothing else changes. Its ``measure`` is
called once per entry when the runs are done; a row that must look at the trained model itself also
has a ``probe``, which runs inside the job that trained it and whose answer ``measure`` finds in
``subject.runs``. A row that watches the training has a ``callback``, which notes into the run's
log, and may have a ``recall``, which stores a part of that log where a probe's answer stands.
"""

from __future__ import annotations

import functools

from camber.compare.one_per_file import one_per_file
from camber.compare.rows.row import Cell, Probe, Recall, Row

__all__ = ["Cell", "Probe", "Recall", "Row", "all_rows"]


@functools.cache
def all_rows() -> tuple[Row, ...]:
    """Return every row of this package, in the order of the report.

    Example:
        >>> [row.key for row in all_rows()][:2]
        ['metric', 'difference']
    """
    return one_per_file(__name__, __path__, "ROW", Row, shared={"row"})
