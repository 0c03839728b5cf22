"""Gaussian moments of gated formulas f(x, g) with independent inputs x and g.

A product a(x) b(g) needs one-dimensional moments only. Any other formula is integrated over x by
adaptive quadrature whose integrand, at each node x, is the moment over g of the pointwise formula
f(x, ·), with all kinks that it has at that x: every node is a channel of one vectorised call.

Shapes: C channels, N nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError
from camber.facts.moments import Functional, Moment, gaussian
from camber.facts.pieces import find_pieces
from camber.facts.quadrature import NotConvergedError, integrate
from camber.facts.rewrite import depends_on
from camber.facts.subject import Subject
from camber.formula.build import ONE, divide, multiply, negative
from camber.formula.tree import Call, Input, Node, Parameter, substitute

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

LABEL: Final = "independent Gaussian inputs"
_CORE: Final = 10.0
_STEP: Final = 1.25
RTOL: Final = 1e-10


def gated_moments(
    subject: Subject, gate: str, powers: tuple[int, ...], mean: Array, variance: Array
) -> list[Moment]:
    """E[f(X, G)^p] for each power p, X and G independent N(mean, variance), all (C,)."""
    factors = separate(subject.root, subject.name, gate)
    if factors is not None:
        parts = []
        for node, name in zip(factors, (subject.name, gate), strict=True):
            one = Subject(node, subject.values, subject.shape, name=name, text=subject.text)
            functionals = [Functional(power) for power in powers]
            parts.append(
                gaussian(one, functionals, mean, variance, find_pieces(one), [False] * one.channels)
            )
        return [
            Moment(a.value * b.value, np.abs(a.error * b.value) + np.abs(b.error * a.value))
            for a, b in zip(*parts, strict=True)
        ]
    return _nested(subject, gate, powers, mean, variance)


def separate(root: Node, name: str, gate: str) -> tuple[Node, Node] | None:
    """Write a tree as a(x) b(g), or None."""
    if not depends_on(root, gate):
        return root, ONE
    if not depends_on(root, name):
        return ONE, root
    if not isinstance(root, Call):
        return None
    match root.operation, root.arguments:
        case "neg", (u,):
            inner = separate(u, name, gate)
            return None if inner is None else (negative(inner[0]), inner[1])
        case (("mul" | "div"), (u, v)):
            join: Callable[[Node, Node], Node] = multiply if root.operation == "mul" else divide
            left, right = separate(u, name, gate), separate(v, name, gate)
            if left is None or right is None:
                return None
            return join(left[0], right[0]), join(left[1], right[1])
        case _:
            return None


def _nested(
    subject: Subject, gate: str, powers: tuple[int, ...], mean: Array, variance: Array
) -> list[Moment]:
    leaf = Parameter(f"{subject.name}_held")
    root = substitute(subject.root, {Input(subject.name): leaf})
    deviation = np.sqrt(variance)
    functionals = [Functional(power) for power in powers]
    slack = np.zeros((len(powers), subject.channels))

    def integrand(z: Array, channel: Index) -> Array:
        owner = np.repeat(channel, z.shape[1])
        held = (mean[channel, None] + deviation[channel, None] * z).ravel()
        values = {name: array[owner] for name, array in subject.values.items()}
        inner = Subject(root, {**values, leaf: held}, (len(held),), name=gate, text=subject.text)
        moments = gaussian(
            inner,
            functionals,
            mean[owner],
            variance[owner],
            find_pieces(inner),
            [False] * inner.channels,
        )
        for row, moment in enumerate(moments):
            np.maximum.at(slack[row], owner, moment.error)
        density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
        return np.stack([moment.value.reshape(z.shape) * density for moment in moments])

    count = math.ceil(2 * _CORE / _STEP)
    edges = np.linspace(-_CORE, _CORE, count + 1)
    channels = np.arange(subject.channels)
    try:
        integral = integrate(
            integrand,
            np.tile(edges[:-1], subject.channels),
            np.tile(edges[1:], subject.channels),
            np.repeat(channels, count),
            channels,
            subject.channels,
            rtol=RTOL,
            limit=4000,
        )
    except NotConvergedError as refusal:
        raise CamberError(
            f"a Gaussian moment of {subject.text} over independent inputs may be infinite:"
            f" {refusal}"
        ) from None
    return [
        Moment(value, error + extra)
        for value, error, extra in zip(integral.value, integral.error, slack, strict=True)
    ]
