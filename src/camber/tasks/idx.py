"""The idx format of MNIST and its relatives: one array of numbers with its sizes in front.

Two zero bytes, a byte for the type of the numbers, a byte for how many dimensions there are, each
dimension as a big-endian 32-bit whole number, then the numbers, big-endian, last dimension fastest.
A file may be packed by gzip.

Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits" (1998).
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from camber.errors import CamberError

#: Code of a number's type, and the type.
TYPES: Final = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

#: Files that claim more bytes than this are refused.
LARGEST: Final = 4 * 2**30

#: No more than this many bytes come out of one byte of a gzip file (the limit of deflate).
_MOST_UNPACKED: Final = 1032

_MOST_DIMENSIONS: Final = 8

_CHUNK: Final = 2**20


def read_idx(path: Path) -> NDArray[Any]:
    """Return the array in an idx file, packed by gzip or not.

    The sizes a file claims are held against the bytes it has before memory is taken for them.

    Returns:
        An array of the file's own type (uint8, int8, int16, int32, float32, float64), in
        the byte order of this machine.

    Raises:
        CamberError: for a file that cannot be read, is not idx, is cut short, goes on beyond its
            end, is a damaged gzip file, or is larger than 4 GiB.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "labels-idx1-ubyte")
        ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        ...     read_idx(path)
        array([7, 2, 1], dtype=uint8)
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stored = path.stat().st_size
            if not packed:
                return _read(path, file, stored)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(path, unpacked, _MOST_UNPACKED * stored)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CamberError(f"{path} is a damaged gzip file ({error}); fetch it again") from error
    except OSError as error:
        raise CamberError(f"{path} cannot be read: {error.strerror or error}") from error


def _read(path: Path, file: IO[bytes] | gzip.GzipFile, most: int) -> NDArray[Any]:
    """Read the array from ``file``, which holds at most ``most`` bytes."""
    head = file.read(4)
    if len(head) < 4:
        raise CamberError(f"{path} is not an idx file: it ends within its first four bytes")
    if head[:2] != b"\0\0" or head[2] not in TYPES or head[3] == 0:
        raise CamberError(
            f"{path} is not an idx file: it begins with {head.hex(' ')}, where 00 00, a type "
            f"(08, 09, 0b, 0c, 0d or 0e) and a count of dimensions belong"
        )
    if head[3] > _MOST_DIMENSIONS:
        raise CamberError(
            f"{path} claims {head[3]} dimensions; at most {_MOST_DIMENSIONS} are read"
        )
    sizes = file.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise CamberError(f"{path} ends within the sizes of its {head[3]} dimensions")
    shape = struct.unpack(f">{head[3]}I", sizes)
    kind = np.dtype(TYPES[head[2]])
    # an empty array too must have sizes that an array can have
    size = kind.itemsize * math.prod(shape)
    extreme = kind.itemsize * math.prod(max(1, extent) for extent in shape)
    extent = " x ".join(map(str, shape))
    claim = f"{path} claims {size:,} bytes ({extent} {kind.newbyteorder('=').name})"
    if extreme > LARGEST:
        raise CamberError(
            f"{claim}, and sizes beyond {LARGEST:,} are not read; give a smaller file"
        )
    if size > most:
        raise CamberError(f"{claim}, but holds fewer; it was cut short, so fetch it again")
    content = bytearray()
    while len(content) < size and (part := file.read(min(_CHUNK, size - len(content)))):
        content += part
    if len(content) < size:
        raise CamberError(
            f"{claim}, but holds only {len(content):,}; it was cut short, so fetch it again"
        )
    if file.read(1):
        raise CamberError(f"{claim}, but goes on after them; it is not a plain idx file")
    # a bytearray stays writable, which torch wants of memory it shares
    array = np.frombuffer(content, dtype=kind).reshape(shape)
    return array.astype(kind.newbyteorder("="), copy=False)
