"""What a row of the comparison report is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import nn

    from camber.compare.subject import Subject
    from camber.tasks import Task

#: A cell's value: plain data that JSON can hold, None where the question has no answer.
Cell: TypeAlias = object

#: Looks at one trained model; its answer is stored with the run.
Probe: TypeAlias = "Callable[[nn.Module, Task], Mapping[str, object]]"


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
    """

    key: str
    title: str
    order: int
    explain: str
    measure: Callable[[Subject], Cell]
    show: Callable[[Cell], str]
    probe: Probe | None = None
