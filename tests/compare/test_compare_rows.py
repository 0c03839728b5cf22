"""The rows: a registry by file, and what each asks, against closed forms."""

import math
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import nn

from camber.compare import rows
from camber.compare.entries import Entry
from camber.compare.rows import all_rows
from camber.compare.rows.weights import effective_rank, likeness
from camber.compare.statistics import against_best, estimate
from camber.compare.subject import Run, Subject
from camber.layers import FeedForward
from camber.tasks import task


def make_run(seed: int = 0, metric: float = 1.0, **changes: object) -> Run:
    record = {
        "metric": metric, "diverged": False, "step": 3, "reason": "", "units_per_second": 10.0,
        "parameters": 100, "seconds": 1.0, "peak_bytes": None, "probes": {},
    }  # fmt: skip
    return Run.from_result(seed, {**record, **changes})


def make_subject(name: str, *runs: Run, price: Mapping[str, object] | None = None) -> Subject:
    return Subject(
        entry=Entry(name),
        runs=runs or (make_run(),),
        estimate=estimate([run.metric for run in runs] or [1.0]),
        difference=None,
        is_best=False,
        reference_parameters=100,
        price=price,
    )


def ask(key: str, subject: Subject) -> tuple[object, str]:
    row = next(row for row in all_rows() if row.key == key)
    value = row.measure(subject)
    return value, row.show(value)


def test_a_row_is_a_file() -> None:
    files = {path.stem for path in Path(rows.__path__[0]).glob("*.py")} - {"__init__", "row"}
    assert len(all_rows()) == len(files)
    assert len({row.key for row in all_rows()}) == len(files)
    assert [row.order for row in all_rows()] == sorted(row.order for row in all_rows())


@pytest.mark.parametrize("row", all_rows(), ids=lambda row: row.key)
def test_every_row_explains_itself_and_shows_nothing_as_a_dash(row: rows.Row) -> None:
    assert row.explain
    assert not row.explain.endswith(".")
    if row.key not in ("metric", "difference"):
        assert row.show(None) == "—"


def test_gain_kinks_and_slopes_are_the_known_ones() -> None:
    # closed forms: relu's gain sqrt(2), its kink at 0, its slopes in [0, 1]
    relu = make_subject("relu")
    assert ask("gain", relu) == (pytest.approx(math.sqrt(2), abs=1e-9), "1.4142")
    assert ask("kinks", relu)[1] == "0"
    assert ask("slope", relu)[1] == "[0, 1]"
    # published: GELU's slopes from -0.12890414518515 to 1.12890414518515; printed outwards
    assert ask("slope", make_subject("gelu"))[1] == "[-0.129, 1.129]"
    assert ask("kinks", make_subject("gelu"))[1] == "none"
    assert ask("slope", make_subject("polyrelu"))[1].endswith("inf)")
    # a gated function has no kinks on a line, a sort has no slope of its own
    assert ask("kinks", make_subject("swiglu"))[1] == "—"


def test_zeros_are_counted_at_the_trained_model(small_model: nn.Module) -> None:
    row = next(row for row in all_rows() if row.key == "zeros")
    problem = task("charlm", preset="quick", **SMALL)
    assert row.probe is not None
    with torch.no_grad():  # the first four units of relu are dead for any input of bounded size
        first = next(m for m in small_model.modules() if isinstance(m, FeedForward))
        first.up.weight[:4] = 0
    found = row.probe(small_model, problem)
    assert found["units"] == 64
    assert isinstance(found["dead_units"], int)
    assert found["dead_units"] >= 4
    assert 0 < float(str(found["zero_fraction"])) < 1
    value, text = ask("zeros", make_subject("relu", make_run(probes={"zeros": found})))
    assert isinstance(value, dict)
    assert value["units"] == 64
    assert "of 64" in text


