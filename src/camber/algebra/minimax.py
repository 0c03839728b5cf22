"""Best rational fits in the sense of the largest error, by linear programming.

    minimise over a, b   max over x in the interval  | f(x) - P(x) / Q(x) |

    P(x) = a_0 + a_1 x + ... + a_m x^m
    sum_abs:  Q(x) = 1 + |b_1| |x| + ... + |b_n| |x|^n
    abs_sum:  Q(x) = 1 + | b_1 x + ... + b_n x^n |

Both denominators are at least 1, so the fit has no poles. In ``sum_abs`` the signs of b do not
matter: with c_i = |b_i| >= 0 the denominator is linear in c. In ``abs_sum`` the sum is kept
non-negative on the interval, which makes it linear too (the fit is the best of those; a sign
change inside would put a kink there).

Method: the differential correction algorithm (E. W. Cheney, H. L. Loeb, "Two new algorithms for
rational approximation", 1961). On a finite set of points it converges, quadratically, to the global
optimum. Each step here is written in units of the current error, so that the tolerance of the
linear program (1e-7) is relative to the error and not to the function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from camber.errors import CamberError

Array: TypeAlias = NDArray[np.float64]
RationalForm: TypeAlias = Literal["sum_abs", "abs_sum"]

FORMS: tuple[RationalForm, ...] = ("sum_abs", "abs_sum")
#: Points on which the reported error is measured.
DENSE = 60_001
_STEPS = 60
_ROUNDS = 12
#: Largest denominator coefficient, in units where the interval is [-1, 1]: without a limit the
#: correction can run off to P/Q with both huge, where it stalls.
_LARGEST = 1e4


@dataclass(frozen=True)
class RationalFit:
    """Coefficients of a fit and how well it fits.

    Attributes:
        numerator: a_0 .. a_m, ascending.
        denominator: b_1 .. b_n, ascending (the constant term of Q is 1).
        form: which denominator the coefficients are for; the two are not interchangeable.
        interval: where the fit was made.
        error: the largest ``|f - P/Q|`` on ``points`` evenly spaced points of the interval.
        at: the x of that error.
        lower: no fit of these degrees and this form does better on these points (up to the
            solver's relative tolerance); ``error / lower`` is near 1 for a finished fit.
        points: how many points measured ``error``.
    """

    numerator: tuple[float, ...]
    denominator: tuple[float, ...]
    form: RationalForm
    interval: tuple[float, float]
    error: float
    at: float
    lower: float
    points: int

    @property
    def degrees(self) -> tuple[int, int]:
        """The degrees (m, n) of numerator and denominator."""
        return len(self.numerator) - 1, len(self.denominator)

    def __call__(self, x: Array | float) -> Array:
        """Evaluate P(x) / Q(x) in float64."""
        return evaluate_rational(x, self.numerator, self.denominator, self.form)

    def __str__(self) -> str:
        low, high = self.interval
        m, n = self.degrees
        return (
            f"rational ({m},{n}) {self.form} on [{low:g}, {high:g}]: "
            f"largest error {self.error:.3g} at x = {self.at:.4g}"
        )


def evaluate_rational(
    x: Array | float,
    numerator: tuple[float, ...] | Array,
    denominator: tuple[float, ...] | Array,
    form: RationalForm = "sum_abs",
) -> Array:
    """Evaluate a rational of one of the two safe forms at ``x``, in float64.

    Example:
        >>> float(evaluate_rational(2.0, (0.0, 1.0), (0.5,), "sum_abs"))
        1.0
    """
    points = np.asarray(x, dtype=np.float64)
    top = np.polynomial.polynomial.polyval(points, np.asarray(numerator, dtype=np.float64))
    tail = np.concatenate(([0.0], np.asarray(denominator, dtype=np.float64)))
    if form == "sum_abs":
        bottom = 1.0 + np.polynomial.polynomial.polyval(np.abs(points), np.abs(tail))
    else:
        bottom = 1.0 + np.abs(np.polynomial.polynomial.polyval(points, tail))
    return np.asarray(top / bottom)


def minimax_rational(
    function: Callable[[Array], Array],
    degrees: tuple[int, int] = (5, 4),
    interval: tuple[float, float] = (-3.0, 3.0),
    form: RationalForm = "sum_abs",
    *,
    points: int = DENSE,
) -> RationalFit:
    """Fit ``function`` by a rational of the given degrees with the smallest largest error.

    Args:
        function: maps a float64 array to a float64 array of the same shape.
        degrees: (m, n), m >= 1 and n >= 0; n = 0 fits a polynomial.
        interval: finite (low, high) with low < high.
        form: ``"sum_abs"`` or ``"abs_sum"``.
        points: how many evenly spaced points the error is minimised and measured on.

    Returns:
        A :class:`RationalFit`.

    Raises:
        CamberError: for impossible degrees, an empty or infinite interval, an unknown form, or a
            function that is not finite on the interval.

    Example:
        >>> fit = minimax_rational(np.tanh, degrees=(3, 2), interval=(-2, 2))
        >>> fit.error < 2e-3
        True
    """
    m, n = _checked_degrees(degrees)
    low, high = _checked_interval(interval)
    if form not in FORMS:
        raise CamberError(f"unknown rational form {form!r}; the forms are {', '.join(FORMS)}")
    if points < 2 * (m + n + 2):
        raise CamberError(f"a ({m},{n}) fit needs at least {2 * (m + n + 2)} points, not {points}")
    dense = np.linspace(low, high, points)
    values = np.asarray(function(dense), dtype=np.float64)
    if values.shape != dense.shape or not np.isfinite(values).all():
        raise CamberError(
            f"the function to fit must return one finite number per point of [{low:g}, {high:g}]"
        )
    # Unit scale: monomials in t = x / scale stay below 1, and c_i >= 0 survives the scaling.
    scale = max(abs(low), abs(high))
    grid = dense / scale
    chosen = np.unique(np.round(np.linspace(0, points - 1, min(points, 40 * (m + n + 2)))))
    working = chosen.astype(np.int64)
    coefficients = _polynomial_start(grid, values, m, n)
    bound = 0.0
    for _ in range(_ROUNDS):
        coefficients, bound = _differential_correction(
            grid[working], values[working], coefficients, m, n, form
        )
        errors = np.abs(_residual(grid, values, coefficients, m, form))
        if errors.max() <= bound * (1 + 1e-4) + 1e-15:
            break
        # The peaks of the error are the only points that can bind next.
        inner = errors[1:-1]
        peaks = 1 + np.flatnonzero((inner >= errors[:-2]) & (inner >= errors[2:]))
        peaks = np.append(peaks, (0, points - 1))
        working = np.union1d(working, peaks[errors[peaks] > bound])
    powers = scale ** np.arange(m + 1, dtype=np.float64)
    numerator = tuple(float(value) for value in coefficients[: m + 1] / powers)
    tail = coefficients[m + 1 :] / scale ** np.arange(1, n + 1, dtype=np.float64)
    denominator = tuple(float(value) for value in tail)
    final = np.abs(values - evaluate_rational(dense, numerator, denominator, form))
    worst = int(final.argmax())
    return RationalFit(
        numerator=numerator,
        denominator=denominator,
        form=form,
        interval=(low, high),
        error=float(final[worst]),
        at=float(dense[worst]),
        lower=bound,
        points=points,
    )


def _checked_degrees(degrees: tuple[int, int]) -> tuple[int, int]:
    m, n = degrees
    if not all(isinstance(degree, int) and not isinstance(degree, bool) for degree in (m, n)):
        raise CamberError(f"degrees of a rational are two integers (m, n), not {degrees!r}")
    if m < 1 or n < 0:
        raise CamberError(f"degrees of a rational need m >= 1 and n >= 0, not ({m}, {n})")
    return m, n


def _checked_interval(interval: tuple[float, float]) -> tuple[float, float]:
    low, high = float(interval[0]), float(interval[1])
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise CamberError(f"a fit needs a finite interval (low, high) with low < high: {interval}")
    return low, high


def _polynomial_start(grid: Array, values: Array, m: int, n: int) -> Array:
    """The least-squares polynomial over denominator 1."""
    start = np.polynomial.Polynomial.fit(grid, values, m).convert().coef
    coefficients = np.zeros(m + 1 + n)
    coefficients[: len(start)] = start
    return coefficients


def _design(grid: Array, count: int, form: RationalForm) -> Array:
    """Columns that the denominator coefficients multiply: |t|^i or t^i, i = 1..count."""
    base = np.abs(grid) if form == "sum_abs" else grid
    return base[:, None] ** np.arange(1, count + 1)


def _residual(grid: Array, values: Array, coefficients: Array, m: int, form: RationalForm) -> Array:
    return values - evaluate_rational(grid, coefficients[: m + 1], coefficients[m + 1 :], form)


def _differential_correction(
    grid: Array, values: Array, coefficients: Array, m: int, n: int, form: RationalForm
) -> tuple[Array, float]:
    """Minimise the largest error on a finite set; returns the coefficients and that error."""
    # 0.15 s to import, and only fitting needs it
    from scipy.optimize import linprog

    numerator_columns = grid[:, None] ** np.arange(m + 1)
    denominator_columns = _design(grid, n, form)
    error = float(np.abs(_residual(grid, values, coefficients, m, form)).max())
    for _ in range(_STEPS):
        if error <= 1e-15 * max(1.0, float(np.abs(values).max())):
            break
        bottom = 1.0 + denominator_columns @ coefficients[m + 1 :]
        residual = values * bottom - numerator_columns @ coefficients[: m + 1]
        # Unknowns: p, q in units of the error, then the gain: for all points
        #   |r + error (f q - p)| <= error (bottom + error q) + gain * error * bottom
        shifted = np.hstack([-numerator_columns, values[:, None] * denominator_columns])
        slack = np.hstack([np.zeros_like(numerator_columns), error * denominator_columns])
        rows = np.vstack(
            [
                np.hstack([shifted - slack, -bottom[:, None]]),
                np.hstack([-shifted - slack, -bottom[:, None]]),
            ]
        )
        limits = np.concatenate([bottom - residual / error, bottom + residual / error])
        if form == "abs_sum" and n > 0:
            # the inner sum stays >= 0, so that its absolute value is itself
            keep = np.hstack(
                [np.zeros_like(numerator_columns), -denominator_columns, np.zeros((len(grid), 1))]
            )
            rows = np.vstack([rows, keep])
            limits = np.concatenate([limits, (bottom - 1.0) / error])
        free: tuple[float | None, float | None] = (None, None)
        bounds: list[tuple[float | None, float | None]] = [free] * (m + 1)
        if form == "sum_abs":
            bounds += [(-float(c) / error, (_LARGEST - c) / error) for c in coefficients[m + 1 :]]
        else:
            bounds += [
                ((-_LARGEST - c) / error, (_LARGEST - c) / error) for c in coefficients[m + 1 :]
            ]
        bounds.append((-1.0, None))
        objective = np.zeros(m + n + 2)
        objective[-1] = 1.0
        solution = linprog(objective, A_ub=rows, b_ub=limits, bounds=bounds, method="highs")
        if solution.x is None:
            break
        candidate = coefficients + error * solution.x[:-1]
        if form == "sum_abs":
            candidate[m + 1 :] = np.maximum(candidate[m + 1 :], 0.0)
        reached = float(np.abs(_residual(grid, values, candidate, m, form)).max())
        if reached >= error * (1 - 1e-7):
            break
        coefficients, error = candidate, reached
    return coefficients, error
