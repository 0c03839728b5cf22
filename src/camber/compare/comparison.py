"""What a comparison found: the ranking, the sentences, and every row of every entry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from camber.compare.rows import Row
from camber.compare.statistics import Difference, Estimate, Pair
from camber.compare.subject import Run

if TYPE_CHECKING:
    from camber.compare.entries import Entry
    from camber.compare.statistics import Sequential
    from camber.compare.table import Report
    from camber.compare.tuning import Tuning
    from camber.train import FitConfig


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
        pairs: (label, label) -> the difference of every two entries that can be compared.
        pair_sentences: (label, label) -> one sentence on every two entries.
        configs: label -> the settings it was trained with: steps and learning rate may be its own.
        equal, paces: what entries share, and at equal time the time of a step over the first's.
        tunings: label -> the search for its learning rate; empty where there was none.
        sequential: where a comparison of at most ``max_seeds`` stopped, and why.
        environment: versions and machine.
        report: where this call wrote the report; None where it wrote none.
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
    pairs: Mapping[Pair, Difference]
    pair_sentences: Mapping[Pair, str]
    configs: Mapping[str, FitConfig]
    equal: str = "tokens"
    paces: Mapping[str, float] = field(default_factory=dict)
    tunings: Mapping[str, Tuning] = field(default_factory=dict)
    sequential: Sequential | None = None
    environment: Mapping[str, object] = field(default_factory=dict)
    report: str | None = None

    @property
    def title(self) -> str:
        """The heading of the table."""
        metric = self.metric.replace("_", " ")
        # accuracy in accuracy, a loss in units of the loss: nothing to say
        unit = "" if metric.endswith(self.unit) else f" in {self.unit}"
        return f"{metric}{unit}, {len(self.seeds)} paired seed{'' if len(self.seeds) == 1 else 's'}"

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
                    "steps": self.configs[entry.label].steps,
                    "learning_rate": self.configs[entry.label].learning_rate,
                    "tuning": (
                        self.tunings[entry.label].to_dict() if entry.label in self.tunings else None
                    ),
                    "time_of_a_step": self.paces.get(entry.label),
                    "runs": [run.to_dict() for run in self.runs[entry.label]],
                }
                for entry in self.entries
            },
            "pairs": [
                {
                    "entries": list(pair),
                    "sentence": sentence,
                    "difference": self.pairs[pair].to_dict() if pair in self.pairs else None,
                }
                for pair, sentence in self.pair_sentences.items()
            ],
            "equal": self.equal,
            "sequential": None if self.sequential is None else self.sequential.to_dict(),
            "task": dict(self.task),
            "environment": dict(self.environment),
            "notes": list(self.notes),
            "command": self.command,
            "directory": self.directory,
        }
