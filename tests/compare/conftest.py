"""A text small enough that a run takes a moment, and a fight of that size."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from camber.compare import Comparison, run
from camber.train import InlineExecutor

TINY = {
    "steps": 3,
    "warmup_steps": 1,
    "batch": 2,
    "context": 8,
    "width": 8,
    "evaluation_tokens": 64,
}
Fight = Callable[..., Comparison]


@pytest.fixture(scope="session")
def small_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 200)
    return path


@pytest.fixture
def fight(small_text: Path, tmp_path: Path) -> Fight:
    """``compare.run`` on the small text with tiny settings, in this process."""

    def tiny(entries: Sequence[str] | Mapping[str, str], **changes: object) -> Comparison:
        given: dict[str, object] = {
            "preset": "quick",
            "seeds": 2,
            "settings": TINY,
            "text": small_text,
            "directory": tmp_path / "run",
            "executor": InlineExecutor(),
        }
        return run(entries, **{**given, **changes})  # type: ignore[arg-type]  # by name

    return tiny
