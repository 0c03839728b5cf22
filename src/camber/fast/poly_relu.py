r"""PolyReLU: a polynomial of the rectified input, elementwise.

.. math:: y = a_0 + \sum_{k=1}^{r} w_k \max(x, 0)^k

Source: Z. Zhuo et al., "Polynomial Composition Activations: Unleashing the Dynamics of Large
Language Models", ICLR 2025, arXiv 2411.03884.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from camber.errors import CamberError
from camber.fast.dispatch import Backend, accumulator, check_floating
from camber.fast.function import run
from camber.fast.horner import Scratch, fill_powers, horner, sum_against
from camber.fast.native.elementwise import source
from camber.fast.native.emit import body
from camber.fast.native.kernel import Kernel, kernel
from camber.fast.operation import Arrangement, Operation, spread
from camber.formula import Formula


@dataclass(frozen=True)
class PolyReluOperation(Operation[tuple[list[Tensor], list[Tensor], Scratch]]):
    """PolyReLU; coefficients are (a_0, w_1, ..., w_r) in one column."""

    order: int
    name = "poly_relu"

    def arrangement(self, coefficients: Tensor) -> Arrangement:
        return "flat"

    def definition(self, inputs: Sequence[Tensor], coefficients: Tensor) -> Tensor:
        (x,) = inputs
        positive = torch.relu(x.to(accumulator(x.dtype)))
        values = spread(coefficients)
        result = positive * values[-1]
        for value in values[-2:0:-1]:
            result = (result + value) * positive
        return (result + values[0]).to(x.dtype)

    def prepare(self, coefficients: Tensor) -> tuple[list[Tensor], list[Tensor], Scratch]:
        """The coefficients, those of the derivative, and room for the powers."""
        values = spread(coefficients)
        return values, [k * value for k, value in enumerate(values) if k], Scratch()

    def forward_block(
        self,
        inputs: Sequence[Tensor],
        prepared: tuple[list[Tensor], list[Tensor], Scratch],
        out: Tensor,
    ) -> None:
        values, _, scratch = prepared
        (positive,) = scratch.take(inputs[0], 1)
        horner(torch.clamp_min(inputs[0], 0, out=positive), values, out)

    def backward_block(
        self,
        upstream: Tensor,
        inputs: Sequence[Tensor],
        prepared: tuple[list[Tensor], list[Tensor], Scratch],
        outs: Sequence[Tensor],
    ) -> Tensor:
        _, slopes, scratch = prepared
        powers = scratch.take(inputs[0], self.order)
        positive = torch.clamp_min(inputs[0], 0, out=powers[0])
        fill_powers(powers)
        shares = [upstream.sum().reshape(1), *(sum_against(upstream, power) for power in powers)]
        slope = horner(positive, slopes, outs[0]).mul_(upstream)
        # slope 0 at the kink: the sign of max(x, 0) is the indicator of x > 0
        slope.mul_(torch.sign(positive, out=positive))
        return torch.stack(shares)

    def kernel(self, dtype: torch.dtype, *, lanes: bool = False) -> Kernel:
        def make() -> Kernel:
            powers = ", ".join(f"a[{k}]" for k in range(self.order + 1))
            formula = Formula.parse(f"poly(max(x, 0), {powers})")
            slots: list[tuple[str, int | None]] = [("a", k) for k in range(self.order + 1)]
            text = source(body(formula, slots), "rows", single=dtype != torch.float64)
            return Kernel(text, dtype, self.order + 1)

        return kernel(("poly_relu", self.order, dtype), make)


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
    coefficients = torch.cat([bias.reshape(1), weight.flip(0)])[:, None]
    operation = PolyReluOperation(weight.shape[0])
    return run(operation, (x,), coefficients.to(accumulator(x.dtype)), backend)
