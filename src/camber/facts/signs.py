"""The sign of a smooth function along stretches of the axis, proved by interval arithmetic.

Roots are found in floating point (sampling, then Chandrupatla), and the axis is cut finely around
them. Interval arithmetic then proves the sign of the function on every cell that keeps away from a
root; cells it cannot decide are split a few times. What stays undecided is a small cell around each
root, which is the root's enclosure. An undecided cell elsewhere makes the result unproved there.

Shapes: S stretches, N cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from camber.facts.bracket import bracketed_roots
from camber.facts.cover import Cells, cover, insert, refine, split_cells
from camber.facts.subject import Field

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

#: Where each cell is sampled: uneven, so that no simple oscillation is met at its zeros only.
_SAMPLES: Final[Array] = np.array([0.031, 0.173, 0.319, 0.457, 0.587, 0.709, 0.853, 0.971])
#: Rounds of splitting for all undecided cells, and for those that are few: two roots in one cell
#: show only once cells are narrower than their distance, however small that is.
_ROUNDS: Final = 5
_LATE_ROUNDS: Final = 26
_FEW: Final = 256
_UNDECIDED_LIMIT: Final = 20_000
_UNKNOWN: Final = 2
#: More cells per channel than this are not worth listing roots for: follow less of the axis.
_CELL_LIMIT: Final = 4000
#: An undecided cell narrower than this, relative to max(1, |x|), is a root and nothing else.
NARROW: Final = 1e-8


class Signed(Protocol):
    """What has a sign: a function that can be sampled at points and enclosed on cells."""

    @property
    def vanishes_at_zero(self) -> bool:
        """Whether 0 is known to be a root, so that cells should end there."""
        ...

    def sample(self, points: Array, channel: Index) -> Array:
        """Values at points (P,) or (P, K); ``channel`` (P,)."""
        ...

    def enclose(self, lo: Array, hi: Array, channel: Index) -> tuple[Array, Array]:
        """Bounds on cells (N,)."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """A part [lo, hi] of one stretch on which the function has one ``sign`` (0: vanishes).

    ``lo_error`` and ``hi_error`` bound how far the ends are from the roots they stand for.
    """

    lo: float
    hi: float
    sign: int
    proved: bool
    lo_error: float = 0.0
    hi_error: float = 0.0


@dataclass(frozen=True, slots=True)
class SignTable:
    """The runs of each stretch from left to right; the undecided cells that enclose no root."""

    runs: list[list[Run]]
    undecided: Cells


def resolved(field: Signed, lo: Array, hi: Array, channel: Index) -> Cells:
    """Cells that cover stretches finely enough to see every feature of ``field``."""
    cells = cover(lo, hi)
    if isinstance(field, Field):
        cells = refine(cells, channel, field.subject, field.node, _CELL_LIMIT * len(lo))
    return cells


def sign_table(field: Signed, lo: Array, hi: Array, channel: Index) -> SignTable:
    """Find the runs of constant sign of ``field`` on bounded stretches [lo, hi], each (S,).

    Raises:
        CamberError: where the function varies too fast to be resolved.
    """
    cells = resolved(field, lo, hi, channel)
    roots, owners = sampled_roots(field, cells, channel)
    ends, end_owners = _vanishing_ends(field, lo, hi, channel)
    cut, cut_owners = np.concatenate([roots, ends]), np.concatenate([owners, end_owners])
    cells = insert(cells, *_around(cells, cut, cut_owners))
    if field.vanishes_at_zero:
        here = np.flatnonzero((lo < 0) & (hi > 0))
        cells = insert(cells, np.zeros(len(here)), here)
    cells, signs, size = _decide(field, cells, channel, roots, owners)
    return _collect(field, cells, signs, size, channel, roots, owners)


def sampled_roots(field: Signed, cells: Cells, channel: Index) -> tuple[Array, Index]:
    """Roots in floating point between samples of opposite sign, and their stretches."""
    points = cells.lo[:, None] + (cells.hi - cells.lo)[:, None] * _SAMPLES
    values = field.sample(points, channel[cells.owner])
    owner = np.repeat(cells.owner, len(_SAMPLES))
    flat, signs = points.ravel(), np.sign(values.ravel())
    # Exact zeros and nan take no part; a root hit by a sample lies between its neighbours.
    live = np.isfinite(signs) & (signs != 0)
    flat, signs, owner = flat[live], signs[live], owner[live]
    change = np.flatnonzero((signs[1:] != signs[:-1]) & (owner[1:] == owner[:-1]))
    owner = owner[change]
    roots = bracketed_roots(
        lambda x: field.sample(x, channel[owner]), flat[change], flat[change + 1]
    )
    return roots, owner


def _vanishing_ends(field: Signed, lo: Array, hi: Array, channel: Index) -> tuple[Array, Index]:
    """Ends of stretches at which the function is zero or has no value: its sign is hard there."""
    ends = np.concatenate([lo, hi])
    owner = np.tile(np.arange(len(lo)), 2)
    value = np.abs(field.sample(ends, channel[owner]))
    hard = ~(value > 1e-9)
    return ends[hard], owner[hard]


def _around(cells: Cells, roots: Array, owners: Index) -> tuple[Array, Index]:
    """Cutting points at geometric distances around every root."""
    if not len(roots):
        return roots, owners
    ratio = 2.0 if len(roots) <= 64 else 8.0
    count = int(50 / np.log2(ratio)) + 1
    # From a few units in the last place of the root (or of 1, around 0) up to about 1/4.
    first = 4.0 * np.spacing(np.maximum(np.abs(roots), 0.25))
    distance = first[:, None] * ratio ** np.arange(count)
    points = np.concatenate([roots[:, None] - distance, roots[:, None] + distance], axis=1)
    owner = np.repeat(owners, points.shape[1])
    flat = points.ravel()
    low = np.full(int(cells.owner.max()) + 1, np.inf)
    high = np.full(len(low), -np.inf)
    np.minimum.at(low, cells.owner, cells.lo)
    np.maximum.at(high, cells.owner, cells.hi)
    inside = (flat > low[owner]) & (flat < high[owner])
    return flat[inside], owner[inside]


def _decide(
    field: Signed, cells: Cells, channel: Index, roots: Array, owners: Index
) -> tuple[Cells, Index, Array]:
    """Sign of each cell (2: undecided) and a bound of the function's size on it."""
    low, high = field.enclose(cells.lo, cells.hi, channel[cells.owner])
    for turn in range(_LATE_ROUNDS):
        width = cells.hi - cells.lo
        scale = np.maximum(1.0, np.minimum(np.abs(cells.lo), np.abs(cells.hi)))
        open_cells = (low < 0) & (high > 0) & (width > 1e-13 * scale)
        open_cells &= ~_holds_root(cells, roots, owners)
        count = int(open_cells.sum())
        if 0 < count <= _FEW:
            # Below the rounding noise of a single point no splitting helps.
            rows = np.flatnonzero(open_cells)
            middle = 0.5 * (cells.lo[rows] + cells.hi[rows])
            below, above = field.enclose(middle, middle, channel[cells.owner[rows]])
            size, noise = (high - low)[rows], above - below
            open_cells[rows] = ~np.isfinite(noise) | (size > 4 * noise)
            count = int(open_cells.sum())
        if count == 0 or count > (_UNDECIDED_LIMIT if turn < _ROUNDS else _FEW):
            break
        cells, new = split_cells(cells, open_cells, 4)
        counts = np.where(open_cells, 4, 1)
        low, high = np.repeat(low, counts), np.repeat(high, counts)
        low[new], high[new] = field.enclose(cells.lo[new], cells.hi[new], channel[cells.owner[new]])
    signs = np.full(len(low), _UNKNOWN)
    signs[low >= 0] = 1
    signs[high <= 0] = -1
    signs[(low == 0) & (high == 0)] = 0
    return cells, signs, np.maximum(np.abs(low), np.abs(high))


