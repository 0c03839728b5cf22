"""What is *true of* a formula: domain, kinks, slopes, growth, Gaussian moments, with provenance."""

from camber.facts.facts import Facts
from camber.facts.names import NAMES
from camber.facts.questions import (
    expectation_of_derivative,
    gain,
    gaussian_moment,
    hermite_coefficients,
    of,
    variance_gain,
)
from camber.facts.subject import HasFormula
from camber.facts.values import Asymptotes, Fact, Growth, Homogeneity, Interval, Piece

__all__ = [
    "NAMES",
    "Asymptotes",
    "Fact",
    "Facts",
    "Growth",
    "HasFormula",
    "Homogeneity",
    "Interval",
    "Piece",
    "expectation_of_derivative",
    "gain",
    "gaussian_moment",
    "hermite_coefficients",
    "of",
    "variance_gain",
]
