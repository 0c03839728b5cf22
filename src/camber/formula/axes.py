"""Where a statistic is taken: bring the values it mixes onto the last axis, and back.

Shape legend: N instances, C channels, S... places (spatial or time axes), D features.

=========  ==============================  =========================================
over       array                           values mixed
=========  ==============================  =========================================
feature    (..., D)                        D, or each run of ``size`` of them
layer      (N, ...)                        everything of one instance
instance   (N, C, S...)                    S... of one channel of one instance
group      (N, C, S...), ``size`` given    S... of ``size`` neighbouring channels
batch      (N, C, S...)                    N and S... of one channel
=========  ==============================  =========================================

One code serves torch tensors and NumPy arrays: it uses only what both spell alike.
"""

from __future__ import annotations

from math import prod
from typing import Protocol, Self, TypeVar

from camber.errors import FormulaError


class Array(Protocol):
    """What a torch tensor and a NumPy array have in common, as far as this file needs it."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def reshape(self, shape: tuple[int, ...], /) -> Self: ...
    def swapaxes(self, axis0: int, axis1: int, /) -> Self: ...


A = TypeVar("A", bound=Array)


def gather(z: A, over: str, size: int | None) -> A:
    """Return ``z`` with the values that a statistic mixes on its last axis.

    Raises:
        FormulaError: where ``z`` has too few axes, or ``size`` does not divide them.
    """
    shape = tuple(z.shape)
    if over == "feature":
        if size is None:
            return z if shape else z.reshape((1,))
        width = shape[-1] if shape else 1
        if width % size:
            raise FormulaError(f"size={size} does not divide the last axis, which is {width}")
        return z.reshape((*shape[:-1], width // size, size))
    fewest = 1 if over == "layer" else 2
    if len(shape) < fewest:
        raise FormulaError(
            f"a statistic over={over} needs an array of at least {fewest} axes, not shape {shape}"
        )
    if over == "layer":
        return z.reshape((shape[0], prod(shape[1:])))
    if over == "instance":
        return z.reshape((*shape[:2], prod(shape[2:])))
    if over == "batch":
        swapped = z.swapaxes(0, 1)
        return swapped.reshape((shape[1], shape[0] * prod(shape[2:])))
    if size is None or shape[1] % size:
        raise FormulaError(f"size={size} does not divide axis 1, which is {shape[1]}")
    return z.reshape((shape[0], shape[1] // size, size * prod(shape[2:])))


def scatter(z: A, shape: tuple[int, ...], over: str) -> A:
    """Undo :func:`gather`: bring gathered values back to an array of ``shape``."""
    if over == "batch":
        return z.reshape((shape[1], shape[0], *shape[2:])).swapaxes(0, 1)
    return z.reshape(shape)
