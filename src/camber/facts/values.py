"""Values that say how they are known: ``Fact`` and ``Interval``, printed outwards, written as JSON.

Provenance is one of four words. ``declared``: the author of an entry says so. ``exact``: follows
from the formula by algebra, correctly rounded. ``certified``: proved by interval arithmetic; the
value encloses the truth and ``error`` bounds its slack. ``numeric``: computed with an estimated
``error`` and no proof.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

Provenance = Literal["declared", "exact", "certified", "numeric"]
Real = float | npt.NDArray[np.float64]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Value = TypeVar("Value", covariant=True)

#: From the strongest claim to the weakest; a result is as strong as its weakest ingredient.
STRENGTH: tuple[Provenance, ...] = ("declared", "exact", "certified", "numeric")

DECIMALS = 8


def weakest(*provenances: Provenance) -> Provenance:
    """Return the weakest of several provenances, ``exact`` for none."""
    return max(provenances, key=STRENGTH.index, default="exact")


def _short(value: float) -> str | None:
    """Return the shortest decimal that denotes ``value`` where it has at most eight decimals."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    text = repr(value + 0.0)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return text.removesuffix(".0") if len(mantissa) <= DECIMALS + 2 else None
    return text.removesuffix(".0") if len(text.partition(".")[2]) <= DECIMALS else None


def _directed(value: float, rounding: str) -> str:
    short = _short(value)
    if short is not None:
        return short
    exact = Decimal(value)
    # Eight decimals for numbers of ordinary size, nine significant digits for the rest.
    ordinary = -4 <= exact.adjusted() < 6
    quantum = Decimal(1).scaleb(-DECIMALS if ordinary else exact.adjusted() - DECIMALS)
    rounded = exact.quantize(quantum, rounding=rounding)
    return f"{rounded.normalize():f}" if ordinary else f"{rounded.normalize():e}"


def round_down(value: float) -> str:
    """Print ``value`` rounded towards −∞ at eight decimals; short numbers print as they are.

    >>> round_down(-0.12890414518515), round_down(0.01)
    ('-0.12890415', '0.01')
    """
    return _directed(value, ROUND_FLOOR)


def round_up(value: float) -> str:
    """Print ``value`` rounded towards +∞ at eight decimals; short numbers print as they are.

    >>> round_up(1.12890414518515), round_up(1.0)
    ('1.12890415', '1')
    """
    return _directed(value, ROUND_CEILING)


