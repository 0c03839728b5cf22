"""The moments of one formula that have been taken so far, and those that facts report by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from camber.errors import CamberError
from camber.facts.analysis import Analysis
from camber.facts.moment_facts import STANDARD, moments
from camber.facts.moments import Functional
from camber.facts.subject import Subject
from camber.facts.values import Fact, Real
from camber.formula import Formula


class KnownMoments:
    """Gaussian moments of a formula; those of the standard list are kept.

    Args:
        formula, subject: the formula and its parameter values.
        gated: whether it has two inputs.
        known_analysis: returns the structural analysis if there is one already.
    """

    def __init__(
        self,
        formula: Formula,
        subject: Subject,
        gated: bool,
        known_analysis: Callable[[], Analysis | None],
    ) -> None:
        self._formula = formula
        self._subject = subject
        self._gated = gated
        self._known_analysis = known_analysis
        self._kept: dict[str, Fact[Real]] = {}

    def take(
        self, functionals: Sequence[Functional], mean: Real, variance: Real
    ) -> list[Fact[Real]]:
        """Moments for N(mean, variance) inputs, both of which broadcast with the channels."""
        given = self._subject
        arrays = [np.asarray(part, dtype=np.float64) for part in (mean, variance)]
        try:
            shape = np.broadcast_shapes(given.shape or (), *(part.shape for part in arrays))
        except ValueError:
            raise CamberError(
                f"the mean and variance do not broadcast with the channels {given.shape}"
            ) from None
        subject = given if shape == (given.shape or ()) else given.expand(shape)
        flat = [np.broadcast_to(part, shape).reshape(-1) for part in arrays]
        known = self._known_analysis()
        analysis = known if known is not None and known.subject is subject else None
        found, label = moments(self._formula, subject, functionals, flat[0], flat[1], analysis)
        return [
            Fact(
                float(moment.value[0]) if shape == () else moment.value.reshape(shape),
                "exact" if np.isinf(moment.value).all() else "numeric",
                float(moment.error.max()),
                label,
            )
            for moment in found
        ]

    def standard(self, name: str) -> Fact[Real]:
        """A moment of the standard list, all of which are taken in one pass where they exist."""
        if name not in self._kept:
            everything = [
                entry for entry in STANDARD if not (self._gated and entry[1].one_input_only)
            ]
            try:
                self._keep(everything)
            except CamberError:
                # Some moment of the list does not exist; the one asked for may.
                self._keep([entry for entry in STANDARD if entry[0] == name])
        if name not in self._kept:
            self._keep([entry for entry in STANDARD if entry[0] == name])
        return self._kept[name]

    def _keep(self, wanted: Sequence[tuple[str, Functional, float]]) -> None:
        found = self.take([functional for _, functional, _ in wanted], 0.0, 1.0)
        for (name, _, factor), fact in zip(wanted, found, strict=True):
            self._kept[name] = replace(fact, value=fact.value * factor)
