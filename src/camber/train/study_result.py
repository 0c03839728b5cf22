"""What a study came to: read, printed, stored and shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from camber.errors import CamberError, RunError
from camber.train.atomic import read_json
from camber.train.claims import Claim, Verdict, claims_table
from camber.train.plain_json import plain_dict
from camber.train.run_directory import RUN_SCHEMA
from camber.train.study_table import StudyTable


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """The claims of a study with the tables behind them and the machine they were measured on.

    Args:
        study, title, source, size: which study.
        config: its configuration, as plain data.
        claims, tables, notes: what it concluded.
        environment: versions and machine.
        seconds: the sum of the times its jobs took.
        directory: where everything lies.
    """

    study: str
    title: str
    source: str
    size: str
    config: Mapping[str, object]
    claims: tuple[Claim, ...]
    tables: tuple[StudyTable, ...] = ()
    notes: tuple[str, ...] = ()
    environment: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    directory: Path | None = None

    def count(self, outcome: Verdict) -> int:
        """Return how many claims have this outcome."""
        return sum(claim.outcome == outcome for claim in self.claims)

    @property
    def refuted(self) -> bool:
        """Whether at least one claim is refuted (the command line's exit code 1)."""
        return self.count("refuted") > 0

    @property
    def summary(self) -> str:
        """One line: how many claims hold, are not shown, are refuted."""
        return (
            f"{self.study} ({self.size}): {self.count('holds')} claims hold, "
            f"{self.count('not shown')} not shown, {self.count('refuted')} refuted"
        )

    def render(self) -> RenderableType:
        """Return the result for the terminal."""
        parts: list[RenderableType] = [
            Text(f"{self.title} — {self.source}"),
            claims_table(self.claims),
            *(table.render() for table in self.tables),
            *(Text(note) for note in self.notes),
            Text(self.summary),
        ]
        return Group(*parts)

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain data, without the directory."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del fields["directory"]
        fields["claims"] = [claim.to_dict() for claim in self.claims]
        return plain_dict(fields, where="the result of a study")


def read_study(directory: Path | str) -> StudyResult:
    """Read the result of a study that was run in ``directory``.

    Raises:
        RunError: there is none, or it is damaged.
    """
    path = Path(directory) / "result.json"
    remedy = "delete it and run the study again (its finished jobs stand)"
    record = read_json(path, schema=RUN_SCHEMA, remedy=remedy)
    if record is None:
        raise RunError(f"{directory} holds no result of a study: run one there first")
    config, environment = record.get("config"), record.get("environment")
    try:
        return StudyResult(
            study=str(record["study"]),
            title=str(record["title"]),
            source=str(record["source"]),
            size=str(record["size"]),
            config=config if isinstance(config, dict) else {},
            claims=tuple(Claim.from_dict(claim) for claim in _objects(record, "claims")),
            tables=tuple(StudyTable.from_dict(table) for table in _objects(record, "tables")),
            notes=tuple(str(note) for note in _list(record, "notes")),
            environment=environment if isinstance(environment, dict) else {},
            seconds=float(str(record["seconds"])),
            directory=Path(directory),
        )
    except (KeyError, ValueError) as error:
        raise RunError(f"{path} is damaged ({error}): {remedy}") from error


def _list(record: Mapping[str, object], key: str) -> list[object]:
    value = record[key]
    if not isinstance(value, list):
        raise CamberError(f"{key} is no list")
    return value


def _objects(record: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    items: list[Mapping[str, object]] = []
    for item in _list(record, key):
        if not isinstance(item, dict):
            raise CamberError(f"{key} holds something that is no object")
        items.append(item)
    return items
