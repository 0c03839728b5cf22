"""What a report needs to know of a task, as plain data: kept with the runs, read without the task.

A finished comparison is read on any machine: without the data, the user's package or a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camber.errors import CamberError
from camber.tasks import Metric, Task
from camber.train.plain_json import plain_dict


@dataclass(frozen=True, kw_only=True)
class TaskFacts:
    """Name, metric and description of a task.

    Args:
        name: the registered name, or ``package.module:build``.
        metric: the number it is judged by.
        unit: what throughput counts, such as ``"tokens"``.
        units_per_batch: how many of them one training batch holds.
        description: what :meth:`camber.tasks.Task.describe` said, as plain data.

    Example:
        >>> from camber.tasks import task
        >>> facts = TaskFacts.of(task("charlm", preset="quick"))
        >>> facts.metric.unit, TaskFacts.from_dict(facts.to_dict()) == facts
        ('nats/byte', True)
    """

    name: str
    metric: Metric
    unit: str
    units_per_batch: int
    description: Mapping[str, Any]

    @classmethod
    def of(cls, task: Task) -> TaskFacts:
        """Return the facts of ``task``."""
        return cls(
            name=task.name,
            metric=task.metric,
            unit=task.unit,
            units_per_batch=task.units_per_batch,
            description=plain_dict(task.describe(), where=f"the description of {task.name}"),
        )

    def describe(self) -> Mapping[str, Any]:
        """Return the description, as the task itself does."""
        return self.description

    def to_dict(self) -> dict[str, object]:
        """Return the facts as plain data."""
        return plain_dict(self, where="the facts of a task")

    @classmethod
    def from_dict(cls, record: Mapping[str, object]) -> TaskFacts:
        """Return the facts that :meth:`to_dict` wrote.

        Raises:
            CamberError: fields are missing or of another type.
        """
        metric, description = record.get("metric"), record.get("description")
        count = record.get("units_per_batch")
        if not (
            isinstance(metric, Mapping)
            and isinstance(description, Mapping)
            and isinstance(count, int)
            and metric.get("better") in ("lower", "higher")
        ):
            raise CamberError("the facts of the task are incomplete")
        return cls(
            name=str(record.get("name")),
            metric=Metric(
                str(metric.get("name")),
                str(metric.get("unit")),
                "higher" if metric["better"] == "higher" else "lower",
            ),
            unit=str(record.get("unit")),
            units_per_batch=count,
            description=dict(description),
        )
