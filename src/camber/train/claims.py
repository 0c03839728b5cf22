"""Claims: inequalities with three outcomes, the paper's value beside ours.

A claim compares an estimate, with its confidence interval [low, high], with a threshold:

=============  =====================  ========================  ================
direction      holds                  refuted                   else
=============  =====================  ========================  ================
``at_most``    high <= threshold      low > threshold           not shown
``at_least``   low >= threshold       high < threshold          not shown
=============  =====================  ========================  ================

The whole interval must stand on one side: an interval that contains the threshold shows nothing,
neither for nor against. An exact claim has a zero-width interval and is never "not shown". An
estimate that is NaN (nothing could be measured) is "not shown".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal, TypeAlias

from rich.table import Table
from rich.text import Text

from camber.errors import CamberError
from camber.train.plain_json import plain_dict

Verdict: TypeAlias = Literal["holds", "not shown", "refuted"]

_STYLE: Final = {"holds": "green", "not shown": "yellow", "refuted": "red"}
_SIGN: Final = {"at_most": "≤", "at_least": "≥"}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One inequality, measured.

    Args:
        name: short and unique within its study, such as ``"polynorm-beats-gelu"``.
        statement: one sentence a reader can disagree with.
        estimate: our number.
        low, high: its interval, ``low <= estimate <= high``; equal ends for an exact claim.
        threshold: what the estimate is compared with.
        direction: "at_most" or "at_least".
        paper_value: the published number, None where the paper prints none.
        unit: what the numbers are measured in.
        interval: how the interval was made, such as ``"paired 95 % t"``; "exact" otherwise.
        n: how many independent measurements stand behind the interval.
        seeds: which ones.

    Raises:
        CamberError: the interval does not enclose the estimate, or the direction is unknown.

    Example:
        >>> Claim(
        ...     name="gap",
        ...     statement="PolyNorm is at least 0.05 nats below GELU",
        ...     estimate=-0.09,
        ...     low=-0.12,
        ...     high=-0.06,
        ...     threshold=-0.05,
        ...     direction="at_most",
        ...     n=5,
        ... ).outcome
        'holds'
    """

    name: str
    statement: str
    estimate: float
    low: float
    high: float
    threshold: float
    direction: Literal["at_most", "at_least"]
    paper_value: float | None = None
    unit: str = ""
    interval: str = "exact"
    n: int = 1
    seeds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.direction not in _SIGN:
            raise CamberError(
                f"claim {self.name!r} has direction {self.direction!r}: "
                "it is 'at_most' or 'at_least'"
            )
        if math.isnan(self.threshold):
            raise CamberError(f"claim {self.name!r} has no threshold (nan): give a number")
        if self.low > self.estimate or self.estimate > self.high:
            raise CamberError(
                f"claim {self.name!r}: the interval [{self.low}, {self.high}] does not enclose "
                f"the estimate {self.estimate}"
            )

    @classmethod
    def exact(
        cls,
        *,
        name: str,
        statement: str,
        value: float,
        threshold: float,
        direction: Literal["at_most", "at_least"],
        paper_value: float | None = None,
        unit: str = "",
    ) -> "Claim":
        """Return a claim about a number that carries no error: its interval has zero width."""
        return cls(
            name=name,
            statement=statement,
            estimate=value,
            low=value,
            high=value,
            threshold=threshold,
            direction=direction,
            paper_value=paper_value,
            unit=unit,
        )

    @property
    def outcome(self) -> Verdict:
        """Whether the claim holds, is refuted, or is not shown, by the module's table."""
        if math.isnan(self.estimate) or math.isnan(self.low) or math.isnan(self.high):
            return "not shown"
        below, above = self.high <= self.threshold, self.low >= self.threshold
        if self.direction == "at_most":
            return "holds" if below else "refuted" if self.low > self.threshold else "not shown"
        return "holds" if above else "refuted" if self.high < self.threshold else "not shown"

    def to_dict(self) -> dict[str, object]:
        """Return the claim and its outcome as plain data.

        An infinite end of the interval is written as "inf" or "-inf", a NaN as None.
        """
        ends = {
            name: str(value)
            for name in ("estimate", "low", "high", "threshold")
            if math.isinf(value := getattr(self, name))
        }
        return {**plain_dict(self), **ends, "outcome": self.outcome}

    @classmethod
    def from_dict(cls, record: Mapping[str, object]) -> "Claim":
        """Return the claim that :meth:`to_dict` wrote.

        Raises:
            CamberError: the record is no claim's, or its outcome does not follow from its numbers.
        """
        given = {field.name: record.get(field.name) for field in fields(cls)}
        for name in ("estimate", "low", "high", "threshold"):
            value = given[name]
            given[name] = math.nan if value is None else float(str(value))
        seeds = given["seeds"]
        given["seeds"] = tuple(seeds) if isinstance(seeds, list) else ()
        claim = cls(**given)  # type: ignore[arg-type]  # checked by __post_init__ and just below
        if claim.outcome != record.get("outcome"):
            raise CamberError(f"claim {claim.name!r} was changed after it was written")
        return claim

    def row(self) -> list[str]:
        """Return the cells that tables and reports show, in the order of :data:`COLUMNS`."""
        number = _number(self.estimate)
        if self.low != self.high:
            number += f" [{_number(self.low)}, {_number(self.high)}]"
        return [
            self.outcome,
            self.statement,
            f"{number} {self.unit}".rstrip(),
            f"{_SIGN[self.direction]} {_number(self.threshold)}",
            "—" if self.paper_value is None else _number(self.paper_value),
            str(self.n),
        ]


#: Headings of :meth:`Claim.row`.
COLUMNS: Final = ("outcome", "claim", "measured", "wanted", "paper", "n")


def _number(value: float) -> str:
    return f"{value:.6g}"


def claims_table(claims: Sequence[Claim], *, title: str | None = None) -> Table:
    """Return the claims as a table for the terminal."""
    table = Table(*COLUMNS, title=title)
    for claim in claims:
        outcome, *rest = claim.row()
        table.add_row(Text(outcome, style=_STYLE[outcome]), *(Text(cell) for cell in rest))
    return table
