"""Growth and asymptotes: what the formula does at −∞ and +∞, and at its poles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from camber.facts.bounds import Bounds
from camber.facts.joints import Joint
from camber.facts.pieces import Piece
from camber.facts.subject import Subject
from camber.facts.tail import Tail, leading_term, tail
from camber.facts.values import Asymptotes, Growth, Provenance


def tails(subject: Subject, pieces: Sequence[Piece]) -> tuple[Tail | None, Tail | None]:
    """The tails of one channel's formula on the left and the right, where they are defined."""
    found: list[Tail | None] = []
    for piece, side in ((pieces[0], -1), (pieces[-1], 1)):
        known = None
        if piece.defined:
            known = tail(piece.tree, subject.one(piece.channel), subject.name, side)
        found.append(known)
    return found[0], found[1]


def growth(subject: Subject, pieces: Sequence[Piece]) -> tuple[Growth, Provenance, float]:
    """The orders and leading terms at both ends."""
    orders, terms = [], []
    provenance: Provenance = "exact"
    for known, piece in zip(tails(subject, pieces), (pieces[0], pieces[-1]), strict=True):
        if known is None:
            orders.append(math.nan)
            terms.append("not known" if piece.defined else "not defined")
            provenance = "numeric" if piece.defined else provenance
            continue
        term = leading_term(known)
        orders.append(known.order)
        terms.append(term)
        if known.series and known.series[0][1][0] != known.series[0][1][1]:
            provenance = "certified" if provenance == "exact" else provenance
    return Growth(orders[0], orders[1], terms[0], terms[1]), provenance, 0.0


def asymptotes(
    subject: Subject, pieces: Sequence[Piece], joints: Sequence[Joint]
) -> tuple[Asymptotes, Provenance, float]:
    """Lines the graph approaches at both ends, and the poles."""
    lines: list[tuple[float, float] | None] = []
    provenance: Provenance = "exact"
    error = 0.0
    for known, piece in zip(tails(subject, pieces), (pieces[0], pieces[-1]), strict=True):
        if known is None:
            lines.append(None)
            provenance = "numeric" if piece.defined else provenance
            continue
        line = known.line
        if line is None or any(_wide(bounds) for bounds in line):
            lines.append(None)
            continue
        widest = max(hi - lo for lo, hi in line)
        if widest:
            provenance = "certified" if provenance == "exact" else provenance
            error = max(error, widest)
        lines.append((_middle(line[0]), _middle(line[1])))
    poles = tuple(
        joint.x for joint in joints if any(math.isinf(end) for end in (*joint.left, *joint.right))
    )
    return Asymptotes(lines[0], lines[1], poles), provenance, error


def _wide(bounds: Bounds) -> bool:
    """Whether bounds are those of an oscillation rather than of a number."""
    return bounds[1] - bounds[0] > 1e-9 * max(1.0, abs(bounds[0]))


def _middle(bounds: Bounds) -> float:
    return bounds[0] if bounds[0] == bounds[1] else 0.5 * (bounds[0] + bounds[1])
