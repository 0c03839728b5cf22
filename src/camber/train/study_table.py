"""A table of a study: headings and cells, for the terminal, JSON and HTML alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table
from rich.text import Text

from camber.errors import CamberError
from camber.train.plain_json import plain_dict


@dataclass(frozen=True, kw_only=True)
class StudyTable:
    """Measured numbers under headings.

    Args:
        title: what the table shows.
        columns: headings, with units where numbers have them.
        rows: one cell per column: text or numbers.

    Raises:
        CamberError: a row of another length than the headings.

    Example:
        >>> StudyTable(title="Loss", columns=("activation", "nats"), rows=(("gelu", 1.779),)).cells
        (('gelu', '1.779'),)
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...] = field(default=())

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise CamberError(
                    f"table {self.title!r} has {len(self.columns)} columns and a row of "
                    f"{len(row)} cells: {row!r:.80}"
                )

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """The rows as text; numbers with four significant digits, None as a dash."""
        return tuple(tuple(_cell(value) for value in row) for row in self.rows)

    def render(self) -> Table:
        """Return the table for the terminal."""
        table = Table(title=Text(self.title))
        for index, column in enumerate(self.columns):
            numbers = bool(self.rows) and all(
                isinstance(row[index], int | float | None) for row in self.rows
            )
            table.add_column(Text(column), justify="right" if numbers else "left")
        for row in self.cells:
            table.add_row(*(Text(cell) for cell in row))
        return table

    def to_dict(self) -> dict[str, object]:
        """Return the table as plain data."""
        return plain_dict(self, where=f"table {self.title!r}")

    @classmethod
    def from_dict(cls, record: Mapping[str, object]) -> "StudyTable":
        """Return the table that :meth:`to_dict` wrote.

        Raises:
            CamberError: the record is no table's.
        """
        columns, rows = record.get("columns"), record.get("rows")
        if not isinstance(columns, Sequence) or not isinstance(rows, Sequence):
            raise CamberError("not the record of a table: it has no columns or rows")
        return cls(
            title=str(record.get("title", "")),
            columns=tuple(str(column) for column in columns),
            rows=tuple(tuple(row) for row in rows),
        )


def _cell(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
