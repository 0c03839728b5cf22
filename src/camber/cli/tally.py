"""How far many runs are: counted from events, told in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from camber.train import Event

#: Nothing is said of the time left before so many seconds, and so much of a run, have passed.
EARLY_SECONDS: Final = 2.0
EARLY_RUNS: Final = 0.02


def duration(seconds: float) -> str:
    """Format a number of seconds: ``0:42``, ``5:03``, ``1:02:03``.

    Example:
        >>> duration(303)
        '5:03'
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


@dataclass
class Running:
    """One run on its way, as far as it has reported."""

    title: str
    step: int = 0
    steps: int = 0
    loss: float | None = None

    @property
    def share(self) -> float:
        """How much of it is done, in [0, 1]."""
        return min(self.step / self.steps, 1.0) if self.steps else 0.0

    @property
    def note(self) -> str:
        """Step and loss, or that it only starts."""
        if not self.steps:
            return "starting" if not self.step else f"step {self.step}"
        loss = "" if self.loss is None else f", loss {self.loss:.3f}"
        return f"step {self.step}/{self.steps}{loss}"

    def hear(self, fields: Mapping[str, object]) -> None:
        """Take what the run reports; a diverged loss is shown as it is."""
        step, steps, loss = (fields.get(name) for name in ("step", "steps", "loss"))
        if isinstance(step, int):
            self.step = step
        if isinstance(steps, int):
            self.steps = steps
        if isinstance(loss, int | float):
            self.loss = loss


class Tally:
    """What the events of :func:`camber.train.run_jobs` come to."""

    def __init__(self) -> None:
        self.done = self.total = 0
        self.running: dict[str, Running] = {}
        self._stood = 0
        self._began: float | None = None

    def take(self, event: Event, now: float) -> None:
        """Take one event, which happened at the time ``now`` (seconds of any clock)."""
        key = event.job.digest
        if event.total:
            self.done, self.total = event.done, event.total
        if event.kind == "stands":
            self._stood += 1
            return
        if self._began is None:
            self._began = now
        if event.kind == "started":
            self.running[key] = Running(event.job.title)
        elif event.kind == "progress" and key in self.running:
            self.running[key].hear(event.fields)
        elif event.kind in ("finished", "failed", "retried"):
            self.running.pop(key, None)

    @property
    def _runs(self) -> float:
        return self.done + sum(run.share for run in list(self.running.values()))

    @property
    def share(self) -> float:
        """How much of everything is done, in [0, 1]."""
        return min(self._runs / self.total, 1.0) if self.total else 0.0

    def left(self, now: float) -> float | None:
        """Return the seconds that are left at the pace so far; None where nobody can say.

        Runs whose results were there before count as done and took no time; runs that joined later
        (further seeds, the next round of a search) count as soon as they are known.
        """
        gained = self._runs - self._stood
        if self._began is None or self.done >= self.total:
            return None
        if gained < EARLY_RUNS or now - self._began <= EARLY_SECONDS:
            return None
        return (self.total - self._runs) * (now - self._began) / gained

    def summary(self, now: float) -> str:
        """Say how many runs are done and how long the others may take."""
        left = self.left(now)
        words = f"{self.done}/{self.total} done"
        if left is not None:
            return f"{words}, about {duration(left)} left"
        if self._began is not None and self.done < self.total and now - self._began >= 10:
            return f"{words}, {duration(now - self._began)} so far"
        return words
