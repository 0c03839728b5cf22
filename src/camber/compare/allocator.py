"""Fresh or reused memory for large results: what a benchmark of elementwise work must say.

The first write to a page that the system has just handed over costs a fault, more than the
arithmetic of an activation. A large tensor normally gets such fresh pages each time; a training
step whose allocator recycles gets used ones. Both are honest, so both are measured. The GNU C
library decides by ``mallopt``: above a threshold it maps fresh memory, otherwise it reuses.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

Memory = Literal["fresh", "reused", "default"]

# Parameters of mallopt, from malloc.h.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_MMAP_MAX: Final = -4

#: Where glibc's own adaptive threshold ends up in any process with large tensors.
_USUAL_THRESHOLD: Final = 32 << 20


@functools.cache
def _library() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def memories() -> tuple[Memory, ...]:
    """The kinds of memory that can be chosen here: fresh and reused, or whatever there is."""
    return ("default",) if _library() is None else ("fresh", "reused")


@contextmanager
def memory(kind: Memory, smallest: int) -> Iterator[Callable[[], object]]:
    """Hand out ``kind`` of memory for blocks of at least ``smallest`` bytes, for a while.

    Yields a function to call before each measurement: on fresh memory it gives back what lies
    free in the heap, from which a block would otherwise be cut although it was used before.
    """
    library = _library()
    if library is None or kind == "default":
        yield lambda: None
        return
    library.malloc_trim(0)
    if kind == "fresh":
        library.mallopt(_MMAP_THRESHOLD, min(max(smallest, 1 << 16), _USUAL_THRESHOLD))
        library.mallopt(_TRIM_THRESHOLD, 2 * _USUAL_THRESHOLD)
    else:
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield (lambda: library.malloc_trim(0)) if kind == "fresh" else (lambda: None)
    finally:
        library.mallopt(_MMAP_MAX, 65536)
        library.mallopt(_MMAP_THRESHOLD, _USUAL_THRESHOLD)
        library.mallopt(_TRIM_THRESHOLD, 2 * _USUAL_THRESHOLD)
        library.malloc_trim(0)
