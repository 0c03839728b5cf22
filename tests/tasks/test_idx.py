"""The idx reader against files built by hand from the format's description, whole and damaged."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from camber.errors import CamberError
from camber.tasks.idx import read_idx

#: The format's table of types, written out a second time.
CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def packed(array: NDArray[np.generic]) -> bytes:
    head = bytes([0, 0, CODES[array.dtype.name], array.ndim])
    return (
        head
        + b"".join(struct.pack(">I", size) for size in array.shape)
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


def written(folder: Path, content: bytes) -> Path:
    path = folder / "images"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("zipped", [False, True])
def test_every_type_comes_back(tmp_path: Path, name: str, zipped: bool) -> None:
    array = (np.arange(24).reshape(2, 3, 4) * 5 - (0 if name == "uint8" else 60)).astype(name)
    content = packed(array)
    found = read_idx(written(tmp_path, gzip.compress(content) if zipped else content))
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    assert (found == array).all()


def test_bytes_of_the_description(tmp_path: Path) -> None:
    # two int16 rows of one number: 0x0102 = 258 and -2, big-endian
    content = bytes([0, 0, 11, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 0xFF, 0xFE])
    assert read_idx(written(tmp_path, content)).tolist() == [[258], [-2]]


def test_an_empty_array_is_one(tmp_path: Path) -> None:
    assert read_idx(written(tmp_path, packed(np.zeros((0, 3), np.uint8)))).shape == (0, 3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "within its first four bytes"),
        (b"\0\0\x08", "within its first four bytes"),
        (b"\x89PNG\r\n", "is not an idx file: it begins with 89 50 4e 47"),
        (b"\0\0\x0a\x01\0\0\0\x01\x07", "is not an idx file"),
        (b"\0\0\x08\0\x07", "is not an idx file"),
        (b"\0\0\x08\xff" + bytes(2000), "claims 255 dimensions"),
        (b"\0\0\x08\x03\0\0\0\x01\0\0", "ends within the sizes of its 3 dimensions"),
        (packed(np.zeros((3, 2), np.uint8))[:-1], r"claims 6 bytes \(3 x 2 uint8\), but holds"),
        (packed(np.zeros((3, 2), np.uint8)) + b"\0", "goes on after them"),
        (b"\0\0\x08\x01\xff\xff\xff\xff\x01", "claims 4,294,967,295 bytes"),
        (b"\0\0\x0e\x03" + b"\xff" * 12, "sizes beyond 4,294,967,296 are not read"),
        (b"\0\0\x08\x04\0\0\0\0" + b"\xff" * 12, "claims 0 bytes .* sizes beyond"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    for name, stored in (("plain", content), ("packed.gz", gzip.compress(content))):
        path = tmp_path / name
        path.write_bytes(stored)
        with pytest.raises(CamberError, match=sentence) as refusal:
            read_idx(path)
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_no_memory_is_taken_on_a_claim(tmp_path: Path) -> None:
    claims = b"\0\0\x08\x03" + struct.pack(">III", 60_000, 200, 200) + bytes(100)  # 2.4 GB
    for content in (claims, gzip.compress(claims), gzip.compress(claims + bytes(3_000_000))):
        path = written(tmp_path, content)
        tracemalloc.start()
        with pytest.raises(CamberError, match="cut short"):
            read_idx(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 20e6  # a few times the three megabytes that are there


def test_reading_takes_one_copy(tmp_path: Path) -> None:
    array = np.zeros((3000, 32, 32), np.uint8)  # 3 MB
    path = written(tmp_path, packed(array))
    tracemalloc.start()
    found = read_idx(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.shape == array.shape
    assert peak < 2.5 * array.nbytes  # one copy, and its growth in steps of a megabyte


def test_damaged_gzip(tmp_path: Path) -> None:
    content = gzip.compress(packed(np.arange(200, dtype=np.uint8).reshape(2, 10, 10)))
    for damaged in (content[:-9], content[:12], content[:-8] + b"\1" * 8, content[:30] + b"\7" * 9):
        with pytest.raises(CamberError, match="gzip"):
            read_idx(written(tmp_path, damaged))


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(CamberError, match="cannot be read"):
        read_idx(tmp_path / "nothing")
    with pytest.raises(CamberError, match="cannot be read"):
        read_idx(tmp_path)


WHOLE = packed(np.arange(60, dtype=np.int16).reshape(3, 4, 5))


@settings(max_examples=200)
@given(st.data())
def test_a_cut_file_is_always_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    zipped = data.draw(st.booleans())
    content = gzip.compress(WHOLE, mtime=0) if zipped else WHOLE
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(CamberError):
        read_idx(written(tmp_path_factory.getbasetemp(), content[:cut]))


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_is_refused_or_changes_numbers_only(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    zipped = data.draw(st.booleans())
    content = bytearray(gzip.compress(WHOLE, mtime=0) if zipped else WHOLE)
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    try:
        found = read_idx(written(tmp_path_factory.getbasetemp(), bytes(content)))
    except CamberError:
        return
    # what is read holds as many bytes as the file has after its sizes
    assert found.nbytes == len(WHOLE) - 4 - 4 * found.ndim
