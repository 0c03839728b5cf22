"""The polycom study: its parts fit, its exact claims hold, its interval claims read rightly."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from camber.compare.evidence import lead_claims
from camber.compare.subject import Run
from camber.studies import polycom
from camber.train import InlineExecutor, ProcessExecutor, run_study, study


def _runs(*metrics: float) -> list[Run]:
    return [
        Run(
            seed=seed, diverged=False, metric=metric, step=500, reason="", units_per_second=1.0,
            parameters=1, seconds=1.0, peak_bytes=None, probes={},
        )
        for seed, metric in enumerate(metrics)
    ]  # fmt: skip


def test_tiny_runs_and_its_claims_hold(tmp_path: Path) -> None:
    result = run_study("polycom", "tiny", tmp_path / "study", InlineExecutor())
    assert [claim.outcome for claim in result.claims] == ["holds"]
    assert result.claims[0].estimate < 1e-9
    losses, coefficients = result.tables
    assert [row[0] for row in losses.rows] == ["gelu", "polynorm", "polyrelu"]
    assert {row[0] for row in coefficients.rows} == {"polynorm", "polyrelu"}
    assert (tmp_path / "study" / "report.html").read_text().count("polynorm") >= 2


def test_the_expected_losses_give_the_expected_verdict() -> None:
    # Losses printed with the criterion: GELU 1.779/1.798/1.775, PolyNorm 1.664/1.717/1.684.
    runs = {"gelu": _runs(1.779, 1.798, 1.775), "polynorm": _runs(1.664, 1.717, 1.684)}
    mean, interval = lead_claims(runs, "polynorm", "gelu", 0.05, "nats/byte")
    # the three differences are -0.115, -0.081, -0.091: mean -0.095667, by hand
    assert mean.estimate == pytest.approx(-0.287 / 3, abs=1e-12)
    assert mean.outcome == "holds"
    # s = 0.017474, t(0.975, 2) = 4.302653: half width 0.043407
    assert interval.high == pytest.approx(-0.095667 + 0.043407, abs=1e-5)
    assert interval.outcome == "holds"
    assert lead_claims(runs, "polynorm", "gelu", 0.08, "nats/byte")[1].outcome == "not shown"


def test_one_seed_or_a_diverged_run_shows_nothing() -> None:
    one = {"gelu": _runs(1.8), "polynorm": _runs(1.7)}
    assert [c.outcome for c in lead_claims(one, "polynorm", "gelu", 0.05, "")] == [
        "holds", "not shown",
    ]  # fmt: skip
    broken = {"gelu": _runs(1.8, 1.8), "polynorm": _runs(1.7, float("nan"))}
    assert {c.outcome for c in lead_claims(broken, "polynorm", "gelu", 0.05, "")} == {"not shown"}


def test_sizes_are_what_they_say() -> None:
    sizes = study("polycom").sizes
    assert len(polycom.jobs(sizes["tiny"])) == 3
    smoke = polycom.jobs(sizes["smoke"])
    assert len(smoke) == 25
    fit = smoke[0].config["fit"]
    assert isinstance(fit, dict)
    # the published setting: 500 steps, AdamW 3e-3, 40 warm-up steps, clip 1
    assert (fit["steps"], fit["learning_rate"], fit["warmup_steps"], fit["clip_norm"]) == (
        500, 3e-3, 40, 1.0,
    )  # fmt: skip
    json.dumps(asdict(sizes["full"]))


@pytest.mark.slow
def test_smoke_meets_the_criterion(tmp_path: Path) -> None:
    result = run_study("polycom", "smoke", tmp_path / "study", ProcessExecutor())
    outcomes = {claim.name: claim.outcome for claim in result.claims}
    assert outcomes["polynorm-mean"] == outcomes["polyrelu-mean"] == "holds"
    assert not result.refuted
