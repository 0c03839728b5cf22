"""Where the numbers come from: the data, the machine, the command that repeats them, the notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from camber.compare.report.section import Section
from camber.train.html import name, pairs, table, text

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison

ORDER: Final = 1100


def origin_sections(comparison: Comparison) -> list[Section]:
    """Return the sections at the end: task and data, machine, command, notes."""
    return [
        Section(
            key="task",
            title="Task and data",
            order=ORDER,
            body=f"{pairs(_titled(_task(comparison)))}\n{_budgets(comparison)}",
        ),
        Section(
            key="environment",
            title="Machine and versions",
            order=ORDER + 1,
            body=pairs(_titled(comparison.environment)),
        ),
        Section(key="again", title="Repeat it", order=ORDER + 2, body=_command(comparison.command)),
        Section(
            key="notes",
            title="Notes",
            order=ORDER + 3,
            body="\n".join(f"<p>{text(note)}</p>" for note in comparison.notes),
        ),
    ]


def _command(command: str) -> str:
    return (
        f'<div class="command"><pre><code id="command">{text(command)}</code></pre>'
        '<button type="button" data-copy="command" hidden>Copy</button></div>\n'
        "<p>The same command takes up what was interrupted and trains nothing twice.</p>"
    )


def _task(comparison: Comparison) -> dict[str, object]:
    """The task's settings as they were used: its seeds, steps and rate are only where to start."""
    record: dict[str, object] = dict(comparison.task)
    used: dict[str, set[object]] = {
        "seeds": {len(comparison.seeds)},
        "steps": {config.steps for config in comparison.configs.values()},
        "learning_rate": {config.learning_rate for config in comparison.configs.values()},
    }
    for key, values in used.items():
        if key in record and values:
            record[key] = values.pop() if len(values) == 1 else "by entry, see below"
    return record


def _budgets(comparison: Comparison) -> str:
    """Steps and learning rate by entry, where they are not the same for all."""
    budgets = {(config.steps, config.learning_rate) for config in comparison.configs.values()}
    if len(budgets) < 2:
        return ""
    columns = ["entry", "steps", "learning rate"]
    if comparison.paces:
        columns.append("time of a step, first entry = 1")
    lines = []
    for label in comparison.ranking:
        config = comparison.configs[label]
        lines.append([name(label), f"{config.steps:,}", f"{config.learning_rate:.3g}"])
        if comparison.paces:
            lines[-1].append(f"{comparison.paces[label]:.3f}")
    return f"<h3>Budgets, at equal {text(comparison.equal)}</h3>\n{table(columns, lines)}"


def _titled(record: Mapping[str, object]) -> dict[str, object]:
    return {
        key.replace("_", " "): _grouped(value) for key, value in record.items() if value is not None
    }


def _grouped(value: object) -> object:
    """Large counts in groups of three digits."""
    large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000
    return f"{value:,}" if large else value
