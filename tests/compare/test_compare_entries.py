"""Entries as users write them: names, options, formulas, mappings; and what is refused."""

import pytest
import torch

from camber import Formula
from camber.compare.entries import Entry, as_entries
from camber.errors import CamberError, DtypeError, FormulaError, UnknownNameError


def test_a_name_and_a_formula() -> None:
    entries = as_entries(["gelu", "x*sigmoid(1.7*x)"])
    assert [entry.label for entry in entries] == ["gelu", "x*sigmoid(1.7*x)"]
    x = torch.linspace(-2, 2, 5)
    expected = x * torch.sigmoid(1.7 * x)
    assert torch.allclose(entries[1].activation()(x), expected)


def test_options_follow_a_colon() -> None:
    entry = Entry.parse("polynorm:order=2")
    assert (entry.text, dict(entry.options)) == ("polynorm", {"order": 2})
    assert entry.label == entry.written == "polynorm:order=2"
    assert sum(p.numel() for p in entry.activation().parameters()) == 3


def test_a_fixed_option_is_no_parameter() -> None:
    entry = Entry.parse("x*sigmoid(beta*x):beta=fixed(1.7)")
    assert list(entry.activation().parameters()) == []
    assert entry.written == "x*sigmoid(beta*x):beta=fixed(1.7)"
    assert len(list(Entry.parse("x*sigmoid(beta*x):beta=1.7").activation().parameters())) == 1


def test_an_entry_survives_its_record() -> None:
    entry = Entry.parse("x*sigmoid(beta*x):beta=fixed(1.7)")
    again = Entry.from_dict(entry.to_dict(), entry.label)
    assert again.to_dict() == entry.to_dict()
    assert again.activation().formula == entry.activation().formula


def test_one_function_may_stand_under_several_labels_and_values() -> None:
    entries = as_entries(
        ["x*sigmoid(1.7*x)", "x*sigmoid(1.702*x)", "leaky_relu:negative_slope=0.2"]
    )
    assert len(entries) == 3
    named = as_entries({"mine": "gelu", "theirs": "gelu"})
    assert [entry.label for entry in named] == ["mine", "theirs"]


def test_a_formula_object_and_a_single_text_will_do() -> None:
    assert as_entries([Formula.parse("x**2")])[0].text == "x**2"
    assert as_entries("relu")[0].label == "relu"


def test_an_entry_that_stands_twice_is_refused() -> None:
    with pytest.raises(CamberError, match="'relu' stands twice"):
        as_entries(["relu", "gelu", "relu"])


def test_nothing_is_refused() -> None:
    with pytest.raises(CamberError, match="nothing to compare"):
        as_entries([])


def test_an_unknown_name_offers_near_ones() -> None:
    with pytest.raises(UnknownNameError, match="'polynorm'"):
        as_entries(["polynrom"])


def test_a_malformed_formula_points_a_caret() -> None:
    with pytest.raises(FormulaError, match=r"\^"):
        as_entries(["x*sigmoid(1.7*x"])


def test_a_module_is_refused() -> None:
    with pytest.raises(DtypeError, match="but got GELU"):
        as_entries([torch.nn.GELU()])  # type: ignore[list-item]  # the error under test


@pytest.mark.parametrize("text", ["polynorm:order=", "polynorm:order=2,", "polynorm:=2"])
def test_a_malformed_option_is_refused(text: str) -> None:
    with pytest.raises(CamberError):
        as_entries([text])


def test_fixed_wants_a_number() -> None:
    with pytest.raises(CamberError, match="fixes no number"):
        Entry.parse("x*sigmoid(beta*x):beta=fixed(y)")


def test_a_label_that_is_no_text_is_refused() -> None:
    with pytest.raises(CamberError, match="holds half of a character"):
        as_entries({"a\ud800": "relu"})
