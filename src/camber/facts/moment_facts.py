"""Gaussian moments of every kind of formula: pointwise, along an axis, gated.

Shapes: C channels; ``mean`` and ``variance`` of the input broadcast with the channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError
from camber.facts import gated, wide
from camber.facts.analysis import Analysis
from camber.facts.joints import find_joints
from camber.facts.moments import Functional, Moment, gaussian
from camber.facts.pieces import find_pieces
from camber.facts.stages import find_stages
from camber.facts.subject import Subject, inputs_of
from camber.formula import Formula

Array = npt.NDArray[np.float64]

#: The moments that facts report: name, functional, factor.
STANDARD: Final = (
    ("mean", Functional(1), 1.0),
    ("second_moment", Functional(2), 1.0),
    ("slope_mean", Functional(0, 1), 1.0),
    ("slope_second_moment", Functional(0, 2), 1.0),
    ("value_slope_moment", Functional(1, 1, 1), 1.0),
    # h_2 = (z² − 1) / sqrt(2)
    ("curvature_mean", Functional(1, 0, 2), math.sqrt(2)),
)


def moments(
    formula: Formula,
    subject: Subject,
    functionals: Sequence[Functional],
    mean: Array,
    variance: Array,
    analysis: Analysis | None = None,
) -> tuple[list[Moment], str]:
    """The moments and the assumption they rest on, empty for pointwise formulas.

    ``analysis`` of the subject, where there is one already, saves finding its pieces again.

    Raises:
        CamberError: where the moment does not exist or has no meaning for this kind of formula.
    """
    if not (np.isfinite(mean).all() and np.isfinite(variance).all() and (variance > 0).all()):
        raise CamberError("the mean must be finite and the variance a positive finite number")
    used = inputs_of(formula.root) - {subject.name}
    if used:
        return _gated(subject, sorted(used), functionals, mean, variance), gated.LABEL
    if wide.statistics(formula.root):
        limit, label = _limit(formula, subject, mean, variance)
        return _pointwise(limit, functionals, mean, variance, None), label
    return _pointwise(subject, functionals, mean, variance, analysis), ""


def _pointwise(
    subject: Subject,
    functionals: Sequence[Functional],
    mean: Array,
    variance: Array,
    analysis: Analysis | None,
) -> list[Moment]:
    pieces = find_pieces(subject) if analysis is None else analysis.pieces
    jumps = [False] * subject.channels
    several = len(pieces.pieces) > subject.channels
    if several and any(functional.slope >= 2 for functional in functionals):
        joints = (
            find_joints(pieces, find_stages(pieces, 0), None)
            if analysis is None
            else analysis.joints
        )
        jumps = [any(joint.kind == "jump" for joint in row) for row in joints]
    return gaussian(subject, functionals, mean, variance, pieces, jumps)


def _limit(formula: Formula, subject: Subject, mean: Array, variance: Array) -> tuple[Subject, str]:
    if formula.kind == "normed" and wide.unsorted(subject.root, subject.name) is None:
        raise CamberError(
            f"{subject.text} takes statistics over axes other than the features; its Gaussian"
            " moments depend on the batch and have no large-width limit"
        )
    plain = wide.unsorted(subject.root, subject.name)
    if plain is not None:
        moved = Subject(plain, subject.values, subject.shape, name=subject.name, text=subject.text)
        return moved, wide.SORT_LABEL
    return large_width(subject, mean, variance), wide.LABEL


def large_width(subject: Subject, mean: Array, variance: Array) -> Subject:
    """The pointwise formula that an along formula tends to for N(mean, variance) features."""

    def two_moments(inner: Subject) -> tuple[Array, Array]:
        first, second = gaussian(
            inner,
            [Functional(1), Functional(2)],
            mean,
            variance,
            find_pieces(inner),
            [False] * inner.channels,
        )
        return first.value, second.value

    return wide.large_width(subject, two_moments)


def _gated(
    subject: Subject,
    gates: Sequence[str],
    functionals: Sequence[Functional],
    mean: Array,
    variance: Array,
) -> list[Moment]:
    if len(gates) > 1:
        raise CamberError(f"{subject.text} has more than two inputs; moments need one or two")
    if any(functional.slope or functional.hermite for functional in functionals):
        raise CamberError(
            f"moments of slopes and Hermite coefficients of the gated {subject.text} are not"
            " defined: it has two inputs"
        )
    powers = tuple(functional.value for functional in functionals)
    return gated.gated_moments(subject, gates[0], powers, mean, variance)
