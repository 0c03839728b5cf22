r"""PolyNorm: a polynomial composed with root-mean-square normalisation of powers.

.. math::
    y = a_0 + \sum_{k=1}^{r} w_k N(x^k), \qquad N(u) = u / \sqrt{\mathrm{mean}(u^2) + \epsilon}

over one axis of length d. With :math:`s = \max(1, \max_j |x_j|)` and :math:`z = x / s`,

.. math:: N(x^k) = z^k / \sqrt{\mathrm{mean}(z^{2k}) + \epsilon / s^{2k}}

exactly, and nothing overflows for any finite x: this form is used everywhere.

Source: Z. Zhuo, Y. Wang, Y. Zeng, X. Li, X. Zhou, J. Ma, "Polynomial Composition Activations:
Unleashing the Dynamics of Large Language Models", ICLR 2025, arXiv 2411.03884, with the
normalisation of the authors' code (root mean square, eps inside the root).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from camber.errors import CamberError
from camber.fast.dispatch import Backend, accumulator, check_floating
from camber.fast.function import run
from camber.fast.horner import Scratch, fill_powers, horner
from camber.fast.native.kernel import Kernel
from camber.fast.native.rows import poly_norm_kernel
from camber.fast.operation import Arrangement, Operation


@dataclass(frozen=True)
class Prepared:
    """What the blocks of a call share: a_0, then rows (1, r), then room for the powers."""

    bias: Tensor
    #: w_k, k w_k and 2 k for k = 1..r
    weights: Tensor
    scaled: Tensor
    exponents: Tensor
    scratch: Scratch


@dataclass(frozen=True)
class PolyNormOperation(Operation[Prepared]):
    """PolyNorm along the last axis; coefficients are (a_0, w_1, ..., w_r) in one column."""

    order: int
    eps: float
    name = "poly_norm"

    def arrangement(self, coefficients: Tensor) -> Arrangement:
        return "rows"

    def definition(self, inputs: Sequence[Tensor], coefficients: Tensor) -> Tensor:
        (x,) = inputs
        wide = x.to(accumulator(x.dtype))
        # The value does not depend on s, so no gradient of any order passes through it.
        s = wide.detach().abs().amax(-1, keepdim=True).clamp(min=1.0)
        z = wide / s
        bias, *weights = coefficients[:, 0].unbind(0)
        power, slack = z, self.eps / (s * s)
        result = weights[0] * _normalise(power, slack)
        for weight in weights[1:]:
            power, slack = power * z, slack / (s * s)
            result = result + weight * _normalise(power, slack)
        return (result + bias).to(x.dtype)

    def prepare(self, coefficients: Tensor) -> Prepared:
        steps = torch.arange(
            1, self.order + 1, dtype=coefficients.dtype, device=coefficients.device
        )[None]
        weights = coefficients[1:].T
        return Prepared(coefficients[0, 0], weights, weights * steps, 2 * steps, Scratch())

    def _statistics(self, x: Tensor, prepared: Prepared) -> tuple[Tensor, Tensor, list[Tensor]]:
        """1 / s (R, 1), q_k = (mean z^{2k} + eps / s^{2k})^{-1/2} (R, r), and the powers z^k."""
        most = torch.maximum(x.amax(-1, keepdim=True), x.amin(-1, keepdim=True).neg_())
        # Any s from max(1, |x| / 4) on serves; its inverse must stay a normal number.
        inverse = most.clamp_(1.0, 1.0 / torch.finfo(x.dtype).tiny).reciprocal_()
        powers = prepared.scratch.take(x, self.order)
        torch.mul(x, inverse, out=powers[0])
        fill_powers(powers)
        lengths = torch.cat(
            [torch.linalg.vector_norm(power, dim=-1, keepdim=True) for power in powers], dim=-1
        )
        slack = inverse.pow(prepared.exponents).mul_(self.eps)
        factors = lengths.square().div_(x.shape[-1]).add_(slack).rsqrt_()
        # An infinite entry makes its row NaN, as it does in the definition.
        return inverse, factors.add_(lengths.mul_(0.0)), powers

    def forward_block(self, inputs: Sequence[Tensor], prepared: Prepared, out: Tensor) -> None:
        _, factors, powers = self._statistics(inputs[0], prepared)
        horner(powers[0], (factors * prepared.weights).split(1, dim=-1), out)
        torch.addcmul(prepared.bias, out, powers[0], out=out)

    def backward_block(
        self,
        upstream: Tensor,
        inputs: Sequence[Tensor],
        prepared: Prepared,
        outs: Sequence[Tensor],
    ) -> Tensor:
        # With S_k = sum_j g_j z_j^k the slope is, by Horner,
        # dx = (g (A_1 + z (A_2 + ...)) - z (B_1 + z^2 (B_2 + ...))) / s,
        # A_k = k w_k q_k, B_k = A_k q_k^2 S_k / d
        (out,) = outs
        inverse, factors, powers = self._statistics(inputs[0], prepared)
        z = powers[0]
        moments = torch.cat(
            [torch.mul(upstream, power, out=out).sum(-1, keepdim=True) for power in powers], dim=-1
        )
        rise = prepared.scaled * factors * inverse
        shares = factors * moments
        fall = shares.mul(rise).mul_(factors).div_(z.shape[-1])
        horner(z, rise.split(1, dim=-1), out).mul_(upstream)
        if self.order == 1:
            out.addcmul_(z, fall, value=-1)
        else:
            # No power beyond the square is needed any more: its memory serves again.
            room = prepared.scratch.take(z, max(self.order, 3))[2]
            lost = horner(powers[1], fall.split(1, dim=-1), room)
            out.addcmul_(lost, z, value=-1)
        return torch.cat([upstream.sum()[None], shares.sum(0)])[:, None]

    def kernel(self, dtype: torch.dtype, *, lanes: bool = False) -> Kernel:
        return poly_norm_kernel(self.order, self.eps, dtype)


def _normalise(power: Tensor, slack: Tensor) -> Tensor:
    return power * torch.rsqrt(power.square().mean(-1, keepdim=True) + slack)


def poly_norm(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    eps: float = 1e-6,
    *,
    dim: int = -1,
    backend: Backend = "auto",
) -> Tensor:
    """Sum of the normalised powers of ``x``: ``bias + sum_k w_k N(x^k)`` along ``dim``.

    Args:
        x: any shape and floating dtype; rows are its lines along ``dim``.
        weight: (r,), ``weight[0]`` multiplies the *highest* power r (the layout of the official
            checkpoints), ``weight[-1]`` the first.
        bias: (1,), the constant term a_0.
        eps: added to each mean square inside the root; positive.
        dim: the axis of the normalisation.
        backend: see :mod:`camber.fast.dispatch`.

    Returns:
        Tensor of the shape and dtype of ``x``; powers and means in float32 (float64 for float64).

    Raises:
        CamberError: an empty axis, ``eps`` that is not positive, or wrongly shaped coefficients.
        DtypeError: integer or complex input.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
        >>> w = torch.full((3,), 1 / 3, dtype=torch.float64)
        >>> poly_norm(x, w, torch.zeros(1, dtype=torch.float64)).numpy().round(6).tolist()
        [0.166683, 0.461432, 0.94145, 1.663938]

    References:
        Zhuo et al., ICLR 2025, arXiv 2411.03884.
    """
    check_floating("poly_norm", x, weight, bias)
    if weight.ndim != 1 or weight.shape[0] < 1:
        raise CamberError(f"poly_norm needs weight of shape (order,), not {tuple(weight.shape)}")
    if bias.numel() != 1:
        raise CamberError(f"poly_norm needs bias of shape (1,), not {tuple(bias.shape)}")
    if not eps > 0:
        raise CamberError(f"poly_norm needs eps > 0, not {eps}: a row of zeros would divide by 0")
    if x.ndim == 0 or not -x.ndim <= dim < x.ndim:
        raise CamberError(f"poly_norm got dim={dim} for an input of shape {tuple(x.shape)}")
    if x.shape[dim] == 0:
        raise CamberError(f"poly_norm cannot normalise axis {dim} of size 0 in {tuple(x.shape)}")
    operation = PolyNormOperation(weight.shape[0], float(eps))
    coefficients = torch.cat([bias.reshape(1), weight.flip(0)])[:, None]
    last = x if dim in (-1, x.ndim - 1) else x.movedim(dim, -1)
    rows = last.reshape(-1, last.shape[-1])
    result = run(operation, (rows,), coefficients.to(accumulator(x.dtype)), backend)
    shaped = result.reshape(last.shape)
    return shaped if last is x else shaped.movedim(-1, dim)
