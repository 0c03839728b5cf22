"""What a nonlinearity *is*: expression trees, their parser, printers and interpreters."""

from camber.errors import FormulaError
from camber.formula.formula import Formula, Kind, differentiate, number
from camber.formula.interval import to_interval
from camber.formula.latex import to_latex
from camber.formula.numpy_interpreter import to_numpy
from camber.formula.operations import OPERATIONS, Operation
from camber.formula.sympy_export import to_sympy
from camber.formula.torch_interpreter import to_torch
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter

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
