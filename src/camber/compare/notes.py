"""What stands under every verdict: the size it speaks for, the data, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from camber.compare.entries import Entry
from camber.tasks import Task


def scope(task: Task, parameters: int, steps: int) -> str:
    """Say what size of model and budget the verdict speaks for."""
    seen = steps * task.units_per_batch
    return (
        f"This verdict speaks for models of {_count(parameters)} parameters after {steps:,} steps "
        f"({_count(seen)} {task.unit}), with one learning rate for all entries; larger models "
        f"and longer training may rank them differently."
    )


def selection(entries: int, ranked: int) -> str:
    """Say what choosing the best by looking costs, and how it is paid for."""
    if ranked < 2:
        return f"{ranked} of {entries} ranked: there is no difference to test."
    pairs = ranked * (ranked - 1) // 2
    return (
        "The best was chosen by its mean over these same seeds, which flatters that mean; the "
        f"differences are corrected for the choice (Holm over all {pairs} "
        f"pair{'' if pairs == 1 else 's'} of entries)."
    )


def data(task: Task) -> str:
    """Say what was learned from, and the hash that names it."""
    facts = task.describe()
    source = facts.get("source", task.name)
    digest = str(facts.get("corpus_sha256", "none"))
    return f"Data: {source}; corpus sha256 {digest}. Losses compare only where it agrees."


def command(
    entries: Sequence[Entry],
    *,
    task: str,
    preset: str,
    seeds: int,
    text: str | None,
    settings: Mapping[str, object],
    device: str,
    directory: str | None,
) -> str:
    """Return the command line that repeats the comparison, and resumes it if it was cut short.

    Example:
        >>> command([Entry("relu"), Entry("x*sigmoid(x)")], task="charlm", preset="default",
        ...         seeds=5, text=None, settings={"steps": 9}, device="cpu", directory=None)
        "camber compare relu 'x*sigmoid(x)' --preset default --seeds 5 --set steps=9"
    """
    words = ["camber", "compare", *(entry.written for entry in entries)]
    if any(entry.written.startswith("-") for entry in entries):
        words.insert(2, "--")
    options = [] if task == "charlm" else ["--task", task]
    options += ["--preset", preset, "--seeds", str(seeds)]
    if text is not None:
        options += ["--text", text]
    for key, value in settings.items():
        options += ["--set", f"{key}={value}"]
    if device != "cpu":
        options += ["--device", device]
    if directory is not None:
        options += ["--directory", directory]
    if "--" in words:  # options must stand before a bare --
        return shlex.join([*words[:2], *options, *words[2:]])
    return shlex.join([*words, *options])


def _count(number: int) -> str:
    if number < 1_000_000:
        return f"{number:,}"
    return f"{number / 1e6:.3g} million"
