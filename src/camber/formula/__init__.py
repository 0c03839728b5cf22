"""What a nonlinearity *is*: expression trees, their parser, printers and interpreters.

Interpreters that a training run does not need are imported on first use: theirs are the libraries
that take long to load.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from camber.errors import FormulaError
from camber.formula.formula import Formula, Kind, differentiate, number
from camber.formula.operations import OPERATIONS, Operation
from camber.formula.torch_interpreter import to_torch
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter

if TYPE_CHECKING:
    from camber.formula.interval import to_interval
    from camber.formula.latex import to_latex
    from camber.formula.numpy_interpreter import to_numpy
    from camber.formula.sympy_export import to_sympy

_HOMES: Final = {
    "to_interval": "camber.formula.interval",
    "to_latex": "camber.formula.latex",
    "to_numpy": "camber.formula.numpy_interpreter",
    "to_sympy": "camber.formula.sympy_export",
}

__all__ = [
    "OPERATIONS",
    "Call",
    "Constant",
    "Formula",
    "FormulaError",
    "Input",
    "Kind",
    "Node",
    "Number",
    "Operation",
    "Parameter",
    "differentiate",
    "number",
    "to_interval",
    "to_latex",
    "to_numpy",
    "to_sympy",
    "to_torch",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'camber.formula' has no attribute {name!r}")
    globals()[name] = value = getattr(importlib.import_module(_HOMES[name]), name)
    return value
