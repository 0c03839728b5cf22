"""A formula as a function of tensors that can be stored in a module: copied, pickled and traced."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from camber.formula import Formula, to_torch


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
