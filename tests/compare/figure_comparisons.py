"""Comparisons made of invented numbers, for figures to draw: nothing is trained."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from camber.activations import Activation
from camber.compare import Comparison, Entry
from camber.compare.statistics import against_best, estimate
from camber.compare.subject import Run
from camber.compare.tuning import Tried, Tuning
from camber.train import FitConfig

SITES = ("blocks.0.feed_forward.activation", "blocks.1.feed_forward.activation")

#: Labels that try to leave the text they stand in, with what they name.
HOSTILE = {
    "$\\frac{": "relu",
    "<script>alert(1)</script>": "gelu",
    "]]>&lt;\x00\x1b[31m\u202e\n$x$": "polyrelu",
    "日本語 \U0001f600": "x*sigmoid(beta*x)",
    "a" * 300: "groupsort",
    "+".join(f"{k}*tanh(x/{k})" for k in range(11, 26)): "swiglu",
    "": "polynorm",
}


def invented(
    place: Path,
    entries: Sequence[str] | Mapping[str, str],
    *,
    seeds: int = 5,
    records: int = 40,
    better: str = "lower",
    diverged: Mapping[str, Sequence[int]] | None = None,
    notes: bool = True,
    tuned: bool = False,
    sites: Sequence[str] = SITES,
) -> Comparison:
    """Return a comparison whose logs lie in ``place``.

    Args:
        entries: names, or labels with what they name.
        diverged: label -> seeds that diverge halfway; at once where ``records`` is 0.
        notes: whether the logs hold what rows note while training.
        tuned: whether learning rates were searched.
    """
    named = entries if isinstance(entries, Mapping) else {name: name for name in entries}
    chosen = tuple(Entry(text, label=label) for label, text in named.items())
    generator = np.random.default_rng(0)
    runs: dict[str, tuple[Run, ...]] = {}
    for index, entry in enumerate(chosen):
        runs[entry.label] = tuple(
            _run(place, index, entry, seed, generator, diverged or {}, records, notes, sites)
            for seed in range(seeds)
        )
    metrics = {
        label: [math.nan if run.failed else run.metric for run in own]
        for label, own in runs.items()
    }
    best, differences = against_best(metrics, lower_is_better=better == "lower")
    estimates = {label: estimate(values) for label, values in metrics.items()}
    ranked = [label for label in metrics if label == best or label in differences]
    return Comparison(
        entries=chosen,
        task={},
        metric="validation_loss" if better == "lower" else "accuracy",
        unit="nats/byte" if better == "lower" else "%",
        throughput="tokens",
        better=better,
        seeds=tuple(range(seeds)),
        runs=runs,
        estimates=estimates,
        differences=differences,
        pairs={},
        pair_sentences={},
        best=best,
        ranking=(*ranked, *(label for label in metrics if label not in ranked)),
        sentences=dict.fromkeys(metrics, ""),
        rows={
            "time_over_gelu": {label: 0.8 + 0.3 * k for k, label in enumerate(metrics)},
            "time_over_copy": dict.fromkeys(metrics, None) if not notes else {
                label: 1.6 + 0.6 * k for k, label in enumerate(metrics)
            },
            "saved_over_input": dict.fromkeys(metrics, 1.0),
            "units_per_second": {label: 9000.0 + k for k, label in enumerate(metrics)},
        },
        notes=(),
        command="",
        directory=str(place),
        configs={label: FitConfig(steps=10 * max(records, 1)) for label in metrics},
        tunings={label: _tuning(k) for k, label in enumerate(metrics)} if tuned else {},
    )  # fmt: skip


def _run(
    place: Path,
    index: int,
    entry: Entry,
    seed: int,
    generator: np.random.Generator,
    diverged: Mapping[str, Sequence[int]],
    records: int,
    notes: bool,
    sites: Sequence[str],
) -> Run:
    fails = seed in diverged.get(entry.label, ())
    job = f"job-{index}-{seed}"
    count = records // 2 if fails else records
    module = entry.activation()
    log = []
    for k in range(1, count + 1):
        share = k / records
        loss = 2 + 3 * math.exp(-9 * share) + 0.05 * index + float(generator.normal(0, 0.03))
        record: dict[str, object] = {"step": 10 * k, "loss": loss, "tokens": 1000 * k}
        if notes and (k == 1 or k % 4 == 0):
            record["zeros"] = {
                path: {"zero_fraction": 0.1 * index, "dead_units": index, "units": 64}
                for path in sites
            }
            if (coefficients := _coefficients(module, share)) is not None:
                record["coefficients"] = dict.fromkeys(sites, coefficients)
        log.append(json.dumps(record))
    folder = place / "jobs" / job
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(f"{line}\n" for line in log))
    depth = [
        {"path": path, "before": 0.5**k, "after": 0.25**k * (1 + index), "gradient": 1e-9 * 2**k}
        for k, path in enumerate(sites)
    ]
    return Run(
        seed=seed,
        diverged=fails,
        metric=math.nan if fails else 2 + 0.05 * index + float(generator.normal(0, 0.02)),
        step=10 * count,
        reason="the loss is nan" if fails else "",
        units_per_second=9000.0,
        parameters=1000,
        seconds=1.0,
        peak_bytes=None,
        probes={"propagation": {"start": depth, "end": depth}} if notes else {},
        job=job,
    )


def _coefficients(module: Activation, share: float) -> dict[str, list[float]] | None:
    own = {
        name: [value + 0.1 * share for value in parameter.detach().flatten().tolist()]
        for name, parameter in module.named_parameters()
    }
    return own or None


def _tuning(index: int) -> Tuning:
    rates = [0.003 * 2.0**power for power in range(-3, 4)]
    tried = tuple(
        Tried(
            learning_rate=rate,
            metrics=tuple(3 - 0.4 * rung + 0.1 * abs(k - 3) + 0.05 * index for rung in range(
                3 if abs(k - 3) < 1 else 2 if abs(k - 3) < 2 else 1
            )),
        )
        for k, rate in enumerate(rates)
    )  # fmt: skip
    return Tuning(learning_rate=rates[3], edge=None, rungs=(100, 200, 400), tried=tried, steps=2300)
