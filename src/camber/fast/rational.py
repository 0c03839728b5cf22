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
from camber.fast.powers import PowerTable

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
    # A block's table of powers is eight times its size.
    block = 1 << 16

    def arrangement(self, coefficients: Tensor) -> Arrangement:
        return "flat" if coefficients.shape[1] == 1 else "split"

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

    def prepare(self, coefficients: Tensor) -> list[Tensor]:
        if coefficients.device.type == "cpu":
            # Written so that a NaN goes to double too, where it stays a NaN.
            if not bool(coefficients.abs().amax() <= LARGEST_COEFFICIENT):
                coefficients = coefficients.double()
        elif coefficients.device.type != "mps":
            # Asking a remote device for its largest value would make the host wait.
            coefficients = coefficients.double()
        return [self._table.matrix(coefficients[:, 0]), self._table.room(coefficients, self.block)]

    @property
    def _table(self) -> PowerTable:
        return PowerTable(self.numerator, self.denominator, self.form == "sum_abs")

    def _widen(self, block: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """The flat block and the matrix: in double where float32 might not hold the powers."""
        x = block.reshape(-1)
        wide = matrix.dtype == torch.float64
        if not wide and x.device.type == "cpu":
            limit = narrow_limit(self.numerator, self.denominator)
            wide = not bool(torch.maximum(x.amax(), x.amin().neg_()) <= limit)
        return (x.double(), matrix.double()) if wide else (x, matrix)

    def forward_block(
        self, inputs: Sequence[Tensor], values: Sequence[Tensor], out: Tensor
    ) -> None:
        x, matrix = self._widen(inputs[0], values[0])
        sums = x.new_empty(2, x.numel())
        horner(x, matrix[0, : self.numerator + 1].unbind(), sums[0])
        if self.denominator:
            place = x.abs() if self.form == "sum_abs" else x
            horner(
                place, matrix[1, self._table.places(range(self.denominator + 1))].unbind(), sums[1]
            )
            self._divide(sums)
        out.copy_(sums[0].view(out.shape))

    def _divide(self, sums: Tensor) -> None:
        """From rows P and what Q sums to F = P / Q and Q, in place."""
        if self.denominator:
            if self.form == "abs_sum":
                sums[1].abs_().add_(1.0)
            sums[0].div_(sums[1])

    def backward_block(
        self,
        upstream: Tensor,
        inputs: Sequence[Tensor],
        values: Sequence[Tensor],
        outs: Sequence[Tensor],
    ) -> Tensor:
        n, (out,) = self.denominator, outs
        x, matrix = self._widen(inputs[0], values[0])
        powers = self._table.fill(values[1], x)
        g = upstream.reshape(-1).to(powers.dtype)
        sums = matrix @ powers
        # For abs_sum what stands between the bars changes sign, and with it the slope of Q.
        sign = torch.sign(sums[1] if self.form == "abs_sum" else powers[1])
        self._divide(sums)
        fraction, divisor, rise, fall = sums
        # h = g / Q = dL/dP and -w = h F = -dL/dQ, over the memory of Q and F
        h = torch.div(g, divisor, out=divisor) if n else divisor.copy_(g)
        w = fraction.mul_(h)
        slope = rise.mul_(h)
        if n:
            if self.form == "abs_sum":
                w.mul_(sign)
                slope.addcmul_(w, fall, value=-1)
            else:
                slope.addcmul_(fall.mul_(w), sign, value=-1)
        out.copy_(slope.view(out.shape))
        return sums[:2] @ powers.T

    def gather(self, shares: Tensor, coefficients: Tensor) -> Tensor:
        table = self._table
        above = shares[1, : self.numerator + 1]
        below = shares[0, table.places(range(1, self.denominator + 1))].neg()
        if self.form == "sum_abs":
            signs = coefficients[self.numerator + 1 :, 0] >= 0
            below = torch.where(signs, below, -below)
        return torch.cat([above, below])[:, None]

    def kernel(self, dtype: torch.dtype, *, lanes: bool = False) -> Kernel:
        return rational_kernel(self.numerator, self.denominator, self.form, dtype, lanes=lanes)


def _horner(x: Tensor, values: Sequence[Tensor]) -> Tensor:
    result = values[-1]
    for value in reversed(values[:-1]):
        result = result * x + value
    return result


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
