"""Rational fits of any function of one number, by linear programming; see camber.algebra."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camber.activations.base import Activation
from camber.activations.build import activation
from camber.algebra import RationalFit, RationalForm, minimax_rational
from camber.errors import CamberError
from camber.formula import Formula

#: What can be fitted: a function of float64 tensors, an activation, a name, or formula text.
Target = Callable[[Tensor], Tensor] | str | Formula


def fit_rational(
    function: Target,
    degrees: tuple[int, int] = (5, 4),
    interval: tuple[float, float] = (-3.0, 3.0),
    form: RationalForm = "sum_abs",
    *,
    tolerance: float | None = None,
) -> RationalFit:
    """Fit a rational without poles to a function, with the smallest largest error.

    ``P(x) / Q(x)``, ``Q = 1 + sum |b_i| |x|^i`` (sum_abs) or ``1 + |sum b_i x^i|`` (abs_sum).

    Args:
        function: maps float64 tensors to tensors of their shape; or a pointwise activation, its
            registered name, or its formula.
        degrees: (m, n) of numerator and denominator, m >= 1, n >= 0.
        interval: finite (low, high); the fit says nothing outside.
        form: which denominator.
        tolerance: warn where the largest error is above this.

    Returns:
        A :class:`~camber.algebra.RationalFit`: ascending coefficients, the largest error on 60,001
        points, where it is, and a bound that no fit of this form beats.

    Raises:
        CamberError: for an empty or infinite interval, impossible degrees, an unknown form, or a
            function that is not finite on the interval.

    Warns:
        RuntimeWarning: where the error exceeds ``tolerance``.

    Example:
        >>> fit = fit_rational(torch.nn.functional.silu)
        >>> print(fit)
        rational (5,4) sum_abs on [-3, 3]: largest error 4.56e-07 at x = ...
    """
    fit = minimax_rational(_on_arrays(function), degrees, interval, form)
    if tolerance is not None and fit.error > tolerance:
        warnings.warn(
            f"the {fit}, which is above the tolerance {tolerance:g}; raise the degrees or narrow "
            f"the interval",
            RuntimeWarning,
            stacklevel=2,
        )
    return fit


def _on_arrays(function: Target) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    if isinstance(function, str | Formula):
        function = activation(function, backend="reference")
    if isinstance(function, Activation) and function.kind != "pointwise":
        raise CamberError(
            f"a rational of one number fits a pointwise function, but {function.label} is "
            f"{function.kind}"
        )
    chosen = function

    def evaluate(x: NDArray[np.float64]) -> NDArray[np.float64]:
        with torch.no_grad():
            result = torch.as_tensor(chosen(torch.from_numpy(x)))
        return result.double().cpu().numpy()

    return evaluate
