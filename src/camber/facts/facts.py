"""``Facts``: everything that is true of a formula, computed when asked for and then kept.

Facts of a pointwise formula hold for the formula as it is. Of a formula along an axis they hold for
its large-width limit with N(0, 1) features, of a gated one (moments only) for independent N(0, 1)
inputs; the note of each fact says so. Where parameters are arrays over channels, intervals hold
arrays and lists hold one tuple per channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError, unknown_name
from camber.facts import channel_facts as one
from camber.facts import wide
from camber.facts.analysis import Analysis, analyse
from camber.facts.channel_facts import One
from camber.facts.known_moments import KnownMoments
from camber.facts.moment_facts import large_width
from camber.facts.moments import Functional
from camber.facts.names import NAMES
from camber.facts.subject import Subject, inputs_of
from camber.facts.values import (
    Asymptotes,
    Fact,
    Growth,
    Homogeneity,
    Interval,
    Json,
    Piece,
    Real,
    weakest,
)
from camber.formula import Formula

Value = TypeVar("Value")


class Facts:
    """The facts of one formula at given parameter values; every attribute is a :class:`Fact`.

    Not built directly: see :func:`camber.facts.of`. A fact that does not exist for this kind of
    formula raises a :class:`CamberError` when asked for; :meth:`get` returns None instead.
    """

    def __init__(self, formula: Formula, subject: Subject) -> None:
        self.formula = formula
        self._given = subject
        self._gated = bool(inputs_of(formula.root) - {subject.name})
        self._moments = KnownMoments(formula, subject, self._gated, self._known_analysis)

    def _known_analysis(self) -> Analysis | None:
        """The analysis if some fact has needed it already; moments then reuse its pieces."""
        found: Analysis | None = self.__dict__.get("_analysis")
        return found

    @property
    def note(self) -> str:
        """The assumption that the facts rest on, empty for a pointwise formula."""
        if self._gated:
            return "independent N(0, 1) inputs"
        if not wide.statistics(self.formula.root):
            return ""
        if wide.unsorted(self._given.root, self._given.name) is not None:
            return wide.SORT_LABEL
        return "large-width limit, N(0, 1) features"

    @cached_property
    def _pointwise(self) -> Subject:
        """The pointwise formula that structural facts are about."""
        if self._gated:
            raise CamberError(
                f"{self._given.text} has two inputs, so only its Gaussian moments are facts"
            )
        subject = self._given
        if wide.statistics(self.formula.root):
            ones = np.ones(subject.channels)
            subject = large_width(subject, 0 * ones, ones)
        return subject

    @cached_property
    def _analysis(self) -> Analysis:
        return analyse(self._pointwise)

    def _each(self, find: Callable[[Analysis, int], One[Value]], name: str) -> Fact[Value]:
        """Ask the analysis for a fact in every channel and join the answers."""
        return self._joined(lambda channel: find(self._analysis, channel), name)

    def _joined(self, find: Callable[[int], One[Value]], name: str) -> Fact[Value]:
        try:
            answers = [find(channel) for channel in range(self._given.channels)]
        except CamberError as error:
            raise CamberError(f"the fact {name!r} is not available: {error}") from None
        values = [answer.value for answer in answers]
        shape = self._given.shape
        notes = dict.fromkeys([self.note, *(answer.note for answer in answers)])
        return Fact(
            values[0] if shape is None else one.join(values, shape),
            weakest(*(answer.provenance for answer in answers)),
            max(answer.error for answer in answers),
            "; ".join(note for note in notes if note),
        )

    @cached_property
    def domain(self) -> Fact[tuple[Interval, ...]]:
        """Intervals on which the formula is a finite number."""
        return self._each(one.domain, "domain")

    @cached_property
    def range(self) -> Fact[Interval]:
        """All values of the formula."""
        return self._each(one.range_, "range")

    @cached_property
    def kinks(self) -> Fact[tuple[float, ...]]:
        """Points where the formula is continuous and its slope is not."""
        return self._each(one.kinks, "kinks")

    @cached_property
    def jumps(self) -> Fact[tuple[float, ...]]:
        """Points where the formula is defined and not continuous."""
        return self._each(one.jumps, "jumps")

    @cached_property
    def inflections(self) -> Fact[tuple[float, ...]]:
        """Points where the curvature changes sign and the slope is continuous."""
        return self._each(one.inflections, "inflections")

    @cached_property
    def monotone_pieces(self) -> Fact[tuple[Piece, ...]]:
        """Maximal stretches on which the formula is increasing, decreasing or constant."""
        return self._each(one.monotone_pieces, "monotone_pieces")

    @cached_property
    def convex_pieces(self) -> Fact[tuple[Piece, ...]]:
        """Stretches, joined from the left, on which it is convex, concave or affine."""
        return self._each(one.convex_pieces, "convex_pieces")

    @cached_property
    def slope(self) -> Fact[Interval]:
        """All slopes, on each connected part of the domain; infinite where there is a jump."""
        return self._each(one.slope, "slope")

    @cached_property
    def lipschitz(self) -> Fact[float]:
        """The Lipschitz constant, on each connected part of the domain."""
        return self._each(one.lipschitz, "lipschitz")

    @cached_property
    def parity(self) -> Fact[str]:
        """``even``, ``odd`` or ``none``."""
        return self._joined(lambda channel: one.parity(self._pointwise, channel), "parity")

    @cached_property
    def homogeneity(self) -> Fact[Homogeneity | None]:
        """Degree d with f(t x) = t^d f(x) for all t > 0, or None."""
        return self._joined(
            lambda channel: one.homogeneity(self._pointwise, channel), "homogeneity"
        )

    @cached_property
    def growth(self) -> Fact[Growth]:
        """Orders and leading terms at −∞ and +∞."""
        return self._each(one.growth, "growth")

    @cached_property
    def asymptotes(self) -> Fact[Asymptotes]:
        """Straight lines approached at −∞ and +∞, and poles."""
        return self._each(one.asymptotes, "asymptotes")

    @cached_property
    def zero_set(self) -> Fact[tuple[float | Interval, ...]]:
        """Isolated zeros as numbers, stretches of zeros as intervals."""
        return self._each(one.zero_set, "zero_set")

    @cached_property
    def slopes_at_zero(self) -> Fact[tuple[float, float]]:
        """The slopes at 0 from the left and from the right."""
        return self._each(one.slopes_at_zero, "slopes_at_zero")

    # Moments, for N(0, 1) inputs unless said otherwise.

    def moment(
        self,
        value: int = 1,
        *,
        slope: int = 0,
        hermite: int = 0,
        mean: Real = 0.0,
        variance: Real = 1.0,
    ) -> Fact[Real]:
        """E[s(X)^value s'(X)^slope h_hermite(Z)] with X = mean + sqrt(variance) Z, Z ~ N(0, 1).

        h_k is the normalised Hermite polynomial He_k / sqrt(k!). A first power of s' is
        integrated by parts, so it counts jumps; second-order forms follow from Hermite weights:
        E[s''] = sqrt(2) E[s h_2] / variance. ``mean`` and ``variance`` broadcast with the channels.

        Raises:
            CamberError: where the moment does not exist, or the tolerance cannot be met.
        """
        return self._moments.take((Functional(value, slope, hermite),), mean, variance)[0]

    def hermite(
        self, degree: int, *, mean: Real = 0.0, variance: Real = 1.0
    ) -> Fact[npt.NDArray[np.float64]]:
        """The coefficients E[s(X) h_k(Z)], k = 0 ... degree, along a last axis."""
        wanted = tuple(Functional(1, 0, k) for k in range(degree + 1))
        found = self._moments.take(wanted, mean, variance)
        values = np.stack([np.asarray(fact.value) for fact in found], axis=-1)
        return Fact(values, "numeric", max(fact.error for fact in found), found[0].note)

    @property
    def mean(self) -> Fact[Real]:
        """E[s]."""
        return self._moments.standard("mean")

    @property
    def second_moment(self) -> Fact[Real]:
        """E[s²]."""
        return self._moments.standard("second_moment")

    @property
    def slope_mean(self) -> Fact[Real]:
        """E[s'], jumps included: E[z s]."""
        return self._moments.standard("slope_mean")

    @property
    def slope_second_moment(self) -> Fact[Real]:
        """E[s'²]; infinite where s jumps."""
        return self._moments.standard("slope_second_moment")

    @property
    def value_slope_moment(self) -> Fact[Real]:
        """E[z s s'] = E[s² (z² − 1)] / 2, which no second derivative enters."""
        return self._moments.standard("value_slope_moment")

    @property
    def curvature_mean(self) -> Fact[Real]:
        """E[s''] = E[s (z² − 1)], kinks and jumps included."""
        return self._moments.standard("curvature_mean")

    @cached_property
    def gain(self) -> Fact[Real]:
        """E[s²]^(−1/2), the factor that keeps unit variance."""
        return self._power_of_second_moment(-0.5)

    @cached_property
    def variance_gain(self) -> Fact[Real]:
        """1 / E[s²]."""
        return self._power_of_second_moment(-1.0)

    def _power_of_second_moment(self, power: float) -> Fact[Real]:
        second = self.second_moment
        if np.any(np.asarray(second.value) == 0):
            raise CamberError(
                f"{self._given.text} is zero for almost every input, so it has no gain"
            )
        value = second.value**power
        error = float(np.max(abs(power) * np.abs(value) / second.value * second.error))
        return Fact(value, second.provenance, error, second.note)

    # All together.

    def get(self, name: str) -> Fact[object] | None:
        """The fact called ``name``, or None where this formula has no such fact.

        Raises:
            UnknownNameError: for a name that is not among :data:`NAMES`.
        """
        if name not in NAMES:
            raise unknown_name("fact", name, NAMES)
        try:
            fact: Fact[object] = getattr(self, name)
        except CamberError:
            return None
        return fact

    def items(self) -> Iterator[tuple[str, Fact[object] | None]]:
        """Every fact by name, None where it does not exist."""
        for name in NAMES:
            yield name, self.get(name)

    def to_dict(self) -> dict[str, Json]:
        """Return every fact as JSON-able data, null where it does not exist."""
        return {name: None if fact is None else fact.to_dict() for name, fact in self.items()}

    def __str__(self) -> str:
        lines = []
        for name, fact in self.items():
            text = "—" if fact is None else f"{fact}  ({fact.how})"
            lines.append(f"{name.replace('_', ' '):22}{text}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<facts of {self._given.text}>"
