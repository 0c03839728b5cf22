"""One pair of entries: everything that is said of the difference between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

from camber.compare.statistics.bootstrap import bootstrap_interval
from camber.compare.statistics.effect import effect_size, wins
from camber.compare.statistics.student import LEVEL, moments, p_value, t_interval

#: A pair of entries, in the order in which they were given.
Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """``entry`` minus ``other`` over paired seeds.

    Attributes:
        mean: of the differences.
        low, high: the t-interval at ``level``.
        p: of this pair alone; ``holm_p`` corrected over all pairs of the comparison.
        count: seeds.
        bootstrap_low, bootstrap_high: the bootstrap-t interval at ``level``.
        effect: Hedges' g, with the ends of its interval at ``level``.
        wins, losses: shares of seeds in which ``entry`` beats ``other``, and the reverse; a tie
            counts for neither.
        level: of the three intervals, at least the family's; see :mod:`.holm_correction`.

    None where too few seeds, or differences without spread, leave nothing to say.
    """

    entry: str
    other: str
    mean: float
    low: float | None
    high: float | None
    p: float | None
    holm_p: float | None
    count: int
    bootstrap_low: float | None = None
    bootstrap_high: float | None = None
    effect: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None
    wins: float | None = None
    losses: float | None = None
    level: float = LEVEL

    @property
    def separated(self) -> bool:
        """Whether the corrected interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    def swapped(self) -> Difference:
        """Return the same difference seen from the other side.

        Example:
            >>> Difference("a", "b", 0.5, 0.2, 0.8, 0.01, 0.02, 5).swapped().high
            -0.2
        """
        return replace(
            self,
            entry=self.other,
            other=self.entry,
            mean=0.0 - self.mean,
            low=_negative(self.high),
            high=_negative(self.low),
            bootstrap_low=_negative(self.bootstrap_high),
            bootstrap_high=_negative(self.bootstrap_low),
            effect=_negative(self.effect),
            effect_low=_negative(self.effect_high),
            effect_high=_negative(self.effect_low),
            wins=self.losses,
            losses=self.wins,
        )

    def to_dict(self) -> dict[str, str | float | int | None]:
        """Return the fields as plain data."""
        return asdict(self)


def difference_of(
    pair: Pair,
    gap: Sequence[float],
    *,
    holm_p: float | None,
    level: float,
    lower_is_better: bool,
) -> Difference:
    """Return everything to be said of one pair, its intervals at ``level``."""
    low, high = interval_of(gap, level)
    bootstrap_low, bootstrap_high = bootstrap_interval(gap, level)
    effect = effect_size(gap, level)
    return Difference(
        *pair,
        mean=moments(gap)[0],
        low=low,
        high=high,
        p=p_value(gap),
        holm_p=holm_p,
        count=len(gap),
        bootstrap_low=bootstrap_low,
        bootstrap_high=bootstrap_high,
        effect=effect.g,
        effect_low=effect.low,
        effect_high=effect.high,
        wins=wins(gap, lower_is_better=lower_is_better),
        losses=wins(gap, lower_is_better=not lower_is_better),
        level=level,
    )


def interval_of(gap: Sequence[float], level: float) -> tuple[float | None, float | None]:
    """Return the t-interval; where all differences are equal, that number if it is known to be.

    Equal differences other than 0 have no spread: they give an interval only where their sign-flip
    p (see :mod:`.student`) rejects at ``level``.
    """
    p = p_value(gap)
    if p is None or (gap[0] != 0 and len(set(gap)) == 1 and p >= 1 - level):
        return None, None
    return t_interval(gap, level)


def _negative(value: float | None) -> float | None:
    return None if value is None else 0.0 - value
