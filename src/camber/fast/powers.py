"""A table of powers, so that several polynomials of one block are a single matrix product.

Row k of the table is x^k; a rational function with |x|^k in its denominator also needs |x|^k for
odd k, which follow. Skinny matrix products read such a table at the speed of the cache, where
Horner's rule in eager operations would pass over the block once per coefficient and polynomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PowerTable:
    """Layout of the powers for degrees (m, n); ``sizes`` where the denominator takes |x|."""

    numerator: int
    denominator: int
    sizes: bool

    @property
    def _plain(self) -> int:
        return max(self.numerator, self.denominator) + 1

    def places(self, powers: Sequence[int]) -> list[int]:
        """Rows of the powers of what the denominator takes, x or |x|."""
        plain = self._plain
        return [plain + k // 2 if self.sizes and k % 2 else k for k in powers]

    def room(self, like: Tensor, count: int) -> Tensor:
        """Memory for the table of blocks of up to ``count`` elements; its first row is all 1."""
        odd = (self.denominator + 1) // 2 if self.sizes else 0
        table = like.new_empty(self._plain + odd, count)
        table[0].fill_(1.0)
        return table

    def fill(self, room: Tensor, x: Tensor) -> Tensor:
        """The table (rows, N) for a flat block x of N elements, in ``room`` where it fits."""
        count = x.numel()
        if room.dtype != x.dtype or room.shape[1] < count:
            room = self.room(x, count)
        table = room[:, :count]
        _, first, *rows = table.unbind()
        first.copy_(x)
        previous, plain = first, self._plain
        for row in rows[: plain - 2]:
            previous = torch.mul(previous, first, out=row)
        odd = rows[plain - 2 :]
        if odd:
            torch.abs(first, out=odd[0])
            for place in range(1, len(odd)):
                torch.mul(odd[place - 1], rows[0], out=odd[place])
        return table

    def matrix(self, coefficients: Tensor) -> Tensor:
        """(4, rows): what gives P, the sum in Q (with its 1 for |x|), P' and the slope of the sum.

        ``coefficients`` are (a_0..a_m, b_1..b_n).
        """
        m, n = self.numerator, self.denominator
        above, below = coefficients[: m + 1], coefficients[m + 1 :]
        factors = torch.arange(max(m, n) + 1, dtype=coefficients.dtype, device=coefficients.device)
        odd = (n + 1) // 2 if self.sizes else 0
        result = coefficients.new_zeros(4, self._plain + odd)
        result[0, : m + 1] = above
        result[2, :m] = (above * factors[: m + 1])[1:]
        if n:
            summed = below.abs() if self.sizes else below
            if self.sizes:
                result[1, 0] = 1.0
            result[1, self.places(range(1, n + 1))] = summed
            result[3, self.places(range(n))] = summed * factors[1 : n + 1]
        return result
