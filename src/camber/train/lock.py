"""One process at a time in one directory: an advisory lock that dies with its process."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from camber.errors import RunError
from camber.train.atomic import make_directory, write_error

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def locked(directory: Path, *, wait: bool = False, name: str = ".lock") -> Iterator[None]:
    """Hold ``directory`` for this process; the system releases it even after a SIGKILL.

    Args:
        directory: created with its parents if missing.
        wait: wait for whoever holds it, instead of refusing.
        name: of the file that is locked; locks of different names do not meet.

    On file systems without locks (some network mounts) and on Windows nothing is held: two
    commands there would repeat each other's work but, as every write is atomic, damage nothing.

    Raises:
        RunError: another process works in the directory, and ``wait`` is not set.
    """
    make_directory(directory)
    path = directory / name
    try:
        handle = path.open("a+", encoding="ascii")
    except OSError as error:
        raise write_error(path, error) from error
    with handle:
        if sys.platform != "win32":
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise RunError(
                    f"another camber command is working in {directory}: "
                    "wait for it or choose another directory"
                ) from error
            except OSError:
                pass  # a file system without locks, see above
        yield
