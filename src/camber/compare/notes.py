"""What stands under every verdict: the size it speaks for, how it was made fair, and the data."""

from __future__ import annotations

from collections.abc import Mapping

from camber.compare.request import Request
from camber.compare.statistics import Sequential
from camber.compare.task_facts import TaskFacts
from camber.compare.tuning import RUNGS, TUNING_SEED, Tuning
from camber.train import FitConfig


def scope(request: Request, parameters: int) -> str:
    """Say what size of model and budget the verdict speaks for."""
    steps, facts = request.config.steps, request.facts
    seen = f"{_count(steps * facts.units_per_batch)} {facts.unit}"
    budget = f"after {steps:,} {'step' if steps == 1 else 'steps'} ({seen})"
    if request.equal == "time":
        budget = f"in the time of {steps:,} steps of {request.entries[0].label} ({seen})"
    rate = "one learning rate for all entries"
    if request.tune:
        rate = "a learning rate of its own for each entry"
    return (
        f"This verdict speaks for models of {_count(parameters)} parameters {budget}, with {rate}; "
        f"larger models and longer training may rank them differently."
    )


def equal_time(configs: Mapping[str, FitConfig], paces: Mapping[str, float]) -> tuple[str, ...]:
    """Say how many steps each entry got for the same time, and what that depends on."""
    if not paces:
        return ()
    steps = _listed([f"{label} {config.steps:,}" for label, config in configs.items()])
    return (
        f"Equal time, not equal data: {steps} steps, from the time of a training step measured "
        "on the machine where the comparison began, one run at a time on one thread; another "
        "machine or a busier one shares the steps out differently.",
    )


def tuned(tunings: Mapping[str, Tuning]) -> tuple[str, ...]:
    """Say which learning rates were chosen, from which and at what cost; warn of the edges."""
    if not tunings:
        return ()
    any_one = next(iter(tunings.values()))
    grid = [tried.learning_rate for tried in any_one.tried]
    chosen = _listed([f"{label} {found.learning_rate:.3g}" for label, found in tunings.items()])
    budgets = sorted({found.steps for found in tunings.values()})
    spent = " to ".join(f"{steps:,}" for steps in dict.fromkeys((budgets[0], budgets[-1])))
    found = (
        f"Learning rates: {chosen}; each chosen by successive halving over the same {len(grid)} "
        f"rates from {grid[0]:.3g} to {grid[-1]:.3g} ({spent} steps for each entry) with seeds "
        f"{TUNING_SEED:,} to {TUNING_SEED + RUNGS[-1][1] - 1:,}, which no run of the verdict uses; "
        "the search looks at the same held-out data as the verdict."
    )
    return (found, *_edges(tunings, "upper", "largest"), *_edges(tunings, "lower", "smallest"))


def _edges(tunings: Mapping[str, Tuning], edge: str, extreme: str) -> tuple[str, ...]:
    """Warn where the best rate of the grid is at its end."""
    labels = [label for label, tuning in tunings.items() if tuning.edge == edge]
    if not labels:
        return ()
    whose = (
        f"The rate of {labels[0]} is" if len(labels) == 1 else f"The rates of {_listed(labels)} are"
    )
    beyond = "larger" if edge == "upper" else "smaller"
    return (
        f"{whose} the {extreme} of those tried: a {beyond} one may do better, and the verdict may "
        f"undersell what stands at the edge.",
    )


def looked(request: Request, found: Sequential | None) -> tuple[str, ...]:
    """Say how many seeds were used, why no more, and what that spent of the error."""
    looks = request.looks
    if found is None or looks is None:
        return ()
    taken = _listed([str(count) for count in looks.counts if count <= found.count])
    return (
        f"Seeds: {found.count} of at most {looks.counts[-1]}, looked at after {taken}: "
        f"{found.reason}. The looks taken spent "
        f"{100 * found.spent:.2g} of the {100 * looks.alpha:g} % error that all looks share; the "
        "intervals of differences hold although the comparison stopped where it did, and p counts "
        f"against the whole {100 * looks.alpha:g} %.",
    )


def selection(entries: int, ranked: int) -> str:
    """Say what choosing the best by looking costs, and how it is paid for."""
    if entries == 1:
        return "With one entry there is no difference to test."
    if ranked < 2:
        return f"{ranked} of {entries} ranked: there is no difference to test."
    pairs = ranked * (ranked - 1) // 2
    chosen = "The best was chosen by its mean over these same seeds, which flatters that mean; "
    if pairs == 1:
        return f"{chosen}the difference of a single pair needs no correction for the choice."
    return (
        f"{chosen}the differences are corrected for the choice (Holm over all {pairs} pairs of "
        "entries)."
    )


def data(facts: TaskFacts) -> str:
    """Say what was learned from, and the hash that names it."""
    source = facts.description.get("source", facts.name)
    digest = facts.description.get("corpus_sha256")
    if digest is None:
        return f"Data: {source}; no hash names it, so take care to compare results on equal data."
    return f"Data: {source}; corpus sha256 {digest}. Results compare only where it agrees."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _count(number: int) -> str:
    if number < 1_000_000:
        return f"{number:,}"
    return f"{number / 1e6:.3g} million"
