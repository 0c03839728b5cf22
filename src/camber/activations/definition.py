"""A formula as a function of tensors that can be stored in a module: copied, pickled and traced."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from camber.errors import CamberError
from camber.formula import Call, Formula, Number, to_torch
from camber.formula.tree import walk


def refuse_division_by_zero(formula: Formula) -> None:
    """Raise where constants have made a formula divide by zero, which is NaN for good.

    Example:
        >>> refuse_division_by_zero(Formula.parse("x/alpha").substitute({"alpha": 0}))
        Traceback (most recent call last):
            ...
        camber.errors.CamberError: x/0 divides by the constant 0; choose another constant
    """
    for node in walk(formula.root):
        if isinstance(node, Call) and node.operation == "div":
            divisor = node.arguments[1]
            if isinstance(divisor, Number) and divisor.value == 0:
                raise CamberError(f"{formula} divides by the constant 0; choose another constant")


class Definition:
    """The plain-torch form of a formula, looked up once.

    ``torch.compile`` traces the call; looking the function up inside a compiled region would make
    it trace a cache. Copies and pickles carry the formula and build the function again.

    Args:
        formula: any formula; the call takes its inputs and, by name, its parameters.

    Example:
        >>> import torch
        >>> Definition(Formula.parse("x**2"))(torch.tensor([3.0]))
        tensor([9.])
    """

    __slots__ = ("_function", "formula")

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self._function: Callable[..., Tensor] = to_torch(formula)

    def __call__(self, *inputs: Tensor, **parameters: Tensor) -> Tensor:
        return self._function(*inputs, **parameters)

    def __reduce__(self) -> tuple[type[Definition], tuple[Formula]]:
        return Definition, (self.formula,)
