"""`camber study`: list, run at the tiny size, report, and exit code 1 for a refuted claim."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import camber.studies
import camber.train
from camber.train import Claim, Findings, InlineExecutor, run_study, study, study_definition


@pytest.fixture(autouse=True)
def _inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run jobs in this process: a worker takes seconds to start."""

    def here(
        name: str, size: str, directory: Any, executor: Any, on_event: Any, on_start: Any
    ) -> object:
        return run_study(name, size, directory, InlineExecutor(), on_event, on_start)

    monkeypatch.setattr(camber.train, "run_study", here)


def test_studies_are_listed(camber: Callable[..., Any]) -> None:
    assert "polycom" in camber("study", "list").out
    record = json.loads(camber("study", "list", "--json").out)
    assert {"name", "title", "source", "needs"} <= set(record["studies"][0])


def test_a_study_runs_and_is_read_again(camber: Callable[..., Any]) -> None:
    said = camber("study", "run", "polycom", "--size", "tiny")
    assert said.code == 0, said.error
    assert "holds" in said.out
    assert "report.html" in said.error
    assert "already there" not in said.error
    record = json.loads(camber("study", "report", "polycom", "--size", "tiny", "--json").out)
    assert record["claims"][0]["outcome"] == "holds"
    assert camber("study", "report", "polycom", "--size", "tiny").code == 0
    again = camber("study", "run", "polycom", "--size", "tiny")
    assert "all are already there" in again.error


def test_a_refuted_claim_ends_with_one(
    camber: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Claim.exact(
        name="wrong", statement="one is at most zero", value=1.0, threshold=0.0, direction="at_most"
    )
    refuted = replace(
        study("polycom"), jobs=lambda config: [], conclude=lambda *_: Findings(claims=(wrong,))
    )
    monkeypatch.setitem(study_definition._STUDIES, "polycom", refuted)
    said = camber("study", "run", "polycom", "--size", "tiny")
    assert said.code == 1
    assert "refuted" in said.out
    assert camber("study", "report", "polycom", "--size", "tiny").code == 1


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["run", "polycon"], "'polycom'"),
        (["run", "polycom", "--size", "huge"], "unknown size"),
        (["report", "polycom"], "run one there first"),
        (["report", "nothing"], "unknown study"),
        (["run", "polycom", "--workers", "0"], "workers is 0"),
        (["run", "polycom", "--executor", "proceses"], "'processes'"),
        (["run", "polycom", "--executor", "inline", "--jobs", "2"], "no option 'workers'"),
    ],
)
def test_bad_input_is_one_sentence(
    camber: Callable[..., Any], arguments: list[str], wanted: str
) -> None:
    assert wanted in camber("study", *arguments).sentence
