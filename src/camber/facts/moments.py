"""Gaussian moments E[s(X)^a s'(X)^b h_k(Z)], X = mean + sqrt(variance) Z, Z ~ N(0, 1).

h_k = He_k / sqrt(k!) is the normalised Hermite polynomial. Where b = 1 the slope is integrated by
parts, E[s^a s' h_k] = sqrt(k + 1) E[s^(a+1) h_(k+1)] / ((a + 1) σ), so jumps count and s'' is never
needed: E[s''] = sqrt(2) E[s h_2] / σ². Panels end at every kink and jump, are fine enough for every
feature of the formula (:mod:`camber.facts.cover`), and are refined until the error estimate is
met; where it cannot be met the answer is an error that says so.

Shapes: C channels, P panels, K nodes per panel, k functionals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError, DtypeError
from camber.facts.cover import Cells, refine
from camber.facts.pieces import WINDOW, Piece, Pieces, find_pieces
from camber.facts.quadrature import NotConvergedError, integrate
from camber.facts.subject import Field, Subject

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

#: Beyond 38 standard deviations the density is below the smallest normal float64.
_FARTHEST: Final = 38.0
#: The integrand may be cut off where it is below e^−75 of its largest value.
_NEGLIGIBLE: Final = 75.0
_CORE: Final = 9.0
_STEP: Final = 1.25
RTOL: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Functional:
    """E[s^value s'^slope h_hermite]; ``slope`` 1 is to be integrated by parts beforehand."""

    value: int = 1
    slope: int = 0
    hermite: int = 0

    def __post_init__(self) -> None:
        for name in ("value", "slope", "hermite"):
            power = getattr(self, name)
            if isinstance(power, bool) or not isinstance(power, int | np.integer):
                raise DtypeError(f"a Gaussian moment takes a whole number {name}, not {power!r}")
            if power < 0:
                raise CamberError(f"a Gaussian moment needs {name} >= 0, not {power}")

    @property
    def one_input_only(self) -> bool:
        """Whether the moment has no meaning for a formula of two inputs."""
        return bool(self.slope or self.hermite)

    @property
    def powers(self) -> int:
        """How many factors share the Gaussian weight."""
        return self.value + self.slope


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment for each channel and the estimate of its error, (C,) each."""

    value: Array
    error: Array


def gaussian(
    subject: Subject,
    functionals: Sequence[Functional],
    mean: Array,
    variance: Array,
    pieces: Pieces,
    jumps: Sequence[bool],
) -> list[Moment]:
    """Return the moments of all ``functionals``.

    Args:
        subject: the formula and its parameter values.
        functionals: what to take the expectation of.
        mean, variance: of the input, (C,).
        pieces: the smooth pieces of the formula.
        jumps: whether each channel has a jump: then E[s'^2] is infinite.

    Raises:
        CamberError: where an expectation does not exist, or cannot be had to the tolerance.
    """
    plain = [_by_parts(functional, np.sqrt(variance)) for functional in functionals]
    wanted = list(dict.fromkeys(functional for functional, _ in plain))
    regular = [functional for functional in wanted if functional.slope == 0 or not any(jumps)]
    found = dict(zip(regular, _integrals(subject, regular, mean, variance, pieces), strict=True))
    infinite = Moment(np.where(jumps, np.inf, np.nan), np.zeros(subject.channels))
    if len(found) < len(wanted):
        found |= _without_jumps(subject, wanted, regular, mean, variance, pieces, jumps, infinite)
    return [
        Moment(found[functional].value * factor, np.abs(found[functional].error * factor))
        for functional, factor in plain
    ]


def _without_jumps(
    subject: Subject,
    wanted: list[Functional],
    regular: list[Functional],
    mean: Array,
    variance: Array,
    pieces: Pieces,
    jumps: Sequence[bool],
    infinite: Moment,
) -> dict[Functional, Moment]:
    """Moments with a power of s': infinite in channels that jump, integrals in the others."""
    rest = [functional for functional in wanted if functional not in regular]
    smooth = [channel for channel, jump in enumerate(jumps) if not jump]
    result = dict.fromkeys(rest, infinite)
    if smooth:
        keep = np.array(smooth)
        part = subject.take(keep)
        moments = _integrals(part, rest, mean[keep], variance[keep], find_pieces(part))
        for functional, moment in zip(rest, moments, strict=True):
            value, error = infinite.value.copy(), infinite.error.copy()
            value[keep], error[keep] = moment.value, moment.error
            result[functional] = Moment(value, error)
    return result


def _by_parts(functional: Functional, deviation: Array) -> tuple[Functional, Array]:
    if functional.slope != 1:
        return functional, np.ones_like(deviation)
    a, k = functional.value, functional.hermite
    return Functional(a + 1, 0, k + 1), math.sqrt(k + 1) / ((a + 1) * deviation)


def _integrals(
    subject: Subject,
    functionals: Sequence[Functional],
    mean: Array,
    variance: Array,
    pieces: Pieces,
) -> list[Moment]:
    if not functionals:
        return []
    deviation = np.sqrt(variance)
    left, right = _reach(subject, functionals, mean, deviation)
    farthest = float(
        np.max(np.maximum(np.abs(mean + deviation * left), np.abs(mean + deviation * right)))
    )
    if pieces.windowed and farthest > WINDOW:
        pieces = find_pieces(subject, farthest)
    owners, panels = _panels(subject, pieces, mean, deviation, left, right)
    channel_of = np.array([piece.channel for piece in owners], dtype=np.intp)
    groups: dict[object, list[int]] = {}
    for place, piece in enumerate(owners):
        groups.setdefault(piece.tree, []).append(place)
    group_of = np.empty(len(owners), dtype=np.intp)
    fields = []
    for number, places in enumerate(groups.values()):
        group_of[places] = number
        fields.append(subject.field(owners[places[0]].tree))
    slopes = any(functional.slope for functional in functionals)
    degree = max(functional.hermite for functional in functionals)

    def integrand(z: Array, owner: Index) -> Array:
        channel = channel_of[owner]
        x = mean[channel, None] + deviation[channel, None] * z
        value, slope = np.empty_like(z), np.empty_like(z)
        for number, field in enumerate(fields):
            rows = np.flatnonzero(group_of[owner] == number)
            if len(rows):
                value[rows] = _values(field, x[rows], channel[rows])
                if slopes:
                    slope[rows] = _values(field.derivative, x[rows], channel[rows])
        hermite = _hermite(z, degree)
        return np.stack([_product(value, slope, hermite, z, entry) for entry in functionals])

    try:
        integral = integrate(
            integrand, panels.lo, panels.hi, panels.owner, channel_of, subject.channels, rtol=RTOL
        )
    except NotConvergedError as refusal:
        channel = int(channel_of[refusal.piece])
        where = float(mean[channel] + deviation[channel] * refusal.position)
        raise CamberError(
            f"a Gaussian moment of {subject.text} (mean {mean[channel]:.6g}, variance"
            f" {variance[channel]:.6g}) may be infinite: near x = {where:.6g} {refusal}"
        ) from None
    return [Moment(v, e) for v, e in zip(integral.value, integral.error, strict=True)]


def _values(field: Field, x: Array, channel: Index) -> Array:
    """Values as the tree is written, or stably where that overflows somewhere."""
    values = field.sample(x, channel)
    return values if np.isfinite(values).all() else field(x, channel)


def _product(value: Array, slope: Array, hermite: Array, z: Array, entry: Functional) -> Array:
    """s^a s'^b h_k times the density, each factor with its share of the density: no overflow."""
    if entry.powers == 0:
        density: Array = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
        weighted: Array = hermite[entry.hermite] * density
        return weighted
    share = np.exp(-0.5 * z * z / entry.powers) / math.sqrt(2 * math.pi) ** (1 / entry.powers)
    result: Array = hermite[entry.hermite]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(entry.value):
            result = result * (value * share)
        for _ in range(entry.slope):
            result = result * (slope * share)
    return result


def _hermite(z: Array, degree: int) -> Array:
    """h_0 ... h_degree at z by the normalised recurrence."""
    rows = [np.ones_like(z), z]
    for k in range(1, degree):
        rows.append((z * rows[k] - math.sqrt(k) * rows[k - 1]) / math.sqrt(k + 1))
    return np.stack(rows[: degree + 1])


def _reach(
    subject: Subject, functionals: Sequence[Functional], mean: Array, deviation: Array
) -> tuple[Array, Array]:
    """How far left and right, in standard deviations, the integrand matters."""
    z = np.linspace(-_FARTHEST, _FARTHEST, 257) + 0.0073
    channel = np.arange(subject.channels)
    field = subject.field(subject.root)
    value = np.abs(field(mean[:, None] + deviation[:, None] * z, channel))  # (C, 257)
    power = max(max(functional.powers for functional in functionals), 1)
    # h_k times the root of the density is at most 1, so only the other root is left to decay.
    half = 0.25 if any(functional.hermite > 1 for functional in functionals) else 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        size = power * np.log(value) - half * z * z
    size = np.where(np.isnan(size), -np.inf, size)
    finite = np.where(np.isposinf(size), -np.inf, size)
    largest = finite.max(axis=1, keepdims=True)
    matters = (size > np.maximum(largest, -1e300) - _NEGLIGIBLE) & ~np.isneginf(size)
    overflows = np.isposinf(size)
    left, right = np.full(subject.channels, -_CORE), np.full(subject.channels, _CORE)
    for row in range(subject.channels):
        live = np.flatnonzero(matters[row] & ~overflows[row])
        if len(live):
            left[row] = min(left[row], z[live[0]] - 0.5)
            right[row] = max(right[row], z[live[-1]] + 0.5)
        beyond = z[overflows[row]]
        near = len(beyond) and ((beyond > left[row] - 0.5) & (beyond < right[row] + 0.5)).any()
        if near or left[row] < -_FARTHEST or right[row] > _FARTHEST:
            raise CamberError(
                f"a Gaussian moment of {subject.text} (mean {mean[row]:.6g}, variance"
                f" {deviation[row] ** 2:.6g}) is infinite or too large for float64: the formula"
                " outgrows the Gaussian density"
            )
    return left, right


def _panels(
    subject: Subject, pieces: Pieces, mean: Array, deviation: Array, left: Array, right: Array
) -> tuple[list[Piece], Cells]:
    """The pieces that a Gaussian input reaches, and panels (in z) that resolve every feature."""
    owners: list[Piece] = []
    los, his, index = [], [], []
    for piece in pieces.pieces:
        c = piece.channel
        lo = max((piece.lo - mean[c]) / deviation[c], left[c])
        hi = min((piece.hi - mean[c]) / deviation[c], right[c])
        if hi <= lo:
            continue
        if not piece.defined:
            raise CamberError(
                f"a Gaussian moment of {subject.text} does not exist: the formula is not defined"
                f" on ({piece.lo:.6g}, {piece.hi:.6g}), which the input reaches"
            )
        count = max(1, math.ceil((hi - lo) / _STEP))
        edges = np.linspace(lo, hi, count + 1)
        los.append(edges[:-1])
        his.append(edges[1:])
        index.append(np.full(count, len(owners)))
        owners.append(piece)
    owner = np.concatenate(index)
    channel = np.array([piece.channel for piece in owners], dtype=np.intp)
    mu, sigma = mean[channel[owner]], deviation[channel[owner]]
    lo, hi = np.concatenate(los), np.concatenate(his)
    # Features live on the x axis; panels are cut there and carried back.
    cells = refine(Cells(mu + sigma * lo, mu + sigma * hi, owner), channel, subject, subject.root)
    if len(cells.lo) == len(lo):
        return owners, Cells(lo, hi, owner)
    mu, sigma = mean[channel[cells.owner]], deviation[channel[cells.owner]]
    return owners, Cells((cells.lo - mu) / sigma, (cells.hi - mu) / sigma, cells.owner)