def test_effective_rank_is_its_closed_form() -> None:
    # n equal singular values: n; one: 1; values 3 and 1: exp(H(3/4, 1/4))
    assert effective_rank(torch.eye(5)) == pytest.approx(5, abs=1e-9)
    assert effective_rank(torch.ones(3, 4)) == pytest.approx(1, abs=1e-6)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(math.exp(entropy))


def test_likeness_is_the_mean_absolute_cosine() -> None:
    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 1.0]])
    assert likeness([a, b]) == pytest.approx(1 / math.sqrt(2))
    assert likeness([a]) is None


def test_coefficients_are_averaged_over_seeds() -> None:
    runs = [
        make_run(seed, probes={"coefficients": {"sites": {"a": {"weight": [seed, 1.0]}}}})
        for seed in (0, 1)
    ]
    value, text = ask("coefficients", make_subject("polynorm", *runs))
    assert value == {"a": {"weight": [0.5, 1.0]}}
    assert text == "weight 0.50 1.00"
    assert ask("coefficients", make_subject("relu"))[0] is None


def test_unequal_parameters_are_marked() -> None:
    fair = make_subject("relu", make_run(parameters=100))
    assert ask("parameters", fair)[1] == "100\n+0.00 %"
    unfair = make_subject("relu", make_run(parameters=102))
    assert ask("parameters", unfair)[1] == "102\n+2.00 % (not equal)"


def test_prices_are_shown_as_ratios() -> None:
    priced = make_subject("relu", price={"time_over_gelu": 0.5, "saved_over_input": 1.0})
    assert ask("time_over_gelu", priced)[1] == "0.50 x"
    assert ask("saved_over_input", priced)[1] == "1.00 x input"


def test_the_metric_and_its_difference_are_shown_with_intervals() -> None:
    runs = [make_run(seed, metric) for seed, metric in enumerate((1.0, 1.1))]
    assert ask("metric", make_subject("relu", *runs))[1].startswith("1.050\n")
    assert ask("metric", make_subject("relu", make_run()))[1] == "1.000"
    failed = make_subject("relu", make_run(metric=math.nan))
    assert ask("metric", failed)[1] == "diverged (1 run)"
    assert ask("difference", failed)[1] == "not ranked"
    _, differences = against_best({"a": [1.0, 1.1], "b": [1.5, 1.7]})
    row = next(row for row in all_rows() if row.key == "difference")
    assert row.show(differences["b"].to_dict()).startswith("+0.550\n")
    cell = {**differences["b"].to_dict(), "seeds": 2}
    assert len(row.show(cell).splitlines()) == 2
    # a sequential comparison went on after it had decided this pair
    assert row.show({**cell, "seeds": 5}).splitlines()[2] == "first 2 seeds"


SMALL = {"width": 8, "context": 8, "evaluation_tokens": 64}


@pytest.fixture
def small_model() -> nn.Module:
    return task("charlm", preset="quick", **SMALL).build_model("relu", 0)


def test_propagation_is_the_geometric_mean_over_seeds() -> None:
    def noted(ratio: float) -> dict[str, object]:
        sites = [{"path": "a", "after": 2.0}, {"path": "b", "after": 2.0 * ratio}]
        return {"propagation": {"start": sites, "end": sites[:1]}}

    runs = [make_run(seed, probes=noted(ratio)) for seed, ratio in enumerate((0.25, 4.0))]
    value, text = ask("propagation", make_subject("relu", *runs))
    assert value == {"start": {"after": pytest.approx(1.0)}}
    assert text == "1"
    # runs of before, and tasks whose model has one site, have no answer
    assert ask("propagation", make_subject("relu")) == (None, "—")


def test_the_copy_limit_is_shown_as_a_ratio() -> None:
    assert ask("time_over_copy", make_subject("relu", price={"time_over_copy": 2.0}))[1] == "2.00 x"
    old = make_subject("relu", price={"time_over_gelu": 0.5})
    assert ask("time_over_copy", old) == (None, "—")