def round_nearest(value: float) -> str:
    """Print ``value`` to at most nine significant digits.

    >>> round_nearest(2.3517158), round_nearest(-0.0)
    ('2.3517158', '0')
    """
    return _short(value) or f"{value + 0.0:.9g}"


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """The interval between ``lo`` and ``hi``; infinite ends are open.

    ``closed`` says which ends belong to it. Over channels ``lo`` and ``hi`` are arrays of one
    shape. Printing rounds both ends outwards, so the printed interval contains the true one.

    >>> print(Interval(-0.12890414518515, 1.12890414518515))
    [-0.12890415, 1.12890415]
    >>> print(Interval(0.0, float("inf"), closed=(False, False)))
    (0, inf)
    """

    lo: Real
    hi: Real
    closed: tuple[bool, bool] = (True, True)

    def __str__(self) -> str:
        if isinstance(self.lo, np.ndarray) or isinstance(self.hi, np.ndarray):
            lows, highs = np.broadcast_arrays(self.lo, self.hi)
            pairs = zip(lows.ravel(), highs.ravel(), strict=True)
            inside = (str(Interval(float(lo), float(hi), self.closed)) for lo, hi in pairs)
            return f"[{', '.join(inside)}]"
        left = "[" if self.closed[0] and math.isfinite(self.lo) else "("
        right = "]" if self.closed[1] and math.isfinite(self.hi) else ")"
        return f"{left}{round_down(self.lo)}, {round_up(self.hi)}{right}"

    def __contains__(self, point: float) -> bool:
        return bool(np.all((self.lo <= point) & (point <= self.hi)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Interval):
            return NotImplemented
        return (
            self.closed == other.closed
            and np.array_equal(self.lo, other.lo)
            and np.array_equal(self.hi, other.hi)
        )

    def __hash__(self) -> int:
        ends = np.asarray([self.lo, self.hi], dtype=np.float64)
        return hash((ends.tobytes(), ends.shape, self.closed))

    @property
    def width(self) -> Real:
        """``hi − lo``."""
        return self.hi - self.lo


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the axis on which the formula has one ``shape``.

    ``shape`` is increasing, decreasing, constant; or convex, concave, affine.
    """

    lo: float
    hi: float
    shape: str

    def __str__(self) -> str:
        return f"{self.shape} on ({round_nearest(self.lo)}, {round_nearest(self.hi)})"


@dataclass(frozen=True, slots=True)
class Growth:
    """How the formula grows: its order p, ``|f| ~ c|x|^p``, at −∞ and +∞, and the leading terms.

    An order is +inf for exponential growth, −inf for exponential decay or zero, nan where it is
    not known or the formula is not defined.
    """

    left: float
    right: float
    left_term: str
    right_term: str

    def __str__(self) -> str:
        return f"{self.left_term} at -inf, {self.right_term} at +inf"


@dataclass(frozen=True, slots=True)
class Asymptotes:
    """Lines the graph approaches: (slope, intercept) at −∞ and +∞ or None, and vertical ones."""

    left: tuple[float, float] | None
    right: tuple[float, float] | None
    vertical: tuple[float, ...] = ()

    def __str__(self) -> str:
        def line(pair: tuple[float, float] | None) -> str:
            if pair is None:
                return "none"
            slope, intercept = (round_nearest(number) for number in pair)
            if slope == "0":
                return f"y = {intercept}"
            rise = "x" if slope == "1" else ("-x" if slope == "-1" else f"{slope} x")
            sign = "" if intercept.startswith("-") else "+"
            return f"y = {rise}" if intercept == "0" else f"y = {rise} {sign}{intercept}"

        text = f"{line(self.left)} at -inf, {line(self.right)} at +inf"
        if self.vertical:
            text += f", x = {', '.join(round_nearest(x) for x in self.vertical)}"
        return text


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Degree d: f(t x) = t^d f(x) for every t > 0; ``linear`` where moreover f(x) = c x."""

    degree: float
    linear: bool = False

    def __str__(self) -> str:
        return f"degree {round_nearest(self.degree)}" + (" (linear)" if self.linear else "")


@dataclass(frozen=True, slots=True)
class Fact(Generic[Value]):
    """A value, how it is known, and the bound (certified) or estimate (numeric) of its error.

    ``note`` carries what a reader must know beside the value: an assumption or a window.

    >>> slope = Fact(Interval(-0.12890414518515, 1.12890414518515), "certified", 1e-13)
    >>> print(slope, slope.how)
    [-0.12890415, 1.12890415] certified
    """

    value: Value
    provenance: Provenance
    error: float = 0.0
    note: str = field(default="")

    @property
    def how(self) -> str:
        """The provenance as text: ``exact``, ``certified``, ``numeric(±1e-12)``, and the note.

        A certified value shows its slack where that is not negligible.
        """
        text: str = self.provenance
        if self.provenance == "certified" and self.error > 1e-8:
            text = f"certified(±{self.error:.0e})"
        if self.provenance == "numeric":
            text = f"numeric(±{self.error:.0e})"
        return f"{text}, {self.note}" if self.note else text

    def __str__(self) -> str:
        # Noise around zero is zero to within the error that stands beside it.
        nothing = isinstance(self.value, float) and abs(self.value) <= self.error < 1e-6
        return "0" if nothing else show(self.value)

    def to_dict(self) -> dict[str, Json]:
        """Return value, provenance, error and note as JSON-able data."""
        return {
            "value": to_json(self.value),
            "provenance": self.provenance,
            "error": to_json(self.error),
            "note": self.note,
        }


def show(value: object) -> str:
    """Print a fact's value: intervals outwards, numbers to nine digits, long lists shortened."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (float, int, np.floating)):
        return round_nearest(float(value))
    if isinstance(value, np.ndarray):
        return show(tuple(value.tolist()))
    if isinstance(value, (tuple, list)):
        if not value:
            return "none"
        shown = [show(entry) for entry in value[:6]]
        more = [f"... ({len(value)} in all)"] if len(value) > 6 else []
        return ", ".join(shown + more)
    return str(value)


def to_json(value: object) -> Json:
    """Turn a fact's value into JSON-able data; infinities and nan become strings."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (float, int, np.floating, np.integer)):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): to_json(entry) for key, entry in value.items()}
    if isinstance(value, Sequence):
        return [to_json(entry) for entry in value]
    if is_dataclass(value):
        return {entry.name: to_json(getattr(value, entry.name)) for entry in fields(value)}
    return str(value)
