"""What an operation must tell the back ends: its definition, its blocks and its kernel.

Shape legend: ``O`` outer, ``G`` groups of channels that share coefficients, ``I`` inner, ``S``
coefficients per group, ``R`` rows, ``d`` row length.

Every operation takes one or two equally shaped inputs and one matrix of coefficients (S, G).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import torch
from torch import Tensor

if TYPE_CHECKING:
    from camber.fast.native.kernel import Kernel

#: What a block is: a stretch of a flat tensor, some (G, I) slices, some rows of length d, or some
#: rows (I) of one group of channels after the other.
Arrangement = Literal["flat", "grouped", "rows", "split"]


#: What an operation computes once per call for all blocks.
Prepared = TypeVar("Prepared")


class Operation(ABC, Generic[Prepared]):
    """One operation of fixed structure; coefficients and shapes stay open.

    ``definition`` is the meaning. ``forward_block`` and ``backward_block`` compute the same on
    blocks in the accumulator's dtype; they may overwrite ``out`` at any time, and nothing else.
    """

    #: Short name for messages.
    name: str
    #: Elements of an eager block for each thread. Half of it doubles the cost of starting
    #: operations, twice of it leaves a second-level cache of 2 MiB per core.
    block: int = 1 << 17

    def block_size(self) -> int:
        """Elements of an eager block for all threads together."""
        return self.block * torch.get_num_threads()

    @abstractmethod
    def arrangement(self, coefficients: Tensor) -> Arrangement:
        """How the inputs of a call divide into blocks."""

    @abstractmethod
    def definition(self, inputs: Sequence[Tensor], coefficients: Tensor) -> Tensor:
        """The operation in plain PyTorch, differentiable any number of times.

        Inputs: any shape where ``coefficients`` has one group, (O, G, I) where it has G of them,
        (..., d) for row operations. Returns the shape and dtype of the first input.
        """

    @abstractmethod
    def prepare(self, coefficients: Tensor) -> Prepared:
        """What the blocks of one call need of the coefficients, computed once."""

    @abstractmethod
    def forward_block(self, inputs: Sequence[Tensor], prepared: Prepared, out: Tensor) -> None:
        """Write the result of one block into ``out``."""

    @abstractmethod
    def backward_block(
        self,
        upstream: Tensor,
        inputs: Sequence[Tensor],
        prepared: Prepared,
        outs: Sequence[Tensor],
    ) -> Tensor:
        """Write one block's slope of each input into ``outs``; return its share for ``gather``."""

    def gather(self, shares: Tensor, coefficients: Tensor) -> Tensor:
        """The slopes (S, G) of the coefficients, from the sum over all blocks of their shares."""
        return shares

    @abstractmethod
    def kernel(self, dtype: torch.dtype, *, lanes: bool = False) -> Kernel:
        """The compiled kernel for inputs of ``dtype``; ``lanes``: coefficients per column.

        Raises:
            BuildError: where this machine or this formula has none.
        """


def spread(coefficients: Tensor) -> list[Tensor]:
    """Split (S, G) into S tensors that broadcast against inputs: 0-d for one group, else (G, 1)."""
    if coefficients.shape[1] == 1:
        return list(coefficients[:, 0].unbind(0))
    return list(coefficients[:, :, None].unbind(0))
