"""Roots of many functions at once, each inside a bracket over which its function changes sign.

Chandrupatla's method: bisection that takes an inverse quadratic step where the bracket's three
points make it safe. All brackets advance together, one evaluation of all of them per step.

Source: T. R. Chandrupatla, A new hybrid quadratic/bisection algorithm for finding the zero of a
nonlinear function without using derivatives, Advances in Engineering Software 28 (1997).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_STEPS = 120


def bracketed_roots(function: Callable[[Array], Array], lo: Array, hi: Array) -> Array:
    """Return a root in each bracket [lo, hi], at the ends of which the signs differ.

    Args:
        function: maps points (n,) to values (n,), point i belonging to bracket i.
        lo, hi: brackets, (n,).

    Returns:
        roots (n,), float64, to a few units in the last place.

    >>> bracketed_roots(lambda x: x**2 - 2.0, np.array([0.0]), np.array([2.0])).round(12)
    array([1.41421356])
    """
    if not len(lo):
        return lo.copy()
    a, b = hi.astype(np.float64), lo.astype(np.float64)
    fa, fb = function(a), function(b)
    c, fc = a.copy(), fa.copy()
    t = np.full(len(a), 0.5)
    best = np.where(np.abs(fa) < np.abs(fb), a, b)
    active = np.ones(len(a), dtype=bool)
    for _ in range(_STEPS):
        x = a + t * (b - a)
        fx = function(x)
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        smaller = np.abs(fa) < np.abs(fb)
        best = np.where(active, np.where(smaller, a, b), best)
        smallest = np.where(smaller, fa, fb)
        tolerance = 2.0 * np.spacing(np.abs(best))
        width = np.abs(b - a)
        active &= (smallest != 0) & (width > 2.0 * tolerance)
        if not active.any():
            break
        with np.errstate(all="ignore"):
            xi = (a - b) / (c - b)
            phi = (fa - fb) / (fc - fb)
            quadratic = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            step = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (
                fc - fb
            )
            least = np.minimum(0.5, tolerance / width)
        t = np.where(quadratic & np.isfinite(step), np.clip(step, least, 1 - least), 0.5)
        # A finished bracket stays where it is; its further steps are not looked at.
        t = np.where(np.isfinite(t), t, 0.5)
    return best