def _holds_root(cells: Cells, roots: Array, owners: Index) -> npt.NDArray[np.bool_]:
    """Which cells contain a known root."""
    holds = np.zeros(len(cells.lo), dtype=bool)
    if len(roots):
        # Stretches ascend in owner but may overlap on the axis: search owner by owner.
        for owner in np.unique(owners):
            rows = np.flatnonzero(cells.owner == owner)
            found = np.searchsorted(cells.lo[rows], roots[owners == owner], side="right") - 1
            holds[rows[np.clip(found, 0, len(rows) - 1)]] = True
    return holds


def _collect(
    field: Signed,
    cells: Cells,
    signs: Index,
    size: Array,
    channel: Index,
    roots: Array,
    owners: Index,
) -> SignTable:
    """Merge neighbouring cells of one sign into runs, stretch by stretch."""
    change = np.flatnonzero((signs[1:] != signs[:-1]) | (cells.owner[1:] != cells.owner[:-1])) + 1
    starts = np.concatenate([[0], change])
    stops = np.concatenate([change, [len(signs)]])
    largest = np.maximum.reduceat(size, starts)
    blocks: list[list[tuple[float, float, int, float]]] = [[] for _ in channel]
    for start, stop, bound in zip(starts, stops, largest, strict=True):
        blocks[cells.owner[start]].append(
            (float(cells.lo[start]), float(cells.hi[stop - 1]), int(signs[start]), float(bound))
        )
    runs = []
    for owner, row in enumerate(blocks):
        known = np.sort(roots[owners == owner]) if len(roots) else roots
        runs.append(_runs(field, row, known, channel[owner : owner + 1]))
    wide = np.zeros(len(signs), dtype=bool)
    for start, stop in zip(starts, stops, strict=True):
        unknown = signs[start] == _UNKNOWN
        wide[start:stop] = unknown and not _narrow(cells.lo[start], cells.hi[stop - 1])
    return SignTable(runs, Cells(cells.lo[wide], cells.hi[wide], cells.owner[wide]))


