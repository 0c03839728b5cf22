"""PolyReLU: a learnable polynomial of ReLU.

    y = bias + weight[r-1] u + weight[r-2] u^2 + ... + weight[0] u^r,   u = max(x, 0)

``weight[0]`` multiplies the *highest* power: the layout of the official checkpoints.
"""

from __future__ import annotations

from torch import Tensor, nn

from camber.activations.kinds import Pointwise
from camber.activations.parameters import LARGEST_POWER, positive_integer
from camber.activations.registry import register
from camber.activations.source import Source
from camber.fast import Backend, poly_relu
from camber.formula import Formula

POLYCOM = Source(
    authors="Zhuo, Wang, Zeng, Li, Zhou and Ma",
    title="Polynomial Composition Activations: Unleashing the Dynamics of Large Language Models",
    year=2024,
    arxiv="2411.03884",
)


def descending(order: int, bias: bool, term: str) -> str:
    """``bias + weight[order-1]*term(1) + ... + weight[0]*term(order)``, {k} standing for k."""
    terms = [f"weight[{order - k}]*{term.format(k=k)}" for k in range(1, order + 1)]
    return " + ".join((["bias"] if bias else []) + terms)


@register("polyrelu")
class PolyReLU(Pointwise):
    """A learnable polynomial of ReLU (Type I polynomial composition).

    ``y = bias + weight[r-1] u + ... + weight[0] u^r`` with ``u = max(x, 0)``, r = order

    Args:
        order: the degree r, at least 1.
        bias: whether there is a constant term.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Parameters: ``weight`` (order,), each 1/order at first, ``weight[0]`` for the highest power;
    ``bias`` (1,), 0 at first. One set per module.

    Shape: any; the output has the shape and dtype of the input. Half precision is computed in
    float32 inside. Exactly ``bias`` for x <= 0; grows like x^order, so deep stacks at large
    learning rates can diverge.

    Raises:
        CamberError: for an order below 1 or above 64.
        DtypeError: for an order that is no integer; for integer or complex input.

    Example:
        >>> import torch
        >>> PolyReLU()(torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0]))
        tensor([0.0000, 0.0000, 0.2917, 1.0000, 4.6667], grad_fn=...)

    References:
        Z. Zhuo et al., "Polynomial Composition Activations: Unleashing the Dynamics of Large
        Language Models", 2024, arXiv:2411.03884.
    """

    source = POLYCOM
    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, order: int = 3, bias: bool = True, *, backend: Backend = "auto") -> None:
        super().__init__(backend=backend)
        self.order = positive_integer(order, "order", LARGEST_POWER)
        powers = [f"weight[{order - k}]" for k in range(1, order + 1)]
        text = f"poly(max(x, 0), {', '.join(['bias' if bias else '0', *powers])})"
        values = {"weight": 1.0 / order} | ({"bias": 0.0} if bias else {})
        self._define(Formula.parse(text), values)
        if not bias:
            self.register_parameter("bias", None)

    def _values(self, x: Tensor) -> Tensor:
        bias = self.weight.new_zeros(1) if self.bias is None else self.bias
        return poly_relu(x, self.weight, bias, backend=self.backend)
