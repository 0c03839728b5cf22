"""The figures: what stands in them, by their ids and words; that hostile text stays text."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
import torch
from figure_comparisons import HOSTILE, invented
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure as Drawing

from camber.compare import Comparison, figures
from camber.compare.colours import styles
from camber.compare.entries import DEFAULT_ENTRIES
from camber.compare.figures import Figure, all_figures
from camber.compare.figures.labels import spread
from camber.compare.figures.propagation import _ticks
from camber.compare.figures.sheet import WIDTH, compact, fitted, house_style, shortened
from camber.compare.figures.traces import thinned
from camber.compare.report.svg import svg

FIVE = DEFAULT_ENTRIES


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return invented(tmp_path_factory.mktemp("five"), FIVE, tuned=True)


def named(key: str) -> Figure:
    return next(figure for figure in all_figures() if figure.key == key)


def picture(key: str, comparison: Comparison) -> ElementTree.Element:
    drawn = named(key).draw(comparison)
    assert drawn is not None
    return ElementTree.fromstring(svg(drawn, key, "a picture"))


def ids(key: str, comparison: Comparison) -> set[str]:
    return {element.get("id", "") for element in picture(key, comparison).iter()}


def texts(key: str, comparison: Comparison) -> list[str]:
    found = picture(key, comparison).iter("text")
    return ["".join(element.itertext()) for element in found]


def test_a_figure_is_a_file() -> None:
    shared = {"__init__", "figure", "grid", "labels", "sheet", "traces", "untrained"}
    files = {path.stem for path in Path(figures.__path__[0]).glob("*.py")} - shared
    assert {figure.key for figure in all_figures()} == files
    assert [figure.order for figure in all_figures()] == sorted({f.order for f in all_figures()})
    for figure in all_figures():
        assert re.fullmatch(r"[a-z]+", figure.key)
        assert figure.caption.endswith(".")
        assert not figure.title.endswith(".")


def test_knowing_the_figures_needs_no_matplotlib() -> None:
    code = (
        "import sys; from camber.compare.figures import all_figures; all_figures();"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("figure", all_figures(), ids=lambda figure: figure.key)
def test_every_figure_is_small_and_the_same_twice(figure: Figure, five: Comparison) -> None:
    first, second = (figure.draw(five) for _ in range(2))
    assert first is not None
    assert second is not None
    text = svg(first, figure.key, "")
    assert text == svg(second, figure.key, "")
    assert len(text) <= 48_000  # five entries and seeds; ten figures must stay below 500 kB
    assert first.get_size_inches()[0] * 72 == WIDTH


def test_losses_have_a_line_per_seed_and_a_mean(five: Comparison) -> None:
    found = ids("losses", five)
    seeds = {f"losses-e{entry}-s{seed}" for entry in range(5) for seed in range(5)}
    means = {f"losses-e{entry}-mean" for entry in range(5)}
    assert {name for name in found if re.fullmatch(r"losses-e\d+-(s\d+|mean)", name)} == (
        seeds | means
    )
    words = texts("losses", five)
    assert set(FIVE) < set(words)
    assert "tokens seen" in words
    assert "training loss in nats/byte" in words


def test_a_diverged_run_ends_in_a_cross(tmp_path: Path) -> None:
    found = invented(tmp_path, ["relu", "gelu"], seeds=2, diverged={"gelu": [0, 1], "relu": [1]})
    marks = {name for name in ids("losses", found) if name.startswith("losses-x")}
    assert marks == {"losses-x0-1", "losses-x1-0", "losses-x1-1"}
    assert {"losses-e0-s1", "losses-e1-s0"} <= ids("losses", found)
    assert "losses-e1-mean" not in ids("losses", found)
    assert "gelu (diverged)" in texts("losses", found)


def test_losses_are_cut_so_that_the_end_is_readable(five: Comparison) -> None:
    drawn = named("losses").draw(five)
    assert drawn is not None
    low, high = drawn.axes[0].get_ylim()
    # closed form of the invented losses: 2 + 3 exp(-9 t) + 0.05 k + noise of 0.03
    assert low == pytest.approx(2, abs=0.2)
    assert 2.3 < high < 3.6


def test_losses_that_fall_by_decades_are_logarithmic(tmp_path: Path) -> None:
    found = invented(tmp_path, ["relu"], seeds=1)
    log = tmp_path / "jobs" / "job-0-0" / "metrics.jsonl"
    log.write_text("".join(
        f'{{"step": {k}, "tokens": {k}, "loss": {10.0 ** (-k / 10)}}}\n' for k in range(60)
    ))  # fmt: skip
    assert "training loss in nats/byte, logarithmic" in texts("losses", found)


def test_the_verdict_shows_every_entry_with_its_interval(five: Comparison) -> None:
    found = ids("verdict", five)
    assert {f"verdict-e{entry}-mean" for entry in range(5)} <= found
    assert sum(name.endswith("-interval") for name in found) == 4
    words = texts("verdict", five)
    assert set(FIVE) < set(words)
    assert any("right is worse" in text for text in words)
    best = five.estimates[five.best or ""].mean
    assert f"best: {best:.4g}" in words


def test_the_verdict_names_what_is_not_ranked_and_which_side_is_worse(tmp_path: Path) -> None:
    found = invented(
        tmp_path, ["relu", "gelu", "silu"], seeds=1, better="higher", diverged={"silu": [0]}
    )
    words = texts("verdict", found)
    assert "not ranked: 1 of 1 diverged" in words
    assert any("left is worse" in text for text in words)
    assert not any(name.endswith("-interval") for name in ids("verdict", found))


def test_costs_stand_beside_gelu_and_a_copy(five: Comparison) -> None:
    drawn = named("costs").draw(five)
    assert drawn is not None
    lines = {line.get_gid(): line.get_xdata()[0] for line in drawn.axes[0].lines}
    # invented: 0.8 GELUs and 1.6 copies for the first, so that a copy takes 0.5
    assert lines["costs-gelu"] == 1
    assert lines["costs-copy"] == pytest.approx(0.5)
    assert {"0.80", "9,000", "tokens/s in training"} <= set(texts("costs", five))
    assert sum("-timeovergelu" in name for name in ids("costs", five)) == 5


def test_costs_without_a_copy_leave_it_out(tmp_path: Path) -> None:
    old = invented(tmp_path, ["relu"], notes=False)
    assert "costs-copy" not in ids("costs", old)
    assert "costs-gelu" in ids("costs", old)


def test_functions_mark_kinks_and_name_what_has_no_curve(tmp_path: Path) -> None:
    found = invented(tmp_path, ["relu", "gelu", "groupsort", "swiglu", "xielu"], seeds=1)
    named_ids = ids("functions", found)
    assert "functions-e0-kinks" in named_ids
    assert "functions-e1-kinks" not in named_ids
    assert {f"functions-e{k}-mean" for k in range(5)} - named_ids == {"functions-e2-mean"}
    words = texts("functions", found)
    assert "groupsort" in words
    assert any("no" in text and "groupsort has" in text for text in words)
    assert "gate, at value 1" in words
    drawn = named("functions").draw(found)
    assert drawn is not None
    # xIELU jumps by 1e-6 at 0: no line tells of it
    assert not any(line.get_linestyle() == ":" for line in drawn.axes[4].lines)
    kink = next(line for line in drawn.axes[0].lines if line.get_gid() == "functions-e0-kinks")
    assert (kink.get_xdata()[0], kink.get_ydata()[0]) == pytest.approx((0, 0), abs=1e-12)


def test_zeros_are_shares_over_all_sites(five: Comparison) -> None:
    drawn = named("zeros").draw(five)
    assert drawn is not None
    ends = {line.get_gid(): line.get_ydata()[-1] for axes in drawn.axes for line in axes.lines}
    # invented: 10 k % zeros and k of 64 dead units for entry k
    assert ends["zeros-e3-mean"] == pytest.approx(30)
    assert ends["zeros-dead-e3-mean"] == pytest.approx(100 * 3 / 64)
    assert {f"zeros-e{k}-s{s}" for k in range(5) for s in range(5)} <= set(ends)


def test_entries_without_zeros_share_a_label(tmp_path: Path) -> None:
    found = invented(tmp_path, ["relu", "gelu", "silu", "tanh"], seeds=1)
    for log in (tmp_path / "jobs").glob("job-[012]-0/metrics.jsonl"):
        log.write_text(re.sub(r'"zero_fraction": [\d.]+', '"zero_fraction": 0', log.read_text()))
    words = texts("zeros", found)
    assert "the other 3: none" in words
    assert "gelu" in words  # its dead units stand in the second panel


def test_coefficients_and_shapes_have_a_panel_per_layer(five: Comparison) -> None:
    found, shapes = ids("coefficients", five), ids("shapes", five)
    learning = [k for k, name in enumerate(FIVE) if name in ("polyrelu", "polynorm")]
    for entry in learning:
        for layer in range(2):
            assert {f"coefficients-e{entry}-l{layer}-c{c}-mean" for c in range(4)} <= found
            assert {f"coefficients-e{entry}-l{layer}-s{seed}" for seed in range(5)} <= found
            times = {f"shapes-e{entry}-l{layer}-t{time}" for time in range(4)}
            assert times <= shapes
    assert not any("-e0-" in name for name in found)
    assert "weight[0]" in texts("coefficients", five)
    assert "blocks.0.feed_forward" in texts("shapes", five)


def test_a_learned_shape_is_the_function_with_its_coefficients(tmp_path: Path) -> None:
    found = invented(tmp_path, ["x*sigmoid(beta*x)"], seeds=2)
    drawn = named("shapes").draw(found)
    assert drawn is not None
    last = next(line for line in drawn.axes[0].lines if line.get_gid() == "shapes-e0-l0-t3")
    x, y = np.asarray(last.get_xdata()), np.asarray(last.get_ydata())
    # closed form: beta starts at 1 and has risen by 0.1
    assert y == pytest.approx(x / (1 + np.exp(-1.1 * x)), abs=1e-6)


def test_coefficients_begin_where_they_began(five: Comparison) -> None:
    drawn = named("coefficients").draw(five)
    assert drawn is not None
    line = next(line for line in drawn.axes[0].lines if str(line.get_gid()).endswith("c3-mean"))
    start = FIVE.index("polyrelu")
    assert str(line.get_gid()).startswith(f"coefficients-e{start}-")
    # the bias starts at 0 and is invented to rise by 0.1
    assert (line.get_xdata()[0], line.get_ydata()[0]) == (0, 0)
    assert line.get_ydata()[-1] == pytest.approx(0.1)


def test_what_starts_at_random_is_the_same_in_every_drawing(tmp_path: Path) -> None:
    found = invented(tmp_path, ["dra"], seeds=1)
    before = torch.get_rng_state()
    for key in ("functions", "coefficients", "shapes"):
        first, second = (svg(_drawn(key, found), key, "") for _ in range(2))
        assert first == second
    assert torch.equal(torch.get_rng_state(), before)


def test_propagation_draws_start_and_end_by_depth(five: Comparison) -> None:
    drawn = named("propagation").draw(five)
    assert drawn is not None
    lines = {line.get_gid(): line for axes in drawn.axes for line in axes.lines}
    assert len(lines) == 5 * 2 * 3
    profile = np.asarray(lines["propagation-start-after-e1-mean"].get_ydata())
    assert profile == pytest.approx([2, 0.5])  # invented: 0.25^k (1 + entry)
    assert {"first step", "last step", "layer"} <= set(texts("propagation", five))


@given(st.floats(-12, 12), st.floats(0.41, 20))
def test_a_logarithmic_axis_has_a_few_round_ticks(middle: float, decades: float) -> None:
    low, high = 10.0 ** (middle - decades / 2), 10.0 ** (middle + decades / 2)
    ticks = _ticks(low, high)
    assert 2 <= len(ticks) <= 5
    assert low <= ticks[0] < ticks[-1] <= high
    assert ticks == sorted(ticks)


def test_the_search_shows_what_took_part_in_each_rung(five: Comparison) -> None:
    drawn = named("tuning").draw(five)
    assert drawn is not None
    points = [len(axes.lines[0].get_xdata()) for axes in drawn.axes]
    assert points == [7, 3, 1]  # invented
    assert {"after 100 steps", "learning rate"} <= set(texts("tuning", five))


def test_hostile_labels_stay_text(tmp_path: Path) -> None:
    found = invented(tmp_path, HOSTILE, seeds=2, records=8, tuned=True)
    for figure in all_figures():
        tree = picture(figure.key, found)
        assert {element.tag for element in tree.iter()} <= {
            "svg", "g", "path", "text", "tspan", "defs", "clipPath", "rect", "use",
        }  # fmt: skip
        for element in tree.iter():
            assert re.fullmatch(r"[\w.-]*", element.get("id", "")), figure.key
        for text in tree.iter("text"):
            assert len("".join(text.itertext())) < 150
    words = texts("functions", found)
    assert "$\\frac{" in words
    assert any(text.startswith("<script>alert(") for text in words)


@pytest.mark.parametrize("figure", all_figures(), ids=lambda figure: figure.key)
def test_runs_without_notes_or_logs_draw_what_there_is(figure: Figure, tmp_path: Path) -> None:
    old = invented(tmp_path / "old", ["relu", "polynorm"], notes=False)
    lost = invented(tmp_path / "lost", ["relu", "polynorm"], notes=False, records=0)
    always = {"verdict", "costs", "functions"}
    assert (figure.draw(old) is not None) == (figure.key in always | {"losses"})
    assert (figure.draw(lost) is not None) == (figure.key in always)


def test_nothing_ranked_has_no_verdict(tmp_path: Path) -> None:
    found = invented(tmp_path, ["relu"], seeds=1, diverged={"relu": [0]})
    assert named("verdict").draw(found) is None
    drawn = named("losses").draw(found)
    assert drawn is not None
    svg(drawn, "losses", "")


@pytest.mark.parametrize("count", [1, 2, 10])
def test_any_number_of_entries_can_be_drawn(count: int, tmp_path: Path) -> None:
    names = ["relu", "gelu", "silu", "tanh", "elu", "mish", "polynorm", "x**3", "swiglu", "softmax"]
    found = invented(tmp_path, names[:count], seeds=1, sites=[f"layers.{k}.act" for k in range(24)])
    for figure in all_figures():
        drawn = figure.draw(found)
        assert drawn is None or isinstance(drawn, Drawing)
        if drawn is not None:
            svg(drawn, figure.key, "")


def test_the_users_settings_are_neither_read_nor_changed(five: Comparison) -> None:
    plain = svg(_drawn("losses", five), "losses", "")
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "text.parse_math": True}):
        before = dict(matplotlib.rcParams)
        assert svg(_drawn("losses", five), "losses", "") == plain
        assert dict(matplotlib.rcParams) == before


def _drawn(key: str, comparison: Comparison) -> Drawing:
    drawn = named(key).draw(comparison)
    assert drawn is not None
    return drawn


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=9),
    st.floats(0.1, 8),
)
def test_labels_never_overlap_and_move_no_more_than_they_must(
    wanted: list[float], gap: float
) -> None:
    places = spread(wanted, gap, -200, 200)
    order = np.argsort(np.array(wanted), kind="stable")
    distances = np.diff(np.array(places)[order])
    assert (distances >= gap - 1e-6).all()  # float64 sums of numbers up to 200
    if (np.diff(np.array(wanted)[order]) >= gap).all():
        assert places == pytest.approx(wanted, abs=1e-9)
    # optimality of the projection: no common shift is better
    assert np.mean(np.array(places) - np.array(wanted)) == pytest.approx(0, abs=1e-9)


def test_labels_stay_inside_where_they_fit() -> None:
    assert spread([10, 10, 10], 2, 0, 10) == [6, 8, 10]
    assert spread([0, 0], 4, 0, 10) == [0, 4]
    assert spread([], 1, 0, 1) == []


def test_curves_are_thinned_by_means_and_keep_their_end() -> None:
    x = np.arange(1001.0)
    thin, _ = thinned(x, x)
    assert thin.size <= 120
    assert thin[-1] == 1000
    assert thinned(x[:100], x[:100])[0].size == 100
    # the mean of all points is kept, weighted by how many each stands for
    assert thin[0] == pytest.approx(x[: round(2 * thin[0]) + 1].mean())


def test_words_are_shortened_and_lose_what_cannot_be_seen() -> None:
    assert shortened("a\nb\tc", 10) == "a b c"
    assert shortened("\u202e\x00\x1b", 10) == "?"
    assert shortened("abcdef", 4) == "abc…"
    assert len(fitted("W" * 500, 100)) < len(fitted("i" * 500, 100)) < 50
    assert fitted("gelu", 100) == "gelu"
    assert compact(-1234.5) == "−1.234k"


def test_matplotlib_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"camber\[plot\]"), house_style():
        pass


def test_colours_do_not_depend_on_the_figure(five: Comparison) -> None:
    colour = styles(list(FIVE))["relu"].colour
    for key in ("losses", "verdict", "costs", "functions"):
        assert colour.lower() in svg(_drawn(key, five), key, "").lower()
