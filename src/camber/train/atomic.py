"""Files that are either wholly there or not at all.

Write to a temporary neighbour, flush it to the disk, then rename it over the target: ``rename`` is
atomic on POSIX, so a reader (or a resumed run) never meets half a file, whenever the writer dies.
"""

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from camber.errors import RunError
from camber.train.plain_json import plain


def write_error(path: Path, error: BaseException) -> RunError:
    """Build the sentence for a file that could not be written, by the cause of ``error``."""
    code = error.errno if isinstance(error, OSError) else None
    text = str(error)
    if code in (errno.ENOSPC, errno.EDQUOT) or "No space left" in text or "os error 28" in text:
        return RunError(
            f"the disk is full: {path} could not be written; everything finished before is "
            "intact, so free some space and run the same command again"
        )
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RunError(
            f"{path} could not be written ({os.strerror(code)}): "
            "choose a directory that you may write to"
        )
    reason = os.strerror(code) if code is not None else text
    return RunError(f"{path} could not be written ({reason}): choose another directory")


def read_error(path: Path, error: OSError) -> RunError:
    """Build the sentence for a file that exists and could not be read."""
    reason = os.strerror(error.errno) if error.errno is not None else str(error)
    return RunError(f"{path} could not be read ({reason}): correct its permissions or delete it")


def make_directory(path: Path) -> None:
    """Create ``path`` and its parents if they are missing.

    Raises:
        RunError: something else stands there, or it may not be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise RunError(f"{path} is not a directory: choose another place for the run") from error
    except OSError as error:
        raise write_error(path, error) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; what was written there replaces ``path`` when the block succeeds.

    Raises:
        RunError: the disk is full or the place cannot be written; ``path`` keeps its old content.
    """
    # The name is unique, so that two writers of one file cannot mix their halves.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
            _flush_directory(path.parent)
        except OSError as error:
            raise write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _flush_directory(path: Path) -> None:
    # The rename itself must reach the disk; some file systems refuse to flush a directory.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` (UTF-8), atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write ``value`` to ``path`` as indented strict JSON, atomically."""
    data = plain(value, where=path.name)
    write_text(path, json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path, *, schema: int, remedy: str) -> dict[str, object] | None:
    """Read an object written by :func:`write_json`; None where there is no such file.

    Args:
        path: the file.
        schema: the schema version that the object must carry under ``"schema"``.
        remedy: what the user can do, for the error sentence ("delete it to ...").

    Raises:
        RunError: the file is damaged, unreadable, or of another schema version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is damaged (it is not text): {remedy}") from error
    except OSError as error:
        raise read_error(path, error) from error
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged (it is not valid JSON): {remedy}") from error
    if not isinstance(data, dict) or "schema" not in data:
        raise RunError(f"{path} was not written by camber (it has no schema version): {remedy}")
    if data["schema"] != schema:
        raise RunError(
            f"{path} has schema version {data['schema']!r} and this camber reads {schema}: {remedy}"
        )
    return data


def remove_leftovers(directory: Path) -> None:
    """Delete temporary files that a killed writer left in ``directory``."""
    for leftover in directory.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            leftover.unlink(missing_ok=True)
