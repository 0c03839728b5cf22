"""Forward and backward of any operation by its compiled kernel, on whatever strides it can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from camber.fast.blocks import flatten
from camber.fast.memory import advised, empty_like, is_dense
from camber.fast.native.kernel import Geometry, Kernel
from camber.fast.native.toolchain import BuildError
from camber.fast.operation import Operation, Prepared

#: Elements of one row of a flat tensor: long enough for vectors, short enough for many threads.
ROW: Final = 4096
#: Shorter rows of a group are spread into columns with coefficients of their own.
SHORTEST_ROW: Final = 16
#: Strided tensors with rows at least this long are read in place rather than copied.
SHORTEST_STRIDED_ROW: Final = 64


def obstacle(operation: Operation[Prepared], x: Tensor) -> str | None:
    """Why no kernel serves ``operation`` on tensors like ``x``, or None where one does."""
    if x.device.type != "cpu":
        return f"there are no kernels for {x.device.type} yet"
    try:
        operation.kernel(x.dtype)
    except BuildError as error:
        return str(error)
    return None


class KernelBodies:
    """Calls the kernel of an operation, copying only what it cannot read."""

    def forward(
        self, operation: Operation[Prepared], inputs: Sequence[Tensor], coefficients: Tensor
    ) -> Tensor:
        call = _Call(operation, inputs, coefficients)
        result = call.new_result()
        call.kernel.forward(call.tensors, result, call.coefficients, call.rows)
        return result

    def backward(
        self,
        operation: Operation[Prepared],
        upstream: Tensor,
        inputs: Sequence[Tensor],
        coefficients: Tensor,
    ) -> tuple[list[Tensor], Tensor]:
        call = _Call(operation, [*inputs, upstream], coefficients)
        results = [call.new_result() for _ in inputs]
        *sources, incoming = call.tensors
        share = call.kernel.backward(sources, incoming, results, call.coefficients, call.rows)
        return results, call.fold(share)


class _Call:
    """One call: the kernel, what it reads, and how its rows lie in memory."""

    def __init__(
        self, operation: Operation[Prepared], tensors: Sequence[Tensor], coefficients: Tensor
    ) -> None:
        self._first = tensors[0]
        self._columns = 1
        self._in_place = False
        self.coefficients = coefficients.contiguous()
        arrangement = operation.arrangement(coefficients)
        if arrangement == "flat":
            self._flat(tensors)
        else:
            self.tensors = [_unit_stride(tensor) for tensor in tensors]
            groups = 1 if arrangement == "rows" else self._first.shape[1]
            self._rows(groups, self._first.shape[-1])
        lanes = arrangement in ("grouped", "split") and self._first.shape[-1] < SHORTEST_ROW
        if lanes:
            self._spread()
        self.kernel: Kernel = operation.kernel(self._first.dtype, lanes=lanes)

    def _flat(self, tensors: Sequence[Tensor]) -> None:
        first = self._first
        if not is_dense(first):
            collapsed = [_collapse(tensor) for tensor in tensors]
            self.tensors = [tensor for tensor in collapsed if tensor is not None]
            if len(self.tensors) == len(tensors):
                self._rows(1, first.shape[-1])
                return
        self._in_place = is_dense(first)
        self.tensors = flatten(tensors)
        count = first.numel()
        leading = (ROW,) * len(tensors)
        self.rows = Geometry(-(-count // ROW), 1, ROW, count, leading)

    def _rows(self, groups: int, inner: int) -> None:
        leading = tuple(tensor.stride(0) for tensor in self.tensors)
        outer = self.tensors[0].shape[0]
        self.rows = Geometry(outer, groups, inner, outer * groups * inner, leading)

    def _spread(self) -> None:
        """Give every column the coefficients of its group."""
        self._columns = self._first.shape[-1]
        self.coefficients = self.coefficients.repeat_interleave(self._columns, dim=1)
        rows = self.rows
        self.rows = Geometry(rows.outer, rows.groups * rows.inner, 1, rows.count, rows.leading)

    def new_result(self) -> Tensor:
        """Memory for one result, in the order of elements that the kernel writes."""
        if self._in_place:
            return empty_like(self._first)
        return advised(torch.empty(self._first.shape, dtype=self._first.dtype))

    def fold(self, share: Tensor) -> Tensor:
        """Add the slopes of columns that share a group's coefficients."""
        if self._columns == 1:
            return share
        return share.view(share.shape[0], -1, self._columns).sum(-1)


def _collapse(tensor: Tensor) -> Tensor | None:
    """The tensor as (rows, length) without a copy, or None where it has no such form."""
    if tensor.ndim < 2 or tensor.stride(-1) != 1 or tensor.shape[-1] < SHORTEST_STRIDED_ROW:
        return None
    for axis in range(tensor.ndim - 2):
        if tensor.stride(axis) != tensor.stride(axis + 1) * tensor.shape[axis + 1]:
            return None
    return tensor.flatten(0, -2)


def _unit_stride(tensor: Tensor) -> Tensor:
    """The tensor with everything after its first axis contiguous."""
    expected = 1
    for axis in range(tensor.ndim - 1, 0, -1):
        if tensor.stride(axis) != expected and tensor.shape[axis] != 1:
            return tensor.contiguous()
        expected *= tensor.shape[axis]
    return tensor
