"""A job: one configuration and one seed, named by what it is.

The address of a job is the SHA-256 of its canonical JSON, so that the same work has the same name
on every machine, is done once, and is found again after a kill.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, TypeAlias

from camber.errors import CamberError, RunError
from camber.train.plain_json import canonical_json, digest_of, plain_dict

#: Raised when the meaning of a stored job or outcome changes: old results are then not reused.
JOB_SCHEMA: Final = 1


@dataclass(frozen=True, eq=False)
class Job:
    """One unit of work.

    Args:
        config: what to do: plain data (numbers, text, lists, dicts). It is copied.
        seed: the seed of everything random in it, >= 0.
        label: how messages call the job; no part of its identity.

    Raises:
        CamberError: the configuration is not plain data or not finite, or the seed not an int >= 0.

    Example:
        >>> Job({"activation": "relu", "steps": 10}, seed=0).short
        'f4b4258df8297b7a'
        >>> Job({"steps": 10, "activation": "relu"}, seed=0) == Job(
        ...     {"activation": "relu", "steps": 10}, seed=0, label="ReLU"
        ... )
        True
    """

    config: Mapping[str, object]
    seed: int
    label: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise CamberError(f"the seed of a job is {self.seed!r}: give an integer >= 0")
        canonical_json(self.config)  # refuses what is not finite
        # Through JSON, so that a job is the same object in this process and in a worker.
        plain = json.loads(json.dumps(plain_dict(self.config, where="the configuration of a job")))
        object.__setattr__(self, "config", plain)

    @cached_property
    def digest(self) -> str:
        """The content address: 64 hex digits."""
        return digest_of({"schema": JOB_SCHEMA, "config": self.config, "seed": self.seed})

    @property
    def short(self) -> str:
        """The first 16 digits of the address, the name of the job's directory."""
        return self.digest[:16]

    @property
    def title(self) -> str:
        """The label or, without one, the address: how sentences call the job."""
        return f"{self.label or self.short} (seed {self.seed})"

    def to_dict(self) -> dict[str, object]:
        """Return the job as plain data, schema version and address included."""
        return {
            "schema": JOB_SCHEMA,
            "digest": self.digest,
            "label": self.label,
            "seed": self.seed,
            "config": dict(self.config),
        }

    @classmethod
    def from_dict(cls, record: object) -> "Job":
        """Return the job that :meth:`to_dict` wrote.

        Raises:
            RunError: the record is no job's, of another schema version, or was changed.
        """
        if not isinstance(record, Mapping) or record.get("schema") != JOB_SCHEMA:
            raise RunError(
                f"not the record of a job of schema version {JOB_SCHEMA}: {record!r:.80}"
            )
        try:
            job = cls(record["config"], record["seed"], record["label"])
        except (KeyError, CamberError) as error:
            raise RunError(f"the record of a job is damaged ({error})") from error
        if job.digest != record.get("digest"):
            raise RunError(f"the record of the job {job.title} was changed after it was written")
        return job

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def _ignore(fields: Mapping[str, object]) -> None:
    """Take a progress report and do nothing with it."""


@dataclass(frozen=True)
class Workplace:
    """What a job function is handed beside its job: a directory of its own and a way to report.

    Args:
        folder: the job's directory, which exists; None for a job that was started without one.
        send: where progress reports go.
    """

    folder: Path | None = None
    send: Callable[[Mapping[str, object]], None] = field(default=_ignore, repr=False)

    @property
    def directory(self) -> Path:
        """The job's own directory, for checkpoints and logs; it outlives a kill.

        Raises:
            RunError: the job was started without a directory.
        """
        if self.folder is None:
            raise RunError(
                "this job wants a directory and was started without one: pass directory="
            )
        return self.folder

    def report(self, **fields: object) -> None:
        """Tell whoever watches how far the job is: ``report(step=40, steps=500, loss=1.9)``."""
        self.send(fields)


#: What a job runs. It must give the same result for the same job (to the reader's tolerance), may
#: be called again after a kill, and returns plain data.
JobFunction: TypeAlias = Callable[[Job, Workplace], Mapping[str, object]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job.

    ``result`` holds what the function returned where ``status`` is "finished", and ``error`` one
    sentence where it is "failed". ``seconds`` is the time the job took when it ran.
    """

    job: Job
    status: Literal["finished", "failed"]
    result: Mapping[str, object] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened while jobs ran, for progress bars and logs.

    ``kind``: "stands" (its result was there before), "started", "progress" (``fields`` as the job
    reported them), "retried" (its worker died; it starts again), "finished", "failed".
    ``done`` of ``total`` jobs have an outcome.
    """

    kind: Literal["stands", "started", "progress", "retried", "finished", "failed"]
    job: Job
    fields: Mapping[str, object] = field(default_factory=dict)
    done: int = 0
    total: int = 0


#: Who is told. Called in the process and thread that iterates over the outcomes.
EventSink: TypeAlias = Callable[[Event], None]
