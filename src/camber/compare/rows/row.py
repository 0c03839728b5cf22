"""What a row of the comparison report is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import nn

    from camber.compare.subject import Subject
    from camber.tasks import Task
    from camber.train import Callback

#: A cell's value: plain data that JSON can hold, None where the question has no answer.
Cell: TypeAlias = object

#: Looks at one trained model; its answer is stored with the run.
Probe: TypeAlias = "Callable[[nn.Module, Task], Mapping[str, object]]"

#: Reads one run's log when it is over; its answer is stored as a probe's is.
Recall: TypeAlias = "Callable[[Sequence[Mapping[str, object]]], Mapping[str, object]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One question to every entry.

    Args:
        key: its name in JSON, unique.
        title: its heading; ``{unit}`` is replaced by the metric's unit.
        order: rows are sorted by it.
        explain: one line for the legend under the table.
        measure: answers for one entry.
        show: prints an answer; it is called for None too.
        probe: what to ask of each trained model, or None.
        callback: makes what takes part in the training of every run, or None: it reads and notes
            into the log, changes nothing, and keeps nothing that a kill would lose.
        recall: what of the log is stored with the run, for ``measure``, or None.
    """

    key: str
    title: str
    order: int
    explain: str
    measure: Callable[[Subject], Cell]
    show: Callable[[Cell], str]
    probe: Probe | None = None
    callback: Callable[[], Callback] | None = None
    recall: Recall | None = None
