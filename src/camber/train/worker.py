"""The worker's side of :class:`~camber.train.processes.ProcessExecutor`.

``python -m camber.train.worker`` reads JSON lines from standard input (first the import path and
the function, then jobs) and answers with JSON lines on what was its standard output; whatever the
job itself prints goes to the job's ``log.txt``. When standard input ends, whoever started the
worker has finished or died, and the worker leaves at once, in the middle of a job if need be:
everything it writes is atomic.
"""

import json
import os
import queue
import signal
import threading
from typing import IO, Final

from camber.errors import CamberError
from camber.train.elsewhere import Reports, carry_out, prepare

#: Progress reports closer together than this (seconds) are dropped: nobody could read them.
REPORT_EVERY: Final = 0.1


class _Line:
    """The line to the parent: one JSON object per message, from any thread."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def say(self, **message: object) -> None:
        with self._lock:
            try:
                self._stream.write(json.dumps(message, allow_nan=False) + "\n")
                self._stream.flush()
            except OSError:
                os._exit(0)  # the parent is gone


def _listen(orders: "queue.SimpleQueue[dict[str, object]]", stream: IO[str]) -> None:
    for text in stream:
        orders.put(json.loads(text))
    os._exit(0)


def _take_input() -> IO[str]:
    """Return what was standard input, and leave an empty one in its place.

    A process that a job forks, such as a DataLoader's worker, closes ``sys.stdin`` first; while a
    thread waits for a line of it, that would wait for ever.
    """
    stream = os.fdopen(os.dup(0), encoding="utf-8")
    with open(os.devnull) as nothing:  # noqa: PTH123 (no path, a device)
        os.dup2(nothing.fileno(), 0)
    return stream


def main() -> None:
    """Work until standard input ends."""
    # Ctrl-C reaches the whole process group; the parent alone decides what to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = _Line(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    orders: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders, _take_input()), daemon=True).start()
    start = orders.get()
    try:
        function = prepare(start)
    except CamberError as error:
        line.say(kind="broken", error=str(error))
        os._exit(0)  # not by return: the listening thread holds standard input

    def send(fields: dict[str, object]) -> None:
        line.say(kind="progress", fields=fields)

    line.say(kind="ready")
    while True:
        line.say(**carry_out(function, orders.get(), Reports(send, REPORT_EVERY)))


if __name__ == "__main__":
    main()
