"""Row-blocked eager bodies: no compiler, and no intermediate larger than the cache.

An elementwise formula in eager PyTorch writes every intermediate to main memory. The same
operations on a block of ``operation.block_size()`` elements stay in the second-level cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from camber.fast.dispatch import accumulator
from camber.fast.memory import empty_like, is_dense
from camber.fast.operation import Operation, Prepared


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


def _slices(arranged: Tensor, block: int) -> Iterator[slice]:
    length = arranged.shape[0]
    # Off the CPU there is no cache to fit and every launch costs: one block.
    per = max(1, arranged[0].numel()) if length else 1
    step = max(1, block // per) if arranged.device.type == "cpu" else max(1, length)
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


class BlockBodies:
    """Forward and backward of any operation, block by block."""

    def forward(
        self, operation: Operation[Prepared], inputs: Sequence[Tensor], coefficients: Tensor
    ) -> Tensor:
        result = empty_like(inputs[0])
        internal = accumulator(result.dtype)
        with torch.no_grad():
            pieces = _pieces(operation, [*_detached(inputs), result], coefficients.detach())
            for (*sources, target), share in pieces:
                values = operation.prepare(share)
                for part in _slices(target, operation.block_size()):
                    block = [source[part].to(internal) for source in sources]
                    out = _working(target[part], internal)
                    operation.forward_block(block, values, out)
                    _finish(target[part], out)
        return result

    def backward(
        self,
        operation: Operation[Prepared],
        upstream: Tensor,
        inputs: Sequence[Tensor],
        coefficients: Tensor,
    ) -> tuple[list[Tensor], Tensor]:
        # All with the first input's strides, so that every arranged form of them is a view.
        results = [empty_like(inputs[0]) for _ in inputs]
        internal, count = accumulator(upstream.dtype), len(inputs)
        found: list[Tensor] = []
        with torch.no_grad():
            everything = [*_detached(inputs), *results, upstream]
            for arranged, share in _pieces(operation, everything, coefficients.detach()):
                values = operation.prepare(share)
                targets, incoming = arranged[count:-1], arranged[-1]
                shares = []
                for part in _slices(targets[0], operation.block_size()):
                    block = [source[part].to(internal) for source in arranged[:count]]
                    outs = [_working(target[part], internal) for target in targets]
                    slope = incoming[part].to(internal)
                    shares.append(operation.backward_block(slope, block, values, outs))
                    for target, out in zip(targets, outs, strict=True):
                        _finish(target[part], out)
                found.append(_collect(operation, shares, share))
        return results, found[0] if len(found) == 1 else torch.cat(found, dim=1)


def _pieces(
    operation: Operation[Prepared], tensors: Sequence[Tensor], coefficients: Tensor
) -> Iterator[tuple[list[Tensor], Tensor]]:
    """Forms of the tensors whose first axis is cut into blocks, and their coefficients."""
    arrangement = operation.arrangement(coefficients)
    if arrangement == "split":
        for group in range(coefficients.shape[1]):
            yield [tensor[:, group] for tensor in tensors], coefficients[:, group : group + 1]
    else:
        yield flatten(tensors) if arrangement == "flat" else list(tensors), coefficients


def _detached(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach() for tensor in tensors]


def _working(target: Tensor, internal: torch.dtype) -> Tensor:
    """Where a block is computed: in the result itself, or beside it for the half types."""
    return target if target.dtype == internal else torch.empty_like(target, dtype=internal)


def _finish(target: Tensor, out: Tensor) -> None:
    if out.dtype != target.dtype:
        target.copy_(out)


def _collect(operation: Operation[Prepared], shares: list[Tensor], coefficients: Tensor) -> Tensor:
    """Second pass of the parameter gradients: the blocks' shares, in their order, in double."""
    if not shares:
        return torch.zeros_like(coefficients)
    stacked = torch.stack([share.to(coefficients.dtype) for share in shares])
    wide = stacked if stacked.device.type == "mps" else stacked.double()
    return operation.gather(wide.sum(0), coefficients).to(coefficients.dtype)
