"""What a comparison found: the ranking, the sentences, and every row of every entry."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from camber.compare.rows import Row, all_rows
from camber.compare.sentences import best_sentence, entry_sentence, failure_sentence
from camber.compare.statistics import Difference, Estimate, against_best, estimate
from camber.compare.subject import Run, Subject

if TYPE_CHECKING:
    from camber.compare.entries import Entry
    from camber.compare.table import Report
    from camber.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The outcome of :func:`camber.compare.run`.

    Attributes:
        best: label of the entry with the best mean; None where every entry diverged.
        ranking: labels from the best mean to the worst, then those that are not ranked.
        sentences: label -> one sentence that the numbers support.
        estimates, differences: the statistics behind them.
        rows: row key -> label -> value, as :mod:`camber.compare.rows` measured it.
        runs: label -> its runs, by seed.
        notes: what the verdict speaks for, the corpus hash, and the command that repeats it.
        directory: where the runs lie.
    """

    entries: tuple[Entry, ...]
    task: Mapping[str, object]
    metric: str
    unit: str
    throughput: str
    better: str
    seeds: tuple[int, ...]
    runs: Mapping[str, tuple[Run, ...]]
    estimates: Mapping[str, Estimate]
    differences: Mapping[str, Difference]
    best: str | None
    ranking: tuple[str, ...]
    sentences: Mapping[str, str]
    rows: Mapping[str, Mapping[str, object]]
    notes: tuple[str, ...]
    command: str
    directory: str

    @property
    def title(self) -> str:
        """The heading of the table."""
        return (
            f"{self.metric.replace('_', ' ')} in {self.unit}, {len(self.seeds)} paired "
            f"seed{'' if len(self.seeds) == 1 else 's'}"
        )

    def log(self, run: Run) -> tuple[Mapping[str, object], ...]:
        """Return what ``run`` noted while it trained, oldest first; empty if nothing is left of it.

        A record holds ``step``, ``loss`` (the mean since the record before), ``learning_rate``,
        ``gradient_norm``, the units seen (under the task's unit), ``seconds``, and what the rows
        noted. It is read from the run directory each time: ``jobs/<run.job>/metrics.jsonl``.
        """
        path = Path(self.directory, "jobs", run.job or "-", "metrics.jsonl")
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):  # moved, deleted or damaged: a log is no result
            return ()
        records = []
        for line in lines:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):  # cut short by a kill
                break
            if isinstance(record, dict):
                records.append(record)
        return tuple(records)

    def heading(self, row: Row) -> str:
        """The heading of ``row`` in this comparison."""
        return row.title.format(
            metric=self.metric.replace("_", " "), unit=self.throughput, better=self.better
        )

    def table(self) -> Report:
        """Return the report for the terminal: ``rich.print(comparison.table())``."""
        from camber.compare.table import Report

        return Report(self)

    def __str__(self) -> str:
        from rich.console import Console

        plain = Console(width=110, color_system=None, highlight=False)
        with plain.capture() as captured:
            plain.print(self.table())
        return captured.get()

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data: the object that ``--json`` prints."""
        return {
            "schema": 1,
            "best": self.best,
            "ranking": list(self.ranking),
            "metric": {"name": self.metric, "unit": self.unit, "better": self.better},
            "seeds": list(self.seeds),
            "entries": {
                entry.label: {
                    **entry.to_dict(),
                    "sentence": self.sentences[entry.label],
                    "estimate": self.estimates[entry.label].to_dict(),
                    "difference": (
                        self.differences[entry.label].to_dict()
                        if entry.label in self.differences
                        else None
                    ),
                    "rows": {key: cells[entry.label] for key, cells in self.rows.items()},
                    "runs": [run.to_dict() for run in self.runs[entry.label]],
                }
                for entry in self.entries
            },
            "task": dict(self.task),
            "notes": list(self.notes),
            "command": self.command,
            "directory": self.directory,
        }


def assemble(
    entries: tuple[Entry, ...],
    task: Task,
    runs: Mapping[str, tuple[Run, ...]],
    *,
    prices: Mapping[str, Mapping[str, object] | None],
    notes: tuple[str, ...],
    command: str,
    directory: str,
) -> Comparison:
    """Draw the conclusions from finished runs.

    Args:
        entries: in the order they were given.
        task: what they were trained on.
        runs: label -> one run per seed, all entries with the same seeds in the same order.
        prices: label -> what the activation alone costs, None where it was not measured.
        notes, command, directory: for the report.
    """
    metric = task.metric
    lower = metric.better == "lower"
    values = {
        label: [math.nan if run.failed else run.metric for run in own]
        for label, own in runs.items()
    }
    estimates = {label: estimate(numbers) for label, numbers in values.items()}
    best, differences = against_best(values, lower_is_better=lower)
    first = entries[0].label
    sentences: dict[str, str] = {}
    rows: dict[str, dict[str, object]] = {row.key: {} for row in all_rows()}
    for entry in entries:
        label = entry.label
        subject = Subject(
            entry=entry,
            runs=runs[label],
            estimate=estimates[label],
            difference=differences.get(label),
            is_best=label == best,
            reference_parameters=runs[first][0].parameters,
            price=prices.get(label),
        )
        for row in all_rows():
            rows[row.key][label] = row.measure(subject)
        if subject.failures:
            sentences[label] = failure_sentence(label, subject.failures, len(subject.runs))
        elif label == best:
            sentences[label] = best_sentence(
                label, estimates[label], differences, metric.unit, lower_is_better=lower
            )
        else:
            sentences[label] = entry_sentence(
                differences[label], metric.unit, lower_is_better=lower
            )
    return Comparison(
        entries=entries,
        task=dict(task.describe()),
        metric=metric.name,
        unit=metric.unit,
        throughput=task.unit,
        better=metric.better,
        seeds=tuple(run.seed for run in runs[first]),
        runs=dict(runs),
        estimates=estimates,
        differences=differences,
        best=best,
        ranking=_ranking(estimates, lower_is_better=lower),
        sentences=sentences,
        rows=rows,
        notes=notes,
        command=command,
        directory=directory,
    )


def _ranking(estimates: Mapping[str, Estimate], *, lower_is_better: bool) -> tuple[str, ...]:
    sign = 1 if lower_is_better else -1
    means = {label: value.mean for label, value in estimates.items()}
    ranked = sorted(
        (label for label, mean in means.items() if mean is not None),
        key=lambda label: sign * (means[label] or 0.0),
    )
    return (*ranked, *(label for label, mean in means.items() if mean is None))
