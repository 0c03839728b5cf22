"""Exact and best-possible mathematics of polynomials and rationals; NumPy and SciPy only."""

from camber.algebra.minimax import (
    FORMS,
    RationalFit,
    RationalForm,
    evaluate_rational,
    minimax_rational,
)

__all__ = [
    "FORMS",
    "RationalFit",
    "RationalForm",
    "evaluate_rational",
    "minimax_rational",
]
