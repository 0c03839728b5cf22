"""benchmarks/table.py: the newest run as Markdown, written between two marks."""

import importlib.util
import json
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent / "benchmarks" / "table.py"
SPEC = importlib.util.spec_from_file_location("benchmark_table", PATH)
table = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(table)


def line(name, memory, ratio, date="2026-01-02T03:04:05+00:00"):
    spread = {"median": ratio, "low": ratio, "high": ratio, "best": ratio}
    return {
        "name": name, "peer": "auto", "memory": memory, "date": date,
        "shape": [2, 3], "dtype": "float32", "threads": 2, "rounds": 15, "saved": 1.0,
        "total": {**spread, "median": 0.01}, "to_gelu": spread, "to_copy": spread,
        "machine": {"processor": "P", "cores": 2, "vectors": "AVX2"},
        "versions": {"torch": "2", "compiler": "cc 1"},
    }  # fmt: skip


@pytest.fixture
def results(tmp_path):
    lines = [
        line("old", "fresh", 9.0, "2025-01-01T00:00:00+00:00"),
        line("polynorm", "fresh", 0.75),
        line("polynorm", "reused", 1.25),
    ]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    return path


def test_the_newest_run_as_markdown(results, capsys):
    table.main([str(results)])
    printed = capsys.readouterr().out
    assert "| `polynorm` | auto | 10.0 | 0.75 | 0.75 | 10.0 | 1.25 | 1.25 | 1.00 |" in printed
    assert "old" not in printed
    assert "2×3 float32, 2 threads, medians of 15" in printed


def test_written_between_the_marks(results, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nstale\n{table.END}\nafter\n")
    table.main([str(results), "--into", str(page)])
    text = page.read_text()
    assert text.startswith(f"before\n{table.BEGIN}\n| activation")
    assert text.endswith(f"{table.END}\nafter\n")
    assert "stale" not in text
    with pytest.raises(SystemExit, match="one line"):
        table.insert("no marks", "table")
    with pytest.raises(SystemExit, match="no measurement"):
        table.newest_run([])
