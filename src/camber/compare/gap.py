"""How far apart two pointwise nonlinearities are: the largest gap, where, and the mean gap.

Mixing up nearly equal functions (the exact GELU, its tanh form, x sigmoid(1.702 x)) is a standing
class of bugs; a comparison of near neighbours says so.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from camber.activations import Activation, Pointwise
from camber.compare.entries import Entry
from camber.errors import CamberError

#: The stretch that is looked at, and how finely.
REACH, STEP = 8.0, 1e-3
#: Functions closer than this are near neighbours.
NEAR = 0.05


@dataclass(frozen=True, slots=True)
class Gap:
    """``largest`` |a - b| on [-8, 8], at ``where``; ``mean`` is E|a(z) - b(z)|, z ~ N(0, 1)."""

    largest: float
    where: float
    mean: float


def gap(a: Activation, b: Activation) -> Gap:
    """Return how far apart ``a`` and ``b`` are at their current coefficients, on a grid of 1e-3.

    Raises:
        CamberError: one of them is not pointwise.

    Example:
        >>> from camber import activation
        >>> found = gap(activation("gelu"), activation("gelu_tanh"))
        >>> f"{found.largest:.1e}"
        '4.7e-04'
    """
    for module in (a, b):
        if not isinstance(module, Pointwise):
            raise CamberError(
                f"{module.label} is {module.kind}: only pointwise functions are drawn"
            )
    x = torch.arange(-REACH, REACH + STEP / 2, STEP, dtype=torch.float64)
    difference = (_values(a, x) - _values(b, x)).abs()
    worst = int(difference.nan_to_num(torch.inf).argmax())
    density = torch.exp(-x.square() / 2)
    mean = float((difference * density).sum() / density.sum())
    return Gap(float(difference[worst]), round(float(x[worst]), 3), mean)


def neighbours(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return one sentence for each pair of entries that are nearly the same function."""
    sentences = []
    for first, second in combinations(entries, 2):
        a, b = first.activation(), second.activation()
        try:
            found = gap(a, b)
        except CamberError:
            continue
        learned = any(True for module in (a, b) for _ in module.parameters())
        both = f"{first.label} and {second.label} {'start as' if learned else 'are'}"
        if found.largest == 0:
            sentences.append(
                f"{both} one function: equal at every point from {-REACH:g} to {REACH:g} in steps "
                f"of {STEP:g}."
            )
        elif found.largest <= NEAR:
            sentences.append(
                f"{both} nearly one function: apart by at most {found.largest:.1e} (at x = "
                f"{found.where:g}) and by {found.mean:.1e} on average over N(0, 1)."
            )
    return tuple(sentences)


@torch.no_grad()
def _values(module: Activation, x: Tensor) -> Tensor:
    return copy.deepcopy(module).double()(x)
