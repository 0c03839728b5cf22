"""Turn measured JSON lines into the Markdown table of the README; no number there is typed.

    python benchmarks/table.py benchmarks/results/activations.jsonl
    python benchmarks/table.py benchmarks/results/activations.jsonl --into README.md

The second form replaces what stands between the two marks in the file:

    <!-- activations: begin -->
    <!-- activations: end -->
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MARK = "activations"

Line = dict[str, Any]


def newest_run(lines: Sequence[Line]) -> list[Line]:
    """The lines of the last run in a file that runs are appended to."""
    if not lines:
        raise SystemExit("the file holds no measurement")
    date = max(line["date"] for line in lines)
    return [line for line in lines if line["date"] == date]


def markdown(run: Sequence[Line]) -> str:
    """One table: a row per contender, its time against GELU and the copy on both memories."""
    first = run[0]
    kinds = list(dict.fromkeys(line["memory"] for line in run))
    cells: dict[tuple[str, str], dict[str, Line]] = {}
    for line in run:
        cells.setdefault((line["name"], line["peer"]), {})[line["memory"]] = line
    headings = ["activation", "computed by"]
    for kind in kinds:
        headings += [f"ms, {kind}", f"/ GELU, {kind}", f"/ copy, {kind}"]
    rows = [[*headings, "saved / input"], ["---", "---", *["---:"] * (3 * len(kinds) + 1)]]
    for (name, peer), found in cells.items():
        row = [f"`{name}`", peer]
        for kind in kinds:
            line = found[kind]
            row += [
                f"{1e3 * line['total']['median']:.1f}",
                f"{line['to_gelu']['median']:.2f}",
                f"{line['to_copy']['median']:.2f}",
            ]
        rows.append([*row, f"{next(iter(found.values()))['saved']:.2f}"])
    shape = "×".join(str(size) for size in first["shape"])
    machine, versions = first["machine"], first["versions"]
    caption = (
        f"Forward and backward, {shape} {first['dtype']}, {first['threads']} threads, medians of "
        f"{first['rounds']} interleaved rounds; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['vectors']}; torch {versions['torch']}, {versions['compiler']}; "
        f"{first['date'][:10]}."
    )
    return "\n".join(["| " + " | ".join(row) + " |" for row in rows] + ["", caption])


def insert(text: str, table: str, mark: str = MARK) -> str:
    """``text`` with ``table`` between the two marks of that name."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"the file needs one line {begin} and one line {end}")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{table}\n{end}{after}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Markdown from benchmark results.")
    parser.add_argument("results", type=Path, help="JSON lines of camber bench activations")
    parser.add_argument("--into", type=Path, help="a file with the two marks to write between")
    given = parser.parse_args(arguments)
    lines = [json.loads(line) for line in given.results.read_text(encoding="utf-8").splitlines()]
    table = markdown(newest_run(lines))
    if given.into is None:
        sys.stdout.write(table + "\n")
    else:
        text = given.into.read_text(encoding="utf-8")
        given.into.write_text(insert(text, table), encoding="utf-8")


if __name__ == "__main__":
    main()
