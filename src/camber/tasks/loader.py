"""What a user gives as a loader, read in a fixed order: endless for training, once for evaluation.

Before each pass the generators that shuffle are seeded from (seed, pass), and before each batch the
global ones from (seed, pass, batch). So the batches follow from the seed however the training loop
draws random numbers in between, and a run that is taken up again sees the batches it would have.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, Final, TypeAlias

import torch
from torch import nn

from camber.errors import CamberError
from camber.tasks.foreign_code import one_thread, random_numbers, seed_from, step_numbers

#: A DataLoader, a list of batches or any other iterable; or a function that returns one.
Loader: TypeAlias = "Iterable[Any] | Callable[[], Iterable[Any]]"

#: Surrounds each call into the user's code.
Guard: TypeAlias = "Callable[[], contextlib.AbstractContextManager[None]]"

#: A loader that does not tell its length is taken for an endless one after so many batches.
MOST_BATCHES: Final = 10_000

_END: Final = object()


def named(thing: object) -> str:
    """Return what a sentence calls a ``thing`` of the wrong type.

    Example:
        >>> named(3), named(None)
        ('an int', 'None')
    """
    if thing is None:
        return "None"
    kind = type(thing).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def check_loader(loader: object, what: str) -> None:
    """Raise unless ``loader`` can be read more than once.

    Raises:
        CamberError: it is a data set, an iterator that can be read once only, or no iterable.
    """
    if isinstance(loader, torch.utils.data.Dataset) and not isinstance(
        loader, torch.utils.data.IterableDataset
    ):
        raise CamberError(
            f"{what} is a data set ({type(loader).__name__}), which yields single examples; "
            f"give torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)"
        )
    if isinstance(loader, Iterator):
        raise CamberError(
            f"{what} is {named(loader)}, which can be read only once; give a list, a "
            f"DataLoader, or the function that makes it (without calling it)"
        )
    wrong = isinstance(loader, str | bytes | dict | torch.Tensor | nn.Module | type)
    if wrong or not (isinstance(loader, Iterable) or callable(loader)):
        raise CamberError(
            f"{what} is {named(loader)}; give an iterable of batches, such as a "
            f"DataLoader or a list, or a function without arguments that returns one"
        )


def length(loader: Loader) -> int | None:
    """Return how many batches one pass has; None where the loader does not tell."""
    if not isinstance(loader, Sized):
        return None
    try:
        return len(loader)
    except TypeError:  # a DataLoader over an iterable data set
        return None


def one_pass(
    loader: Loader, guard: Guard, *parts: object, most: int | None = None
) -> Iterator[Any]:
    """Yield the batches of one pass, at most ``most``, seeded from ``parts``."""
    with guard(), random_numbers(seed_from(*parts)):
        source = loader() if callable(loader) and not isinstance(loader, Iterable) else loader
        for generator in _generators(source):
            generator.manual_seed(seed_from(*parts, "order"))
        batches = iter(source)
    number = 0
    while most is None or number < most:
        # The first batch of a pass is compared with what another process saw: bit by bit.
        threads = one_thread() if number == 0 else contextlib.nullcontext()
        with guard(), threads, step_numbers(seed_from(*parts, number)):
            batch = next(batches, _END)
        if batch is _END:
            return
        yield batch
        number += 1


def endless(loader: Loader, guard: Guard, *parts: object, start_step: int = 0) -> Iterator[Any]:
    """Yield batches pass after pass, from step ``start_step`` on; ends only if a pass is empty.

    Batches before ``start_step`` are read and dropped: a loader may keep state from one batch to
    the next, and only reading it brings that state to where it was.

    Example:
        >>> batches = endless([1, 2, 3], contextlib.nullcontext, "train", start_step=2)
        >>> [next(batches) for _ in range(3)]
        [3, 1, 2]
    """
    step = count = 0
    while True:
        first = step
        for batch in one_pass(loader, guard, *parts, count):
            if step >= start_step:
                yield batch
            step += 1
        if step == first:
            return
        count += 1


def nothing(loader: Loader, what: str) -> str:
    """Return the sentence for a loader that yields no batch."""
    held: Any = getattr(loader, "dataset", None)
    size, batch = length(held), getattr(loader, "batch_size", None)
    if size is not None and isinstance(batch, int) and size < batch:
        return (
            f"{what} yields no batch: its data set holds {size} examples, fewer than one batch of "
            f"{batch}, and drop_last leaves out what does not fill one; give more data, a smaller "
            f"batch_size or drop_last=False"
        )
    return f"{what} yields no batch; give one that holds data"


def _generators(source: object) -> list[torch.Generator]:
    """The generators a DataLoader shuffles with, where it was given some of its own."""
    sampler = getattr(source, "sampler", None)
    batch_sampler = getattr(source, "batch_sampler", None)
    holders = (source, sampler, batch_sampler, getattr(batch_sampler, "sampler", None))
    found = [getattr(holder, "generator", None) for holder in holders]
    unique = {id(item): item for item in found if isinstance(item, torch.Generator)}
    return list(unique.values())
