"""The questions people ask most, as functions: facts of a formula, gains, moments, coefficients.

Every function takes a formula text, a :class:`~camber.formula.Formula` or anything with
``.formula`` and ``.parameter_values()``, and parameter values by name, which override the spec's.
Numbers come back as float, or as arrays over the channels of array-valued parameters.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError
from camber.facts.facts import Facts
from camber.facts.subject import ParameterValue, Spec, resolve
from camber.facts.values import Real

_KEPT: Final = 512
_cache: OrderedDict[tuple[object, ...], Facts] = OrderedDict()


def of(spec: Spec, **values: ParameterValue) -> Facts:
    """Return the facts of a nonlinearity at given parameter values.

    Args:
        spec: formula text, a Formula, or an object with ``.formula`` and ``.parameter_values()``.
        values: parameter values: numbers, arrays over channels, or sequences of them for an
            indexed family.

    Returns:
        Facts, lazily computed and kept: equal formulas with equal values share one object.

    Raises:
        CamberError: where a parameter has no value, or one that is not finite.
        UnknownNameError: for a value whose name is no parameter.

    Example:
        >>> relu = of("max(x, 0)")
        >>> print(relu.kinks, relu.kinks.how, relu.slope, relu.gain)
        0 exact [0, 1] 1.41421356
        >>> of("x*sigmoid(beta*x)", beta=np.array([1.0, 2.0])).slope.value.hi.round(6)
        array([1.099839, 1.099839])
    """
    formula, subject = resolve(spec, values)
    arrays = tuple((leaf, array.tobytes()) for leaf, array in subject.values.items())
    key = (formula, subject.shape, frozenset(arrays))
    found = _cache.get(key)
    if found is None:
        found = _cache[key] = Facts(formula, subject)
        if len(_cache) > _KEPT:
            _cache.popitem(last=False)
    _cache.move_to_end(key)
    return found


def gain(spec: Spec, *, mean: Real = 0.0, variance: Real = 1.0, **values: ParameterValue) -> Real:
    """Return E[s(X)²]^(−1/2) for X ~ N(mean, variance).

    This is torch.nn.init's sense of gain: weights of std gain / sqrt(fan_in) keep the variance.
    torch's own 5/3 for tanh and 3/4 for SELU are conventions, not this number.

    Raises:
        CamberError: where E[s²] is zero or does not exist.

    Example:
        >>> round(gain("max(x, 0)"), 6), round(gain("tanh(x)"), 6)
        (1.414214, 1.592537)
    """
    return variance_gain(spec, mean=mean, variance=variance, **values) ** 0.5


def variance_gain(
    spec: Spec, *, mean: Real = 0.0, variance: Real = 1.0, **values: ParameterValue
) -> Real:
    """Return 1 / E[s(X)²] for X ~ N(mean, variance).

    Source: X. Yang, X. Wang, Kolmogorov-Arnold Transformer (2024), arXiv 2409.10594.

    Raises:
        CamberError: where E[s²] is zero or does not exist.

    Example:
        >>> round(variance_gain("x*sigmoid(x)"), 6)
        2.810761
    """
    second = of(spec, **values).moment(2, mean=mean, variance=variance).value
    if np.any(np.asarray(second) == 0):
        raise CamberError(f"{spec!r:.80} is zero for almost every input, so it has no gain")
    return 1.0 / second


def gaussian_moment(
    spec: Spec,
    value: int = 1,
    *,
    slope: int = 0,
    hermite: int = 0,
    mean: Real = 0.0,
    variance: Real = 1.0,
    **values: ParameterValue,
) -> Real:
    """Return E[s(X)^value s'(X)^slope h_hermite(Z)], X = mean + sqrt(variance) Z, Z ~ N(0, 1).

    h_k = He_k / sqrt(k!) is the normalised Hermite polynomial. The quadrature splits at kinks and
    jumps and at the scale of the formula's features and meets its error estimate or raises.

    Args:
        spec: the nonlinearity.
        value, slope, hermite: powers of s and s', and the index of the Hermite weight. slope=1
            is integrated by parts, so jumps count; slope=2 is infinite for a formula that jumps.
        mean, variance: of the input; arrays broadcast with the channels.

    Raises:
        CamberError: where the moment is infinite or undefined, or the tolerance cannot be met.

    Example:
        >>> round(gaussian_moment("max(x, 0)", 2), 12)
        0.5
        >>> round(gaussian_moment("sign(x)", 0, slope=1), 6)
        0.797885
    """
    facts = of(spec, **values)
    return facts.moment(value, slope=slope, hermite=hermite, mean=mean, variance=variance).value


def hermite_coefficients(
    spec: Spec,
    degree: int,
    *,
    mean: Real = 0.0,
    variance: Real = 1.0,
    **values: ParameterValue,
) -> npt.NDArray[np.float64]:
    """Return E[s(X) h_k(Z)] for k = 0 ... degree, X = mean + sqrt(variance) Z.

    Returns:
        float64, (degree + 1,), or (..., degree + 1) after the shape of the channels.

    Raises:
        CamberError: for a negative degree, or where a moment does not exist.

    Example:
        >>> hermite_coefficients("max(x, 0)", 3).round(6)
        array([0.398942, 0.5     , 0.282095, 0.      ])
    """
    if degree < 0:
        raise CamberError(f"the degree of Hermite coefficients is at least 0, not {degree}")
    return of(spec, **values).hermite(degree, mean=mean, variance=variance).value


def expectation_of_derivative(
    spec: Spec,
    order: int = 1,
    *,
    mean: Real = 0.0,
    variance: Real = 1.0,
    **values: ParameterValue,
) -> Real:
    """Return E[s^(order)(X)], X ~ N(mean, variance), without differentiating s.

    By Gaussian integration by parts it is sqrt(order!) E[s h_order] / variance^(order / 2): right
    also where s has kinks or jumps, whose derivatives are point masses.

    Raises:
        CamberError: for a negative order, or where the moment does not exist.

    Example:
        >>> round(expectation_of_derivative("max(x, 0)", 2), 6)
        0.398942
    """
    if order < 0:
        raise CamberError(f"the order of a derivative is at least 0, not {order}")
    raw = of(spec, **values).moment(1, hermite=order, mean=mean, variance=variance).value
    factor = math.sqrt(math.factorial(order)) / np.asarray(variance) ** (order / 2)
    result = raw * factor
    return result if isinstance(raw, np.ndarray) else float(result)
