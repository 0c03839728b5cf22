"""From finished runs to what a study states: claims about leads, tables of losses and weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from camber.compare.statistics import paired
from camber.compare.subject import Run
from camber.train import Claim, Outcome, StudyTable

_GEOMETRY = {
    "rank_1": "rank W1",
    "rank_2": "rank W2",
    "likeness_1": "likeness W1",
    "likeness_2": "likeness W2",
}


def runs_by_entry(outcomes: Sequence[Outcome]) -> dict[str, list[Run]]:
    """Sort the outcomes of :func:`camber.compare.job.train_entry` by label, seeds ascending."""
    runs: dict[str, list[Run]] = {}
    for outcome in outcomes:
        runs.setdefault(outcome.job.label, []).append(
            Run.from_result(outcome.job.seed, outcome.result)
        )
    return {label: sorted(own, key=lambda run: run.seed) for label, own in runs.items()}


def lead_claims(
    runs: Mapping[str, Sequence[Run]], entry: str, base: str, lead: float, unit: str
) -> tuple[Claim, Claim]:
    """Claim that ``entry`` ends below ``base`` by at least ``lead``, in two strengths.

    Returns:
        The mean difference over these seeds, a number without error; and the whole paired 95 %
        t-interval, which speaks for seeds that were not run. "Not shown" where a run diverged.
    """
    seeds = tuple(run.seed for run in runs[base])
    failed = any(run.failed for label in (entry, base) for run in runs[label])
    mean, low, high = math.nan, None, None
    if not failed:
        own, other = ([run.metric for run in runs[label]] for label in (entry, base))
        mean, low, high, _ = paired(own, other)
    least = Claim.exact(
        name=f"{entry}-mean",
        statement=f"{entry} − {base}: mean over these {len(seeds)} seeds",
        value=mean,
        threshold=-lead,
        direction="at_most",
        unit=unit,
    )
    interval = Claim(
        name=f"{entry}-interval",
        statement=f"{entry} − {base}: whole interval over paired seeds",
        estimate=mean,
        low=math.nan if low is None else low,
        high=math.nan if high is None else high,
        threshold=-lead,
        direction="at_most",
        unit=unit,
        interval="paired 95 % t",
        n=len(seeds),
        seeds=seeds,
    )
    return least, interval


def loss_table(runs: Mapping[str, Sequence[Run]], unit: str) -> StudyTable:
    """Metric (mean and by seed), speed, peak memory on a GPU, and geometry of the weights."""
    rows = []
    for label, own in runs.items():
        weights = [run.probes["weights"] for run in own if run.probes.get("weights")]
        geometry = [_mean([found.get(key) for found in weights]) for key in _GEOMETRY]
        peaks = [run.peak_bytes / 2**20 for run in own if run.peak_bytes is not None]
        rows.append(
            (
                label,
                None if any(run.failed for run in own) else fmean(run.metric for run in own),
                " ".join("diverged" if run.failed else f"{run.metric:.3f}" for run in own),
                round(fmean(run.units_per_second for run in own)),
                max(peaks, default=None),
                *geometry,
            )
        )
    columns = ("entry", unit, "by seed", "tokens/s", "peak MiB", *_GEOMETRY.values())
    return StudyTable(
        title="Validation at equal parameters, tokens and seeds", columns=columns, rows=tuple(rows)
    )


def coefficient_table(runs: Mapping[str, Sequence[Run]]) -> StudyTable:
    """Learned coefficients per site, mean over seeds, in the order of the module's parameters."""
    rows = []
    for label, own in runs.items():
        found = [run.probes.get("coefficients", {}).get("sites") for run in own]
        sites = [site for site in found if isinstance(site, dict) and site]
        for path in sites[0] if sites else ():
            for key in sites[0][path]:
                entries = zip(*(site[path][key] for site in sites), strict=True)
                values = " ".join(f"{fmean(entry):.3f}" for entry in entries)
                rows.append((label, path, key, values))
    columns = ("entry", "site", "coefficient", "mean over seeds")
    return StudyTable(title="Learned coefficients", columns=columns, rows=tuple(rows))


def _mean(values: Sequence[object]) -> float | None:
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    return fmean(numbers) if numbers else None
