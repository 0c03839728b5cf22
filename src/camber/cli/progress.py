"""A progress bar for many runs: losses, steps, and the time that is left.

It draws on standard error, so that standard output stays the result, and only on a terminal.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from camber.train import Event


def duration(seconds: float) -> str:
    """Format a number of seconds: ``0:42``, ``5:03``, ``1:02:03``.

    Example:
        >>> duration(303)
        '5:03'
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class RunProgress:
    """Shows the events of :func:`camber.train.run_jobs`; a context manager.

    Args:
        shown: whether to draw; by default, if standard error is a terminal.
    """

    def __init__(self, shown: bool | None = None) -> None:
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._bars: Progress | None = None
        self._whole: TaskID | None = None
        self._running: dict[str, tuple[TaskID, float]] = {}
        self._began: float | None = None
        self._before = 0.0

    def __enter__(self) -> Self:
        if self._shown:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True, force_terminal=True),
                transient=True,
            )
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if self._bars is None:
            return
        if self._whole is None:
            self._whole = self._bars.add_task("all runs", total=1.0, note="")
        key = event.job.digest
        if event.kind == "started":
            line = self._bars.add_task(f"  {event.job.title}", total=1.0, note="starting")
            self._running[key] = (line, 0.0)
        elif event.kind == "progress" and key in self._running:
            self._step(event)
        elif event.kind in ("finished", "failed", "retried") and key in self._running:
            self._bars.remove_task(self._running.pop(key)[0])
        self._overall(event)

    def _step(self, event: Event) -> None:
        line, _ = self._running[event.job.digest]
        step, steps, loss = (event.fields.get(name) for name in ("step", "steps", "loss"))
        if not isinstance(step, int) or not isinstance(steps, int) or self._bars is None:
            return
        share = step / max(steps, 1)
        note = f"step {step}/{steps}"
        if isinstance(loss, int | float):
            note += f", loss {loss:.3f}"
        self._running[event.job.digest] = (line, share)
        self._bars.update(line, completed=share, note=note)

    def _overall(self, event: Event) -> None:
        if self._bars is None or self._whole is None or not event.total:
            return
        share = (event.done + sum(share for _, share in self._running.values())) / event.total
        now = time.monotonic()
        if self._began is None or event.kind == "stands":
            self._began, self._before = now, share
        note = f"{event.done}/{event.total} done"
        gained = share - self._before
        if event.done < event.total and gained > 0.002 and now - self._began > 2:
            note += f", about {duration((1 - share) * (now - self._began) / gained)} left"
        self._bars.update(self._whole, completed=share, note=note)
