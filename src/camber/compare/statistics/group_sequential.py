"""Stop early without paying for it with false alarms: group-sequential comparison over seeds.

Looks at the values are declared before the first seed, at n_1 < ... < n_K seeds. They spend one
alpha between them by the power family of spending functions,

    alpha_j = alpha ((n_j / n_K)^rho - (n_{j-1} / n_K)^rho),     sum over j of alpha_j = alpha.

At look j Holm's procedure runs at alpha_j over the pairs that no earlier look decided; a pair it
rejects is decided, and stays so. The family is fixed beforehand: pairs of an entry that diverged
remain in it with p = 1.

Why a false decision has probability at most alpha, for any joint law of looks and pairs and any
rule of when to stop: let m0 pairs be without a true difference. When the first of them is decided
all decisions before were right, so the m0 are all still tested, and Holm takes that step only at
p <= alpha_j / m0. The union over these pairs and the looks is at most the sum of alpha_j. Intervals
are drawn at 1 - alpha_j / M, M the number of all pairs (with Holm's exception, see
:mod:`.holm_correction`): over all looks and pairs together they miss with probability at most
alpha, so they hold simultaneously after stopping too. A decided pair keeps the values of the look
that decided it; later seeds might contradict them, and a decision that could be taken back would
not be one.

The rule stops when the best entry is decided against every other; or, with a ``margin``, when in
addition to decided pairs only such remain whose interval lies within ± margin; or at the last look.
The best is the entry of best mean among those that no decision calls worse than another.

With rho = 2 and looks at 5, 8, 13 and 20 seeds, against 20 seeds fixed beforehand (4,000 simulated
comparisons of one good entry with k - 1 equal others, normal differences, the gap in standard
deviations of a difference; "finds" is the share in which the good entry is told from every other):

=======  ===  =========  =================  =================
entries  gap  finds, 20  finds, sequential  seeds used (mean)
=======  ===  =========  =================  =================
2        1    0.990      0.981              13.3
2        2    1.000      1.000               7.7
3        1    0.956      0.920              16.5
3        2    1.000      1.000               9.7
5        1    0.757      0.679              19.2
5        1.5  0.998      0.995              15.1
5        2    1.000      1.000              12.3
5        3    1.000      1.000               8.9
=======  ===  =========  =================  =================

Sources: Lan and DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika
70:659-663; Kim and DeMets (1987), Design and analysis of group sequential tests based on the type I
error spending rate function, Biometrika 74:149-154.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from camber.compare.statistics.difference import Difference, Pair, difference_of, interval_of
from camber.compare.statistics.holm_correction import holm_verdicts
from camber.compare.statistics.pairs import best_mean, gaps_of
from camber.compare.statistics.spending import Looks
from camber.compare.statistics.student import moments, p_value
from camber.errors import CamberError


@dataclass(frozen=True, slots=True)
class Sequential:
    """Where a sequential comparison stands.

    Attributes:
        stop: whether no further seed is wanted.
        reason: why, or what is open, in a sentence.
        seeds_wanted: how many seeds the next look needs; those of the last look once stopped.
        count: seeds of the last look that was taken, 0 before the first.
        best: the entry of best mean among those not decided to be worse than another.
        pairs: (entry, other) -> difference, at the levels that the spending allows.
        decided: the decided pairs, with the number of seeds at which each was.
        spent: how much of alpha the looks so far have spent.
    """

    stop: bool
    reason: str
    seeds_wanted: int
    count: int = 0
    best: str | None = None
    pairs: Mapping[Pair, Difference] = field(default_factory=dict)
    decided: Mapping[Pair, int] = field(default_factory=dict)
    spent: float = 0.0

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data; pairs as a list."""
        return {
            "stop": self.stop,
            "reason": self.reason,
            "seeds_wanted": self.seeds_wanted,
            "count": self.count,
            "best": self.best,
            "pairs": [
                {**difference.to_dict(), "decided_at": self.decided.get(pair)}
                for pair, difference in self.pairs.items()
            ],
            "spent": self.spent,
        }


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a look said of a pair: on which differences, its adjusted p, its interval's level."""

    gap: Sequence[float]
    p: float
    level: float


@dataclass(frozen=True, slots=True)
class Look:
    """What stands after a look: rulings on all pairs that can be compared, and what is open."""

    best: str | None
    rulings: Mapping[Pair, Ruling]
    decided: Mapping[Pair, Ruling]
    open_pairs: Sequence[Pair]


def sequential(
    metrics: Mapping[str, Sequence[float]],
    plan: Looks,
    *,
    lower_is_better: bool = True,
    margin: float | None = None,
) -> Sequential:
    """Say whether more seeds are wanted, and what the seeds so far support.

    A pure function of the values: earlier looks are taken again on the first seeds, and once a
    look has stopped, or past the last look, further values change nothing.

    Args:
        metrics: entry -> one value per seed so far, all entries in the same order of seeds; NaN or
            infinite where the run failed. From that seed's look on the entry is not compared.
        plan: the looks, declared before the first seed.
        lower_is_better: which mean is the better one.
        margin: differences within ± margin do not matter (in the metric's unit, > 0); None to
            settle a pair by a decision only.

    Returns:
        A :class:`Sequential`.

    Raises:
        CamberError: fewer than two entries, different numbers of seeds, or a margin that is not
            positive.

    Example:
        >>> from camber.compare.statistics import looks
        >>> losses = {"a": [1.0, 1.1, 0.9, 1.0, 1.05], "b": [2.0, 2.1, 2.0, 2.1, 1.9]}
        >>> found = sequential(losses, looks(5, 20))
        >>> found.stop, found.reason
        (True, 'a is told from every other entry after 5 seeds')
    """
    taken = take_looks(metrics, plan, lower_is_better=lower_is_better, margin=margin)
    if not taken:
        first = plan.counts[0]
        return Sequential(False, f"the first look is at {first} seeds", first)
    found, place = taken[-1], len(taken) - 1
    stop = not found.open_pairs or place + 1 == len(plan.counts)
    return Sequential(
        stop=stop,
        reason=_reason(found, plan, place, margin, len(metrics)),
        seeds_wanted=plan.counts[place if stop else place + 1],
        count=plan.counts[place],
        best=found.best,
        pairs={
            pair: difference_of(
                pair,
                ruling.gap,
                holm_p=ruling.p,
                level=ruling.level,
                lower_is_better=lower_is_better,
            )
            for pair, ruling in found.rulings.items()
        },
        decided={
            pair: len(ruling.gap) for pair, ruling in found.decided.items() if pair in found.rulings
        },
        spent=math.fsum(plan.increments[: place + 1]),
    )


