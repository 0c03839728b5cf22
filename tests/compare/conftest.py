"""A text, a place, and a comparison on them in this process: for tests of run directories."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tiny_comparisons import TINY, Fight

from camber.compare import Comparison, run
from camber.train import InlineExecutor


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 200)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def fight(text: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Fight:
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 2)

    def tiny(entries: Sequence[str] = ("relu", "gelu"), **changes: object) -> Comparison:
        given: dict[str, object] = {
            "preset": "quick", "seeds": 2, "settings": TINY, "text": text, "directory": place,
            "executor": InlineExecutor(), "report": False,
        }  # fmt: skip
        return run(entries, **{**given, **changes})  # type: ignore[arg-type]  # by name

    return tiny
