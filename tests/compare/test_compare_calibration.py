"""Counting false alarms: binomial bounds, power by published tables and Monte-Carlo."""

import math

import numpy as np
import pytest
from scipy import stats

from camber.compare.calibration import (
    alarm_bound,
    alarm_claim,
    handicap_claim,
    handicap_note,
    power,
    simulated,
    simulated_claims,
    told_apart,
    verdict_claims,
)
from camber.compare.statistics import Looks, against_best, take_looks


@pytest.mark.parametrize("trials", [1, 20, 40, 200, 1000])
def test_the_bound_is_the_binomial_quantile(trials: int) -> None:
    assert alarm_bound(trials) == stats.binom.ppf(0.99, trials, 0.05)


@pytest.mark.parametrize(("effect", "count"), [(0.0, 5), (1.0, 5), (3.6, 3), (-2.0, 8)])
def test_power_is_that_of_the_noncentral_t(effect: float, count: int) -> None:
    # scipy's noncentral t; at effect 0 the power is the level itself
    critical, centre = stats.t.ppf(0.975, count - 1), effect * math.sqrt(count)
    expected = stats.nct.sf(critical, count - 1, centre) + stats.nct.cdf(
        -critical, count - 1, centre
    )
    assert power(effect, count) == pytest.approx(expected, abs=1e-8)


def test_told_apart_is_the_verdict_of_the_fixed_comparison() -> None:
    told = []
    for metrics in simulated((0.0, 1.2), 5, 60, seed=3):
        one, other = metrics.values()
        best, differences = against_best(metrics)
        separated = next(iter(differences.values())).separated
        side, used = told_apart(one, other, Looks((5,)))
        assert used == 5
        assert side == (0 if not separated else 1 if best == "e0" else -1)
        turned, _ = told_apart(other, one, Looks((5,)))
        assert turned == -side
        upside, _ = told_apart(one, other, Looks((5,)), lower_is_better=False)
        assert upside == -side
        told.append(side)
    assert set(told) == {0, 1}


def test_simulated_differences_have_unit_spread() -> None:
    # 500 x 20 differences: the standard error of their deviation is 0.7 %
    gaps = np.array(
        [np.subtract(m["e1"], m["e0"]) for m in simulated((0.0, 2.0), 20, 500, seed=1)]
    )  # fmt: skip
    assert gaps.std() == pytest.approx(1, abs=0.03)
    assert gaps.mean() == pytest.approx(2, abs=0.04)
    again = list(simulated((0.0, 2.0), 3, 2, seed=1))
    assert again == list(simulated((0.0, 2.0), 3, 2, seed=1))


def test_claims_count_what_happened() -> None:
    assert alarm_claim("a", "equal", 6, 40).outcome == "holds"
    assert alarm_claim("a", "equal", 7, 40).outcome == "refuted"
    assert handicap_claim("h", "planted", 32, 40).outcome == "holds"
    assert handicap_claim("h", "planted", 31, 40).outcome == "refuted"


def test_an_untrue_rule_is_caught() -> None:
    # a comparison that spends 15 % where it says 5 % has too many alarms in 1,000 trials
    bad, good = {"bad": Looks((5,), alpha=0.15)}, {"good": Looks((5,))}
    assert simulated_claims(bad, 4, 1000)[0].outcome == "refuted"
    assert simulated_claims(good, 4, 1000)[0].outcome == "holds"


def test_trials_are_judged_by_each_rule() -> None:
    generator = np.random.default_rng(9)
    trials = []
    for _ in range(30):
        one, again, noise = generator.normal(size=(3, 8))
        trials.append((list(one), list(again), list(one + 3.0 + noise)))
    rules = {"fixed": Looks((5,)), "sequential": Looks((3, 5, 8))}
    claims, table = verdict_claims(trials, rules)
    outcomes = {claim.name: claim.outcome for claim in claims}
    assert outcomes == {
        "same-fixed": "holds", "handicap-fixed": "holds",
        "same-sequential": "holds", "handicap-sequential": "holds",
    }  # fmt: skip
    assert [row[:3] for row in table.rows] == [
        ("fixed", "(5,)", 30), ("sequential", "(3, 5, 8)", 30),
    ]  # fmt: skip
    assert table.rows[0][5] == 5
    # seen the other way round the handicapped entry wins, which is no find
    upside, _ = verdict_claims(trials, rules, lower_is_better=False)
    assert {claim.name: claim.estimate for claim in upside}["handicap-fixed"] == 0
    note = handicap_note(trials, (3, 5))
    gaps = np.array([np.subtract(c, a) for a, _, c in trials]).ravel()
    size = gaps.mean() / gaps.std(ddof=1) * (1 - 3 / (4 * 239 - 1))  # Hedges' approximation of J
    assert note == (
        f"The handicap is worth {size:.1f} standard deviations of a paired difference (over 240 "
        f"pairs). If they are normal, it is found with probability {power(size, 3):.3f} by 3 "
        f"seeds and {power(size, 5):.3f} by 5 seeds."
    )
    failed = [(one, again, [math.nan] * 8) for one, again, _ in trials[:1]]
    assert "(over 232 pairs)" in handicap_note([*trials[1:], *failed], (3, 5))


@pytest.mark.parametrize("law", ["lognormal", "t", "grid"])
def test_alarms_of_laws_that_are_not_normal(law: str) -> None:
    # Monte-Carlo, 400 comparisons of five equal entries: at most what 5 % explains
    generator = np.random.default_rng(12)
    alarms = 0
    for _ in range(400):
        values = {
            "lognormal": lambda: generator.lognormal(size=(5, 5)),
            "t": lambda: generator.standard_t(2, size=(5, 5)),
            "grid": lambda: generator.binomial(600, 0.97, size=(5, 5)) / 600,
        }[law]()
        metrics = {str(place): list(map(float, row)) for place, row in enumerate(values)}
        alarms += bool(take_looks(metrics, Looks((5,)))[0].decided)
    assert alarms <= alarm_bound(400)
