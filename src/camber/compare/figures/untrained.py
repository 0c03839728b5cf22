"""An entry's nonlinearity before training, the same for every figure and every call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from camber.activations import Activation
    from camber.compare.entries import Entry


def untrained(entry: Entry, seed: int = 0) -> Activation:
    """Return a fresh module; what it draws at random follows from ``seed``.

    The caller's random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return entry.activation()


def starts_alike(entry: Entry) -> bool:
    """Whether it starts from the same coefficients in every layer and with every seed.

    Example:
        >>> from camber.compare import Entry
        >>> starts_alike(Entry("polynorm")), starts_alike(Entry("dra"))
        (True, False)
    """
    pairs = zip(untrained(entry, 0).parameters(), untrained(entry, 1).parameters(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)
