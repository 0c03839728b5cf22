"""Turn a comparison into the Markdown of the README; no number there is typed.

    camber compare --json > benchmarks/results/compare.json
    python benchmarks/verdict.py benchmarks/results/compare.json --into README.md

and the same with ``--tune`` for docs/choose.md, from ``compare_tuned.json``. The second command
replaces what stands between ``<!-- compare: begin -->`` and its end.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from table import insert

MARK = "compare"
#: The notes that belong under the table: what the verdict speaks for, and how rates were chosen.
NOTES = ("This verdict", "Learning rates")
HEADINGS = (
    "entry",
    "validation loss",
    "95 % interval",
    "to the best",
    "Holm interval",
    "tokens/s",
    "time / GELU",
    "saved / input",
    "gain",
)


def markdown(result: Mapping[str, Any]) -> str:
    """A table, one row per entry from the best on, its sentences, and what it speaks for."""
    rows: list[Sequence[str]] = [HEADINGS, ["---", *["---:"] * (len(HEADINGS) - 1)]]
    for name in result["ranking"]:
        entry = result["entries"][name]
        estimate, difference, facts = entry["estimate"], entry["difference"], entry["rows"]
        apart = ("best", "")
        if difference is not None:
            apart = (
                f"{difference['mean']:+.3f}",
                f"{difference['low']:+.3f} … {difference['high']:+.3f}",
            )
        rows.append(
            [
                f"`{name}`",
                f"{estimate['mean']:.3f}",
                f"{estimate['low']:.3f} … {estimate['high']:.3f}",
                *apart,
                *(_cell(facts[key], form) for key, form in _FACTS),
            ]
        )
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    sentences = "\n".join(f"- {result['entries'][name]['sentence']}" for name in result["ranking"])
    said = "\n\n".join(note for note in result["notes"] if note.startswith(NOTES))
    return f"{table}\n\n{sentences}\n\n{said}\n"


_FACTS = (
    ("units_per_second", ",.0f"),
    ("time_over_gelu", ".2f"),
    ("saved_over_input", ".2f"),
    ("gain", ".4f"),
)


def _cell(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Markdown from a comparison.")
    parser.add_argument("result", type=Path, help="the object that camber compare --json prints")
    parser.add_argument("--into", type=Path, help="a file with the two marks to write between")
    given = parser.parse_args(arguments)
    table = markdown(json.loads(given.result.read_text(encoding="utf-8")))
    if given.into is None:
        sys.stdout.write(table)
    else:
        text = given.into.read_text(encoding="utf-8")
        given.into.write_text(insert(text, table, MARK), encoding="utf-8")


if __name__ == "__main__":
    main()
