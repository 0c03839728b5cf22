"""How a user's metric sees the data, and how its answer is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from camber.errors import CamberError
from camber.tasks.batch_layout import BatchLayouts
from camber.tasks.foreign_code import told
from camber.tasks.loader import MOST_BATCHES, Guard, Loader, length, nothing, one_pass


class MovedLoader:
    """A loader that yields its batches on one device, in the same order whenever it is read.

    Whatever else is asked of it (``dataset``, ``batch_size``) is answered by the loader inside.

    Args:
        loader: the user's.
        guard: surrounds the user's code.
        split: names the random order.
        device: where batches go.
        most: at most this many batches are yielded; None for all.
        what: what a sentence calls it.
    """

    def __init__(
        self,
        loader: Loader,
        guard: Guard,
        split: str,
        *,
        device: torch.device,
        most: int | None,
        what: str,
    ) -> None:
        self._loader = loader
        self._guard = guard
        self._split = split
        self._device = device
        self._most = most
        self._what = what

    def __iter__(self) -> Iterator[Any]:
        layouts, count = BatchLayouts(), 0
        unending = self._most is None and length(self._loader) is None
        for batch in one_pass(self._loader, self._guard, self._split, 0, 0, most=self._most):
            count += 1
            if unending and count > MOST_BATCHES:
                raise told(
                    CamberError(
                        f"{self._what} does not end after {MOST_BATCHES:,} batches; say how many "
                        f"to score: --set evaluation_batches=100"
                    )
                )
            if self._device.type == "cpu":
                yield batch
            else:
                flat = layouts.flatten(batch)
                yield layouts.rebuild(tuple(tensor.to(self._device) for tensor in flat))
        if not count:
            raise told(CamberError(nothing(self._loader, self._what)))

    def __len__(self) -> int:
        count: int = len(self._loader)  # type: ignore[arg-type]  # raises as the loader would
        return count if self._most is None else min(count, self._most)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def number(value: object, metric: str, name: str, split: str) -> dict[str, float]:
    """Return what a metric answered as plain numbers, the metric itself under its name.

    Raises:
        CamberError: it is no number and no dict of numbers, or the dict lacks the metric.
    """
    found = dict(value) if isinstance(value, Mapping) else {metric: value}
    if metric not in found:
        raise CamberError(
            f"the metric of {name} returned a dict with {sorted(map(str, found))}; the number to "
            f"judge by must stand under the function's own name, {metric!r}"
        )
    read = {str(key): _float(item, str(key), name) for key, item in found.items()}
    if split == "validation":
        return read
    return {f"{split}_{key}": item for key, item in read.items()}


def _float(item: Any, key: str, name: str) -> float:
    try:
        if isinstance(item, str | Tensor) and not (isinstance(item, Tensor) and item.numel() == 1):
            raise TypeError("text, or a tensor of several numbers")
        return float(item)
    except (TypeError, ValueError) as error:
        raise CamberError(
            f"the metric of {name} returned a {type(item).__name__} for {key!r}; it must return "
            f"a number"
        ) from error
