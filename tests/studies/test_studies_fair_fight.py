"""The self-check of `camber compare`: its parts fit, its seeds are disjoint, its claims hold."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from camber.studies import fair_fight
from camber.train import InlineExecutor, Outcome, ProcessExecutor, run_study, study


def test_tiny_runs_and_its_claims_hold(tmp_path: Path) -> None:
    result = run_study("fair-fight", "tiny", tmp_path / "study", InlineExecutor())
    assert {claim.name: claim.outcome for claim in result.claims} == {
        "simulated-fixed": "holds",
        "simulated-sequential": "holds",
    }


def test_two_names_have_seeds_of_their_own_and_the_handicap_those_of_the_first() -> None:
    config = study("fair-fight").sizes["smoke"]
    jobs = fair_fight.jobs(config)
    assert len(jobs) == 40 * 8 * 3
    by_label: dict[str, list[int]] = {}
    rates: dict[str, set[float]] = {}
    for job in jobs:
        fit = job.config["fit"]
        assert isinstance(fit, dict)
        by_label.setdefault(job.label, []).append(job.seed)
        rates.setdefault(job.label, set()).add(fit["learning_rate"])
    one, again, slow = fair_fight.ONE, fair_fight.AGAIN, fair_fight.SLOW
    assert not set(by_label[one]) & set(by_label[again])
    assert by_label[one] == by_label[slow]
    assert len(set(by_label[one] + by_label[again])) == 640
    assert rates[one] == rates[again]
    assert {rate / 4 for rate in rates[one]} == rates[slow]


def test_findings_follow_from_outcomes() -> None:
    # every name ends at its seed's own value, the handicap at a third more; one run diverged
    config = replace(study("fair-fight").sizes["smoke"], trials=20, simulations=10)
    outcomes = []
    for job in fair_fight.jobs(config):
        level = (job.seed * 37 % 11) / 11
        metric: float | None = level + (3 + level * level if job.label == fair_fight.SLOW else 0)
        if (job.label, job.seed) == (fair_fight.SLOW, 0):
            metric = None
        outcomes.append(Outcome(job=job, status="finished", result={"metric": metric}))
    findings = fair_fight.conclude(config, outcomes)
    shares = {c.name: c.estimate for c in findings.claims if c.name.startswith("handicap")}
    assert shares == {"handicap-fixed": 0.95, "handicap-sequential": 0.95}
    assert len(findings.tables[0].rows) == 2


def test_sizes_are_plain_data() -> None:
    sizes = study("fair-fight").sizes
    assert sizes["full"].trials >= sizes["smoke"].trials
    json.dumps({size: asdict(config) for size, config in sizes.items()})


@pytest.mark.slow
def test_smoke_meets_the_claims(tmp_path: Path) -> None:
    result = run_study("fair-fight", "smoke", tmp_path / "study", ProcessExecutor())
    assert {claim.outcome for claim in result.claims} == {"holds"}
