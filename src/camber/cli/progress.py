"""How many runs go on: losses, steps and the time left, on standard error.

On a terminal, a few lines that are drawn anew; elsewhere (a file, a pipe, ``TERM=dumb``) a plain
line now and then, so that long work is not silent. Standard output stays the result.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from camber.cli.tally import Tally
from camber.cli.verb import on_terminal, say

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.live import Live
    from rich.text import Text

    from camber.train import Event

#: Seconds between plain lines.
PLAIN_EVERY: Final = 30.0

_BAR: Final = 24
_LEAST_BAR: Final = 10


class RunProgress:
    """Shows the events of :func:`camber.train.run_jobs`; a context manager.

    Args:
        shown: whether to draw; by default, if standard error is a terminal that can.
    """

    def __init__(self, shown: bool | None = None) -> None:
        self._shown = on_terminal() if shown is None else shown
        self._tally = Tally()
        self._live: Live | None = None
        self._said: float | None = None

    def __enter__(self) -> Self:
        if self._shown:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                self,
                console=Console(stderr=True, force_terminal=True, highlight=False),
                refresh_per_second=5,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        now = time.monotonic()
        self._tally.take(event, now)
        if event.kind == "retried":
            say(f"{event.job.title} starts again: {event.fields.get('reason', 'its worker died')}")
        if self._live is not None:
            return
        if self._said is None:
            self._said = now
        elif now - self._said >= PLAIN_EVERY and self._tally.done < self._tally.total:
            self._said = now
            say(self._tally.summary(now))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Draw as many runs as there is room for, each on one line."""
        from rich.text import Text

        if not self._tally.total:
            yield Text("preparing", no_wrap=True)
            return
        width, room = options.max_width, max(options.size.height - 3, 1)
        rich_characters = options.encoding.lower().startswith("utf")
        summary = self._tally.summary(time.monotonic())
        bar = _bar(self._tally.share, width - len(summary) - 1, rich_characters)
        yield Text(_cut(f"{bar} {summary}" if bar else summary, width), no_wrap=True)
        running = list(self._tally.running.values())
        shown = [(run.title, run.note) for run in running[:room]]
        longest = max((len(title) for title, _ in shown), default=0)
        for title, note in shown:
            yield Text(_row(title, note, longest, width), no_wrap=True)
        if len(running) > room:
            yield Text(_cut(f"  and {len(running) - room} more", width), no_wrap=True)


def _bar(share: float, room: int, rich_characters: bool) -> str:
    """Return a bar of at most ``room`` characters; "" where it would say nothing."""
    size = min(_BAR, room)
    if size < _LEAST_BAR:
        return ""
    full = round(share * size)
    done, rest = ("█", "░") if rich_characters else ("#", "-")
    return done * full + rest * (size - full)


def _row(title: str, note: str, longest: int, width: int) -> str:
    """Return one run's line: what it says last is kept, its name is cut to what is left."""
    room = width - len(note) - 4
    if room < 8:  # then the name alone says more than half of both
        return _cut(f"  {title}", width)
    return f"  {_cut(title, room):<{min(room, longest)}}  {note}"


def _cut(text: str, width: int) -> str:
    """Cut the middle out of a text that is too long: formulas differ at both ends."""
    if len(text) <= width:
        return text
    if width < 5:
        return text[:width]
    tail = (width - 3) // 3
    return f"{text[: width - 3 - tail]}...{text[len(text) - tail :]}"
