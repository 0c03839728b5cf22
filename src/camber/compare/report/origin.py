"""Where the numbers come from: the data, the machine, the command that repeats them, the notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from camber.compare.report.section import Section
from camber.train.html import pairs, text

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison

ORDER: Final = 1100


def origin_sections(comparison: Comparison) -> list[Section]:
    """Return the sections at the end: task and data, machine, command, notes."""
    from camber.train import environment

    task = {key: value for key, value in comparison.task.items() if value is not None}
    return [
        Section(key="task", title="Task and data", order=ORDER, body=pairs(_titled(task))),
        Section(
            key="environment",
            title="Machine and versions",
            order=ORDER + 1,
            body=pairs(_titled({k: v for k, v in environment().items() if v is not None})),
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


def _titled(record: dict[str, object]) -> dict[str, object]:
    return {key.replace("_", " "): value for key, value in record.items()}
