"""A study made of nothing but arithmetic."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from camber.errors import CamberError
from camber.train import Claim, Findings, Job, Outcome, Study, StudyTable, Workplace


@dataclass(frozen=True, kw_only=True)
class Settings:
    seeds: int = 3
    broken: bool = False


def jobs(settings: Settings) -> list[Job]:
    return [Job({"broken": settings.broken}, seed=s) for s in range(settings.seeds)]


def work(job: Job, place: Workplace) -> Mapping[str, object]:
    if job.config["broken"] and job.seed == 1:
        raise CamberError("the coin stands on its edge")
    return {"value": 1.0 + job.seed}


def conclude(settings: Settings, outcomes: Sequence[Outcome]) -> Findings:
    values = [float(str(outcome.result["value"])) for outcome in outcomes]
    claim = Claim(
        name="mean",
        statement="the mean is <b>large</b>",
        estimate=statistics.fmean(values),
        low=min(values),
        high=max(values),
        threshold=0.5 if settings.seeds < 5 else 100.0,
        direction="at_least",
        n=len(values),
        seeds=tuple(outcome.job.seed for outcome in outcomes),
    )
    rows = tuple((o.job.seed, o.result["value"], None) for o in outcomes)
    table = StudyTable(title="Values & more", columns=("seed", "value", "x"), rows=rows)
    return Findings(claims=(claim,), tables=(table,), notes=("<script>alert(1)</script>",))


COINS = Study(
    name="coins",
    title="Coins & <tosses>",
    source="nobody, 2026",
    sizes={"tiny": Settings(), "smoke": Settings(seeds=5), "full": Settings(broken=True)},
    jobs=jobs,
    work=work,
    conclude=conclude,
)
