"""The report as a file: complete, escaped, small, the same every time, and never half there."""

import dataclasses
import errno
import html.parser
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_subjects import HOSTILE, fought

from camber.compare import Comparison
from camber.compare.report import page as report_page
from camber.compare.report import report_html, write_report
from camber.compare.report.cells import cell_html, sort_number
from camber.compare.report.figures import figure_sections, within
from camber.compare.report.machine_readable import data_block
from camber.compare.report.origin import origin_sections
from camber.compare.report.section import Section
from camber.compare.rows import all_rows
from camber.compare.tuning import Tried, Tuning
from camber.errors import RunError
from camber.train import atomic
from camber.train.plain_json import plain_dict

VOID = {"meta", "br", "img", "hr", "link", "input"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparison]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("camber.compare.prices.SHAPE", (4, 8))
        patch.setattr("camber.compare.prices.ROUNDS", 2)
        yield fought(tmp_path_factory.mktemp("hostile"), HOSTILE)


@pytest.fixture
def plain(hostile: Comparison, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    """The same where matplotlib is not installed: pictures take time, and are not looked at."""
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> object:
        return None if name == "matplotlib" else found(name, package)

    monkeypatch.setattr("camber.compare.report.figures.find_spec", without)
    return hostile


class Elements(html.parser.HTMLParser):
    """Every element of a page with its attributes; tags must match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_no_element_or_attribute_comes_from_a_name(hostile: Comparison) -> None:
    page = report_html(hostile)
    seen = Elements(page).seen
    tags = {tag for tag, _ in seen}
    assert not tags & {"img", "iframe", "object", "embed", "link", "base", "form", "input"}
    assert [tag for tag, _ in seen].count("script") == 2
    for tag, attributes in seen:
        assert not [key for key in attributes if key.startswith("on")], tag
        for key in ("href", "src", "xlink:href"):
            assert (attributes.get(key) or "#").startswith("#")
    assert len(page.encode()) < 500_000  # the promise of the report
    assert "could not be drawn" not in page


def test_the_same_comparison_gives_the_same_bytes(hostile: Comparison) -> None:
    assert report_html(hostile) == report_html(hostile)


def test_everything_found_is_on_the_page(plain: Comparison) -> None:
    page = report_html(plain)
    for row in all_rows():
        if any(cell is not None for cell in plain.rows[row.key].values()):
            assert cell_html(plain.heading(row)) in page
    for sentence in [*plain.sentences.values(), *plain.pair_sentences.values(), *plain.notes]:
        shown = sentence if sentence.isascii() and sentence.isprintable() else sentence[:0]
        assert html.escape(shown) in page
    assert str(plain.task["corpus_sha256"]) in page
    assert html.escape(str(plain.environment["torch"])) in page
    assert html.escape(plain.command) in page


def test_settings_stand_as_they_were_used(plain: Comparison) -> None:
    assert plain.task["seeds"] == 5  # what the task recommends; two were run
    section = origin_sections(plain)[0].body
    assert re.search(r"seeds</th>\s*<td[^>]*>2<", section)
    assert re.search(r"steps</th>\s*<td[^>]*>30<", section)
    first = next(iter(plain.configs))
    tuned = {**plain.configs, first: dataclasses.replace(plain.configs[first], learning_rate=0.5)}
    section = origin_sections(dataclasses.replace(plain, configs=tuned))[0].body
    assert re.search(r"learning rate</th>\s*<td[^>]*>by entry, see below<", section)
    assert ">0.5<" in section


def test_without_matplotlib_one_sentence_says_what_to_do(plain: Comparison) -> None:
    (section,) = figure_sections(plain)
    assert "pip install &#x27;camber[plot]&#x27;" in section.body or "camber[plot]" in section.body
    assert "camber compare --show" in section.body
    assert "<figure" not in report_html(plain)


def test_a_figure_that_fails_does_not_take_the_page_with_it(
    hostile: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    from camber.compare.figures import Figure

    def draw(comparison: Comparison) -> None:
        raise ValueError("no <ink>")

    broken = Figure(key="broken", title="Broken", order=1, caption="Nothing.", draw=draw)
    monkeypatch.setattr("camber.compare.figures.all_figures", lambda: (broken,))
    (section,) = figure_sections(hostile)
    assert "could not be drawn (ValueError: no &lt;ink&gt;)" in section.body


def test_a_new_figure_appears_and_an_empty_one_does_not(
    hostile: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    matplotlib = pytest.importorskip("matplotlib.figure")
    from camber.compare.figures import Figure

    drawing = matplotlib.Figure()
    drawing.add_subplot().plot([0, 1], [0, 1], gid="new-e0-mean")
    new = Figure(
        key="new", title="A <new> one", order=1, caption="It rises.", draw=lambda _: drawing
    )
    empty = Figure(key="empty", title="Empty", order=2, caption="Nothing.", draw=lambda _: None)
    monkeypatch.setattr("camber.compare.figures.all_figures", lambda: (new, empty))
    (section,) = figure_sections(hostile)
    assert section.key == "figure-new"
    assert 'id="new-e0-mean"' in section.body
    assert 'aria-label="A &lt;new&gt; one. It rises."' in section.body


def test_the_largest_figures_give_way_to_the_size_of_the_page() -> None:
    sizes = {"small": 100, "large": 900, "middle": 500}
    sections = [
        Section(key=key, title=key, order=1, body="x" * size) for key, size in sizes.items()
    ]
    assert within(sections, 1500) == sections
    first, second, third = within(sections, 1499)
    assert (first, third) == (sections[0], sections[2])
    assert "takes 1 kB" in second.body
    assert [len(left.body) == sizes[left.key] for left in within(sections, 100)] == [
        True, False, False,
    ]  # fmt: skip


def test_words_that_take_much_room_leave_the_figures_less(
    hostile: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = [Section(key=f"figure-{k}", title="F", order=1, body="x" * 60_000) for k in "abcdef"]
    monkeypatch.setattr(report_page, "figure_sections", lambda _: sections)
    assert report_html(hostile).count("x" * 60_000) == 6
    said = {**hostile.sentences, hostile.ranking[-1]: "long " * 40_000}
    page = report_html(dataclasses.replace(hostile, sentences=said))
    assert 0 < page.count("x" * 60_000) < 6
    assert len(page.encode()) < 500_000


def test_the_search_for_learning_rates_is_shown(plain: Comparison) -> None:
    label = plain.ranking[0]
    nan = float("nan")
    search = Tuning(
        learning_rate=0.002,
        edge="upper",
        rungs=(10, 20),
        tried=(
            Tried(learning_rate=0.001, metrics=(2.5,)),
            Tried(learning_rate=0.002, metrics=(2.4, 2.25)),
            Tried(learning_rate=0.004, metrics=(nan,)),
        ),
        steps=50,
    )
    page = report_html(dataclasses.replace(plain, tunings={label: search}))
    assert "<td>2.500<small>10 steps</small></td>" in page
    assert '<b class="good">2.250 ✓</b><small>20 steps</small>' in page
    assert "<td>diverged<small>10 steps</small></td>" in page
    assert "chose the upper end of the grid" in page
    assert "Learning rates tried" not in report_html(plain)


def test_own_budgets_are_shown_where_they_differ(plain: Comparison) -> None:
    assert "Budgets" not in report_html(plain)
    first, *others = plain.ranking
    configs = {label: plain.configs[label] for label in others}
    configs[first] = dataclasses.replace(plain.configs[first], steps=41)
    paces = dict.fromkeys(others, 1.0) | {first: 0.731}
    page = report_html(dataclasses.replace(plain, configs=configs, paces=paces, equal="time"))
    assert "Budgets, at equal time" in page
    assert "<td>41</td>" in page
    assert "<td>0.731</td>" in page


def test_data_for_programs_stay_outside_where_they_would_make_the_page_too_large(
    hostile: Comparison,
) -> None:
    inside = data_block(hostile, 10**9)
    data = inside.partition(">")[2].rpartition("<")[0]
    assert not set(data) & set("<>&")
    assert json.loads(data) == json.loads(json.dumps(plain_dict(hostile.to_dict())))
    assert "result.json beside this page" in data_block(hostile, 100)


def test_numbers_that_json_lacks_are_null_for_programs(hostile: Comparison) -> None:
    label = hostile.ranking[0]
    cells = {**hostile.rows["time_over_gelu"], label: float("nan")}
    rows = {**hostile.rows, "time_over_gelu": cells}
    block = data_block(dataclasses.replace(hostile, rows=rows), 10**9)
    data = json.loads(block.partition(">")[2].rpartition("<")[0])
    assert data["entries"][label]["rows"]["time_over_gelu"] is None


def test_cells_sort_by_their_number() -> None:
    assert sort_number({"mean": None}) is None
    assert sort_number(float("nan")) is None
    assert sort_number(True) is None
    assert sort_number("gelu") is None
    assert sort_number({"count": 7, "relative": 0.1}) == 7
    assert sort_number(float("-inf")) is None  # what Number() of JavaScript does not read


# -- the file ----------------------------------------------------------------------------------


def test_it_lies_with_the_runs_or_where_one_says(plain: Comparison, tmp_path: Path) -> None:
    assert write_report(plain) == Path(plain.directory, "report.html")
    elsewhere = write_report(plain, tmp_path / "mine.html")
    assert elsewhere == tmp_path / "mine.html"
    assert elsewhere.read_text(encoding="utf-8") == report_html(plain)


def test_an_interrupt_leaves_the_old_file(
    plain: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(report_page, "report_html", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_report(plain, path)
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "fsync", interrupted)  # all is written, nothing is renamed
        with pytest.raises(KeyboardInterrupt):
            write_report(plain, path)
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]
    assert write_report(plain, path).read_text(encoding="utf-8") != "old"


def test_a_full_disk_is_said_and_leaves_the_old_file(
    plain: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(RunError, match="the disk is full"):
        write_report(plain, path)
    assert path.read_text() == "old"


def test_a_place_that_is_not_there_is_said(plain: Comparison, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="could not be written"):
        write_report(plain, tmp_path / "nowhere" / "report.html")
