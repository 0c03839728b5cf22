"""The one check of sizes that layers and models share."""

from __future__ import annotations

from camber.errors import CamberError, DtypeError


def check_sizes(owner: str, **sizes: object) -> None:
    """Raise unless every size is a whole number of at least 1; ``owner`` names the module.

    Raises:
        DtypeError: for what is no integer.
        CamberError: for an integer below 1.

    Example:
        >>> check_sizes("MLP", hidden=64, depth=2)
    """
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise DtypeError(f"{owner}: {name} must be a whole number, but got {value!r}")
        if value < 1:
            raise CamberError(f"{owner}: {name} must be at least 1, but got {value}")
