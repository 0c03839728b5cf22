"""What a nonlinearity *is*: expression trees, their parser, printers and interpreters.

The language is that of Python expressions, read by a whitelist and never evaluated:

- ``x`` is the input; other names are parameters, alone (``beta``) or indexed (``weight[0]``); a
  second input such as the gate ``g`` is one only where ``inputs=("x", "g")`` says so; ``pi``,
  ``e`` and ``inf`` are constants. Numbers are exact: ``0.1`` is one tenth.
- ``+ - * / **``, ``exp log sqrt erf sigmoid tanh softplus sin cos tan asin acos atan sinh cosh abs
  sign``, ``min(a, b, ...)``, ``max(a, b, ...)``; ``ln arcsin arccos arctan`` are other spellings.
- ``where(x > 0, a, b)``, also written ``a if x > 0 else b``.
- ``poly(x, a0, a1, ...)`` with ascending coefficients; ``spline(x, knots..., coefficients...,
  degree=3)``, a sum of B-splines.
- ``signed_log(x)``, ``signed_sqrt(x)``, ``guarded_div(a, b)``: defined everywhere.
- ``mean sum rms std max softmax sort topk`` of (z, over=feature|instance|layer|group|batch),
  biased; ``rms(z, eps)`` and ``std(z, eps)`` take an epsilon inside the root, ``topk(z, k)`` a
  count; ``size=`` splits ``feature`` into runs and sets the channels of a ``group``.
- ``relu(z)``, ``silu(z)``, ``gelu(z)`` stand for what they mean.

Slopes at kinks: ``max(z, 0)`` and ``abs`` have slope 0, other ties of ``min`` and ``max`` the mean
of the two slopes, ``where`` the slope of the branch it selects.
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
