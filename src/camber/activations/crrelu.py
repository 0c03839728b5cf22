"""CRReLU: ReLU plus a learnable multiple of x exp(-x^2 / 2).

    y = max(0, x) + eps x exp(-x^2 / 2)
    dy/dx = 1[x > 0] + eps (1 - x^2) exp(-x^2 / 2),   dy/deps = x exp(-x^2 / 2)

The paper derives the second term as a first-order change that lowers the entropy of the output for
Gaussian input. Sign: that change is one of the *inverse* function. For the function itself entropy
falls for negative eps, while the published initial value is +0.01. Here it is as published, with
eps free. On x > 0 it is monotone for -1 <= eps <= e^(3/2) / 2 = 2.2408; on x < 0 for eps = 0 only.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor

from camber.activations.kinds import Pointwise
from camber.activations.parameters import Fixed, Initial, per_channel
from camber.activations.registry import register
from camber.activations.source import Source
from camber.fast import Backend
from camber.formula import Formula

_FORMULA: Final = Formula.parse("max(x, 0) + eps*x*exp(-x**2/2)")
# exp(-40^2 / 2) is 0 in float64: beyond 40 the second term is 0, which x = inf could not say.
_PROGRAM: Final = Formula.parse(
    "max(x, 0) + eps*(min(max(x, -40), 40)*exp(-min(max(x, -40), 40)**2/2))"
)


@register("crrelu")
class CRReLU(Pointwise):
    """ReLU plus a learnable multiple of x exp(-x^2 / 2).

    ``y = max(0, x) + eps x exp(-x^2 / 2)``

    Args:
        eps: initial value of the coefficient, or ``Fixed(value)`` for a constant.
        num_parameters: 1 for one coefficient, or the number of channels for one each.
        channel_dim: the axis of the channels.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Shape: any; with ``num_parameters`` = C the axis ``channel_dim`` has C entries. The output has
    the shape and dtype of the input; +inf gives +inf, -inf gives 0, nan gives nan.

    Raises:
        CamberError: where the number of channels is not ``num_parameters``.
        DtypeError: for integer or complex input.

    Example:
        >>> import torch
        >>> CRReLU()(torch.tensor([-1.0, 0.0, 2.0])).tolist()
        [-0.006065306..., 0.0, 2.002706...]

    References:
        H. Sun et al., "A Method on Searching Better Activation Functions", 2024, arXiv:2405.12954.
    """

    source = Source(
        authors="Sun et al.",
        title="A Method on Searching Better Activation Functions",
        year=2024,
        arxiv="2405.12954",
    )

    def __init__(
        self,
        eps: float | Fixed | Initial = 0.01,
        num_parameters: int = 1,
        *,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(**per_channel(num_parameters, channel_dim), backend=backend)
        self._define(_FORMULA, {"eps": eps}, program=_PROGRAM)

    def _values(self, x: Tensor) -> Tensor:
        return self._pointwise(x)
