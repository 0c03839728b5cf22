"""When to give up a job whose worker keeps dying.

A death alone says little: preemption and a busy neighbour kill workers too. What tells a job that
cannot be done (too much memory, a crash) from an unlucky one is that it never gets further: so a
death counts only against the place from which the job last started.
"""

import math
from collections.abc import Mapping
from typing import Final

from camber.train.job import Job

#: How many deaths without anything gained in between make a job a failed one.
LIMIT: Final = 2


class Deaths:
    """Deaths of workers, by job.

    A job that reports its ``step`` shows with the first report after a start from where it began.
    If that is further than after any start before, a checkpoint has kept something and the count
    starts anew; a job without steps or without checkpoints has :data:`LIMIT` deaths in all.

    Example:
        >>> deaths, job = Deaths(), Job({}, seed=0)
        >>> deaths.started(job); deaths.reported(job, {"step": 10}); deaths.fatal(job)
        False
        >>> deaths.started(job); deaths.reported(job, {"step": 50}); deaths.fatal(job)
        False
        >>> deaths.started(job); deaths.reported(job, {"step": 50}); deaths.fatal(job)
        True
    """

    def __init__(self) -> None:
        self._counts: dict[Job, int] = {}
        self._furthest: dict[Job, float] = {}
        self._fresh: set[Job] = set()

    def started(self, job: Job) -> None:
        """Note that ``job`` starts, for the first time or again."""
        self._fresh.add(job)

    def reported(self, job: Job, fields: Mapping[str, object]) -> None:
        """Note a progress report of ``job``."""
        step = fields.get("step")
        if job not in self._fresh or not isinstance(step, int | float):
            return
        self._fresh.discard(job)
        if step > self._furthest.get(job, math.inf):
            self._counts[job] = 0
        self._furthest[job] = max(step, self._furthest.get(job, -math.inf))

    def fatal(self, job: Job) -> bool:
        """Note that the worker of ``job`` died; return whether to give the job up."""
        self._counts[job] = self._counts.get(job, 0) + 1
        return self._counts[job] >= LIMIT
