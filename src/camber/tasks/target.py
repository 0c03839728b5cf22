"""A function to be learned: a formula of named inputs, and the box they come from.

Inputs are found by name: ``x``, ``y``, ``z`` or ``x0``, ``x1``, ... (letters first, then numbers in
their order). Any other name would be a parameter, which a target cannot have.

Shape legend: N points, I inputs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from camber.errors import CamberError, FormulaError
from camber.formula import Formula, Input, to_numpy
from camber.formula.tree import walk

Array = NDArray[np.float64]

#: What an input may be called.
_INPUT: Final = re.compile(r"[xyz]|x(?:0|[1-9]\d{0,2})")

#: Points that a function is tried on: about as many on a regular grid, and as many at random.
_TRIED: Final = 10_000

#: A function is refused where fewer than this share of the points make half of its variance.
_FEW: Final = 1e-3


@dataclass(frozen=True, eq=False)
class Target:
    """A function on a box.

    Args:
        formula: of its inputs, without parameters.
        low, high: the ends of each input's interval.

    Raises:
        CamberError: a function that is not finite, constant or dominated by a pole on the box.
    """

    formula: Formula
    low: Array
    high: Array

    def __post_init__(self) -> None:
        for points in (self.grid(), self.sample(_TRIED, np.random.default_rng(0))):
            values = self.values(points)
        peak = np.abs(values).max()
        squares = (values / peak - (values / peak).mean()) ** 2 if peak else values
        if not squares.max() > 1e-18:  # below what rounding leaves of a constant
            raise CamberError(
                f"the function {self.formula} is constant on its domain: there is nothing to learn"
            )
        few = int(_FEW * _TRIED)
        if np.sort(squares)[-few:].sum() > 0.5 * squares.sum():
            raise CamberError(
                f"{few} of {_TRIED:,} points make most of the variance of the function "
                f"{self.formula}, as near a pole ({self._named(points[squares.argmax()])}); "
                f"give a domain without it"
            )

    def __call__(self, points: Array) -> Array:
        """Return the values float64 (N,) at ``points`` (N, I)."""
        return to_numpy(self.formula)(*points.T)

    def values(self, points: Array) -> Array:
        """Return the values float64 (N,) at ``points`` (N, I), all finite.

        Raises:
            CamberError: one is not; the sentence names the point.
        """
        found = self(points)
        if not np.isfinite(found).all():
            place = int((~np.isfinite(found)).argmax())
            raise CamberError(
                f"the function {self.formula} is {found[place]} at "
                f"{self._named(points[place])}; give a domain where it is finite"
            )
        return found

    @property
    def inputs(self) -> int:
        """How many inputs it has."""
        return len(self.formula.inputs)

    def grid(self) -> Array:
        """Return a regular grid with both ends and the middle of each interval: (N, I)."""
        side = max(3, math.floor(_TRIED ** (1 / self.inputs) / 2) * 2 + 1)
        if side**self.inputs > 4 * _TRIED:  # too many inputs for a grid
            return np.stack([self.low, (self.low + self.high) / 2, self.high])
        axes = [np.linspace(low, high, side) for low, high in zip(self.low, self.high, strict=True)]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)

    def sample(self, count: int, generator: np.random.Generator) -> Array:
        """Return ``count`` points, uniform on the box: (N, I)."""
        return self.low + (self.high - self.low) * generator.random((count, self.inputs))

    def _named(self, point: Array) -> str:
        pairs = zip(self.formula.inputs, point, strict=True)
        return ", ".join(f"{name} = {value:.6g}" for name, value in list(pairs)[:6])


def read_target(function: str, domain: str) -> Target:
    """Read a function and its domain.

    Args:
        function: formula text, see :mod:`camber.formula`; "sin(3*x) + x*y".
        domain: "-1:1" for every input, or for each by name, "x=-1:1, y=0:pi"; an end is a number
            or a formula without inputs.

    Raises:
        FormulaError: text that is no formula, or one with parameters or statistics.
        CamberError: a function without inputs, a domain that is no box, or a function that
            :class:`Target` refuses.

    Example:
        >>> target = read_target("x1*x0 + x10", "0:1")
        >>> target.formula.inputs, target(np.array([[2.0, 3.0, 4.0]]))
        (('x0', 'x1', 'x10'), array([10.]))
    """
    found = Formula.parse(function)
    names = [name for name in found.parameters if _INPUT.fullmatch(name)]
    others = [name for name in found.parameters if name not in names]
    if others:
        raise FormulaError(
            f"{others[0]!r} in {function!r:.80} is no input: inputs are called x, y, z or x0, x1, "
            f"...; give a number in its place"
        )
    names += [node.name for node in walk(found.root) if isinstance(node, Input)]
    inputs = sorted(set(names), key=lambda name: (name[0], int(name[1:] or -1)))
    if not inputs:
        raise CamberError(f"the function {function!r:.80} has no input: it is constant")
    formula = Formula.parse(function, inputs)
    if formula.kind in ("along", "normed"):
        raise FormulaError(f"{function!r:.80} takes statistics over its inputs; give a function")
    low, high = _read_domain(domain, formula.inputs)
    return Target(formula, low, high)


def _read_domain(domain: str, inputs: Sequence[str]) -> Array:
    """Return the ends of each input's interval: (2, I)."""
    found: dict[str, tuple[float, float]] = {}
    for part in domain.split(","):
        name, equals, interval = part.rpartition("=")
        name = name.strip()
        mixed = "" in found or (found and not name)
        if bool(equals) != (name in inputs) or name in found or mixed:
            raise CamberError(
                f"the domain {domain!r:.80} is neither one interval for every input, such as -1:1, "
                f"nor one for each of {', '.join(inputs)} by name, such as {inputs[0]}=-1:1"
            )
        ends = [_number(end, domain) for end in interval.split(":")]
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise CamberError(
                f"{interval.strip()!r:.80} in the domain is no interval; write low:high, as in -1:1"
            )
        if not math.isfinite(ends[1] - ends[0]):
            raise CamberError(f"{interval.strip()!r:.80} in the domain is too wide")
        found[name] = ends[0], ends[1]
    if "" in found:
        found = dict.fromkeys(inputs, found[""])
    if missing := [name for name in inputs if name not in found]:
        raise CamberError(f"the domain {domain!r:.80} gives no interval for {missing[0]}")
    return np.array([found[name] for name in inputs]).T


def _number(text: str, domain: str) -> float:
    """Return the value of a formula without inputs."""
    formula = Formula.parse(text.strip())
    if formula.parameters or any(isinstance(node, Input) for node in walk(formula.root)):
        raise CamberError(f"{text.strip()!r:.80} in the domain {domain!r:.80} is no number")
    value = float(to_numpy(formula)(0.0))
    if not math.isfinite(value):
        raise CamberError(f"{text.strip()!r:.80} in the domain {domain!r:.80} is not finite")
    return value
