"""benchmarks/table.py and verdict.py: measured results as Markdown between two marks."""

import importlib
import json
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))


@pytest.fixture
def table():
    return importlib.import_module("table")


@pytest.fixture
def verdict():
    return importlib.import_module("verdict")


BEGIN, END = "<!-- activations: begin -->", "<!-- activations: end -->"


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


def test_the_newest_run_as_markdown(table, results, capsys):
    table.main([str(results)])
    printed = capsys.readouterr().out
    assert "| `polynorm` | auto | 10.0 | 0.75 | 0.75 | 10.0 | 1.25 | 1.25 | 1.00 |" in printed
    assert "old" not in printed
    assert "2×3 float32, 2 threads, medians of 15" in printed


def test_written_between_the_marks(table, results, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
    table.main([str(results), "--into", str(page)])
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n| activation")
    assert text.endswith(f"{END}\nafter\n")
    assert "stale" not in text
    with pytest.raises(SystemExit, match="one line"):
        table.insert("no marks", "table")
    with pytest.raises(SystemExit, match="no measurement"):
        table.newest_run([])


def test_a_comparison_as_markdown(verdict, tmp_path):
    def entry(mean, difference):
        return {
            "sentence": f"a sentence about {mean}",
            "estimate": {"mean": mean, "low": mean - 0.5, "high": mean + 0.5},
            "difference": difference,
            "rows": {
                "units_per_second": 12345.6,
                "time_over_gelu": None,
                "saved_over_input": 1.0,
                "gain": 1.41421356,
            },
        }

    result = {
        "ranking": ["swiglu", "relu"],
        "notes": ["This verdict speaks for little.", "Learning rates: two.", "The rest."],
        "entries": {
            "relu": entry(2.25, {"mean": 0.25, "low": -0.1, "high": 0.6}),
            "swiglu": entry(2.0, None),
        },
    }
    source, page = tmp_path / "result.json", tmp_path / "page.md"
    source.write_text(json.dumps(result))
    page.write_text("<!-- compare: begin -->\nstale\n<!-- compare: end -->\n")
    verdict.main([str(source), "--into", str(page)])
    text = page.read_text()
    assert "| `swiglu` | 2.000 | 1.500 … 2.500 | best |  | 12,346 | — | 1.00 | 1.4142 |" in text
    assert "| `relu` | 2.250 | 1.750 … 2.750 | +0.250 | -0.100 … +0.600 |" in text
    assert text.index("sentence about 2.0\n") < text.index("sentence about 2.25")
    assert "speaks for little.\n\nLearning rates: two.\n" in text
    assert "The rest." not in text
    assert "stale" not in text
