"""The errors a user can meet: one sentence that says what, where, with which value, and what to do.

Every error is a :class:`CamberError`, itself a ``ValueError``; the command line turns any of them
into one line on standard error and exit code 2.
"""

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class CamberError(ValueError):
    """Base class of every error that camber raises for bad input."""


class UnknownNameError(CamberError, KeyError):
    """A name that nothing is registered under."""

    # KeyError prints its argument's repr; a sentence should print as a sentence.
    __str__ = Exception.__str__


class FormulaError(CamberError):
    """A formula that cannot be read, built or used as asked."""


class DtypeError(CamberError, TypeError):
    """A tensor or argument of a type the operation has no meaning for."""


class MissingExtraError(CamberError, ImportError):
    """An optional dependency that the requested feature needs is not installed."""


class RunError(CamberError):
    """A run directory, checkpoint or result file that cannot be used."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the ``count`` known names closest in spelling to ``name``, best first."""
    names = sorted(set(known))
    ranked = sorted(
        names,
        key=lambda candidate: (
            -difflib.SequenceMatcher(None, name.lower(), candidate.lower()).ratio(),
            candidate,
        ),
    )
    return ranked[:count]


def unknown_name(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Build the error for an unknown ``name`` of kind ``what``, offering the three nearest."""
    near = ", ".join(repr(candidate) for candidate in nearest(name, known))
    return UnknownNameError(f"unknown {what} {name!r}; the nearest known names are {near}")


def require(module: str, *, extra: str, feature: str) -> ModuleType:
    """Import an optional ``module`` or raise an error that names the ``extra`` to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{feature} needs {module.partition('.')[0]}: pip install 'camber[{extra}]'"
        ) from error
