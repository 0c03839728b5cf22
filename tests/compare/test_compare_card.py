"""The card: what it knows, against published values; how it prints; what it draws."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from camber import Formula, activation
from camber.activations import names
from camber.compare import card
from camber.compare.plot import curves
from camber.errors import CamberError, FormulaError, MissingExtraError, UnknownNameError


def test_gelu_is_known_to_its_published_values() -> None:
    record = card("gelu").to_dict()
    assert record["source"] is not None
    assert "1606.08415" in str(record["source"])
    # published: slope interval and gain of the exact GELU (torch.nn.init's sense of gain)
    facts = record["facts"]
    assert isinstance(facts, dict)
    assert facts["slope"]["text"] == "[-0.12890415, 1.12890415]"
    assert record["gain"] == pytest.approx(1.533530, abs=1e-6)
    assert record["variance_gain"] == pytest.approx(2.351716, abs=1e-6)


def test_hermite_coefficients_of_relu_are_the_closed_form() -> None:
    # closed form: E[relu h_0] = 1/sqrt(2 pi), h_1: 1/2, h_2: 1/(2 sqrt(pi)), h_3: 0
    found = card("relu").hermite
    assert found is not None
    expected = [1 / np.sqrt(2 * np.pi), 0.5, 1 / (2 * np.sqrt(np.pi)), 0.0]
    assert found[:4] == pytest.approx(expected, abs=1e-10)


def test_a_formula_has_a_card_like_a_name() -> None:
    found = card("x*sigmoid(beta*x)")
    assert found.entry is None
    assert str(found.derivatives["x"]).count("sigmoid") >= 2
    assert found.to_dict()["parameters"] == {"beta": 1.0}
    assert card(Formula.parse("x**2")).title == "x**2"


def test_an_activation_speaks_at_its_own_coefficients() -> None:
    module = activation("x*sigmoid(beta*x)", beta=1.0)
    before = card(module).to_dict()["gain"]
    with torch.no_grad():
        module.get_parameter("beta").fill_(1e3)  # towards relu, whose gain is sqrt(2)
    after = card(module).to_dict()["gain"]
    assert before != after
    assert after == pytest.approx(np.sqrt(2), abs=1e-4)


def test_options_reach_the_card_and_its_usage() -> None:
    found = card("leaky_relu:negative_slope=0.2")
    assert "negative_slope=0.2" in found.usage
    assert found.facts["slope"] is not None
    assert found.facts["slope"].value.lo == pytest.approx(0.2, abs=1e-7)  # stored in float32


def test_it_prints_as_text_with_provenance() -> None:
    text = str(card("gelu"))
    for wanted in ("formula", "d/dx", "kinks", "slopes", "certified", "camber.activation('gelu')"):
        assert wanted in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", names())
def test_every_entry_has_a_card(name: str) -> None:
    record = card(name).to_dict()
    assert json.loads(json.dumps(record, allow_nan=False))["name"] == name


def test_bad_specs_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="'gelu'"):
        card("gelo")
    with pytest.raises(FormulaError, match=r"\^"):
        card("x*sigmoid(")


def test_the_drawing_is_svg_with_real_text(tmp_path: Path) -> None:
    path = tmp_path / "hardtanh.svg"
    card("hardtanh").plot(path)
    text = path.read_text()
    ElementTree.fromstring(text)
    assert len(text) < 40_000
    for wanted in ("function", "derivative", "kink at -1", "kink at 1"):
        assert wanted in text
    again = tmp_path / "again.svg"
    card("hardtanh").plot(again)
    assert again.read_text() == text


@pytest.mark.parametrize("ending", [".png", ".pdf"])
def test_other_formats_are_drawn(tmp_path: Path, ending: str) -> None:
    card("polynorm").plot(tmp_path / f"card{ending}")
    assert (tmp_path / f"card{ending}").stat().st_size > 1000


def test_drawings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CamberError, match=r"should end in \.svg"):
        card("gelu").plot(tmp_path / "gelu.txt")
    with pytest.raises(CamberError, match="no curve to draw"):
        card("maxmin").plot(tmp_path / "maxmin.svg")
    with pytest.raises(CamberError, match="nowhere finite"):
        card("sqrt(-1-x*x)").plot(tmp_path / "nothing.svg")
    with pytest.raises(CamberError, match="could not be written"):
        card("gelu").plot(tmp_path / "absent" / "gelu.svg")


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'camber\[plot\]'"):
        card("gelu").plot(tmp_path / "gelu.svg")


def test_a_gated_curve_is_drawn_along_its_gate() -> None:
    # closed form: silu(g) at value 1, and its derivative
    x, y, slope, meaning = curves(activation("swiglu"))
    logistic = 1 / (1 + np.exp(-x))
    assert "gate" in meaning
    assert slope is not None
    np.testing.assert_allclose(y, x * logistic, atol=1e-12)
    np.testing.assert_allclose(slope, logistic * (1 + x * (1 - logistic)), atol=1e-12)
