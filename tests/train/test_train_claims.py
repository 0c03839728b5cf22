"""Claims: three outcomes by where the interval stands."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from camber.errors import CamberError
from camber.train import Claim, claims_table

NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([-math.inf, math.inf])


def _claim(low: float, estimate: float, high: float, direction: str, threshold: float) -> Claim:
    return Claim(
        name="gap",
        statement="A [bold] statement",
        estimate=estimate,
        low=low,
        high=high,
        threshold=threshold,
        direction=direction,  # type: ignore[arg-type]  # wrong ones are tested too
        n=5,
        seeds=(0, 1, 2, 3, 4),
        interval="paired 95 % t",
        unit="nats",
    )


@pytest.mark.parametrize(
    ("low", "high", "at_most", "at_least"),
    [
        (1.0, 2.0, "refuted", "holds"),
        (-2.0, -1.0, "holds", "refuted"),
        (-1.0, 1.0, "not shown", "not shown"),
        # The threshold belongs to both inequalities.
        (-1.0, 0.0, "holds", "not shown"),
        (0.0, 1.0, "not shown", "holds"),
        (0.0, 0.0, "holds", "holds"),
    ],
)
def test_outcomes(low: float, high: float, at_most: str, at_least: str) -> None:
    middle = (low + high) / 2
    assert _claim(low, middle, high, "at_most", 0.0).outcome == at_most
    assert _claim(low, middle, high, "at_least", 0.0).outcome == at_least


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.floats(-1e6, 1e6), st.booleans())
def test_laws(numbers: tuple[float, float, float], threshold: float, most: bool) -> None:
    low, estimate, high = sorted(numbers)
    claim = _claim(low, estimate, high, "at_most" if most else "at_least", threshold)
    # negating everything exchanges the directions
    turned = _claim(-high, -estimate, -low, "at_least" if most else "at_most", -threshold)
    assert claim.outcome == turned.outcome
    exact = _claim(estimate, estimate, estimate, claim.direction, threshold)
    assert exact.outcome != "not shown"
    # a narrower interval around the estimate never contradicts a wider one
    if claim.outcome != "not shown":
        assert exact.outcome == claim.outcome
    assert Claim.from_dict(json.loads(json.dumps(claim.to_dict()))) == claim


def test_nothing_measured_shows_nothing() -> None:
    claim = _claim(math.nan, math.nan, math.nan, "at_most", 0.0)
    assert claim.outcome == "not shown"
    assert Claim.from_dict(claim.to_dict()).outcome == "not shown"


def test_bad_claims_are_refused() -> None:
    with pytest.raises(CamberError, match=r"interval \[1.0, 2.0\] does not enclose.*3.0"):
        _claim(1.0, 3.0, 2.0, "at_most", 0.0)
    with pytest.raises(CamberError, match="it is 'at_most' or 'at_least'"):
        _claim(1.0, 1.0, 1.0, "below", 0.0)
    with pytest.raises(CamberError, match="no threshold"):
        _claim(1.0, 1.0, 1.0, "at_most", math.nan)
    record = _claim(1.0, 1.0, 1.0, "at_most", 0.0).to_dict()
    with pytest.raises(CamberError, match="changed after it was written"):
        Claim.from_dict({**record, "outcome": "holds"})


def test_exact_claims_and_the_table() -> None:
    exact = Claim.exact(
        name="gain", statement="gain of ReLU", value=1.5, threshold=1.4, direction="at_least",
        paper_value=1.4142,
    )  # fmt: skip
    assert (exact.outcome, exact.n, exact.interval) == ("holds", 1, "exact")
    console = Console(width=200)
    with console.capture() as capture:
        console.print(claims_table([exact, _claim(-1, 0, 1, "at_most", 0.5)]))
    printed = capture.get()
    assert "A [bold] statement" in printed
    assert "0 [-1, 1] nats" in printed
    assert "1.4142" in printed
    assert "≤ 0.5" in printed
