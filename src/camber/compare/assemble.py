"""From finished runs to the comparison: estimates, differences, sentences and rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from camber.compare.command import command
from camber.compare.comparison import Comparison
from camber.compare.rows import all_rows
from camber.compare.sentences import (
    best_sentence,
    entry_sentence,
    failure_sentence,
    pair_sentence,
    unranked_pair_sentence,
)
from camber.compare.statistics import (
    Estimate,
    best_mean,
    estimate,
    pairwise,
    seen_from,
)
from camber.compare.subject import Run, Subject, metrics_of

if TYPE_CHECKING:
    from camber.compare.request import Request
    from camber.compare.statistics import Sequential
    from camber.compare.tuning import Tuning
    from camber.train import FitConfig


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found out for a request.

    Args:
        runs: label -> one run per seed, all entries with the same seeds in the same order.
        configs: label -> the settings it was trained with.
        paces: label -> the time of a step over the first entry's; empty at equal tokens.
        tunings: label -> the search for its learning rate; empty where there was none.
        prices: label -> what the activation alone costs, None where it was not measured.
        notes: for the report.
        looked: where a sequential comparison stopped; None where the seeds were fixed.
    """

    runs: Mapping[str, tuple[Run, ...]]
    configs: Mapping[str, FitConfig]
    paces: Mapping[str, float]
    tunings: Mapping[str, Tuning]
    prices: Mapping[str, Mapping[str, object] | None]
    notes: tuple[str, ...]
    looked: Sequential | None


def assemble(request: Request, findings: Findings, directory: Path) -> Comparison:
    """Draw the conclusions."""
    metric, runs = request.facts.metric, findings.runs
    lower = metric.better == "lower"
    values = metrics_of(runs)
    estimates = {label: estimate(numbers) for label, numbers in values.items()}
    looked = findings.looked
    pairs = pairwise(values, lower_is_better=lower) if looked is None else looked.pairs
    best = best_mean(values, lower_is_better=lower) if looked is None else looked.best
    differences = {} if best is None else seen_from(best, pairs)
    first = request.entries[0].label
    seeds = len(runs[first])
    subjects = {
        entry.label: Subject(
            entry=entry,
            runs=runs[entry.label],
            estimate=estimates[entry.label],
            difference=differences.get(entry.label),
            is_best=entry.label == best,
            reference_parameters=runs[first][0].parameters,
            price=findings.prices.get(entry.label),
            steps=findings.configs[entry.label].steps,
            pace=findings.paces.get(entry.label),
            tuning=findings.tunings.get(entry.label),
        )
        for entry in request.entries
    }
    failures = {label: subject.failures for label, subject in subjects.items() if subject.failures}

    def sentence_of(label: str) -> str:
        if label in failures:
            return failure_sentence(label, failures[label], seeds)
        if label != best:
            return entry_sentence(
                differences[label], metric.unit, lower_is_better=lower, seeds=seeds
            )
        return best_sentence(
            label,
            estimates[label],
            differences,
            metric.unit,
            lower_is_better=lower,
            unranked=len(failures),
            leads=label == best_mean(values, lower_is_better=lower),
        )

    return Comparison(
        entries=request.entries,
        task=dict(request.facts.description),
        metric=metric.name,
        unit=metric.unit,
        throughput=request.facts.unit,
        better=metric.better,
        seeds=tuple(run.seed for run in runs[first]),
        runs=dict(runs),
        estimates=estimates,
        differences=differences,
        pairs=pairs,
        pair_sentences={
            pair: pair_sentence(pairs[pair], metric.unit, lower_is_better=lower, seeds=seeds)
            if pair in pairs
            else unranked_pair_sentence(*pair, failures)
            for pair in combinations(runs, 2)
        },
        best=best,
        ranking=_ranking(estimates, lower_is_better=lower),
        sentences={label: sentence_of(label) for label in subjects},
        rows={
            row.key: {label: row.measure(subject) for label, subject in subjects.items()}
            for row in all_rows()
        },
        notes=findings.notes,
        command=command(request, None if request.named else str(directory)),
        directory=str(directory),
        configs=findings.configs,
        equal=request.equal,
        paces=findings.paces,
        tunings=findings.tunings,
        sequential=looked,
        environment=request.environment,
    )


def _ranking(estimates: Mapping[str, Estimate], *, lower_is_better: bool) -> tuple[str, ...]:
    sign = 1 if lower_is_better else -1
    means = {label: value.mean for label, value in estimates.items()}
    ranked = sorted(
        (label for label, mean in means.items() if mean is not None),
        key=lambda label: sign * (means[label] or 0.0),
    )
    return (*ranked, *(label for label, mean in means.items() if mean is None))
