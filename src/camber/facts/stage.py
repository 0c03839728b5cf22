"""A stage: a stretch of one smooth piece on which a function rises, falls or stays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from camber.facts.bounds import Bounds
from camber.facts.pieces import Piece


@dataclass(slots=True)
class Stage:
    """A stretch on which g rises (+1), falls (−1) or stays (0); g's values at its two ends.

    ``tail`` marks a stretch to infinity on which g is only bounded: its ends bound all values, of
    which those in ``reached`` are known to be taken or approached.
    """

    lo: float
    hi: float
    direction: int
    proved: bool
    piece: Piece
    lo_error: float = 0.0
    hi_error: float = 0.0
    at_lo: Bounds = (-math.inf, math.inf)
    at_hi: Bounds = (-math.inf, math.inf)
    sure: bool = True
    tail: bool = False
    reached: Bounds | None = None


@dataclass(slots=True)
class Stages:
    """Stages of each channel from left to right; enclosures of g on cells of unproved stages."""

    of: list[list[Stage]]
    loose: list[list[Bounds]]
    windowed: list[bool] = field(default_factory=list)
