"""Matplotlib's SVG made fit for a page: own ids, no metadata, text as text, the same bytes."""

import re

import pytest

matplotlib = pytest.importorskip("matplotlib.figure")

from camber.compare.report.svg import svg  # noqa: E402

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{",
    "</svg>",
    "a\u202eb\x07\x00c",
]


def drawn(label: str = "relu", series: str = "loss-e0-mean") -> str:
    figure = matplotlib.Figure(figsize=(4, 3))
    axes = figure.add_subplot()
    axes.plot([0, 1 / 3, 1], [0, 1 / 7, 1], gid=series)
    axes.set_title(label, parse_math=False)
    axes.text(0.5, 0.5, label, parse_math=False, weight="bold")
    return svg(figure, "loss", "a curve")


def test_ids_are_the_figures_own_and_its_references_follow() -> None:
    made = drawn()
    ids = re.findall(r' id="([^"]+)"', made)
    assert len(ids) == len(set(ids))
    assert all(found.startswith("loss-") for found in ids)
    assert "loss-e0-mean" in ids  # what has the prefix keeps its id
    references = re.findall(r"url\(#([^)]+)\)", made) + re.findall(r'href="#([^"]+)"', made)
    assert references
    assert set(references) <= set(ids)


def test_nothing_of_the_file_is_left_but_the_picture() -> None:
    made = drawn()
    assert made.startswith("<svg ")
    for left in ("<?xml", "<!DOCTYPE", "metadata", "xmlns", "<style", "http", "Matplotlib", "<!--"):
        assert left not in made
    assert 'role="img"' in made
    assert 'aria-label="a curve"' in made
    assert 'viewBox="0 0 288 216"' in made
    assert not re.search(r' (width|height)="\d+pt"', made)


def test_text_is_text_in_the_readers_font() -> None:
    made = drawn("polynorm")
    assert made.count(">polynorm</text>") == 2
    assert "DejaVu" not in made
    assert re.search("font-weight:(bold|700)", made)


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_stay_text(label: str) -> None:
    made = drawn(label)
    assert "<script" not in made
    assert "<img" not in made
    assert made.count("</svg>") == 1
    assert not re.search("[\x00-\x08]", made)


def test_coordinates_are_short() -> None:
    (path,) = re.findall(r'id="loss-e0-mean"><path d="([^"]*)"', drawn())
    assert not re.search(r"\.\d{3}", path)


def test_the_same_figure_gives_the_same_bytes_whatever_the_users_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from matplotlib import rcParams

    first = drawn()
    monkeypatch.setitem(rcParams, "savefig.facecolor", "red")
    monkeypatch.setitem(rcParams, "svg.fonttype", "path")
    assert drawn() == first
    assert rcParams["svg.fonttype"] == "path"  # and they are left alone
