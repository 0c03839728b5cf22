"""Printing outwards, JSON, and the strength of provenances."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camber.facts import Fact, Interval
from camber.facts.values import round_down, round_up, show, to_json, weakest


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_printed_ends_lie_outside(value):
    assert float(round_down(value)) <= value <= float(round_up(value))


@pytest.mark.parametrize(
    ("lo", "hi", "text"),
    [
        (-0.12890414518515, 1.12890414518515, "[-0.12890415, 1.12890415]"),
        (0.0, 1.0, "[0, 1]"),
        (-0.0, math.inf, "[0, inf)"),
        (0.01, 1.0, "[0.01, 1]"),
        (1e-20, 3.0, "[1e-20, 3]"),
    ],
)
def test_interval_prints_outwards(lo, hi, text):
    assert str(Interval(lo, hi)) == text


def test_open_ends_print_as_parentheses():
    assert str(Interval(0.0, 1.0, (False, True))) == "(0, 1]"


def test_interval_compares_by_value_also_over_channels():
    low, high = np.array([0.0, 1.0]), np.array([2.0, 3.0])
    assert Interval(low, high) == Interval(low.copy(), high.copy())
    assert Interval(low, high) != Interval(low, high + 1)
    assert hash(Interval(low, high)) == hash(Interval(low.copy(), high.copy()))
    assert 1.5 in Interval(low, high)
    assert 0.5 not in Interval(low, high)


def test_fact_becomes_json_with_infinities_as_text():
    fact = Fact(Interval(0.0, math.inf), "exact")
    data = json.loads(json.dumps(fact.to_dict()))
    assert data["value"] == {"lo": 0.0, "hi": "inf", "closed": [True, True]}
    assert data["provenance"] == "exact"
    assert to_json(np.array([1.0, math.nan])) == [1.0, "nan"]


def test_how_states_error_and_note():
    assert (
        Fact(1.0, "numeric", 2e-13, "large-width limit").how == "numeric(±2e-13), large-width limit"
    )
    assert Fact(1.0, "certified", 1e-12).how == "certified"


def test_noise_within_the_error_prints_as_zero():
    assert str(Fact(3e-17, "numeric", 1e-15)) == "0"
    assert str(Fact(0.5, "numeric", 1e-15)) == "0.5"


def test_long_lists_are_shortened():
    assert show(tuple(float(k) for k in range(9))) == "0, 1, 2, 3, 4, 5, ... (9 in all)"


def test_weakest_provenance_wins():
    assert weakest("exact", "numeric", "certified") == "numeric"
    assert weakest() == "exact"
