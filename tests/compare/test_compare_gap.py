"""Gaps between near neighbours, against published values."""

import pytest

from camber import activation
from camber.compare.entries import as_entries
from camber.compare.gap import gap, neighbours
from camber.errors import CamberError


def test_the_three_gelus_are_as_far_apart_as_is_known() -> None:
    # published (bug reports about mixed-up GELUs): 4.7e-4 to the tanh form, 2.0e-2 to the sigmoid
    tanh = gap(activation("gelu"), activation("gelu_tanh"))
    assert tanh.largest == pytest.approx(4.7e-4, abs=5e-6)
    quick = gap(activation("gelu"), activation("quick_gelu"))
    assert quick.largest == pytest.approx(2.0e-2, abs=5e-4)
    assert quick.mean < quick.largest


def test_relu_and_identity_differ_most_at_the_left_end() -> None:
    # closed form: |relu(x) - x| = -x for x < 0; E = 1/sqrt(2 pi)
    found = gap(activation("relu"), activation("identity"))
    assert (found.largest, found.where) == (8.0, -8.0)
    assert found.mean == pytest.approx(0.3989422804, abs=1e-6)  # the grid's own error is 1e-7


def test_only_near_neighbours_are_mentioned() -> None:
    found = neighbours(as_entries(["gelu", "gelu_tanh", "relu", "swiglu"]))
    assert len(found) == 1
    assert found[0].startswith(
        "gelu and gelu_tanh are nearly one function: apart by at most 4.7e-04"
    )


def test_equal_functions_are_called_one_unless_they_learn() -> None:
    (found,) = neighbours(as_entries(["relu", "relu(x)"]))
    assert found == (
        "relu and relu(x) are one function: equal at every point from -8 to 8 in steps of 0.001."
    )
    (found,) = neighbours(as_entries(["prelu", "max(x, 0.25*x)"]))
    assert found.startswith("prelu and max(x, 0.25*x) start as one function: equal at")


def test_rows_have_no_gap() -> None:
    with pytest.raises(CamberError, match="polynorm is along"):
        gap(activation("gelu"), activation("polynorm"))
