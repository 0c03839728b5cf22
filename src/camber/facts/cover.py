"""Cells that cover stretches of the axis finely enough that no feature of a formula hides in one.

A feature is where an inner function crosses the zone in which the outer one bends: sigmoid(1e6 x)
does so within 1e-5 of zero. The inner functions' ranges over a cell are known by interval
arithmetic, so cells are split exactly where the formula is alive, at whatever scale that is.

Shapes: N cells, each with the index of its channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError
from camber.facts.rewrite import depends_on, prepare
from camber.facts.subject import Subject
from camber.formula.tree import Call, Input, Node, Number, walk

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

#: Function -> the arguments between which it bends; outside it is flat, straight or zero.
ZONES: Final = {
    "exp": (-40.0, 710.0),
    "sinh": (-710.0, 710.0),
    "cosh": (-710.0, 710.0),
    "sin": (-np.inf, np.inf),
    "cos": (-np.inf, np.inf),
    "tan": (-np.inf, np.inf),
    "sigmoid": (-40.0, 40.0),
    "softplus": (-40.0, 40.0),
    "tanh": (-20.0, 20.0),
    "erf": (-7.0, 7.0),
    "atan": (-16.0, 16.0),
}
#: A cell may span this much of a zone, and this ratio of a logarithm's or quotient's argument.
SPAN: Final = 4.0
RATIO: Final = 8.0
CELL_LIMIT: Final = 200_000
#: Next to a pole an inner function spans everything at every scale; there splitting ends.
_NARROWEST: Final = 1e-25

_POSITIVE = np.concatenate([np.arange(1, 17) / 4.0, 4.0 * 1.25 ** np.arange(1, 160)]) * 1.00937
EDGES: Final[Array] = np.concatenate([-_POSITIVE[::-1], _POSITIVE])


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells [lo, hi] of channels, in ascending order within each ``owner``, all arrays (N,)."""

    lo: Array
    hi: Array
    owner: Index


def cover(lo: Array, hi: Array) -> Cells:
    """Cut each stretch [lo, hi] at the points of a fixed grid, even near 0 and geometric far out.

    The grid avoids round numbers, so that roots at round numbers lie inside cells.
    """
    first = np.searchsorted(EDGES, lo, side="right")
    last = np.searchsorted(EDGES, hi, side="left")
    counts = np.maximum(last - first, 0) + 1
    owner = np.repeat(np.arange(len(lo)), counts)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = first[owner] + offset - 1
    lows = np.where(offset == 0, lo[owner], EDGES[np.clip(start, 0, len(EDGES) - 1)])
    ends = np.clip(start + 1, 0, len(EDGES) - 1)
    highs = np.where(offset == counts[owner] - 1, hi[owner], EDGES[ends])
    return Cells(lows, highs, owner)


@lru_cache(maxsize=512)
def features(root: Node, name: str) -> tuple[tuple[str, Node], ...]:
    """The (operation, inner function) pairs whose range over a cell limits the cell's size."""
    found: dict[tuple[str, Node], None] = {}
    for node in walk(prepare(root)):
        if not isinstance(node, Call):
            continue
        match node.operation, node.arguments:
            case operation, (u,) if operation in ZONES:
                found[operation, u] = None
            case (("log" | "sqrt"), (u,)):
                found["ratio", u] = None
            case "div", (_, u):
                found["ratio", u] = None
            case "pow", (u, exponent):
                whole = isinstance(exponent, Number) and exponent.value.denominator == 1
                if not (whole and isinstance(exponent, Number) and exponent.value >= 0):
                    found["ratio", u] = None
            case _:
                pass
    return tuple(key for key in found if depends_on(key[1], name))


def _parts(operation: str, low: Array, high: Array) -> Array:
    """Into how many parts to split a cell over which an inner function ranges over [low, high]."""
    if operation == "ratio":
        small, large = np.minimum(np.abs(low), np.abs(high)), np.maximum(np.abs(low), np.abs(high))
        apart = (low > 0) | (high < 0)
        # A cell that reaches the zero or a pole itself is graded by the quadrature, not here.
        graded = apart & np.isfinite(large) & (large / RATIO > small)
        return np.where(graded, 2.0, 1.0)
    least, most = ZONES[operation]
    inside = np.minimum(high, most) - np.maximum(low, least)
    span = np.where(inside > 0, high - low, 0.0)
    return np.ceil(np.minimum(span / SPAN, 16.0)).clip(1.0)


