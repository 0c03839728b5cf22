"""PolyNorm: a learnable sum of normalised powers.

    y = bias + weight[r-1] N(x) + weight[r-2] N(x^2) + ... + weight[0] N(x^r)
    N(u) = u / sqrt(mean(u^2) + eps)     over the feature axis; x^k elementwise

``weight[0]`` multiplies the *highest* power: the layout of the official checkpoints. N is the
official code's RMS normalisation; the paper's text has the Euclidean norm, which differs by
sqrt(d). No row overflows: each is scaled by its largest entry first, which changes nothing, because
N(x^k) = z^k / sqrt(mean(z^2k) + eps / s^2k) exactly for z = x / s.

The normalisation sees the *whole* feature axis. Where that axis is sharded (tensor parallelism) a
shard alone gives another function: gather first.

What eps does: it is compared with the mean of x^2k, so tiny inputs lose their high powers; for
Gaussian rows of standard deviation s the cubic term is suppressed once 15 s^6 < eps (s < 0.064),
the square once 3 s^4 < eps (s < 0.024).
"""

from __future__ import annotations

from torch import Tensor, nn

from camber.activations.kinds import Along
from camber.activations.parameters import LARGEST_POWER, number, positive_integer
from camber.activations.polyrelu import POLYCOM, descending
from camber.activations.registry import register
from camber.errors import CamberError
from camber.fast import Backend, poly_norm
from camber.formula import Formula


def checked_epsilon(eps: float) -> float:
    """Return ``eps`` or raise unless it is positive: at 0 a row of zeros divides by zero."""
    value = number(eps, "eps")
    if value <= 0:
        raise CamberError(f"eps must be positive, not {eps}: a row of zeros would divide by zero")
    return value


@register("polynorm")
class PolyNorm(Along):
    """A learnable sum of RMS-normalised powers (Type II polynomial composition).

    ``y = bias + sum_k weight[r-k] x^k / sqrt(mean(x^2k) + eps)``, k = 1 .. r, r = order

    Args:
        order: the highest power r, at least 1.
        eps: added to each mean of squares, positive.
        dim: the axis of the features; rows are independent.
        bias: whether there is a constant term.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Parameters: ``weight`` (order,), each 1/order at first, ``weight[0]`` for the highest power;
    ``bias`` (1,), 0 at first. One set per module.

    Shape: any with a non-empty axis ``dim``; the output has the shape and dtype of the input. Half
    precision is computed in float32 inside. The output of a row has RMS at most
    ``sum |weight| + |bias|``; it is dense: there are no exact zeros to speak of.

    Raises:
        CamberError: for an order below 1 or above 64, eps <= 0, or an empty axis.
        DtypeError: for an order that is no integer; for integer or complex input.

    Example:
        >>> import torch
        >>> PolyNorm()(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        tensor([0.1667, 0.4614, 0.9415, 1.6639], grad_fn=...)

    References:
        Z. Zhuo et al., "Polynomial Composition Activations: Unleashing the Dynamics of Large
        Language Models", 2024, arXiv:2411.03884.
    """

    source = POLYCOM
    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        order: int = 3,
        eps: float = 1e-6,
        dim: int = -1,
        bias: bool = True,
        *,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(dim=dim, backend=backend)
        self.order = positive_integer(order, "order", LARGEST_POWER)
        self.eps = checked_epsilon(eps)
        text = descending(order, bias, f"x**{{k}}/rms(x**{{k}}, {self.eps!r})")
        values = {"weight": 1.0 / order} | ({"bias": 0.0} if bias else {})
        self._define(Formula.parse(text.replace("x**1/", "x/").replace("x**1,", "x,")), values)
        if not bias:
            self.register_parameter("bias", None)

    def _values(self, x: Tensor) -> Tensor:
        bias = self.weight.new_zeros(1) if self.bias is None else self.bias
        return poly_norm(x, self.weight, bias, self.eps, dim=self.dim, backend=self.backend)
