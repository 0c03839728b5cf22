"""Output memory of large results, asked for in huge pages where the system offers them.

The first write to a fresh page costs a fault; for a 45 MB result in 4 KiB pages that is most of the
time of an elementwise operation. On Linux ``madvise(MADV_HUGEPAGE)`` lets one fault serve 2 MiB
(NumPy does the same for its large arrays). ``CAMBER_HUGE_PAGES=0`` switches it off.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import sys
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

#: Smaller results come from recycled memory anyway, and a huge page would be mostly empty.
SMALLEST_BYTES: Final = 4 << 20
_PAGE: Final = mmap.PAGESIZE
_MADV_HUGEPAGE: Final = 14


@functools.cache
def _madvise() -> Callable[[int, int, int], int] | None:
    if sys.platform != "linux" or os.environ.get("CAMBER_HUGE_PAGES") == "0":
        return None
    try:
        function = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    function.restype = ctypes.c_int
    return function


def advised(tensor: Tensor) -> Tensor:
    """Ask for huge pages behind a freshly allocated ``tensor`` and return it; never fails."""
    size = tensor.numel() * tensor.element_size()
    if size >= SMALLEST_BYTES and tensor.device.type == "cpu":
        advise = _madvise()
        if advise is not None:
            address = tensor.data_ptr()
            start = -(-address // _PAGE) * _PAGE
            # Advice is not a command: where the kernel refuses, ordinary pages serve.
            advise(start, (address + size - start) // _PAGE * _PAGE, _MADV_HUGEPAGE)
    return tensor


def is_dense(tensor: Tensor) -> bool:
    """Whether the elements fill one stretch of memory without gaps or repeats, in any order."""
    if tensor.is_contiguous():
        return True
    expected = 1
    pairs = zip(tensor.stride(), tensor.shape, strict=True)
    for stride, size in sorted(pair for pair in pairs if pair[1] != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def empty_like(tensor: Tensor) -> Tensor:
    """Uninitialised memory of the same shape, dtype and device; same strides where dense."""
    if is_dense(tensor):
        return advised(torch.empty_like(tensor))
    return advised(torch.empty(tensor.shape, dtype=tensor.dtype, device=tensor.device))
