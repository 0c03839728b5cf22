"""A batch of any shape as a flat tuple of tensors, and back.

Training loops move flat tuples of tensors. What a user's loader yields is a tuple, list, dict,
dataclass or a nesting of them, with text or numbers among the tensors. A layout takes it apart and
puts it together again, with the same types, when the user's loss is to see it. Arrays of numpy
travel as tensors and come back as arrays.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from torch import Tensor

from camber.errors import CamberError

#: Rebuilds one (part of a) batch from the tensors that are still to come.
_Rebuild: TypeAlias = "Callable[[list[Tensor]], object]"

#: Layouts remembered: batches whose text or numbers differ have a layout each.
REMEMBERED: Final = 4096


class BatchLayouts:
    """Takes batches apart and puts them together.

    The flat tuple ends with a number of the layout, a 0-d int64 tensor: batches of one loader may
    differ in what they hold beside tensors.

    Example:
        >>> layouts = BatchLayouts()
        >>> flat = layouts.flatten({"x": torch.ones(2), "names": ["a", "b"]})
        >>> [tuple(tensor.shape) for tensor in flat]
        [(2,), ()]
        >>> layouts.rebuild(flat)
        {'x': tensor([1., 1.]), 'names': ['a', 'b']}
    """

    def __init__(self) -> None:
        self._layouts: OrderedDict[int, _Rebuild] = OrderedDict()
        self._numbers: dict[object, int] = {}
        self._next = 0

    def flatten(self, batch: object) -> tuple[Tensor, ...]:
        """Return the tensors of ``batch`` in order, and the number of its layout."""
        tensors: list[Tensor] = []
        key: list[object] = []
        rebuild = _take_apart(batch, tensors, key)
        return (*tensors, torch.tensor(self._number(tuple(key), rebuild)))

    def rebuild(self, flat: tuple[Tensor, ...]) -> Any:
        """Return the batch that was taken apart, with the tensors of ``flat``.

        Raises:
            CamberError: the tuple was not made here, or too long ago.
        """
        number = flat[-1] if flat else None
        if number is None or number.ndim or number.is_floating_point():
            raise CamberError("this batch was not made by the task: its layout is not known")
        rebuild = self._layouts.get(int(number))
        if rebuild is None:
            raise CamberError(
                f"the layout of this batch is forgotten: at most {REMEMBERED} are kept"
            )
        return rebuild(list(flat[:-1]))

    def _number(self, key: tuple[object, ...], rebuild: _Rebuild) -> int:
        try:
            known = self._numbers.get(key)
        except TypeError:  # something in it cannot be hashed: a layout of its own
            known, key = None, (self._next,)
        if known is not None:
            self._layouts.move_to_end(known)
            return known
        number, self._next = self._next, self._next + 1
        self._numbers[key], self._layouts[number] = number, rebuild
        if len(self._layouts) > REMEMBERED:
            oldest, _ = self._layouts.popitem(last=False)
            self._numbers = {k: n for k, n in self._numbers.items() if n != oldest}
        return number


def tensors_in(batch: object) -> list[Tensor]:
    """Return the tensors of ``batch`` in the order in which they are taken apart."""
    tensors: list[Tensor] = []
    _take_apart(batch, tensors, [])
    return tensors


def fingerprint(batch: object) -> str:
    """Return a SHA-256 over the content of ``batch``: every tensor's type, shape and numbers, and
    the text and numbers beside them.

    Example:
        >>> fingerprint((torch.zeros(2), "a")) == fingerprint((torch.zeros(2), "b"))
        False
    """
    tensors: list[Tensor] = []
    key: list[object] = []
    _take_apart(batch, tensors, key)
    digest = hashlib.sha256()
    for part in key:
        plain = isinstance(part, str | int | float | bool | type(None) | type)
        digest.update(f"{part if plain else type(part).__name__}\0".encode())
    for tensor in tensors:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        whole = tensor.detach().cpu()
        dense = whole if whole.layout == torch.strided else whole.to_dense()
        digest.update(dense.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _take_apart(value: object, tensors: list[Tensor], key: list[object]) -> _Rebuild:
    """Append the tensors in ``value`` to ``tensors`` and what distinguishes its layout to ``key``;
    return how to put it together.
    """
    if isinstance(value, Tensor):
        tensors.append(value)
        key.append(Tensor)
        return _next_tensor
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        tensors.append(torch.tensor(value))
        key.append(np.ndarray)
        return lambda rest: rest.pop(0).cpu().numpy()
    if isinstance(value, Mapping):
        return _take_mapping(value, tensors, key)
    if isinstance(value, tuple | list):
        key += [type(value), len(value)]
        parts = [_take_apart(item, tensors, key) for item in value]
        kind: Any = type(value)
        make = kind._make if hasattr(kind, "_make") else kind  # namedtuples take items one by one
        return lambda rest: make([part(rest) for part in parts])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        key += [type(value), len(names)]
        fields = [_take_apart(getattr(value, name), tensors, key) for name in names]
        hollow = _with_fields(value, names, [None] * len(names))  # keeps no tensor alive
        return lambda rest: _with_fields(hollow, names, [part(rest) for part in fields])
    key += [type(value), value]
    return lambda rest: value


def _take_mapping(value: Mapping[Any, Any], tensors: list[Tensor], key: list[object]) -> _Rebuild:
    names = list(value)
    key += [type(value), *names]
    parts = [_take_apart(value[name], tensors, key) for name in names]

    if type(value) is dict:
        return lambda rest: {name: part(rest) for name, part in zip(names, parts, strict=True)}
    hollow = _with_items(value, names, [None] * len(names))
    return lambda rest: _with_items(hollow, names, [part(rest) for part in parts])


def _with_items(value: Mapping[Any, Any], names: Iterable[Any], items: Iterable[object]) -> Any:
    same: Any = copy.copy(value)  # BatchEncoding and its like are made in ways of their own
    for name, item in zip(names, items, strict=True):
        same[name] = item
    return same


def _with_fields(value: object, names: Iterable[str], items: Iterable[object]) -> object:
    same = copy.copy(value)  # no constructor, which may do more than store its arguments
    for name, item in zip(names, items, strict=True):
        object.__setattr__(same, name, item)
    return same


def _next_tensor(rest: list[Tensor]) -> object:
    return rest.pop(0)
