"""What the activations of a comparison cost by themselves, measured once and kept with the runs.

Time and saved memory are measured after training, when the processors are free, with all entries
taking turns beside torch's GELU (see :mod:`camber.compare.cost`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from camber.compare.allocator import memories
from camber.compare.cost import Contender, measure
from camber.compare.entries import Entry
from camber.compare.machine import machine
from camber.train.atomic import read_json, write_json
from camber.train.plain_json import digest_of

#: Tokens and hidden units: larger than a cache, as in a model worth training.
SHAPE: Final = (2048, 1024)
ROUNDS: Final = 15
SCHEMA: Final = 1

Price = Mapping[str, object]


def prices(entries: Sequence[Entry], directory: Path) -> dict[str, Price]:
    """Return what each entry costs: label -> ``time_over_gelu``, ``saved_over_input``.

    Both are ratios: forward and backward of the activation alone over torch's GELU of the same
    shape (median over rounds), and bytes kept for the backward pass over bytes of the inputs
    (value and gate, where it is gated). Measured on this machine's CPU for what ``prices.json`` in
    ``directory`` does not hold yet.

    Raises:
        RunError: the file is damaged or cannot be written.
    """
    path = directory / "prices.json"
    stored = read_json(path, schema=SCHEMA, remedy="delete it and prices are measured again")
    known = stored.get("prices") if stored is not None else None
    kept: dict[str, Price] = dict(known) if isinstance(known, Mapping) else {}
    addresses = {entry.label: digest_of([machine(), entry.to_dict()]) for entry in entries}
    missing = [entry for entry in entries if addresses[entry.label] not in kept]
    if missing:
        kept |= {addresses[label]: price for label, price in _measured(missing).items()}
        write_json(path, {"schema": SCHEMA, "shape": SHAPE, "rounds": ROUNDS, "prices": kept})
    return {entry.label: kept[addresses[entry.label]] for entry in entries}


def _measured(entries: Sequence[Entry]) -> dict[str, Price]:
    contenders = {}
    for entry in entries:
        module = entry.activation()
        inputs = 2 if module.kind == "gated" else 1
        contenders[entry.label] = Contender(module, inputs, list(module.parameters()))
    costs = measure(contenders, shape=SHAPE, rounds=ROUNDS, kinds=memories()[:1])
    return {
        cost.label: {
            "time_over_gelu": cost.to_gelu.median,
            "quartiles": [cost.to_gelu.low, cost.to_gelu.high],
            "saved_over_input": cost.saved,
            "shape": list(SHAPE),
        }
        for cost in costs
        if cost.label in contenders
    }
