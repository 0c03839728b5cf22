"""`camber card`, `camber list` and `camber doctor`."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from camber.cli import doctor as doctor_verb


def test_a_card_for_people_and_for_programs(camber: Callable[..., Any]) -> None:
    said = camber("card", "gelu")
    assert said.code == 0
    for wanted in ("[-0.12890415, 1.12890415]", "certified", "1.533530", "arXiv:1606.08415"):
        assert wanted in said.out
    record = json.loads(camber("card", "x*sigmoid(beta*x)", "--json").out)
    assert record["kind"] == "pointwise"
    assert record["facts"]["kinks"]["value"] == []


def test_a_card_is_drawn_on_request(camber: Callable[..., Any], tmp_path: Path) -> None:
    said = camber("card", "relu", "--plot", "relu.svg")
    assert said.code == 0
    assert "drawn in relu.svg" in said.error
    assert "kink at 0" in (tmp_path / "relu.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["gelo"], "'gelu'"),
        (["x*sigmoid("], "^"),
        (["__import__('os').system('true')"], ""),
        (["gelu", "--plot", "gelu.doc"], "should end in .svg"),
        (["leaky_relu:slope=2"], "'negative_slope'"),
        (["-" * 5000], ""),
    ],
)
def test_bad_specs_are_one_sentence(
    camber: Callable[..., Any], arguments: list[str], wanted: str
) -> None:
    said = (
        camber("card", "--", *arguments) if arguments[0][0] == "-" else camber("card", *arguments)
    )
    assert wanted in said.sentence


def test_the_catalogue_is_listed(camber: Callable[..., Any]) -> None:
    said = camber("list")
    assert said.code == 0
    for wanted in ("gelu", "swiglu", "polynorm", "activations; camber card NAME"):
        assert wanted in said.out
    record = json.loads(camber("list", "--json", "--kind", "gated").out)
    found = {entry["name"] for entry in record["activations"]}
    assert {"glu", "reglu", "geglu", "swiglu"} <= found
    assert "relu" not in found
    assert {"polyrelu", "polynorm"} <= {
        entry["name"] for entry in json.loads(camber("list", "poly", "--json").out)["activations"]
    }
    assert "swish" in camber("list", "swish").out


def test_listing_nothing_is_refused(camber: Callable[..., Any]) -> None:
    assert "no activation like 'zzz'" in camber("list", "zzz").sentence
    assert "'gated'" in camber("list", "--kind", "gate").sentence


def test_the_doctor_finds_this_machine_healthy(camber: Callable[..., Any]) -> None:
    record = json.loads(camber("doctor", "--json").out)
    assert record["healthy"]
    found = {check["name"]: check for check in record["checks"]}
    for backend in ("reference", "fused"):
        assert (
            found[f"gelu, {backend}"]["status"] == found[f"polynorm, {backend}"]["status"] == "ok"
        )
    assert found["torch"]["detail"]
    assert "gelu, reference" in camber("doctor").out


def test_the_doctor_names_what_is_missing(
    camber: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_verb, "EXTRAS", {"plot": (("no_such_module", "sys"), "drawings")})
    monkeypatch.setenv("CAMBER_CC", "none")
    said = camber("doctor")
    assert said.code == 0
    assert "pip install 'camber[plot]'" in said.out
    assert "no_such_module not installed: drawings" in said.out
    assert "activations run in row blocks" in said.out


def test_the_doctor_knows_the_extras_of_the_package() -> None:
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extras = declared["project"]["optional-dependencies"]
    assert set(doctor_verb.EXTRAS) == set(extras) - {"all", "dev", "docs"}
    for extra, (modules, _) in doctor_verb.EXTRAS.items():
        wanted = {re.split("[<>=]", line)[0] for line in extras[extra]}
        assert {doctor_verb.PACKAGES.get(module, module) for module in modules} == wanted


def test_a_wrong_value_is_an_illness(
    camber: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = doctor_verb.Check("gelu, fused", "wrong", "is off by 1e-3", "reinstall torch")
    monkeypatch.setattr(doctor_verb, "_self_tests", lambda backends: [wrong])
    said = camber("doctor")
    assert said.code == 1
    assert "is off by 1e-3" in said.out