def refine(
    cells: Cells, channel: Index, subject: Subject, root: Node, limit: int = CELL_LIMIT
) -> Cells:
    """Split cells until every feature of ``root`` is resolved.

    Args:
        cells: the cells.
        channel: the channel of each owner.
        subject: the parameter values.
        root: the tree whose features count.
        limit: the most cells to make.

    Raises:
        CamberError: where that takes more cells than ``limit``.
    """
    wanted = features(root, subject.name)
    # The identity as an inner function needs no enclosing: its range is the cell.
    fields = [
        (operation, None if isinstance(u, Input) else subject.field(u)) for operation, u in wanted
    ]
    lo, hi, owner = cells.lo, cells.hi, cells.owner
    fresh = np.ones(len(lo), dtype=bool)
    while fields and fresh.any():
        new_lo, new_hi, new_channel = lo[fresh], hi[fresh], channel[owner[fresh]]
        parts = np.ones(len(new_lo))
        for operation, field in fields:
            if field is None:
                low, high = new_lo, new_hi
            else:
                # Where the inner function is not defined there is nothing to resolve.
                low, high = field.enclose_defined(new_lo, new_hi, new_channel)
            parts = np.maximum(parts, _parts(operation, low, high))
        middle = 0.5 * (new_lo + new_hi)
        stuck = (middle <= new_lo) | (middle >= new_hi) | (new_hi - new_lo < _NARROWEST)
        parts[stuck] = 1.0
        if parts.max() <= 1:
            break
        counts = np.ones(len(lo), dtype=np.intp)
        counts[fresh] = parts.astype(np.intp)
        if counts.sum() > limit:
            where = float(new_lo[int(np.argmax(parts))])
            raise CamberError(
                f"{subject.text} varies too fast near x = {where:.6g}: resolving it takes more than"
                f" {limit} cells; use a smaller variance, or rescale the formula"
            )
        lo, hi, owner, fresh = _split(lo, hi, owner, counts)
    return Cells(lo, hi, owner)


def _split(
    lo: Array, hi: Array, owner: Index, counts: Index
) -> tuple[Array, Array, Index, npt.NDArray[np.bool_]]:
    """Split cell i into ``counts[i]`` equal parts; also say which cells are new."""
    index = np.repeat(np.arange(len(lo)), counts)
    offset = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = (hi - lo)[index] / counts[index]
    lows = np.where(offset == 0, lo[index], lo[index] + offset * width)
    last = offset == counts[index] - 1
    highs = np.where(last, hi[index], lo[index] + (offset + 1) * width)
    return lows, highs, owner[index], counts[index] > 1


def split_cells(
    cells: Cells, chosen: npt.NDArray[np.bool_], parts: int
) -> tuple[Cells, npt.NDArray[np.bool_]]:
    """Split the ``chosen`` cells into equal parts; return the cells and which are new."""
    counts = np.where(chosen, parts, 1).astype(np.intp)
    lo, hi, owner, new = _split(cells.lo, cells.hi, cells.owner, counts)
    return Cells(lo, hi, owner), new


def insert(cells: Cells, points: Array, owner: Index) -> Cells:
    """Cut cells at further points of their owners."""
    edges = np.concatenate([cells.lo, cells.hi, points])
    owners = np.concatenate([cells.owner, cells.owner, owner])
    order = np.lexsort((edges, owners))
    edges, owners = edges[order], owners[order]
    keep = (owners[1:] == owners[:-1]) & (edges[1:] > edges[:-1])
    return Cells(edges[:-1][keep], edges[1:][keep], owners[1:][keep])


def inside(lo: float, hi: float, count: int) -> Array:
    """``count`` points inside a stretch whose ends may be infinite."""
    fractions = (np.arange(count) + 0.4142) / count
    if np.isfinite(lo) and np.isfinite(hi):
        return lo + (hi - lo) * fractions
    away = fractions / (1.0 - fractions)
    if np.isfinite(lo):
        return lo + away * max(1.0, abs(lo) * 0.1)
    if np.isfinite(hi):
        return hi - away * max(1.0, abs(hi) * 0.1)
    return np.tan(np.pi * (fractions - 0.5))