def take_looks(
    metrics: Mapping[str, Sequence[float]],
    plan: Looks,
    *,
    lower_is_better: bool = True,
    margin: float | None = None,
) -> list[Look]:
    """Return what stands after each look that was due: the decisions of :func:`sequential`.

    Arguments and errors are those of :func:`sequential`; bootstrap and effect sizes, which decide
    nothing and take the time, are left out.
    """
    if len(metrics) < 2:
        raise CamberError(f"a comparison needs two entries or more, but got {len(metrics)}")
    if margin is not None and not (math.isfinite(margin) and margin > 0):
        raise CamberError(f"margin is {margin}: give a positive number in the metric's unit")
    gaps_of(metrics)  # refuses unequal numbers of seeds
    seeds = len(next(iter(metrics.values())))
    taken: list[Look] = []
    for count, alpha in zip(plan.counts, plan.increments, strict=True):
        if count > seeds or (taken and not taken[-1].open_pairs):
            break
        so_far = {name: values[:count] for name, values in metrics.items()}
        decided = taken[-1].decided if taken else {}
        taken.append(_look(so_far, decided, plan.alpha, alpha, lower_is_better, margin))
    return taken


def _look(
    metrics: Mapping[str, Sequence[float]],
    decided: Mapping[Pair, Ruling],
    alpha: float,
    increment: float,
    lower_is_better: bool,
    margin: float | None,
) -> Look:
    """Take one look at ``metrics``, with what earlier looks decided."""
    gaps = gaps_of(metrics)
    family = list(combinations(metrics, 2))
    p_values = dict.fromkeys((pair for pair in family if pair not in decided), 1.0)
    for pair in p_values.keys() & gaps.keys():
        p = p_value(gaps[pair])
        p_values[pair] = 1.0 if p is None else p
    verdicts = holm_verdicts(p_values, increment, len(family))
    rulings, rejected = {}, dict(decided)
    for pair, gap in gaps.items():
        if pair in decided:
            rulings[pair] = decided[pair]
            continue
        verdict = verdicts[pair]
        # on the scale of the whole alpha, so that it is below alpha exactly where it decides
        rulings[pair] = Ruling(gap, min(1.0, verdict.p * alpha / increment), verdict.level)
        if verdict.rejected:
            rejected[pair] = rulings[pair]
    sound = {pair: ruling for pair, ruling in rejected.items() if pair in gaps}
    best = _best(metrics, sound, lower_is_better)
    open_pairs = [
        pair
        for pair, ruling in rulings.items()
        if best in pair and pair not in rejected and not _settled(ruling, margin)
    ]
    return Look(best, rulings, rejected, open_pairs)


def _best(
    metrics: Mapping[str, Sequence[float]], decided: Mapping[Pair, Ruling], lower_is_better: bool
) -> str | None:
    """The best mean among entries that no decision calls worse, or among all if none is left."""
    worse = set()
    for (entry, other), ruling in decided.items():
        entry_leads = (moments(ruling.gap)[0] < 0) == lower_is_better
        worse.add(other if entry_leads else entry)
    free = {name: values for name, values in metrics.items() if name not in worse}
    return best_mean(free, lower_is_better=lower_is_better) or best_mean(
        metrics, lower_is_better=lower_is_better
    )


def _settled(ruling: Ruling, margin: float | None) -> bool:
    """Whether more seeds are not worth having for a pair that no look decided."""
    if not any(ruling.gap):
        return True  # the same value in every seed: one function under two names
    if margin is None:
        return False
    low, high = interval_of(ruling.gap, ruling.level)
    return low is not None and high is not None and -margin <= low and high <= margin


def _reason(found: Look, plan: Looks, place: int, margin: float | None, entries: int) -> str:
    """Why it stops, or what is open."""
    count = plan.counts[place]
    against = [pair for pair in found.rulings if found.best in pair]
    undecided = [pair for pair in against if pair not in found.decided]
    if not against:
        return f"after {count} seeds there are not two entries left without a failed run"
    if not undecided:
        sound = "" if len(against) == entries - 1 else " that did not diverge"
        return f"{found.best} is told from every other entry{sound} after {count} seeds"
    if not found.open_pairs:
        how = "equal to it in every seed" if margin is None else f"within ±{margin:g} of it"
        told = len(against) - len(undecided)
        return (
            f"after {count} seeds {found.best} is told from {told} of {len(against)} entries, "
            f"and the others are {how}"
        )
    left, others = len(found.open_pairs), len(against)
    which = f"{left} of the {others} other entries"
    if left == others:
        which = "the other entry" if others == 1 else f"any of the {others} other entries"
    still = f"{found.best} is not told from {which}"
    if place + 1 == len(plan.counts):
        return f"the last look, at {count} seeds: {still}"
    return f"after {count} seeds {still}; the next look is at {plan.counts[place + 1]}"
