"""A table of powers, so that several polynomials of one block are a single matrix product.

Rows of the table are x^k and, where a denominator takes |x|, also |x|^k for odd k. One skinny
matrix product gives all four sums that a backward pass needs, a second one all the coefficients'
slopes; Horner's rule in eager operations would pass over the block once for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PowerLayout:
    """Which row holds which power, for degrees (m, n); ``sizes``: the denominator takes |x|.

    Row 0 is 1; then for each odd k a row x^k, with |x|^k right behind it where that is needed, so
    that both are multiplied by x^2 at once; then the even powers.
    """

    numerator: int
    denominator: int
    sizes: bool

    @property
    def degree(self) -> int:
        """The highest power in the table."""
        return max(self.numerator, self.denominator)

    def paired(self, k: int) -> bool:
        """Whether |x|^k stands behind x^k."""
        return self.sizes and k % 2 == 1 and k <= self.denominator

    def row(self, k: int) -> int:
        """The row of x^k."""
        if k == 0:
            return 0
        odd = range(1, k if k % 2 else self.degree + 1, 2)
        before = 1 + sum(1 + self.paired(j) for j in odd)
        return before if k % 2 else before + k // 2 - 1

    def place(self, k: int) -> int:
        """The row of the k-th power of what the denominator takes, x or |x|."""
        return self.row(k) + self.paired(k)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return 1 + self.degree + sum(self.paired(k) for k in range(1, self.degree + 1, 2))

    def matrix(self, coefficients: Tensor) -> Tensor:
        """(4, rows): what gives P, the sum in Q (with its 1 for |x|), P' and the slope of the sum.

        ``coefficients`` are (a_0..a_m, b_1..b_n).
        """
        m, n = self.numerator, self.denominator
        above, below = coefficients[: m + 1], coefficients[m + 1 :]
        summed = below.abs() if self.sizes else below
        result = coefficients.new_zeros(4, self.rows)
        result[0, [self.row(k) for k in range(m + 1)]] = above
        for k in range(1, m + 1):
            result[2, self.row(k - 1)] = k * above[k]
        if self.sizes:
            result[1, 0] = 1.0
        for k in range(1, n + 1):
            result[1, self.place(k)] = summed[k - 1]
            result[3, self.place(k - 1)] = k * summed[k - 1]
        return result


class Workspace:
    """Memory of one block size for a table of powers and for the four sums of a rational function.

    Everything that a block needs is a view made once: starting an operation costs as much as a
    few thousand elements of work.
    """

    def __init__(self, layout: PowerLayout, matrix: Tensor, count: int) -> None:
        self._layout, self._count = layout, count
        self.matrix = matrix
        self.powers = matrix.new_empty(layout.rows, count)
        self.across = self.powers.T
        self.sums = matrix.new_empty(4, count)
        self.halves = self.sums[:2]
        self.powers[0].fill_(1.0)
        self._x = self.powers[layout.row(1)]
        self._size = self.powers[layout.place(1)] if layout.paired(1) else None
        self._steps = self._plan()

    def _plan(self) -> list[tuple[Tensor, Tensor]]:
        """Pairs (source, target): target = source x^2, for one row or two at once."""
        layout, steps = self._layout, []
        self._square = self.powers[layout.row(2)] if layout.degree > 1 else self._x
        for k in range(3, layout.degree + 1):
            height = 1 + layout.paired(k)
            low, high = layout.row(k - 2), layout.row(k)
            steps.append((self.powers[low : low + height], self.powers[high : high + height]))
        return steps

    def fits(self, x: Tensor) -> Workspace:
        """This workspace, or a new one where the block has another size or dtype."""
        if x.dtype == self.matrix.dtype and x.numel() == self._count:
            return self
        return Workspace(self._layout, self.matrix.to(x.dtype), x.numel())

    def fill(self, x: Tensor) -> None:
        """Write the powers of a flat block x."""
        self._x.copy_(x)
        if self._size is not None:
            torch.abs(x, out=self._size)
        if self._layout.degree > 1:
            torch.mul(x, x, out=self._square)
        for source, target in self._steps:
            torch.mul(source, self._square, out=target)

    def rows(self) -> Sequence[Tensor]:
        """P, the sum in Q, P' and the slope of the sum, once computed."""
        return self.sums.unbind()
