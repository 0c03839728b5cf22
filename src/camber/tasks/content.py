"""The hash that names the data a task learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def digest(kind: str, contents: Iterable[bytes | memoryview]) -> str:
    """Return the SHA-256 of ``kind`` and of each of ``contents`` with its length.

    Args:
        kind: what the contents are, so that equal bytes of another meaning get another hash.
        contents: bytes, or contiguous memory.

    Returns:
        64 hexadecimal characters.

    Example:
        >>> digest("text", [b"ab", b"c"]) == digest("text", [b"a", b"bc"])
        False
    """
    found = hashlib.sha256(kind.encode())
    for content in contents:
        found.update(f"\0{memoryview(content).nbytes}\0".encode())
        found.update(content)
    return found.hexdigest()
