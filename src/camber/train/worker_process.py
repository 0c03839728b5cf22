"""A worker process as its parent sees it: start, hand a job, hear, bury.

The other side is :mod:`camber.train.worker`.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from camber.errors import RunError
from camber.train.elsewhere import THREAD_VARIABLES, job_order
from camber.train.job import Job

#: A worker and its message; None when it has died.
Inbox: TypeAlias = "queue.SimpleQueue[tuple[Worker, dict[str, object] | None]]"


class Worker:
    """One worker process as its parent sees it."""

    def __init__(self, start: Mapping[str, object], threads: int, inbox: Inbox) -> None:
        self.ready = False
        self.job: Job | None = None
        root = str(Path(__file__).parents[2])
        inherited = os.environ.get("PYTHONPATH")
        environment = {
            **os.environ,
            **dict.fromkeys(THREAD_VARIABLES, str(threads)),
            # One compiler at a time per worker, in the worker: it cannot outlive it.
            "TORCHINDUCTOR_COMPILE_THREADS": "1",
            "PYTHONPATH": root if not inherited else f"{root}{os.pathsep}{inherited}",
        }
        self._last_words = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "camber.train.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._last_words,
                env=environment,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            self._last_words.close()
            raise RunError(f"a worker process could not be started ({error})") from error
        self._reader = threading.Thread(target=self._listen, args=(inbox,), daemon=True)
        self._reader.start()
        self._say(start)

    def _listen(self, inbox: Inbox) -> None:
        if self._process.stdout is not None:
            for text in self._process.stdout:
                try:
                    message = json.loads(text)
                except ValueError:
                    continue  # the last line of a worker that was killed while it wrote
                inbox.put((self, message))
        inbox.put((self, None))

    def _say(self, message: Mapping[str, object]) -> None:
        if self._process.stdin is not None:
            # A worker that died a moment ago cannot hear; the reader tells of its end.
            with contextlib.suppress(OSError):
                self._process.stdin.write(json.dumps(message) + "\n")
                self._process.stdin.flush()

    def give(self, job: Job, directory: Path | None) -> None:
        """Hand the worker a job."""
        self.job = job
        self._say(job_order(job, directory))

    @property
    def killed(self) -> bool:
        """Whether a signal ended the process, once it has ended."""
        return self._process.wait() < 0

    def obituary(self) -> str:
        """Say how the process ended, once it has."""
        code = self._process.wait()
        self._last_words.seek(0)
        words = self._last_words.read().decode("utf-8", "replace").strip().splitlines()
        self.stop()
        if code == -signal.SIGKILL:
            return (
                "it was killed by signal 9 (SIGKILL), as the system does when memory runs out; "
                "use fewer workers or a smaller model"
            )
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return f"{how}; it last said: {words[-1]}" if words else how

    def stop(self) -> None:
        """Kill the process, if it still runs, and release what belongs to it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._last_words):
            if stream is not None:
                # What the dead worker did not read cannot be flushed to it.
                with contextlib.suppress(OSError):
                    stream.close()
