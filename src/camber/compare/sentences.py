"""One honest sentence per entry, and per pair: what the numbers support, and no more.

Four cases: separated from the best, not separated ("no difference within noise", with the
difference the interval leaves open), too few seeds to say, and runs that failed. A failed run is a
result: the entry is not averaged over the seeds that survived. A pair that a sequential comparison
decided at an early look keeps the numbers of that look, and its sentence says of how many seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from camber.compare.statistics import Difference, Estimate


@dataclass(frozen=True, slots=True)
class Failure:
    """One run that ended without a finite metric: which seed, and what happened where."""

    seed: int
    reason: str


def number(value: float, unit: str = "", *, sign: bool = False) -> str:
    """Format ``value`` for a reader: three decimals, more where it is small, an exponent beyond.

    Example:
        >>> number(0.0312, "nats"), number(0.0012, sign=True), number(2.5e-7)
        ('0.031 nats', '+0.00120', '2.5e-07')
    """
    size = abs(value)
    if size == 0 or 0.0095 <= size < 1e6:
        form = ".3f"
    else:
        form = ".5f" if 9.5e-5 <= size < 1 else ".3g"
    return f"{value:{'+' if sign else ''}{form}}{' ' + unit if unit else ''}"


def p_text(p: float) -> str:
    """Format a p value as a relation.

    Example:
        >>> p_text(0.00002), p_text(0.0312)
        ('< 0.001', '= 0.031')
    """
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def seeds_text(count: int) -> str:
    """``"1 seed"``, ``"5 seeds"``."""
    return f"{count} seed{'' if count == 1 else 's'}"


def best_sentence(
    name: str,
    estimate: Estimate,
    differences: Mapping[str, Difference],
    unit: str,
    *,
    lower_is_better: bool = True,
    unranked: int = 0,
    leads: bool = True,
) -> str:
    """Say what may be said of the best entry.

    Args:
        name, estimate: of the best.
        differences: of the other ranked entries to it.
        unit: of the metric.
        lower_is_better: which mean is the better one.
        unranked: how many entries diverged, of which nothing is said.
        leads: whether its mean is the best of all. In a sequential comparison an entry that an
            early look showed to be worse may catch up, and is not taken back.

    Example:
        >>> from camber.compare.statistics import estimate
        >>> best_sentence("gelu", estimate([1.5]), {}, "nats")
        'gelu: 1.500 nats over 1 seed; nothing to compare it with.'
    """
    place = "lowest" if lower_is_better else "highest"
    if not leads:
        place = f"{place} of those that no look showed to be worse"
    mean = number(estimate.mean if estimate.mean is not None else float("nan"), unit)
    if not differences:
        others = "nothing to compare it with"
    elif estimate.count < 2:
        others = "too few seeds to say whether that is noise"
    else:
        tied = [other for other, difference in differences.items() if not difference.separated]
        if not tied:
            others = f"separated from every other entry{' that did not diverge' * bool(unranked)}"
        else:
            others = f"not separated from {_listed(tied)}"
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f" (95 % interval {number(estimate.low)} to {number(estimate.high)})"
    if not differences:
        return f"{name}: {mean}{interval} over {seeds_text(estimate.count)}; {others}."
    seeds = seeds_text(estimate.count)
    if not leads:
        return f"{name}: mean {mean}{interval} over {seeds}, the {place}; {others}."
    return f"{name} has the {place} mean, {mean}{interval} over {seeds}; {others}."


def entry_sentence(
    difference: Difference, unit: str, *, lower_is_better: bool = True, seeds: int | None = None
) -> str:
    """Say what the paired difference of an entry to the best supports.

    Args:
        difference: entry minus best.
        unit: of the metric.
        lower_is_better: which mean is the better one.
        seeds: of the whole comparison; None for those of the difference.

    Example:
        >>> worse = Difference("gelu", "relu", 0.05, 0.03, 0.07, 0.0004, 0.004, 5)
        >>> entry_sentence(worse, "nats/byte")
        'gelu is worse than relu by 0.050 nats/byte (95 % interval 0.030 to 0.070, Holm p = 0.004).'
    """
    entry, best = difference.entry, difference.other
    # Written as a loss against the best, so that "worse by" is a positive number either way.
    sign = 1 if lower_is_better else -1
    mean = sign * difference.mean
    if difference.low is None and difference.count > 1:
        return _no_spread(entry, best, mean, unit, difference.count)
    if difference.low is None or difference.high is None or difference.holm_p is None:
        side = "behind" if mean > 0 else "level with"
        gap = f" by {number(mean, unit)}" if mean > 0 else ""
        return (
            f"{entry}: too few seeds to say; it ended {side} {best}{gap} in its "
            f"{seeds_text(difference.count)}, and an interval needs two or more."
        )
    low, high = sorted((sign * difference.low, sign * difference.high))
    if low == high == 0:
        return f"{entry} and {best} gave the same value in every one of {difference.count} seeds."
    interval = f"95 % interval {number(low)} to {number(high)}, Holm p {p_text(difference.holm_p)}"
    if difference.separated:
        decided = _decided(difference, seeds)
        return f"{entry} is worse than {best} by {number(mean, unit)} ({interval}){decided}."
    place = "level" if mean == 0 else f"{'behind' if mean > 0 else 'ahead'} by"
    gap = "" if mean == 0 else f" {number(abs(mean), unit)}"
    return (
        f"{entry}: no difference from {best} within noise: {place}{gap} ({interval}); "
        f"a deficit of up to {number(high)} stays possible."
    )


def pair_sentence(
    difference: Difference,
    unit: str,
    *,
    lower_is_better: bool = True,
    seeds: int | None = None,
) -> str:
    """Say what the paired difference of any two entries supports.

    Args:
        difference: of the pair, in either direction; the better mean is named first.
        unit: of the metric.
        lower_is_better: which mean is the better one.
        seeds: of the whole comparison; None for those of the difference.

    Example:
        >>> found = Difference("gelu", "relu", -0.05, -0.07, -0.03, 0.0004, 0.004, 5, wins=1.0)
        >>> print(pair_sentence(found, "nats/byte"))
        gelu is better than relu by 0.050 nats/byte (95 % interval 0.030 to 0.070, Holm p = 0.004).
    """
    sign = -1 if lower_is_better else 1
    if sign * difference.mean < 0:
        difference = difference.swapped()
    first, second, count = difference.entry, difference.other, difference.count
    lead = abs(difference.mean)
    if difference.low is None and count > 1:
        return _no_spread(second, first, lead, unit, count)
    if difference.low is None or difference.high is None or difference.holm_p is None:
        ended = (
            f"{first} ended ahead of {second} by {number(lead, unit)}"
            if lead > 0
            else f"{first} and {second} ended level"
        )
        return (
            f"{first} and {second}: too few seeds to say; {ended} in {seeds_text(count)}, "
            f"and an interval needs two or more."
        )
    low, high = sorted((sign * difference.low, sign * difference.high))
    if low == high == 0:
        return f"{first} and {second} gave the same value in every one of {count} seeds."
    interval = f"95 % interval {number(low)} to {number(high)}, Holm p {p_text(difference.holm_p)}"
    if difference.separated:
        size = "" if difference.effect is None else f", g = {abs(difference.effect):.1f}"
        ahead = "" if difference.wins in (None, 1.0) else f", ahead in {_share(difference)}"
        return (
            f"{first} is better than {second} by {number(lead, unit)} ({interval}{size}){ahead}"
            f"{_decided(difference, seeds)}."
        )
    leads = f"{first} leads by {number(lead, unit)}" if lead else "their means are level"
    ahead = f", ahead in {_share(difference)}" if lead and difference.wins is not None else ""
    return (
        f"{first} and {second}: no difference within noise; {leads}{ahead} ({interval}), "
        f"and a lead of up to {number(high)} for "
        f"{first} or {number(0.0 - low)} for {second} stays possible."
    )


def unranked_pair_sentence(
    entry: str, other: str, failures: Mapping[str, Sequence[Failure]]
) -> str:
    """Say why two entries are not compared: which of them diverged, and with which seeds.

    Args:
        entry, other: the pair.
        failures: label -> its failed runs; of at least one of the two.

    Example:
        >>> print(unranked_pair_sentence("relu", "exp(x)", {"exp(x)": [Failure(2, "nan")]}))
        relu and exp(x) are not compared: exp(x) diverged with seed 2, and the seeds that survive
        would flatter it.
    """
    parts = []
    for label in (entry, other):
        if failed := failures.get(label):
            seeds = _listed([str(failure.seed) for failure in failed])
            parts.append(f"{label} diverged with {'seed' if len(failed) == 1 else 'seeds'} {seeds}")
    whom = "it" if len(parts) == 1 else "them"
    return (
        f"{entry} and {other} are not compared: {' and '.join(parts)}, "
        f"and the seeds that survive would flatter {whom}."
    )


def failure_sentence(name: str, failures: Sequence[Failure], seeds: int) -> str:
    """Say that an entry's runs failed, and that it is therefore not ranked."""
    seeds_failed = ", ".join(str(failure.seed) for failure in failures)
    label = "seed" if len(failures) == 1 else "seeds"
    rest = (
        "a mean over the others would flatter it, so it is not ranked"
        if len(failures) < seeds
        else "it is not ranked"
    )
    return (
        f"{name} diverged in {len(failures)} of {seeds_text(seeds)} ({label} {seeds_failed}): "
        f"{failures[0].reason}; {rest}."
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _no_spread(entry: str, best: str, gap: float, unit: str, count: int) -> str:
    """Differences that are equal in all seeds and not 0: there is no spread to judge them by."""
    return (
        f"{entry} and {best}: too few seeds to say; {best} led by the same {number(gap, unit)} in "
        f"every one of {seeds_text(count)}, which leaves no spread to judge it by."
    )


def _decided(difference: Difference, seeds: int | None) -> str:
    """Where an early look decided a pair, that it did: later seeds are not in its numbers."""
    if seeds is None or difference.count >= seeds:
        return ""
    return f", decided after {difference.count} of {seeds_text(seeds)}"


def _share(difference: Difference) -> str:
    """``"4 of 5 seeds"``: in how many the entry beat the other."""
    return f"{round((difference.wins or 0.0) * difference.count)} of {seeds_text(difference.count)}"
