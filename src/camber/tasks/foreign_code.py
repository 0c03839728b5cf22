"""Running code of the user's: its errors in one sentence, its prints kept off standard output, its
random numbers from an explicit seed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import sys
import tempfile
import traceback
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.random import mtrand

from camber.errors import CamberError

_PLACE: Final = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')

#: What numpy's global functions draw from while code of the user's runs.
_SPARE: Final = np.random.MT19937(0)


def seed_from(*parts: object) -> int:
    """Return a 63-bit seed that follows from ``parts`` (text and whole numbers) alone.

    Example:
        >>> seed_from("train", 0, 1) == seed_from("train", 0, 1) != seed_from("train", 1, 0)
        True
    """
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


@contextlib.contextmanager
def library_numbers(seed: int) -> Iterator[None]:
    """Start the global generators of Python and numpy at ``seed``; they leave as they came.

    Made for every step of a training: 25 microseconds. numpy keeps a second normal number from
    each pair that ``numpy.random.randn`` draws; that one is dropped.
    """
    python, array = random.getstate(), mtrand.get_bit_generator()
    random.seed(seed)
    mtrand.set_bit_generator(_SPARE)  # copying numpy's state costs 5 times all the rest
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(python)
        mtrand.set_bit_generator(array)


@contextlib.contextmanager
def step_numbers(seed: int) -> Iterator[None]:
    """Start torch's global CPU generator at ``seed`` too, else as :func:`library_numbers`."""
    # Not torch.manual_seed inside: that would move the generators of GPUs too.
    state = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        with library_numbers(seed):
            yield
    finally:
        torch.default_generator.set_state(state)


@contextlib.contextmanager
def random_numbers(seed: int) -> Iterator[None]:
    """Start the global generators of torch, numpy and Python at ``seed``; they leave as they came.

    On a machine with a GPU its own generator is left alone: data and initial weights are made on
    the CPU.

    Example:
        >>> with random_numbers(3):
        ...     first = torch.rand(2)
        >>> with random_numbers(3):
        ...     bool((torch.rand(2) == first).all())
        True
    """
    array = np.random.get_state()
    try:
        with step_numbers(seed):
            yield
    finally:
        np.random.set_state(array)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: how sums are split among threads decides their last bits, and data
    computed in a builder must be the same in every process.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def guarded(
    name: str, what: str, *, files: Collection[Path] = (), remedy: str = ""
) -> Iterator[None]:
    """Turn whatever the block raises into one sentence, and its prints to standard error.

    Args:
        name: what the user calls the code, such as ``"mine:build"``.
        what: the part of it that runs, such as ``"its loss"``.
        files: the user's own files: the last line of them in the traceback is named.
        remedy: what to do, where it is known.

    Raises:
        CamberError: the block raised; the sentence holds type, message, place, and the path of a
            file with the whole traceback.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output belongs to --json
            yield
    except CamberError as error:
        if getattr(error, "foreign", False):
            raise  # said already, nearer to the place
        place = _place("".join(traceback.format_exception(error)), files)
        raise told(type(error)(f"{name}: {what}: {error}{place}{remedy}")) from error
    except (Exception, SystemExit) as error:  # whatever the user's code may raise
        text = "".join(traceback.format_exception(error))
        raise told(
            CamberError(
                f"{name}: {what} raised {_summary(error)}{_place(text, files)}{remedy}; "
                f"the whole traceback is in {_keep(text)}"
            )
        ) from error


def told(error: CamberError) -> CamberError:
    """Mark ``error`` as a whole sentence, to be passed on as it is."""
    error.foreign = True  # type: ignore[attr-defined]  # read by guarded() alone
    return error


def _summary(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "SystemExit (a script's own work belongs under: if __name__ == '__main__')"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if "Original Traceback" in str(error):  # a DataLoader's worker process tells of its own
        return f"{lines[-1]:.300}"
    return f"{type(error).__name__}: {' '.join(lines):.300}"


def _place(text: str, files: Collection[Path]) -> str:
    """Return `` (file:line)`` of the last line in the user's own files that ``text`` names."""
    own = {os.path.realpath(path) for path in files}
    for found in reversed(list(_PLACE.finditer(text))):
        if os.path.realpath(found["file"]) in own:
            return f" ({Path(found['file']).name}:{found['line']})"
    return ""


def _keep(text: str) -> str:
    """Write a traceback to a file of its own and return its path."""
    handle, path = tempfile.mkstemp(prefix="camber-traceback-", suffix=".txt")
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor, no path)
        file.write(text)
    return path
