"""The names of all facts."""

from typing import Final

#: Every fact by name, in the order in which cards and tables show them.
NAMES: Final = (
    "domain", "range", "kinks", "jumps", "inflections", "monotone_pieces", "convex_pieces",
    "slope", "lipschitz", "parity", "homogeneity", "growth", "asymptotes", "zero_set",
    "slopes_at_zero", "mean", "second_moment", "slope_mean", "slope_second_moment",
    "value_slope_moment", "curvature_mean", "gain", "variance_gain",
)  # fmt: skip
