"""Equal time: how long one training step of each entry takes, and how many steps that buys it.

All entries take turns on this machine, round after round, one thread each as in a worker process,
so that a disturbance meets all of them; the time of a step is divided by the first entry's within
the round and the median over rounds is kept. What was measured once stands in ``pace.json``: a
resumed comparison gives everybody the same numbers of steps, on any machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import torch
from torch import nn

from camber.compare.entries import Entry
from camber.errors import RunError
from camber.tasks import Task
from camber.tasks.task import Batch
from camber.train import FitConfig, optimizer_groups
from camber.train.atomic import read_json, write_json
from camber.train.plain_json import digest_of
from camber.train.randomness import device_named, own_randomness

#: Turns of each entry, and training steps in one turn.
ROUNDS: Final = 15
STEPS: Final = 3
SCHEMA: Final = 1

_REMEDY: Final = "delete it and the paces are measured again; runs of other steps train anew"


def paces(
    entries: Sequence[Entry], directory: Path, task: Task | None, config: FitConfig
) -> dict[str, float]:
    """Return the time of a training step of each entry over that of the first one.

    Args:
        entries: the first one is the reference.
        directory: where ``pace.json`` keeps what was measured.
        task: gives models and batches; None to measure nothing.
        config: gives optimiser and device.

    Raises:
        RunError: the file is damaged or cannot be written; or nothing may be measured and a pace
            is missing.
    """
    path = directory / "pace.json"
    stored = read_json(path, schema=SCHEMA, remedy=_REMEDY)
    known = _known(stored, path)
    first = entries[0]
    addresses = {entry.label: digest_of([first.to_dict(), entry.to_dict()]) for entry in entries}
    known[addresses[first.label]] = 1.0
    missing = [entry for entry in entries if addresses[entry.label] not in known]
    if missing:
        if task is None:
            raise RunError(f"{path} does not hold the pace of {missing[0].label}")
        measured = _measured((first, *missing), task, config)
        known |= {addresses[label]: pace for label, pace in measured.items()}
        write_json(path, {"schema": SCHEMA, "paces": known})
    return {label: known[address] for label, address in addresses.items()}


def steps_at(pace: float, steps: int) -> int:
    """Return how many steps of ``pace`` take the time of ``steps`` steps of pace 1; at least 1.

    Example:
        >>> steps_at(1.25, 400), steps_at(0.8, 400), steps_at(1e9, 400)
        (320, 500, 1)
    """
    return max(1, round(steps / pace))


def _known(stored: Mapping[str, object] | None, path: Path) -> dict[str, float]:
    if stored is None:
        return {}
    paces_known = stored.get("paces")
    if not isinstance(paces_known, Mapping) or not all(
        isinstance(pace, int | float) and pace > 0 for pace in paces_known.values()
    ):
        raise RunError(f"{path} is damaged (it holds no paces): {_REMEDY}")
    return dict(paces_known)


def _measured(entries: Sequence[Entry], task: Task, config: FitConfig) -> dict[str, float]:
    """Seconds of a step over those of the first entry, median over rounds."""
    device = device_named(config.device)
    batches = [
        tuple(tensor.to(device) for tensor in batch)
        for batch in islice(task.batches("train", 0), STEPS)
    ]
    turns = {entry.label: _turn(entry, task, config, device, batches) for entry in entries}
    with _one_thread(), own_randomness(device):
        return _ratios(turns)


def _ratios(turns: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    for turn in turns.values():  # the first call may compile
        turn()
    labels = list(turns)
    ratios: dict[str, list[float]] = {label: [] for label in labels}
    for place in range(ROUNDS):
        # Each round starts with another entry, so none always follows the same.
        start = place % len(labels)
        seconds = {label: turns[label]() for label in labels[start:] + labels[:start]}
        for label in labels:
            ratios[label].append(seconds[label] / seconds[labels[0]])
    return {label: statistics.median(own) for label, own in ratios.items()}


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _turn(
    entry: Entry, task: Task, config: FitConfig, device: torch.device, batches: Sequence[Batch]
) -> Callable[[], float]:
    """Return what trains one model for a few steps and says how many seconds that took."""
    model: nn.Module = task.build_model(entry.activation, 0).to(device)
    model.train()
    # Steps of size 0 cost what others cost, and no entry can diverge while it is measured.
    groups = optimizer_groups(model, weight_decay=config.weight_decay, learning_rate=0.0)
    parameters = [parameter for group in groups for parameter in group["params"]]
    optimizer = torch.optim.AdamW(groups, betas=config.betas, eps=config.epsilon, fused=True)

    def turn() -> float:
        begin = time.perf_counter()
        for batch in batches:
            task.loss(model, batch).backward()
            torch.nn.utils.clip_grad_norm_(parameters, config.clip_norm or 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - begin

    return turn
