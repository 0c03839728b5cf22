"""A run's directory: what was asked, what was measured on the way, what came out.

===================  =============================================================================
``study.toml``       the configuration and its digest, written first
``metrics.jsonl``    one JSON object per line, appended while the run goes
``*.safetensors``    weights; while the run goes, also the optimiser's state
``result.json``      written last: a directory with it is finished
===================  =============================================================================

Whole files are replaced atomically. The log is appended to, and a last line that a kill cut short
is dropped when the run is taken up again.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from camber._version import __version__
from camber.errors import CamberError, RunError
from camber.train.atomic import (
    make_directory,
    read_error,
    read_json,
    remove_leftovers,
    write_error,
    write_json,
    write_text,
)
from camber.train.plain_json import digest_of, plain, plain_dict
from camber.train.toml_records import to_toml

#: Raised when the meaning of a stored file changes.
RUN_SCHEMA: Final = 1

# What may stand in a directory before a run makes it its own: the record and log of the job that
# the run belongs to.
_NEUTRAL: Final = {"job.json", "log.txt"}


class RunDirectory:
    """A directory that belongs to one configuration.

    Args:
        path: the directory; created with its parents if missing.
        config: plain data or a dataclass. A directory made with another configuration is refused.

    Raises:
        RunError: the directory belongs to another configuration (the first difference is named),
            is no run directory, is damaged, or cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as place:
        ...     run = RunDirectory(Path(place) / "run", {"steps": 2})
        ...     run.append({"step": 1, "loss": 2.5})
        ...     run.write_result({"loss": 2.5})
        ...     again = RunDirectory(Path(place) / "run", {"steps": 2})
        ...     again.metrics(), again.result()["loss"]
        ([{'step': 1, 'loss': 2.5}], 2.5)
    """

    def __init__(self, path: Path | str, config: object) -> None:
        self.path = Path(path)
        self.config = plain_dict(config, where="the configuration")
        self.digest = digest_of(self.config)
        make_directory(self.path)
        stored = stored_record(self.path)
        if stored is None:
            self._refuse_foreign_files()
            record = {
                "schema": RUN_SCHEMA,
                "library": __version__,
                "digest": self.digest,
                "config": self.config,
            }
            write_text(self.path / "study.toml", to_toml(record))
        elif stored["digest"] != self.digest:
            there, here = described(stored["config"]), described(self.config)
            if there != here:
                raise RunError(f"{self.path} holds {there}, not {here}: choose another directory")
            difference = _difference(stored["config"], self.config)
            raise RunError(
                f"{self.path} belongs to another configuration ({difference}): "
                "choose another directory, or delete this one to start again"
            )
        remove_leftovers(self.path)
        self._drop_half_line()

    # -- the configuration ---------------------------------------------------------------------

    def _refuse_foreign_files(self) -> None:
        for entry in sorted(self.path.iterdir()):
            if not entry.name.startswith(".") and entry.name not in _NEUTRAL:
                raise RunError(
                    f"{self.path} holds {entry.name!r} and no study.toml, so it is no run "
                    "directory: choose an empty or a new one"
                )

    # -- the log -------------------------------------------------------------------------------

    @property
    def metrics_path(self) -> Path:
        """Where the log lies."""
        return self.path / "metrics.jsonl"

    def append(self, record: Mapping[str, object]) -> None:
        """Add one line to the log; it survives a kill of this process from here on.

        Raises:
            RunError: the disk is full or the file cannot be written.
        """
        line = json.dumps(plain(record, where="a log record"), allow_nan=False) + "\n"
        try:
            with self.metrics_path.open("a", encoding="utf-8") as log:
                log.write(line)
        except OSError as error:
            raise write_error(self.metrics_path, error) from error

    def metrics(self) -> list[dict[str, object]]:
        """Return the log's records, oldest first.

        Raises:
            RunError: a line before the last one is damaged.
        """
        return [record for record, _ in self._records()]

    def keep_steps_through(self, step: int) -> None:
        """Drop the records of later steps: they will be measured again.

        Raises:
            RunError: the log is damaged or cannot be written.
        """
        kept = [
            line
            for record, line in self._records()
            if not isinstance(at := record.get("step"), int) or at <= step
        ]
        if self.metrics_path.exists():
            write_text(self.metrics_path, "".join(line + "\n" for line in kept))

    def _records(self) -> list[tuple[dict[str, object], str]]:
        path = self.metrics_path
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as error:
            raise RunError(f"{path} is damaged (it is not text): {_START_AGAIN}") from error
        except OSError as error:
            raise read_error(path, error) from error
        records = []
        whole, _, _ = text.rpartition("\n")  # what follows the last newline was cut short
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict):
                raise RunError(f"{path}, line {number}, is damaged: {_START_AGAIN}")
            records.append((record, line))
        return records

    def _drop_half_line(self) -> None:
        path = self.metrics_path
        try:
            with path.open("rb+") as log:
                content = log.read()
                whole = content.rfind(b"\n") + 1
                if whole < len(content):
                    log.truncate(whole)
        except FileNotFoundError:
            return
        except OSError as error:
            raise write_error(path, error) from error

    # -- the result ----------------------------------------------------------------------------

    def write_result(self, result: Mapping[str, object]) -> None:
        """Write ``result.json``, which makes the run a finished one.

        Raises:
            RunError: the disk is full or the file cannot be written.
        """
        write_json(
            self.path / "result.json",
            {"schema": RUN_SCHEMA, "digest": self.digest, **plain_dict(result, where="result")},
        )

    def result(self) -> dict[str, object] | None:
        """Return what :meth:`write_result` wrote; None while the run is not finished.

        Raises:
            RunError: the file is damaged or belongs to another configuration.
        """
        path = self.path / "result.json"
        remedy = "delete it to finish this run again"
        stored = read_json(path, schema=RUN_SCHEMA, remedy=remedy)
        if stored is not None and stored.get("digest") != self.digest:
            raise RunError(f"{path} belongs to another configuration: {remedy}")
        return stored


_START_AGAIN: Final = "delete the directory to start this run again, or choose another"


def stored_record(directory: Path) -> dict[str, object] | None:
    """Return the record in ``study.toml``, whose ``config`` is an object; None without a file.

    Raises:
        RunError: the file is damaged, was changed, or cannot be read.
    """
    path = directory / "study.toml"
    remedy = "delete the directory to start this run again, or choose another"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is damaged (it is not valid TOML): {remedy}") from error
    except OSError as error:
        raise read_error(path, error) from error
    if not isinstance(table.get("config"), dict) or "digest" not in table:
        raise RunError(f"{path} was not written by camber: {remedy}")
    if table.get("schema") != RUN_SCHEMA:
        raise RunError(
            f"{path} has schema version {table.get('schema')!r} and this camber reads "
            f"{RUN_SCHEMA}: {remedy}"
        )
    if digest_of(table["config"]) != table["digest"]:
        raise RunError(f"{path} was changed after it was written: {remedy}")
    return table


def described(config: object) -> str:
    """Say in words what a directory with the configuration ``config`` holds.

    Example:
        >>> described({"study": "polycom", "size": "tiny"})
        'the study polycom'
        >>> described({"kind": "comparison", "task": {"name": "charlm"}})
        'a comparison on charlm'
    """
    if isinstance(config, Mapping):
        if "study" in config:
            return f"the study {config['study']}"
        if config.get("kind") == "comparison":
            task = config.get("task")
            return f"a comparison on {task.get('name') if isinstance(task, Mapping) else 'a task'}"
    return "a single run"


def _difference(stored: object, wanted: object, where: str = "") -> str:
    """Name the first key in which two configurations differ, with both values."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        for key in sorted(stored.keys() | wanted.keys()):
            try:
                same = digest_of(stored.get(key)) == digest_of(wanted.get(key))
            except CamberError:  # an infinite number in a file changed by hand
                same = False
            if not same:
                inner = f"{where}.{key}" if where else key
                return _difference(stored.get(key), wanted.get(key), inner)
    return f"{where} is {_short(stored)} there and {_short(wanted)} here"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
