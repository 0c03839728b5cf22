r"""PolyReLU: a polynomial of the rectified input, elementwise.

.. math:: y = a_0 + \sum_{k=1}^{r} w_k \max(x, 0)^k

Source: Z. Zhuo et al., "Polynomial Composition Activations: Unleashing the Dynamics of Large
Language Models", ICLR 2025, arXiv 2411.03884.
"""

from __future__ import annotations

from functools import lru_cache

from torch import Tensor

from camber.errors import CamberError
from camber.fast.coefficients import stack
from camber.fast.dispatch import Backend, accumulator, check_floating
from camber.fast.function import run
from camber.fast.pointwise import FormulaOperation
from camber.formula import Formula


@lru_cache(maxsize=64)
def _operation(order: int) -> FormulaOperation:
    powers = ", ".join(f"weight[{order - k}]" for k in range(1, order + 1))
    # The bias first in the text keeps the coefficients' order: a_0, then powers 1 to r.
    return FormulaOperation(Formula.parse(f"poly(max(x, 0), bias, {powers})"))


def poly_relu(x: Tensor, weight: Tensor, bias: Tensor, *, backend: Backend = "auto") -> Tensor:
    """Polynomial of ``relu(x)``: ``bias + sum_k w_k relu(x)^k``.

    Args:
        x: any shape and floating dtype.
        weight: (r,), ``weight[0]`` multiplies the *highest* power r (the layout of the official
            checkpoints), ``weight[-1]`` the first.
        bias: (1,), the constant term a_0.
        backend: see :mod:`camber.fast.dispatch`.

    Returns:
        Tensor of the shape and dtype of ``x``; computed in float32 (float64 for float64).

    Raises:
        CamberError: wrongly shaped coefficients.
        DtypeError: integer or complex input.

    Example:
        >>> import torch
        >>> x = torch.tensor([-1.0, 0.5, 2.0])
        >>> poly_relu(x, torch.tensor([0.5, -0.25, 2.0]), torch.tensor([0.1]))
        tensor([0.1000, 1.1000, 7.1000])

    References:
        Zhuo et al., ICLR 2025, arXiv 2411.03884.
    """
    check_floating("poly_relu", x, weight, bias)
    if weight.ndim != 1 or weight.shape[0] < 1:
        raise CamberError(f"poly_relu needs weight of shape (order,), not {tuple(weight.shape)}")
    if bias.numel() != 1:
        raise CamberError(f"poly_relu needs bias of shape (1,), not {tuple(bias.shape)}")
    operation = _operation(weight.shape[0])
    # The order of the formula's parameters decides: the family ascends by index.
    rows = {"bias": bias.reshape(1, 1), "weight": weight[:, None]}
    coefficients = stack([rows[name] for name in operation.families], x, accumulator(x.dtype))
    return run(operation, (x,), coefficients, backend)
