"""Where a rational unit starts: a stored fit, the identity, or a fit made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from torch import Tensor

from camber.activations.fit import fit_rational
from camber.activations.rational_fits import FITS, FITTED_ON
from camber.activations.registry import known_names
from camber.algebra import RationalFit, RationalForm
from camber.errors import CamberError, DtypeError, unknown_name

#: A name, a formula, a finished fit, or a function to fit.
Start: TypeAlias = str | RationalFit | Callable[[Tensor], Tensor]
#: Named starting points that are stored for the default degrees.
INITS: Final = ("identity", *sorted(FITS["sum_abs"]))
DEGREES: Final = (5, 4)


def starting_point(
    init: Start,
    degrees: tuple[int, int],
    form: RationalForm,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Coefficients (a_0 .. a_m), (b_1 .. b_n) of a starting function; see ``GroupRational``.

    Raises:
        UnknownNameError: for a name that is neither stored nor registered.
        CamberError: for a fit of another form or of other degrees.

    Example:
        >>> starting_point("identity", (2, 1), "sum_abs")
        ((0.0, 1.0, 0.0), (0.0,))
    """
    m, n = degrees
    if isinstance(init, RationalFit):
        if init.form != form or init.degrees != degrees:
            raise CamberError(
                f"the fit is a {init.degrees} rational of form {init.form!r}, but the unit is "
                f"{degrees} of form {form!r}"
            )
        return init.numerator, init.denominator
    if init == "identity":
        return (0.0, 1.0, *[0.0] * (m - 1)), (0.0,) * n
    name = "silu" if init == "swish" else init
    if isinstance(name, str) and name in FITS[form] and degrees == DEGREES:
        stored = FITS[form][name]
        return stored.numerator, stored.denominator
    if isinstance(name, str) and name.isidentifier() and name not in known_names():
        raise unknown_name("starting function", name, {*INITS, *known_names()})
    fit = fit_rational(name, degrees, FITTED_ON, form)
    return fit.numerator, fit.denominator


def checked_degrees(degrees: tuple[int, int]) -> tuple[int, int]:
    """Return the degrees (m, n) of a unit or raise unless m >= 1 and n >= 0."""
    pair = tuple(degrees) if isinstance(degrees, tuple | list) else ()
    if len(pair) != 2 or any(isinstance(d, bool) or not isinstance(d, int) for d in pair):
        raise DtypeError(f"degrees are two integers (m, n), not {degrees!r}")
    m, n = pair
    if m < 1 or n < 0:
        raise CamberError(f"degrees need m >= 1 and n >= 0, not ({m}, {n})")
    return m, n
