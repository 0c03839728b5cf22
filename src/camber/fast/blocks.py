"""Row-blocked eager bodies: no compiler, and no intermediate larger than the cache.

An elementwise formula in eager PyTorch writes every intermediate to main memory. The same
operations on a block of :data:`BLOCK` elements stay in the second-level cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import torch
from torch import Tensor

from camber.fast.dispatch import accumulator
from camber.fast.memory import empty_like, is_dense
from camber.fast.operation import Arrangement, Operation

#: Elements of a block. Measured at 2048 x 5504 on two cores with 2 MiB of second-level cache each:
#: half of it doubles the cost of starting operations, twice of it leaves the cache.
BLOCK: Final = 1 << 17


def flatten(tensors: Sequence[Tensor]) -> list[Tensor]:
    """One-dimensional forms of equally shaped tensors, in one common order of elements.

    Views where all are dense with the strides of the first one; otherwise contiguous copies.
    """
    first = tensors[0]
    if all(tensor.is_contiguous() for tensor in tensors):
        return [tensor.view(-1) for tensor in tensors]
    if is_dense(first):
        matched = [_matching(tensor, first) for tensor in tensors]
        return [
            tensor.as_strided((tensor.numel(),), (1,), tensor.storage_offset())
            for tensor in matched
        ]
    return [tensor.contiguous().view(-1) for tensor in tensors]


def _matching(tensor: Tensor, first: Tensor) -> Tensor:
    if tensor.stride() == first.stride():
        return tensor
    return torch.empty_strided(
        first.shape, first.stride(), dtype=tensor.dtype, device=tensor.device
    ).copy_(tensor)


def arrange(tensors: Sequence[Tensor], arrangement: Arrangement) -> list[Tensor]:
    """Forms of the tensors whose first axis is cut into blocks."""
    return flatten(tensors) if arrangement == "flat" else list(tensors)


def _slices(arranged: Tensor, device_type: str) -> Iterator[slice]:
    length = arranged.shape[0]
    # Off the CPU there is no cache to fit and every launch costs: one block.
    per = max(1, arranged[0].numel()) if length else 1
    step = max(1, BLOCK // per) if device_type == "cpu" else max(1, length)
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


class BlockBodies:
    """Forward and backward of any operation, block by block."""

    def forward(
        self, operation: Operation, inputs: Sequence[Tensor], coefficients: Tensor
    ) -> Tensor:
        result = empty_like(inputs[0])
        with torch.no_grad():
            arrangement = operation.arrangement(coefficients)
            *sources, target = arrange([*_detached(inputs), result], arrangement)
            values = operation.prepare(coefficients.detach())
            internal = accumulator(result.dtype)
            for part in _slices(target, result.device.type):
                block = [source[part].to(internal) for source in sources]
                out = _working(target[part], internal)
                operation.forward_block(block, values, out)
                _finish(target[part], out)
        return result

    def backward(
        self,
        operation: Operation,
        upstream: Tensor,
        inputs: Sequence[Tensor],
        coefficients: Tensor,
    ) -> tuple[list[Tensor], Tensor]:
        # All with the first input's strides, so that every arranged form of them is a view.
        results = [empty_like(inputs[0]) for _ in inputs]
        shares: list[Tensor] = []
        with torch.no_grad():
            count = len(inputs)
            arranged = arrange(
                [*_detached(inputs), *results, upstream], operation.arrangement(coefficients)
            )
            sources, targets = arranged[:count], arranged[count:-1]
            values = operation.prepare(coefficients.detach())
            internal = accumulator(upstream.dtype)
            for part in _slices(targets[0], upstream.device.type):
                block = [source[part].to(internal) for source in sources]
                outs = [_working(target[part], internal) for target in targets]
                shares.append(
                    operation.backward_block(arranged[-1][part].to(internal), block, values, outs)
                )
                for target, out in zip(targets, outs, strict=True):
                    _finish(target[part], out)
        return results, collect(shares, coefficients)


def _detached(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach() for tensor in tensors]


def _working(target: Tensor, internal: torch.dtype) -> Tensor:
    """Where a block is computed: in the result itself, or beside it for the half types."""
    return target if target.dtype == internal else torch.empty_like(target, dtype=internal)


def _finish(target: Tensor, out: Tensor) -> None:
    if out.dtype != target.dtype:
        target.copy_(out)


def collect(shares: list[Tensor], coefficients: Tensor) -> Tensor:
    """Second pass of the parameter gradients: the blocks' shares, in their order, in double."""
    if not shares:
        return torch.zeros_like(coefficients)
    stacked = torch.stack(shares)
    wide = stacked if stacked.device.type == "mps" else stacked.double()
    return wide.sum(0).to(coefficients.dtype)
