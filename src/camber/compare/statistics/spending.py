"""When a sequential comparison looks, and how much of its alpha each look may spend.

Source: Kim and DeMets (1987), Design and analysis of group sequential tests based on the type I
error spending rate function, Biometrika 74:149-154 (the power family, alpha t^rho).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from camber.errors import CamberError

#: Spends little early, where few seeds could not decide much anyway: the most power at the last
#: look for the fewest seeds, among 1, 2 and 3.
RHO: Final = 2.0
#: Seeds grow by about this factor from look to look.
RATIO: Final = 1.6


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks declared before the first seed.

    Args:
        counts: seeds at each look, ascending, the first at least 2.
        alpha: to be spent over all looks, between 0 and 1.
        rho: of the spending function alpha t^rho, > 0; larger spends later.

    Raises:
        CamberError: counts that are no whole numbers or do not ascend from 2, alpha or rho out of
            range.

    Example:
        >>> [round(part, 4) for part in Looks((5, 10, 20)).increments]
        [0.0031, 0.0094, 0.0375]
    """

    counts: tuple[int, ...]
    alpha: float = 0.05
    rho: float = RHO

    def __post_init__(self) -> None:
        whole = bool(self.counts) and all(type(count) is int for count in self.counts)
        if not whole or self.counts[0] < 2 or any(a >= b for a, b in pairwise(self.counts)):
            raise CamberError(
                f"looks are at {self.counts} seeds: give ascending whole numbers from 2 on"
            )
        if not 0 < self.alpha < 1:
            raise CamberError(f"alpha is {self.alpha}: give a number between 0 and 1")
        if not 0 < self.rho < math.inf:
            raise CamberError(f"rho is {self.rho}: give a positive number")

    @property
    def increments(self) -> tuple[float, ...]:
        """What each look may spend; their sum is alpha."""
        spent = [0.0] + [self.alpha * (n / self.counts[-1]) ** self.rho for n in self.counts]
        return tuple(after - before for before, after in pairwise(spent))


def looks(first: int, last: int, alpha: float = 0.05) -> Looks:
    """Return a few looks from ``first`` to ``last`` seeds, in geometric steps of about 1.6.

    Args:
        first: seeds of the first look, >= 2; five or more can decide something early.
        last: seeds of the last look, >= ``first``.
        alpha: to be spent over all looks.

    Raises:
        CamberError: ``first`` below 2 or above ``last``.

    Example:
        >>> looks(5, 20).counts
        (5, 8, 13, 20)
    """
    if not 2 <= first <= last:
        raise CamberError(
            f"looks from {first} to {last} seeds: the first needs two seeds or more, "
            f"and the last at least as many as the first"
        )
    steps = max(1, round(math.log(last / first) / math.log(RATIO)))
    counts = {round(first * (last / first) ** (step / steps)) for step in range(steps + 1)}
    return Looks(tuple(sorted(counts)), alpha)
