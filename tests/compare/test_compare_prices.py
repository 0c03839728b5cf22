"""Prices of activations: measured once, kept with the runs, and what relu must save."""

import json
from pathlib import Path

import pytest

from camber.compare import prices as module
from camber.compare.entries import as_entries
from camber.compare.prices import prices
from camber.errors import RunError


@pytest.fixture(autouse=True)
def _small_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices are looked at for their form here, not for their values."""
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 2)


def test_prices_are_ratios_and_memory_is_exact(tmp_path: Path) -> None:
    found = prices(as_entries(["relu", "swiglu"]), tmp_path)
    assert set(found) == {"relu", "swiglu"}
    for price in found.values():
        assert isinstance(price["time_over_gelu"], float)
        assert price["time_over_gelu"] > 0
    # closed form: relu keeps its result, as large as its input
    assert found["relu"]["saved_over_input"] == 1.0


def test_what_is_known_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prices(as_entries(["relu", "gelu"]), tmp_path)
    measured: list[str] = []
    real = module._measured

    def counting(entries: list[module.Entry]) -> dict[str, module.Price]:
        measured.extend(entry.label for entry in entries)
        return real(entries)

    monkeypatch.setattr(module, "_measured", counting)
    again = prices(as_entries(["relu", "silu", "gelu"]), tmp_path)
    assert measured == ["silu"]
    assert again["relu"] == first["relu"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text("[")
    with pytest.raises(RunError, match=r"prices\.json is damaged"):
        prices(as_entries(["relu"]), tmp_path)
    (tmp_path / "prices.json").write_text(json.dumps({"schema": 1, "prices": None}))
    assert "relu" in prices(as_entries(["relu"]), tmp_path)
