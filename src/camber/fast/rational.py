r"""Rational functions P(x) / Q(x) without poles, with coefficients shared by groups of channels.

.. math::
    P = a_0 + a_1 x + \dots + a_m x^m, \qquad
    Q = 1 + |b_1||x| + \dots + |b_n||x|^n \;\text{(sum\_abs)} \quad\text{or}\quad
    Q = 1 + |b_1 x + \dots + b_n x^n| \;\text{(abs\_sum)}

Slopes where a form has kinks: ``sum_abs`` takes 0 for d|x|/dx at x = 0 (the symmetric choice) and
+1 for d|b|/db at b = 0, so that a denominator that starts at zero trains; ``abs_sum`` takes 0.

Single precision holds x^m only up to a limit; beyond it both polynomials are evaluated in double,
which no float32 input overflows for degrees up to 8 (the definition always does).

Sources: A. Molina, P. Schramowski, K. Kersting, "Pade Activation Units", ICLR 2020, arXiv
1907.06732; X. Yang, X. Wang, "Kolmogorov-Arnold Transformer", ICLR 2025, arXiv 2409.10594.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from camber.errors import CamberError
from camber.fast.coefficients import split_channels, stack
from camber.fast.dispatch import Backend, accumulator, check_floating
from camber.fast.function import run
from camber.fast.horner import horner
from camber.fast.native.kernel import Kernel
from camber.fast.native.rationals import narrow_limit, rational_kernel
from camber.fast.operation import Arrangement, Operation, spread

Form = Literal["sum_abs", "abs_sum"]

#: Coefficients above this size send a block to double whatever its inputs.
LARGEST_COEFFICIENT: Final = 1e6


@dataclass(frozen=True)
class RationalOperation(Operation):
    """A rational of degrees (m, n); coefficients are (a_0..a_m, b_1..b_n) for each group."""

    numerator: int
    denominator: int
    form: Form
    name = "rational"

    def arrangement(self, coefficients: Tensor) -> Arrangement:
        return "flat" if coefficients.shape[1] == 1 else "grouped"

    def definition(self, inputs: Sequence[Tensor], coefficients: Tensor) -> Tensor:
        (x,) = inputs
        # float64 does not exist on mps; there the limit of single precision remains.
        inside = torch.float32 if x.device.type == "mps" else torch.float64
        wide = x.to(inside)
        values = spread(coefficients.to(inside))
        above, below = values[: self.numerator + 1], values[self.numerator + 1 :]
        result = _horner(wide, above)
        if below:
            result = result / (1.0 + self._denominator(wide, below))
        return result.expand(x.shape).to(x.dtype)

    def _denominator(self, x: Tensor, below: Sequence[Tensor]) -> Tensor:
        if self.form == "abs_sum":
            return (x * _horner(x, below)).abs()
        size = x.abs()
        return size * _horner(size, [torch.where(b >= 0, b, -b) for b in below])

    def forward_block(
        self, inputs: Sequence[Tensor], values: Sequence[Tensor], out: Tensor
    ) -> None:
        x, wide = self._widen(inputs[0], values)
        fraction = out if wide is values else torch.empty_like(x)
        self._fraction(x, wide, fraction)
        if fraction is not out:
            out.copy_(fraction)

    def _widen(self, x: Tensor, values: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        """The block in double where its powers, or their products, may leave float32."""
        if x.dtype == torch.float32 and x.numel() and x.device.type != "mps":
            most = torch.maximum(x.amax(), x.amin().neg_())
            limit = narrow_limit(self.numerator, self.denominator)
            largest = torch.stack([value.abs().amax() for value in values]).amax()
            # Written so that a NaN goes to double too, where it stays a NaN.
            if not bool((most <= limit) & (largest <= LARGEST_COEFFICIENT)):
                return x.double(), [value.double() for value in values]
        return x, values

    def _fraction(
        self, x: Tensor, values: Sequence[Tensor], out: Tensor
    ) -> tuple[Tensor | None, Tensor]:
        """Write P / Q into ``out``; return Q (None where it is 1) and |x| (x in abs_sum)."""
        above, below = values[: self.numerator + 1], values[self.numerator + 1 :]
        horner(x, above, out)
        if not below:
            return None, x
        place = x if self.form == "abs_sum" else x.abs()
        sizes = below if self.form == "abs_sum" else [b.abs() for b in below]
        divisor = horner(place, sizes, torch.empty_like(x))
        if self.form == "abs_sum":
            divisor.mul_(place).abs_().add_(1.0)
        else:
            torch.addcmul(torch.ones_like(sizes[0]), divisor, place, out=divisor)
        out.div_(divisor)
        return divisor, place

    def backward_block(
        self,
        upstream: Tensor,
        inputs: Sequence[Tensor],
        values: Sequence[Tensor],
        outs: Sequence[Tensor],
    ) -> Tensor:
        x, wide = self._widen(inputs[0], values)
        g = upstream.to(x.dtype)
        slope = outs[0] if wide is values else torch.empty_like(x)
        above, below = wide[: self.numerator + 1], wide[self.numerator + 1 :]
        fraction = torch.empty_like(x)
        divisor, place = self._fraction(x, wide, fraction)
        h = g if divisor is None else torch.div(g, divisor, out=divisor)
        horner(x, [k * a for k, a in enumerate(above)][1:], slope).mul_(h)
        shares = _moments(h, x, range(self.numerator + 1))
        if below:
            # w = -g P / Q^2, times the sign of the inner polynomial in the form abs_sum
            w = fraction.mul_(h).neg_()
            inner = torch.empty_like(x)
            if self.form == "abs_sum":
                w.mul_(horner(x, below, inner).mul_(x).sign_())
                horner(x, [k * b for k, b in enumerate(below, 1)], inner)
                slope.addcmul_(w, inner)
                shares += _moments(w, x, range(1, self.denominator + 1))
            else:
                horner(place, [k * b.abs() for k, b in enumerate(below, 1)], inner)
                slope.addcmul_(inner.mul_(w), torch.sign(x))
                signs = (torch.where(b >= 0, 1.0, -1.0).reshape(-1) for b in below)
                moments = _moments(w, place, range(1, self.denominator + 1))
                shares += [m * sign for m, sign in zip(moments, signs, strict=True)]
        if slope is not outs[0]:
            outs[0].copy_(slope)
        return torch.stack(shares).to(values[0].dtype)

    def kernel(self, dtype: torch.dtype, *, lanes: bool = False) -> Kernel:
        return rational_kernel(self.numerator, self.denominator, self.form, dtype, lanes=lanes)


def _horner(x: Tensor, values: Sequence[Tensor]) -> Tensor:
    result = values[-1]
    for value in reversed(values[:-1]):
        result = result * x + value
    return result


def _moments(weight: Tensor, x: Tensor, powers: range) -> list[Tensor]:
    """Sums of weight x^k over a block, each of shape (G,); blocks are flat or (rows, G, I)."""
    product, sums = weight, []
    for power in range(powers.stop):
        if power:
            product = weight * x if power == 1 else product.mul_(x)
        if power in powers:
            grouped = product.ndim == 3
            sums.append(product.sum(-1).sum(0) if grouped else product.sum().reshape(1))
    return sums


def rational(
    x: Tensor,
    numerator: Tensor,
    denominator: Tensor,
    *,
    groups: int | None = None,
    form: Form = "sum_abs",
    channel_dim: int = -1,
    backend: Backend = "auto",
) -> Tensor:
    """A rational function of each element, P(x) / Q(x), with Q >= 1.

    Args:
        x: any shape and floating dtype.
        numerator: (1, m+1) or (groups, m+1), coefficients ascending from a_0, m >= 1.
        denominator: (1, n) or (groups, n), coefficients ascending from b_1; n = 0 for a polynomial.
        groups: number of groups of contiguous channels; by default the larger of the two counts.
        form: ``"sum_abs"`` (Q = 1 + sum |b_k||x|^k) or ``"abs_sum"`` (Q = 1 + |sum b_k x^k|).
        channel_dim: the axis of the channels.
        backend: see :mod:`camber.fast.dispatch`.

    Returns:
        Tensor of the shape and dtype of ``x``. Computed in float32 (float64 for float64 and where
        float32 would overflow).

    Raises:
        CamberError: degrees, group counts or channels that do not fit; unknown form.
        DtypeError: integer or complex input.

    Example:
        >>> a = torch.tensor([[0.5, -1.0, 0.25, 0.0, 0.1, -0.02]], dtype=torch.float64)
        >>> b = torch.tensor([[0.3, -0.2, 0.0, 0.05]], dtype=torch.float64)
        >>> rational(torch.tensor([-2.0], dtype=torch.float64), a, b)
        tensor([1.7937], dtype=torch.float64)

    References:
        Yang and Wang, ICLR 2025, arXiv 2409.10594.
    """
    check_floating("rational", x, numerator, denominator)
    if form not in get_args(Form):
        raise CamberError(f"unknown form {form!r} of a rational; the forms are {get_args(Form)}")
    if numerator.ndim != 2 or numerator.shape[1] < 2 or denominator.ndim != 2:
        raise CamberError(
            "rational needs a numerator (groups, m+1) with m >= 1 and a denominator (groups, n), "
            f"not {tuple(numerator.shape)} and {tuple(denominator.shape)}"
        )
    counts = (numerator.shape[0], denominator.shape[0])
    wanted = max(counts) if groups is None else groups
    if wanted < 1 or any(count not in (1, wanted) for count in counts):
        raise CamberError(
            f"rational with {wanted} groups needs coefficients for 1 or {wanted} groups, "
            f"not for {counts[0]} and {counts[1]}"
        )
    split_channels(x, wanted, channel_dim, "rational")
    operation = RationalOperation(numerator.shape[1] - 1, denominator.shape[1], form)
    coefficients = stack([numerator.T, denominator.T], x, accumulator(x.dtype))
    parts = split_channels(x, coefficients.shape[1], channel_dim, "rational")
    return run(operation, (parts,), coefficients, backend).reshape(x.shape)
