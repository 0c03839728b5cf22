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
from camber.fast.powers import PowerLayout, Workspace

Form = Literal["sum_abs", "abs_sum"]

#: Coefficients above this size send a block to double whatever its inputs.
LARGEST_COEFFICIENT: Final = 1e6


@dataclass(frozen=True)
class RationalOperation(Operation[Workspace]):
    """A rational of degrees (m, n); coefficients are (a_0..a_m, b_1..b_n) for each group."""

    numerator: int
    denominator: int
    form: Form
    name = "rational"
    # The table of powers and the sums of a block are twelve times its size.
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

    @property
    def _layout(self) -> PowerLayout:
        return PowerLayout(self.numerator, self.denominator, self.form == "sum_abs")

    def prepare(self, coefficients: Tensor) -> Workspace:
        if coefficients.device.type == "cpu":
            # Written so that a NaN goes to double too, where it stays a NaN.
            if not bool(coefficients.abs().amax() <= LARGEST_COEFFICIENT):
                coefficients = coefficients.double()
        elif coefficients.device.type != "mps":
            # Asking a remote device for its largest value would make the host wait.
            coefficients = coefficients.double()
        matrix = self._layout.matrix(coefficients[:, 0])
        return Workspace(self._layout, matrix, self.block_size())

    def _widened(self, block: Tensor, prepared: Workspace) -> Tensor:
        """The flat block: in double where float32 might not hold its powers."""
        x = block.reshape(-1)
        wide = prepared.matrix.dtype == torch.float64
        if not wide and x.device.type == "cpu":
            low, high = torch.aminmax(x)
            limit = narrow_limit(self.numerator, self.denominator)
            wide = not (high.item() <= limit and low.item() >= -limit)
        return x.double() if wide else x

    def forward_block(self, inputs: Sequence[Tensor], prepared: Workspace, out: Tensor) -> None:
        x, layout = self._widened(inputs[0], prepared), self._layout
        space = prepared.fits(x)
        result, divisor, size, _ = space.rows()
        above = space.matrix[0, [layout.row(k) for k in range(self.numerator + 1)]]
        horner(x, above.unbind(), result)
        if self.denominator:
            below = space.matrix[1, [layout.place(k) for k in range(self.denominator + 1)]]
            if self.form == "abs_sum":
                horner(x, below.unbind(), divisor).abs_().add_(1.0)
            else:
                horner(torch.abs(x, out=size), below.unbind(), divisor)
            result.div_(divisor)
        out.copy_(result.view(out.shape))

    def backward_block(
        self,
        upstream: Tensor,
        inputs: Sequence[Tensor],
        prepared: Workspace,
        outs: Sequence[Tensor],
    ) -> Tensor:
        x = self._widened(inputs[0], prepared)
        space = prepared.fits(x)
        space.fill(x)
        torch.mm(space.matrix, space.powers, out=space.sums)
        g = upstream.reshape(-1)
        fraction, divisor, rise, fall = space.rows()
        if self.denominator == 0:
            fraction.copy_(g)
            rise.mul_(g)
        else:
            # With h = g / Q: dx = h (P' - F Q'), and h and h F meet the powers in the sums. The
            # slope of Q has the sign of x in sum_abs, of what stands between the bars in abs_sum.
            bars = self.form == "abs_sum"
            sign = torch.sign(divisor if bars else x)
            fall.mul_(sign)
            if bars:
                divisor.abs_().add_(1.0)
            fraction.div_(divisor)
            rise.addcmul_(fraction, fall, value=-1)
            torch.div(g, divisor, out=divisor)
            rise.mul_(divisor)
            fraction.mul_(divisor)
            if bars:
                fraction.mul_(sign)
        outs[0].copy_(rise.view(outs[0].shape))
        return space.halves @ space.across

    def gather(self, shares: Tensor, coefficients: Tensor) -> Tensor:
        layout, m, n = self._layout, self.numerator, self.denominator
        # Row 1 was weighted with h, row 0 with h F; without a denominator row 0 with g.
        above = shares[1 if n else 0, [layout.row(k) for k in range(m + 1)]]
        below = shares[0, [layout.place(k) for k in range(1, n + 1)]].neg()
        if self.form == "sum_abs":
            signs = coefficients[m + 1 :, 0] >= 0
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
        form: ``"sum_abs"``, where ``Q = 1 + sum |b_k| |x|^k``, or ``"abs_sum"``, where
            ``Q = 1 + |sum b_k x^k|``.
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
