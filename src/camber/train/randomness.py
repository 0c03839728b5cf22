"""Random numbers of a run: from its seed and step alone, and the caller's state untouched."""

import contextlib
import hashlib
from collections.abc import Iterator

import torch

from camber.errors import CamberError


def device_named(name: str) -> torch.device:
    """Return the torch device called ``name``.

    Raises:
        CamberError: there is no such kind of device, or this machine has none.

    Example:
        >>> device_named("cpu")
        device(type='cpu')
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise CamberError(f"there is no device {name!r}: try 'cpu' or 'cuda'") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise CamberError(f"the device {name!r} is not there: torch finds no GPU; use 'cpu'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise CamberError(f"the device {name!r} is not there: {torch.cuda.device_count()} are")
    return device


@contextlib.contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Give the block the global generators for itself; they leave as they came."""
    generators = _generators(device)
    states = [generator.get_state() for generator in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def set_generators(device: torch.device, seed: int, step: int) -> None:
    """Set the global generators to what they are for ``step`` of a run with ``seed``."""
    digest = hashlib.sha256(f"camber/{seed}/{step}".encode("ascii")).digest()
    for generator in _generators(device):
        # Not torch.manual_seed, which queues a call per step for a GPU that may never be used.
        generator.manual_seed(int.from_bytes(digest[:7], "big"))


def _generators(device: torch.device) -> list[torch.Generator]:
    generators = [torch.default_generator]
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        generators.append(torch.cuda.default_generators[index])
    return generators
