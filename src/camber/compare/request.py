"""What a comparison was asked, kept beside its runs, so that it can be resumed and read again.

``request.json`` in the run directory is written whole before anything trains. It holds no executor
and no number of workers: where the rest runs is free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from camber.compare.entries import Entry
from camber.compare.job import PROTOCOL
from camber.compare.statistics import Looks, looks
from camber.compare.task_facts import TaskFacts
from camber.errors import CamberError, RunError, unknown_name
from camber.train import FitConfig
from camber.train.atomic import read_json, write_json
from camber.train.plain_json import digest_of, plain_dict

#: Raised when the meaning of a stored request changes.
SCHEMA: Final = 1

#: What entries share beside parameters and data: the tokens they see, or the time they take.
Equal: TypeAlias = Literal["tokens", "time"]

_REMEDY: Final = "give the comparison's own command again, which writes it anew"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One comparison as it was asked, with everything that reading it again needs.

    Args:
        entries: what is compared; at equal time, the first one's budget is everybody's.
        options: what :func:`camber.tasks.task` is given beside the name, ``preset`` included.
        facts: of the task.
        config: optimiser settings and budget, before tuning and pacing.
        seeds: how many; with ``max_seeds`` how many at the first look.
        max_seeds: how many at most; None for exactly ``seeds``.
        tune: whether each entry looks for its own learning rate first.
        equal: "tokens" or "time".
        named: whether the directory bears the name that follows from the content.
        environment: versions and machine of the command that first asked this.
    """

    entries: tuple[Entry, ...]
    options: Mapping[str, object]
    facts: TaskFacts
    config: FitConfig
    seeds: int
    max_seeds: int | None = None
    tune: bool = False
    equal: Equal = "tokens"
    named: bool = False
    environment: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.equal not in get_args(Equal):
            raise unknown_name("way to be equal", self.equal, get_args(Equal))

    @property
    def looks(self) -> Looks | None:
        """After how many seeds the comparison may stop; None where their number is fixed."""
        return None if self.max_seeds is None else looks(self.seeds, self.max_seeds)

    @property
    def identity(self) -> dict[str, object]:
        """Data, sizes, budget and protocol: what all runs in one directory share."""
        return {
            "kind": "comparison",
            "protocol": PROTOCOL,
            "task": {
                "name": self.facts.name,
                "options": dict(self.options),
                "describe": dict(self.facts.description),
            },
            "fit": plain_dict(self.config),
            # absent in the plain case, in which directories keep the names that they had
            "tune": self.tune or None,
            "equal": None if self.equal == "tokens" else self.equal,
        }

    def to_dict(self) -> dict[str, object]:
        """Return the request as plain data, with a digest by which a change is noticed."""
        record: dict[str, object] = {
            "schema": SCHEMA,
            "protocol": PROTOCOL,
            "entries": [{**entry.to_dict(), "label": entry.label} for entry in self.entries],
            "options": dict(self.options),
            "task": self.facts.to_dict(),
            "fit": plain_dict(self.config),
            "seeds": self.seeds,
            "max_seeds": self.max_seeds,
            "tune": self.tune,
            "equal": self.equal,
            "named": self.named,
            "environment": dict(self.environment),
        }
        return {**record, "digest": digest_of(record)}

    def store(self, directory: Path) -> Request:
        """Write the request into ``directory`` and return it.

        The same request, asked again, keeps the environment of the first time.

        Raises:
            RunError: the file cannot be written.
        """
        try:
            earlier = stored_request(directory)
        except RunError:  # damaged, and about to be replaced
            earlier = None
        if earlier is not None:
            here = replace(self, environment=earlier.environment)
            if here.to_dict()["digest"] == earlier.to_dict()["digest"]:
                return earlier
        write_json(directory / "request.json", self.to_dict())
        return self

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Request:
        """Return the request that :meth:`to_dict` described.

        Raises:
            CamberError: it is incomplete or was changed.
        """
        if record.get("protocol") != PROTOCOL:
            raise CamberError(
                f"its runs follow protocol {record.get('protocol')}, and this camber's {PROTOCOL}"
            )
        content = {key: value for key, value in record.items() if key != "digest"}
        if digest_of(content) != record.get("digest"):
            raise CamberError("it was changed after it was written")
        try:
            return cls(
                entries=tuple(Entry.from_dict(item, item["label"]) for item in record["entries"]),
                options=dict(record["options"]),
                facts=TaskFacts.from_dict(record["task"]),
                config=FitConfig(**{**record["fit"], "betas": tuple(record["fit"]["betas"])}),
                seeds=int(record["seeds"]),
                max_seeds=record["max_seeds"],
                tune=record["tune"] is True,
                equal=record["equal"],
                named=record["named"] is True,
                environment=dict(record["environment"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CamberError(f"it is incomplete: {type(error).__name__}, {error}") from error


def stored_request(directory: Path) -> Request | None:
    """Return the request that stands in ``directory``; None if there is none.

    Raises:
        RunError: the file is damaged.
    """
    path = directory / "request.json"
    record = read_json(path, schema=SCHEMA, remedy=_REMEDY)
    if record is None:
        return None
    try:
        return Request.from_dict(record)
    except CamberError as error:
        raise RunError(f"{path} is damaged ({error}): {_REMEDY}") from error
