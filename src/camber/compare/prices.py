"""What the activations of a comparison cost by themselves, measured once and kept with the runs.

Time and saved memory are measured after training, when the processors are free, with all entries
taking turns beside torch's GELU (see :mod:`camber.compare.cost`). ``prices.json`` is a cache: what
is missing, of another machine or damaged is measured again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch

from camber.compare.allocator import memories
from camber.compare.cost import Contender
from camber.compare.cost import measure as measure_costs
from camber.compare.entries import Entry
from camber.compare.machine import machine
from camber.errors import CamberError, RunError
from camber.train.atomic import read_json, write_json
from camber.train.plain_json import digest_of, plain_dict

#: Tokens and hidden units: larger than a cache, as in a model worth training.
SHAPE: Final = (2048, 1024)
ROUNDS: Final = 15
SCHEMA: Final = 2

AGAIN: Final = "what activations cost was measured again"
LOST: Final = "what activations cost is measured again by the comparison's own command"

Price = Mapping[str, object]


def prices(
    entries: Sequence[Entry], directory: Path, *, measure: bool = True
) -> tuple[dict[str, Price | None], str]:
    """Return what each entry costs: label -> ``time_over_gelu``, ``saved_over_input``.

    Both are ratios: forward and backward of the activation alone over torch's GELU of the same
    shape (median over rounds), and bytes kept for the backward pass over bytes of the inputs
    (value and gate, where it is gated).

    Args:
        entries: which activations.
        directory: where ``prices.json`` keeps what was measured.
        measure: whether to measure on this machine's CPU what the file does not hold; False
            returns what it holds, on whichever machine that was measured, and None for the rest.

    Returns:
        The prices, and a sentence where the file was damaged ("" where it was not).

    Raises:
        RunError: the file cannot be written.
    """
    path = directory / "prices.json"
    here = plain_dict(machine())
    note = ""
    kept: dict[str, Price | None] = {}
    try:
        stored = read_json(path, schema=SCHEMA, remedy=AGAIN if measure else LOST)
    except RunError as error:
        stored, note = None, f"{error}."
    if stored is not None and (not measure or stored.get("machine") == here):
        known = stored.get("prices")
        kept = dict(known) if isinstance(known, Mapping) else {}
    addresses = {entry.label: digest_of(entry.to_dict()) for entry in entries}
    missing = [entry for entry in entries if addresses[entry.label] not in kept]
    if missing and measure:
        kept |= {addresses[label]: price for label, price in _measured(missing).items()}
        write_json(
            path,
            {"schema": SCHEMA, "machine": here, "shape": SHAPE, "rounds": ROUNDS, "prices": kept},
        )
    return {label: kept.get(address) for label, address in addresses.items()}, note


def _measured(entries: Sequence[Entry]) -> dict[str, Price | None]:
    contenders, found = {}, dict[str, Price | None]()
    for entry in entries:
        module = entry.activation()
        inputs = 2 if module.kind == "gated" else 1
        found[entry.label] = None
        try:
            with torch.no_grad():
                module(*(torch.zeros(1, SHAPE[-1]) for _ in range(inputs)))
        except CamberError:  # groups that do not divide this width: no price, and no harm
            continue
        contenders[entry.label] = Contender(module, inputs, list(module.parameters()))
    costs = measure_costs(contenders, shape=SHAPE, rounds=ROUNDS, kinds=memories()[:1])
    return found | {
        cost.label: {
            "time_over_gelu": cost.to_gelu.median,
            "time_over_copy": cost.to_copy.median,
            "quartiles": [cost.to_gelu.low, cost.to_gelu.high],
            "saved_over_input": cost.saved,
            "shape": list(SHAPE),
        }
        for cost in costs
        if cost.label in contenders
    }
