"""Does `camber compare` err as often as it says, and does it find what is planted?

Claims: one activation trained under two names, with seeds of its own for either, is called
different no more often than the 99 % binomial quantile of 5 % allows, by the fixed comparison and
by the sequential rule; and the same activation at a quarter of the learning rate, paired by seed,
is found to be worse in at least 80 % of trials. Before the trainings, the same on simulated values:
five equal entries, chosen best included.

The handicap is a fair test if it is neither hidden nor a walkover. The smoke size fits a formula in
60 steps with a small network, where a quarter of the learning rate is worth 2.4 standard deviations
of a paired difference (measured over 320 pairs): three seeds find that with probability 0.59, five
with 0.97. (On text it is worth sixty, which any rule finds; the full size is there for the false
alarms of the task that matters most.) The note under the table states what the run measured.

Source: the rules are those of :mod:`camber.compare.statistics`; the check is our own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from camber.compare.calibration import handicap_note, simulated_claims, verdict_claims
from camber.compare.entries import Entry
from camber.compare.job import run_job, train_entry
from camber.compare.statistics import Looks
from camber.tasks import Task, task
from camber.train import Findings, FitConfig, Job, Outcome, Study, register_study

ONE, AGAIN, SLOW = "under one name", "under another", "at a quarter of the learning rate"


@dataclass(frozen=True, kw_only=True)
class Config:
    """``trials`` independent comparisons, each of its own seeds; ``judge`` them, or only train."""

    entry: str = "gelu"
    task: str = "regress"
    settings: Mapping[str, int] = field(default_factory=dict)
    trials: int = 40
    seeds: int = 5
    looks: tuple[int, ...] = (3, 5, 8)
    simulations: int = 1000
    judge: bool = True


def jobs(config: Config) -> list[Job]:
    """Three runs per trial and seed: one name, the other with another seed, and the handicap."""
    problem, options = _problem(config)
    fitting = FitConfig(**problem.recommended)
    slow = replace(fitting, learning_rate=fitting.learning_rate / 4)
    return [
        run_job(Entry(config.entry, label=label), problem, options, chosen, seed)
        for own, others in _seeds(config)
        for label, chosen, seeds in (
            (ONE, fitting, own),
            (AGAIN, fitting, others),
            (SLOW, slow, own),
        )
        for seed in seeds
    ]


def conclude(config: Config, outcomes: Sequence[Outcome]) -> Findings:
    """Count false alarms and found handicaps."""
    rules = {"fixed": Looks((config.seeds,)), "sequential": Looks(config.looks)}
    claims = simulated_claims(rules, 5, config.simulations)
    if not config.judge:  # a few steps show that the parts fit, and nothing about verdicts
        return Findings(claims=claims)
    found = {(o.job.label, o.job.seed): _number(o.result["metric"]) for o in outcomes}
    trials = [
        (
            [found[ONE, seed] for seed in own],
            [found[AGAIN, seed] for seed in others],
            [found[SLOW, seed] for seed in own],
        )
        for own, others in _seeds(config)
    ]
    lower = _problem(config)[0].metric.better == "lower"
    counted, table = verdict_claims(trials, rules, lower_is_better=lower)
    note = handicap_note(trials, (config.looks[0], config.seeds))
    return Findings(claims=(*claims, *counted), tables=(table,), notes=(note,))


def _problem(config: Config) -> tuple[Task, dict[str, object]]:
    options: dict[str, object] = {"preset": "quick", **config.settings}
    return task(config.task, **options), options


def _seeds(config: Config) -> Iterator[tuple[range, range]]:
    """For each trial the seeds of either name: as many as the longer rule wants, none twice."""
    count = max(config.seeds, config.looks[-1])
    for trial in range(config.trials):
        start = 2 * count * trial
        yield range(start, start + count), range(start + count, start + 2 * count)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


SMALL = {"steps": 60, "width": 8, "samples": 256, "validation_samples": 500, "warmup_steps": 5}

register_study(
    Study(
        name="fair-fight",
        title="Self-check: false alarms and planted handicaps of camber compare",
        source="our own check of camber.compare",
        sizes={
            "tiny": Config(settings={**SMALL, "steps": 2}, trials=1, seeds=2, looks=(2, 3),
                           simulations=300, judge=False),
            "smoke": Config(settings=SMALL),
            "full": Config(task="charlm", trials=200, simulations=20_000),
        },
        jobs=jobs,
        work=train_entry,
        conclude=conclude,
        needs={
            "tiny": "seconds: simulated values, and that the parts fit",
            "smoke": "960 runs, about 2 minutes on two processor cores",
            "full": "4,800 runs, hours (camber study run fair-fight --size full)",
        },
    )
)  # fmt: skip
