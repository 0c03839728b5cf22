"""Prices of activations: measured once, kept with the runs, and what relu must save."""

import json
from pathlib import Path

import pytest

from camber.compare import prices as module
from camber.compare.entries import as_entries
from camber.compare.prices import prices


@pytest.fixture(autouse=True)
def _small_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices are looked at for their form here, not for their values."""
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 2)


def test_prices_are_ratios_and_memory_is_exact(tmp_path: Path) -> None:
    found, note = prices(as_entries(["relu", "swiglu"]), tmp_path)
    assert note == ""
    assert set(found) == {"relu", "swiglu"}
    for price in found.values():
        assert price is not None
        assert isinstance(price["time_over_gelu"], float)
        assert price["time_over_gelu"] > 0
    # closed form: relu keeps its result, as large as its input
    assert found["relu"] is not None
    assert found["relu"]["saved_over_input"] == 1.0


def test_what_is_known_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = prices(as_entries(["relu", "gelu"]), tmp_path)
    measured: list[str] = []
    real = module._measured

    def counting(entries: list[module.Entry]) -> dict[str, module.Price]:
        measured.extend(entry.label for entry in entries)
        return real(entries)

    monkeypatch.setattr(module, "_measured", counting)
    again, _ = prices(as_entries(["relu", "silu", "gelu"]), tmp_path)
    assert measured == ["silu"]
    assert again["relu"] == first["relu"]


def test_reading_measures_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = prices(as_entries(["relu"]), tmp_path)
    monkeypatch.setattr(module, "machine", lambda: {"processor": "another"})
    read, note = prices(as_entries(["relu", "gelu"]), tmp_path, measure=False)
    assert read == {**first, "gelu": None}
    assert note == ""


def test_prices_of_another_machine_are_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices(as_entries(["relu", "gelu"]), tmp_path)
    monkeypatch.setattr(module, "machine", lambda: {"processor": "another"})
    prices(as_entries(["relu"]), tmp_path)
    stored = json.loads((tmp_path / "prices.json").read_text())
    assert stored["machine"] == {"processor": "another"}
    assert len(stored["prices"]) == 1


@pytest.mark.parametrize("damage", ["[", "{}", '{"schema": 1, "prices": {}}'])
def test_a_damaged_file_costs_a_measurement_and_a_note(tmp_path: Path, damage: str) -> None:
    (tmp_path / "prices.json").write_text(damage)
    read, note = prices(as_entries(["relu"]), tmp_path, measure=False)
    assert read == {"relu": None}
    assert "prices.json" in note
    assert "measured again by" in note
    found, note = prices(as_entries(["relu"]), tmp_path)
    assert found["relu"] is not None
    assert "was measured again" in note
    assert prices(as_entries(["relu"]), tmp_path) == (found, "")
