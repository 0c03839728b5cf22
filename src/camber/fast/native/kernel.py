"""A built kernel and how to call it: pointers, strides and the division of work."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from camber.fast.native.prelude import prelude
from camber.fast.native.toolchain import BuildError, build

_Pointer = ctypes.c_void_p
_Integer = ctypes.c_int64


@dataclass(frozen=True)
class Geometry:
    """Rows of a call: ``outer`` x ``groups`` rows of ``inner`` elements, ``count`` in all.

    ``leading`` are the distances between outer rows, one per input and one for the incoming slope.
    The last row of a flat tensor may be shorter than ``inner``.
    """

    outer: int
    groups: int
    inner: int
    count: int
    leading: tuple[int, ...]

    @property
    def parts(self) -> int:
        """Into how many ranges of groups a row is divided, where there are few rows to share."""
        if self.outer >= 32 or self.inner == 1:
            return 1
        return max(1, min(self.groups, 64))


class Kernel:
    """Two C functions, ``camber_forward`` and ``camber_backward``, for one structure and dtype.

    Args:
        text: C text after the prelude of ``dtype``.
        dtype: dtype of the inputs.
        slots: coefficients per group.
        lanes: whether each column has coefficients of its own.

    Raises:
        BuildError: where the text cannot be built here.
    """

    def __init__(self, text: str, dtype: torch.dtype, slots: int, *, lanes: bool = False) -> None:
        library = build(prelude(dtype) + text)
        self._forward = library.camber_forward
        self._backward = library.camber_backward
        self._slots, self._lanes = slots, lanes
        for function in (self._forward, self._backward):
            function.restype = None
        integers = [_Integer] * 4
        self._forward.argtypes = [_Pointer] * 4 + integers + [_Integer, ctypes.c_int]
        self._backward.argtypes = [_Pointer] * 6 + integers + [_Integer] * 2 + [ctypes.c_int]

    def forward(
        self, inputs: Sequence[Tensor], result: Tensor, coefficients: Tensor, rows: Geometry
    ) -> None:
        """Write ``result``; tensors as :class:`Geometry` describes them."""
        if rows.count:
            self._forward(
                _addresses(inputs),
                (_Integer * len(rows.leading))(*rows.leading),
                result.data_ptr(),
                coefficients.data_ptr(),
                *(rows.outer, rows.groups, rows.inner, rows.count),
                rows.parts,
                torch.get_num_threads(),
            )

    def backward(
        self,
        inputs: Sequence[Tensor],
        upstream: Tensor,
        results: Sequence[Tensor],
        coefficients: Tensor,
        rows: Geometry,
    ) -> Tensor:
        """Write the slopes ``results``; return the coefficients' slopes (slots, groups)."""
        chunks = self._chunks(rows)
        kind = coefficients.dtype if self._lanes else torch.float64
        partial = torch.zeros(chunks, self._slots, rows.groups, dtype=kind)
        if rows.count:
            self._backward(
                _addresses(inputs),
                (_Integer * len(rows.leading))(*rows.leading),
                upstream.data_ptr(),
                _addresses(results),
                coefficients.data_ptr(),
                partial.data_ptr(),
                *(rows.outer, rows.groups, rows.inner, rows.count),
                *(chunks, rows.parts),
                torch.get_num_threads(),
            )
        return partial.double().sum(0).to(coefficients.dtype)

    def _chunks(self, rows: Geometry) -> int:
        # A function of the shape alone: the order of additions must not depend on the threads.
        most = -(-rows.outer // 128) if self._lanes else 256
        return max(1, min(rows.outer, most))


def _addresses(tensors: Sequence[Tensor]) -> ctypes.Array[ctypes.c_void_p]:
    return (_Pointer * len(tensors))(*(tensor.data_ptr() for tensor in tensors))


_built: dict[Hashable, Kernel | BuildError] = {}


def kernel(key: Hashable, make: Callable[[], Kernel]) -> Kernel:
    """The kernel under ``key``, built at most once in a process; a failure is remembered too."""
    full = (key, os.environ.get("CAMBER_CC"))
    found = _built.get(full)
    if found is None:
        try:
            found = make()
        except BuildError as error:
            found = error
        _built[full] = found
    if isinstance(found, BuildError):
        raise found
    return found
