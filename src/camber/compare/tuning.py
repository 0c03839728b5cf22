"""The learning rate of each entry, found by the same budgeted search: successive halving.

Every entry tries the same grid, r 2^k for k = -3 ... 3 around the task's recommended rate r. The
first rung trains each rate for a quarter of the steps, the better half goes on to half of the steps
with two seeds, the better half of those to all of them with three, and the best mean at the end is
chosen: 7, 8 and 6 runs, 11.75 times the steps of one full run for every entry, whatever it is. The
seeds grow with the rungs because a rate near the end of what is stable may do well with one seed
and badly with the next. Each run of a rung trains afresh, with warm-up and cosine fitted to its own
steps. A rate that diverges with any seed is worse than one that does with none, and of equal values
the smaller rate is taken. The seeds of the search are apart from those of the verdict, so that no
entry wins by the luck of the runs that chose its rate.

Source: K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
optimization", AISTATS 2016, arXiv 1502.07943.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from camber.train import FitConfig, Job
from camber.train.plain_json import plain_dict

#: The grid, as factors on the recommended rate.
FACTORS: Final = tuple(2.0**power for power in range(-3, 4))

#: The rungs: the share of an entry's steps, and how many seeds.
RUNGS: Final = ((0.25, 1), (0.5, 2), (1.0, 3))

#: The first seed of the search; those of the verdict count up from 0 and stay below.
TUNING_SEED: Final = 10_000

#: One run that is asked for: of which entry, with which settings and which seed.
Trial = tuple[str, FitConfig, int]

#: Trains all trials of one rung and returns their metrics in order, NaN for a diverged one; it is
#: told how many trials are certain to follow in later rungs.
Ask = Callable[[Sequence[Trial], int], Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One rate with its mean metric at each rung it took part in; NaN where a run diverged."""

    learning_rate: float
    metrics: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What the search for one entry's learning rate found.

    Args:
        learning_rate: the chosen one.
        edge: "lower" or "upper" where it is the smallest or largest of the grid, so that a better
            one may lie outside; None elsewhere.
        rungs: how many steps a run of each rung took.
        tried: every rate of the grid, ascending.
        steps: all steps that the search took, the same for every entry.
    """

    learning_rate: float
    edge: Literal["lower", "upper"] | None
    rungs: tuple[int, ...]
    tried: tuple[Tried, ...]
    steps: int

    def to_dict(self) -> dict[str, object]:
        """Return the search as plain data; a diverged run is None."""
        return plain_dict(self, where="a search for a learning rate")


def with_steps(config: FitConfig, steps: int) -> FitConfig:
    """Return ``config`` for another number of steps, its warm-up in proportion.

    Example:
        >>> with_steps(FitConfig(steps=400, warmup_steps=40), 100).warmup_steps
        10
    """
    warmup = round(config.warmup_steps * steps / config.steps)
    return replace(config, steps=steps, warmup_steps=max(warmup, min(1, config.warmup_steps)))


def tune(configs: Mapping[str, FitConfig], ask: Ask, *, sign: int) -> dict[str, Tuning]:
    """Search the learning rate of every entry, all entries rung by rung.

    Args:
        configs: label -> settings, whose ``learning_rate`` is the middle of the grid.
        ask: trains one rung.
        sign: of the metric: -1 where lower is better, +1 where higher is.

    Returns:
        label -> the chosen rate with everything that was tried.

    Example (the loss is lowest at the recommended rate):
        >>> def ask(trials, left):
        ...     return [abs(math.log(config.learning_rate / 0.003)) for _, config, _ in trials]
        >>> found = tune({"relu": FitConfig(steps=400, learning_rate=0.003)}, ask, sign=-1)["relu"]
        >>> found.learning_rate, found.edge, found.rungs, found.steps
        (0.003, None, (100, 200, 400), 4700)
    """
    standing = {
        label: sorted(config.learning_rate * factor for factor in FACTORS)
        for label, config in configs.items()
    }
    metrics: dict[str, dict[float, list[float]]] = {
        label: {rate: [] for rate in rates} for label, rates in standing.items()
    }
    rungs: dict[str, list[int]] = {label: [] for label in configs}
    spent = dict.fromkeys(configs, 0)
    sizes = _sizes(len(FACTORS))
    for rung, (share, seeds) in enumerate(RUNGS):
        trials: list[Trial] = []
        for label, rates in standing.items():
            steps = max(1, round(share * configs[label].steps))
            rungs[label].append(steps)
            spent[label] += steps * seeds * len(rates)
            shorter = with_steps(configs[label], steps)
            trials += [
                (label, replace(shorter, learning_rate=rate), TUNING_SEED + seed)
                for rate in rates
                for seed in range(seeds)
            ]
        found = iter(ask(trials, sum(sizes[rung + 1 :]) * len(configs)))
        for label, rates in standing.items():
            for rate in rates:
                metrics[label][rate].append(_mean([next(found) for _ in range(seeds)]))
        for label, rates in standing.items():
            values = metrics[label]
            ranked = sorted(rates, key=lambda rate: (_loss(values[rate][-1], sign), rate))
            standing[label] = sorted(ranked[: _kept(len(rates), last=rung + 1 == len(RUNGS))])
    return {
        label: _tuning(standing[label][0], metrics[label], rungs[label], spent[label])
        for label in configs
    }


def tuning_job(job: Job) -> Job:
    """Return ``job`` as one of the search: titled by its rate, and without the rows' questions."""
    fit = plain_dict(job.config["fit"])
    steps = f"{fit['steps']} step{'' if fit['steps'] == 1 else 's'}"
    label = f"{job.label} at rate {fit['learning_rate']:g}, {steps}"
    return Job({**job.config, "purpose": "tuning"}, job.seed, label)


def trials_of(entries: int) -> int:
    """Return how many runs the search takes for that many entries.

    Example:
        >>> trials_of(5)
        105
    """
    return entries * sum(_sizes(len(FACTORS)))


def _sizes(rates: int) -> list[int]:
    """How many runs each rung takes for one entry."""
    sizes = []
    for _, seeds in RUNGS:
        sizes.append(rates * seeds)
        rates = _kept(rates, last=False)
    return sizes


def _kept(rates: int, *, last: bool) -> int:
    return 1 if last else math.ceil(rates / 2)


def _mean(values: Sequence[float]) -> float:
    """NaN where one is not finite: a mean over the rest would flatter the rate."""
    return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.nan


def _loss(metric: float, sign: int) -> float:
    return -sign * metric if math.isfinite(metric) else math.inf


def _tuning(
    chosen: float, metrics: Mapping[float, Sequence[float]], rungs: Sequence[int], spent: int
) -> Tuning:
    edges: dict[float, Literal["lower", "upper"]] = {min(metrics): "lower", max(metrics): "upper"}
    return Tuning(
        learning_rate=chosen,
        edge=edges.get(chosen),
        rungs=tuple(rungs),
        tried=tuple(
            Tried(learning_rate=rate, metrics=tuple(metrics[rate])) for rate in sorted(metrics)
        ),
        steps=spent,
    )
