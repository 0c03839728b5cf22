"""camber: the nonlinearity of neural networks.

Write a nonlinearity once, as a formula; run it fast, explain it, measure it, certify it, compare
it, or let the machine find a better one.

Names are imported on first use, so that ``import camber`` and ``camber --help`` cost nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from camber._version import __version__

#: Public name -> the module it lives in.
_HOMES: Final = {
    "Formula": "camber.formula",
    "Fixed": "camber.activations",
    "activation": "camber.activations",
    "names": "camber.activations",
    "register": "camber.activations",
    "gain": "camber.facts",
    "variance_gain": "camber.facts",
    "swap": "camber.sites",
    "watch": "camber.sites",
    "card": "camber.compare",
    "CamberError": "camber.errors",
}
_PACKAGES: Final = (
    "activations",
    "compare",
    "errors",
    "facts",
    "fast",
    "formula",
    "layers",
    "models",
    "sites",
    "studies",
    "tasks",
    "train",
)

__all__ = [
    "CamberError",
    "Fixed",
    "Formula",
    "__version__",
    "activation",
    "card",
    "gain",
    "names",
    "register",
    "swap",
    "variance_gain",
    "watch",
]

if TYPE_CHECKING:
    from camber.activations import Fixed, activation, names, register
    from camber.compare.card import card
    from camber.errors import CamberError
    from camber.facts import gain, variance_gain
    from camber.formula import Formula
    from camber.sites.swap import swap
    from camber.sites.watch import watch


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value: object = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _PACKAGES:
        value = importlib.import_module(f"camber.{name}")
    else:
        raise AttributeError(f"module 'camber' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES})
