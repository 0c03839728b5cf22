"""Rows and figures enter by a file: one is added here, and wrong ones are named."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from camber.compare import figures, rows
from camber.errors import CamberError

ROW = """
from camber.compare.rows.row import Row
ROW = Row(key={key!r}, title="New", order={order}, explain="why", measure=len, show=str)
"""

FIGURE = """
from camber.compare.figures.figure import Figure
FIGURE = Figure(key={key!r}, title="New", order={order}, caption="Why.", draw=lambda found: None)
"""

Package = tuple[str, str, Callable[[], tuple[object, ...]]]


@pytest.fixture(params=["rows", "figures"])
def package(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Package]:
    """A package that looks for files in ``tmp_path`` too; its file's text; what lists it."""
    module, text, every = {
        "rows": (rows, ROW, rows.all_rows),
        "figures": (figures, FIGURE, figures.all_figures),
    }[request.param]
    monkeypatch.setattr(module, "__path__", [*module.__path__, str(tmp_path)])
    every.cache_clear()
    yield module.__name__, text, every
    every.cache_clear()


def keys(every: Callable[[], tuple[object, ...]]) -> list[str]:
    return [thing.key for thing in every()]  # type: ignore[attr-defined]


def test_a_file_more_is_one_more_in_its_order(package: Package, tmp_path: Path) -> None:
    _, text, every = package
    (tmp_path / "added_first.py").write_text(text.format(key="added", order=-1))
    (tmp_path / "added_last.py").write_text(text.format(key="last", order=10**9))
    found = keys(every)
    assert found[0] == "added"
    assert found[-1] == "last"
    assert len(found) > 8


def test_a_file_that_defines_nothing_is_named(package: Package, tmp_path: Path) -> None:
    name, _, every = package
    for number, content in enumerate(("", "ROW = FIGURE = 3")):
        (tmp_path / f"hollow_{number}.py").write_text(content)
        with pytest.raises(CamberError, match=rf"{name}\.hollow_{number} defines no (ROW|FIGURE)"):
            every()
        (tmp_path / f"hollow_{number}.py").unlink()


def test_two_files_with_one_key_are_named(package: Package, tmp_path: Path) -> None:
    name, text, every = package
    taken = keys(every)[0]
    every.cache_clear()  # type: ignore[attr-defined]
    (tmp_path / "zz_again.py").write_text(text.format(key=taken, order=5))
    with pytest.raises(CamberError, match=rf"{name}\.\w+ and {name}\.\w+ both have the key"):
        every()


def test_a_file_that_cannot_be_imported_says_so_itself(package: Package, tmp_path: Path) -> None:
    _, _, every = package
    (tmp_path / "cannot.py").write_text("raise RuntimeError('in cannot.py')")
    with pytest.raises(RuntimeError, match=r"in cannot\.py"):
        every()