def _narrow(lo: float, hi: float) -> bool:
    return hi - lo <= NARROW * max(1.0, abs(lo))


def _runs(
    field: Signed, blocks: list[tuple[float, float, int, float]], roots: Array, channel: Index
) -> list[Run]:
    runs: list[Run] = []
    largest = max((bound for *_, bound in blocks if np.isfinite(bound)), default=0.0)
    for place, (lo, hi, sign, bound) in enumerate(blocks):
        if sign != _UNKNOWN:
            _append(runs, Run(lo, hi, sign, True))
            continue
        narrow = _narrow(lo, hi)
        quiet = narrow or bound <= 1e-12 * largest
        before = blocks[place - 1][2] if place else 0
        after = blocks[place + 1][2] if place + 1 < len(blocks) else 0
        inside = roots[(roots >= lo) & (roots <= hi)]
        if before * after < 0 and (quiet or len(inside) <= 1):
            # One root, or a noisy stretch that hides one: put the turn where the sign changes.
            root = float(inside[len(inside) // 2]) if len(inside) else 0.5 * (lo + hi)
            _append(runs, Run(lo, root, before, narrow, 0.0, hi - lo))
            runs.append(Run(root, hi, after, narrow, hi - lo, 0.0))
        elif quiet or (before * after > 0 and not len(inside)):
            # Too narrow to matter, or nothing but rounding: the neighbours' sign carries over.
            _append(runs, Run(lo, hi, before or after, narrow))
        else:
            _sampled(field, runs, lo, hi, inside, channel)
    return runs


def _sampled(
    field: Signed, runs: list[Run], lo: float, hi: float, roots: Array, channel: Index
) -> None:
    """Runs of an undecided cell from floating point alone."""
    edges = [lo, *roots.tolist(), hi]
    for left, right in pairwise(edges):
        if right <= left:
            continue
        points = left + (right - left) * _SAMPLES[None, :]
        value = field.sample(points, channel)[0]
        value = value[np.isfinite(value)]
        sign = int(np.sign(np.median(value))) if len(value) else 0
        _append(runs, Run(left, right, sign, False))


def _append(runs: list[Run], run: Run) -> None:
    """Add a run, merged into the last one where the sign is the same."""
    if runs and runs[-1].sign == run.sign:
        last = runs.pop()
        run = Run(
            last.lo, run.hi, run.sign, last.proved and run.proved, last.lo_error, run.hi_error
        )
    runs.append(run)
