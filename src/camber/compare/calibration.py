"""Whether the verdict errs as often as it says: false alarms and found handicaps over trials.

In a trial of a false alarm one thing is compared with itself under a second name, over seeds of its
own for either name. Which seed of the one is paired with which of the other is then arbitrary, and
the paired t-test is valid all the same: a pairing fixed before the values are seen makes n
independent differences of mean 0, which is all that the test asks. It only costs power (n - 1
degrees of freedom instead of 2 n - 2), because nothing cancels within a pair.

The number of alarms in independent trials of a true rate alpha is binomial: more than its 99 %
quantile speaks against the rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from camber.compare.statistics import LEVEL, Looks, take_looks
from camber.compare.statistics.effect import effect_size, noncentral_t_below
from camber.train import Claim, StudyTable

#: How sure a claim about a count of alarms is: the quantile of their binomial law.
QUANTILE: Final = 0.99
#: The share of trials in which a planted handicap is to be found.
LEAST_FOUND: Final = 0.8

#: Values by seed: of one thing, of the same over seeds of its own, and handicapped.
Trial: TypeAlias = tuple[Sequence[float], Sequence[float], Sequence[float]]


def told_apart(
    one: Sequence[float], other: Sequence[float], plan: Looks, *, lower_is_better: bool = True
) -> tuple[int, int]:
    """Compare two entries by the looks of ``plan``; with one look, that is the fixed comparison.

    Args:
        one, other: values, one per seed, at least as many as the last look wants.
        plan: the looks.
        lower_is_better: which is the better value.

    Returns:
        -1 where ``one`` is told to be worse, +1 better, 0 neither; and the seeds that were used.

    Example:
        >>> told_apart([1.0, 1.1, 1.2], [2.0, 2.2, 2.3], Looks((3,)))
        (1, 3)
    """
    metrics = {"one": one, "other": other}
    taken = take_looks(metrics, plan, lower_is_better=lower_is_better)
    used = plan.counts[len(taken) - 1]
    if not taken[-1].decided:
        return 0, used
    return 1 if taken[-1].best == "one" else -1, used


def alarm_bound(trials: int, alpha: float = 1 - LEVEL) -> int:
    """Return the 99 % quantile of the number of alarms in ``trials`` at a true rate ``alpha``.

    Example:
        >>> alarm_bound(40), alarm_bound(1000)
        (6, 67)
    """
    from scipy.special import bdtr

    return next(k for k in range(trials + 1) if bdtr(k, trials, alpha) >= QUANTILE)


def alarm_claim(name: str, statement: str, alarms: int, trials: int) -> Claim:
    """Claim that false alarms are no more than a rate of 5 % explains."""
    return Claim.exact(
        name=name,
        statement=f"{statement}: false alarms in {trials} trials",
        value=alarms,
        threshold=alarm_bound(trials),
        direction="at_most",
    )


def handicap_claim(name: str, statement: str, found: int, trials: int) -> Claim:
    """Claim that a planted handicap is found in at least 80 % of trials."""
    return Claim.exact(
        name=name,
        statement=f"{statement}: found, share of {trials} trials",
        value=found / trials,
        threshold=LEAST_FOUND,
        direction="at_least",
    )


def verdict_claims(
    trials: Sequence[Trial], rules: Mapping[str, Looks], *, lower_is_better: bool = True
) -> tuple[tuple[Claim, ...], StudyTable]:
    """Count false alarms and found handicaps in ``trials`` under each rule.

    Args:
        trials: values of one thing under one name, of the same under another, and of the handicap,
            the last paired with the first; as many seeds as the longest rule wants.
        rules: name -> looks.
        lower_is_better: of the values.

    Returns:
        Two claims per rule, ``same-NAME`` and ``handicap-NAME``, and a table of what was counted.
    """
    claims, rows = [], []
    for name, plan in rules.items():
        seeds = plan.counts[-1]
        alarms = found = used = 0
        for one, again, slow in trials:
            told, _ = told_apart(one[:seeds], again[:seeds], plan, lower_is_better=lower_is_better)
            alarms += told != 0
            told, wanted = told_apart(
                slow[:seeds], one[:seeds], plan, lower_is_better=lower_is_better
            )
            found += told < 0
            used += wanted
        count = len(trials)
        claims += [
            alarm_claim(f"same-{name}", f"one activation, two names, {name}", alarms, count),
            handicap_claim(f"handicap-{name}", f"the planted handicap, {name}", found, count),
        ]
        rows.append((name, str(plan.counts), count, alarms, found, used / count))
    columns = ("rule", "looks at seeds", "trials", "false alarms", "handicaps found", "seeds used")
    table = StudyTable(title="Verdicts on trained models", columns=columns, rows=tuple(rows))
    return tuple(claims), table


def simulated_claims(
    rules: Mapping[str, Looks], entries: int, trials: int, seed: int = 0
) -> tuple[Claim, ...]:
    """Claim the same of simulated comparisons of ``entries`` equal entries, any two of them."""
    return tuple(
        alarm_claim(
            f"simulated-{name}",
            f"{entries} equal entries, simulated, {name}",
            sum(
                bool(take_looks(metrics, plan)[-1].decided)
                for metrics in simulated((0.0,) * entries, plan.counts[-1], trials, seed)
            ),
            trials,
        )
        for name, plan in rules.items()
    )


def handicap_note(trials: Sequence[Trial], seeds: Sequence[int]) -> str:
    """Say how large the handicap of ``trials`` is, and how often so many seeds find it."""
    gaps = [b - a for one, _, slow in trials for a, b in zip(one, slow, strict=True)]
    gaps = [gap for gap in gaps if math.isfinite(gap)]  # a diverged run has no difference
    size = abs(effect_size(gaps).g or math.nan)
    powers = " and ".join(f"{power(size, count):.3f} by {count} seeds" for count in seeds)
    return (
        f"The handicap is worth {size:.1f} standard deviations of a paired difference (over "
        f"{len(gaps)} pairs). If they are normal, it is found with probability {powers}."
    )


def power(effect: float, count: int, alpha: float = 1 - LEVEL) -> float:
    """Return the probability that the two-sided t-test finds a difference.

    1 - P(|T| <= t(1 - alpha/2, n - 1)) for T noncentral with noncentrality effect * sqrt(n).

    Args:
        effect: the difference in standard deviations of a paired difference.
        count: pairs, >= 2.
        alpha: of the test.

    Example (published: Cohen (1988), d_z = 1.0 needs ten pairs for 0.80):
        >>> round(power(1.0, 10), 2)
        0.8
    """
    from scipy.special import stdtrit

    critical = -float(stdtrit(count - 1, alpha / 2))
    centre = effect * math.sqrt(count)
    inside = noncentral_t_below(critical, count - 1, centre)
    return 1 - (inside - noncentral_t_below(-critical, count - 1, centre))


def simulated(
    means: Sequence[float], seeds: int, trials: int, seed: int
) -> Iterator[dict[str, list[float]]]:
    """Yield comparisons of normal values whose paired differences have standard deviation 1.

    Args:
        means: one per entry.
        seeds: values per entry.
        trials: how many comparisons.
        seed: of the generator; an effect of the seed common to all entries is part of the values.

    Example:
        >>> [list(metrics) for metrics in simulated((0.0, 1.0), 5, 2, seed=0)]
        [['e0', 'e1'], ['e0', 'e1']]
    """
    generator = np.random.default_rng(seed)
    for _ in range(trials):
        shared = generator.normal(size=seeds)
        own = generator.normal(size=(len(means), seeds)) / math.sqrt(2)
        yield {f"e{place}": list(mean + shared + own[place]) for place, mean in enumerate(means)}
