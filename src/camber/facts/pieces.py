"""The axis cut where a formula may break, and the smooth formula that holds on each piece.

Breaks are found from the tree (:mod:`camber.facts.branches`): the zeros of each break function, in
order, split the pieces found so far. A zero of an affine function is exact to rounding; any other
is enclosed by interval arithmetic. A break function that oscillates for ever is followed inside a
window only; the pieces beyond it keep the formula with its branches open.

Shapes: C channels, P pieces (of all channels, ascending within a channel).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.facts.branches import UNDEFINED, Skeleton, skeleton
from camber.facts.cover import inside
from camber.facts.signs import Run, resolved, sampled_roots, sign_table
from camber.facts.snap import snap_runs
from camber.facts.subject import Field, Subject
from camber.facts.tail import tail
from camber.formula.tree import Call, Node, walk

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

#: Where oscillating formulas are followed: |x| up to this.
WINDOW: Final = 10.0
#: Without a proof about the tail, roots are looked for up to here.
FAR: Final = 1e9
_OPEN: Final = 9
_SNAP: Final = 1e-12


@dataclass(slots=True)
class Piece:
    """A stretch of one channel's axis with its smooth tree.

    ``lo_error`` and ``hi_error`` bound the distance of the ends from the breaks they stand for.
    ``open`` says that branches are left open in ``tree``; ``defined`` that f is a number inside.
    """

    lo: float
    hi: float
    channel: int
    tree: Node
    lo_error: float = 0.0
    hi_error: float = 0.0
    proved: bool = True
    open: bool = False
    defined: bool = True


@dataclass(slots=True)
class Pieces:
    """The pieces of all channels; ``windowed`` where an oscillation was cut off."""

    subject: Subject
    pieces: list[Piece]
    windowed: bool

    @property
    def root(self) -> Node:
        """The whole tree, its branches open."""
        return skeleton(self.subject.root, self.subject.name).root

    def of(self, channel: int) -> list[Piece]:
        """The pieces of one channel, from left to right."""
        return [piece for piece in self.pieces if piece.channel == channel]

    def groups(self) -> Iterator[tuple[Node, list[Piece]]]:
        """The distinct trees, each with its pieces."""
        groups: dict[Node, list[Piece]] = {}
        for piece in self.pieces:
            groups.setdefault(piece.tree, []).append(piece)
        yield from groups.items()


@dataclass(slots=True)
class _Stretch:
    lo: float
    hi: float
    channel: int
    signs: list[int]
    lo_error: float = 0.0
    hi_error: float = 0.0
    proved: bool = True


def oscillates(node: Node) -> bool:
    """Whether a tree contains a sine, cosine or tangent of the input."""
    return any(
        isinstance(part, Call) and part.operation in ("sin", "cos", "tan") for part in walk(node)
    )


def find_pieces(subject: Subject, window: float = WINDOW) -> Pieces:
    """Cut the axis of every channel of ``subject`` into pieces on which it is smooth."""
    frame = skeleton(subject.root, subject.name)
    stretches = [_Stretch(-np.inf, np.inf, channel, []) for channel in range(subject.channels)]
    windowed = False
    for place in range(len(frame.breaks)):
        groups: dict[tuple[int, ...], list[_Stretch]] = {}
        for stretch in stretches:
            key = tuple(stretch.signs[need] for need in frame.needs(place))
            groups.setdefault(key, []).append(stretch)
        split: list[_Stretch] = []
        for key, members in groups.items():
            if _OPEN in key:
                for stretch in members:
                    stretch.signs.append(_OPEN)
                split.extend(members)
                continue
            field = subject.field(frame.function(place, key))
            parts, cut = _split(field, members, window)
            windowed |= cut
            split.extend(parts)
        split.sort(key=lambda stretch: (stretch.channel, stretch.lo))
        stretches = split
    pieces = [_piece(frame, stretch) for stretch in stretches]
    result = Pieces(subject, pieces, windowed)
    _mark_defined(result)
    return result


def _piece(frame: Skeleton, stretch: _Stretch) -> Piece:
    still_open = _OPEN in stretch.signs
    signs = {place: sign for place, sign in enumerate(stretch.signs) if sign != _OPEN}
    return Piece(
        stretch.lo,
        stretch.hi,
        stretch.channel,
        frame.smooth(signs),
        stretch.lo_error,
        stretch.hi_error,
        stretch.proved,
        still_open,
    )


def _mark_defined(pieces: Pieces) -> None:
    """Say which pieces have values: a break lies wherever that changes."""
    field = pieces.subject.field(pieces.root)
    points = np.stack([inside(piece.lo, piece.hi, 5) for piece in pieces.pieces])
    values = field.sample(points, np.array([piece.channel for piece in pieces.pieces]))
    for piece, row in zip(pieces.pieces, np.isfinite(values), strict=True):
        piece.defined = bool(row.any())


def _split(field: Field, stretches: list[_Stretch], window: float) -> tuple[list[_Stretch], bool]:
    """Split stretches at the zeros of a break function; say whether a window cut it off."""
    lo = np.array([stretch.lo for stretch in stretches])
    hi = np.array([stretch.hi for stretch in stretches])
    channel = np.array([stretch.channel for stretch in stretches])
    if not field.derivative.varies:
        roots, signs = _affine(field, lo, hi, channel)
        parts = []
        for stretch, root, sign in zip(stretches, roots, signs, strict=True):
            parts.extend(_at_root(stretch, float(root), int(sign)))
        return parts, False
    ends = [_clip(field, stretch, window) for stretch in stretches]
    lo, hi = np.array([end.lo for end in ends]), np.array([end.hi for end in ends])
    table = sign_table(field, lo, hi, channel)
    touching = _touching(field, lo, hi, channel)
    parts = []
    for stretch, end, runs in zip(stretches, ends, table.runs, strict=True):
        runs = [_settled(field, stretch.channel, run) for run in runs]
        snapped = snap_runs(field, stretch.channel, runs)
        parts.extend(_at_runs(stretch, end, _with_touching(snapped, touching.pop(0))))
    return parts, any(end.windowed for end in ends)


def _settled(field: Field, channel: int, run: Run) -> Run:
    """Mark a run on which the function is not a number: its sign there means nothing."""
    values = field.sample(inside(run.lo, run.hi, 3), np.full(3, channel))
    return replace(run, sign=UNDEFINED) if np.isnan(values).all() else run


def _touching(field: Field, lo: Array, hi: Array, channel: Index) -> list[list[float]]:
    """Points of each stretch at which a function touches zero without changing sign."""
    slope = field.derivative
    found, owner = sampled_roots(slope, resolved(slope, lo, hi, channel), channel)
    rows: list[list[float]] = [[] for _ in lo]
    short = np.round(found, 6) + 0.0
    for points in (short, found):
        near = np.abs(points - found) <= 1e-7
        zero = near & (np.abs(field.sample(points, channel[owner])) <= 1e-14)
        for place in np.flatnonzero(zero):
            row = rows[owner[place]]
            if not any(abs(points[place] - known) < 1e-6 for known in row):
                row.append(float(points[place]))
    return [sorted(row) for row in rows]


def _with_touching(runs: list[Run], points: list[float]) -> list[Run]:
    """Split runs at points where the function is zero and its sign the same on both sides."""
    for point in points:
        for place, run in enumerate(runs):
            if run.sign and run.lo + 1e-6 < point < run.hi - 1e-6:
                runs[place : place + 1] = [replace(run, hi=point), replace(run, lo=point)]
                break
    return runs


def _affine(field: Field, lo: Array, hi: Array, channel: Index) -> tuple[Array, Index]:
    """The zero of an affine function on each stretch, nan for none; and the sign to its right."""
    zero = np.zeros(len(channel))
    slope, at_zero = field.derivative.sample(zero, channel), field.sample(zero, channel)
    with np.errstate(all="ignore"):
        root = np.where(slope != 0, -at_zero / slope, np.nan)
        # One Newton step takes back the rounding of the intercept.
        better = root - field.sample(np.nan_to_num(root), channel) / slope
        root = np.where(np.isfinite(better), better, root) + 0.0
        near = _SNAP * np.maximum(1.0, np.abs(root))
        inner = (root > lo + near) & (root < hi - near)
    middle = np.array([inside(a, b, 1)[0] for a, b in zip(lo, hi, strict=True)])
    sign = np.where(inner, np.sign(slope), np.sign(field.sample(middle, channel)))
    sign = np.where(np.isnan(sign), UNDEFINED, sign)
    return np.where(inner, root, np.nan), sign.astype(np.intp)


def _at_root(stretch: _Stretch, root: float, sign: int) -> list[_Stretch]:
    if np.isnan(root):
        stretch.signs.append(sign)
        return [stretch]
    left = _Stretch(
        stretch.lo, root, stretch.channel, [*stretch.signs, -sign], stretch.lo_error, 0.0
    )
    right = _Stretch(
        root, stretch.hi, stretch.channel, [*stretch.signs, sign], 0.0, stretch.hi_error
    )
    left.proved = right.proved = stretch.proved
    return [left, right]


@dataclass(frozen=True, slots=True)
class _End:
    """Where a stretch is looked at: its ends brought to where the tails are known."""

    lo: float
    hi: float
    proved: bool
    windowed: bool


def _clip(field: Field, stretch: _Stretch, window: float) -> _End:
    values = field.subject.one(stretch.channel)
    proved, windowed = True, False
    ends = [stretch.lo, stretch.hi]
    for place, side in ((0, -1), (1, 1)):
        if np.isfinite(ends[place]):
            continue
        known = tail(field.node, values, field.subject.name, side)
        other = ends[1 - place]
        if known is not None and known.sign is not None:
            reach = known.start
        elif oscillates(field.node):
            reach, windowed = window, True
        else:
            reach, proved = FAR, False
        # A stretch that begins beyond the reach keeps a unit to look at.
        late = np.isfinite(other) and side * other >= reach
        ends[place] = side * (side * other + 1.0 if late else reach)
    return _End(ends[0], ends[1], proved, windowed)


def _at_runs(stretch: _Stretch, end: _End, runs: list[Run]) -> list[_Stretch]:
    """Turn runs of a sign into stretches, those at the ends reaching to the stretch's own ends."""
    kept = [
        run for run in runs if run.hi - run.lo > _SNAP * max(1.0, abs(run.lo)) or len(runs) == 1
    ]
    parts: list[_Stretch] = []
    if end.windowed and not np.isfinite(stretch.lo):
        parts.append(_Stretch(stretch.lo, end.lo, stretch.channel, [*stretch.signs, _OPEN]))
    for place, run in enumerate(kept):
        first, last = place == 0, place == len(kept) - 1
        lo = run.lo if not first or (end.windowed and not np.isfinite(stretch.lo)) else stretch.lo
        hi = run.hi if not last or (end.windowed and not np.isfinite(stretch.hi)) else stretch.hi
        parts.append(
            _Stretch(
                lo,
                hi,
                stretch.channel,
                [*stretch.signs, run.sign],
                stretch.lo_error if first else run.lo_error,
                stretch.hi_error if last else run.hi_error,
                stretch.proved and run.proved and end.proved,
            )
        )
    if end.windowed and not np.isfinite(stretch.hi):
        parts.append(_Stretch(end.hi, stretch.hi, stretch.channel, [*stretch.signs, _OPEN]))
    return parts
