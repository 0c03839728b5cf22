"""Batches of every shape, taken apart and put together again."""

from __future__ import annotations

from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from camber.errors import CamberError
from camber.tasks.batch_layout import REMEMBERED, BatchLayouts, fingerprint, tensors_in

Pair = namedtuple("Pair", ["x", "y"])


@dataclass(frozen=True)
class Example:
    image: Tensor
    name: str


def same(a: object, b: object) -> bool:
    if isinstance(a, Tensor | np.ndarray):
        return type(a) is type(b) and bool((a == b).all())
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b


leaves = st.one_of(
    st.integers(0, 5).map(lambda n: torch.arange(n)),
    st.integers(0, 5).map(lambda n: np.arange(n, dtype=np.float32)),
    st.text(max_size=3),
    st.none(),
    st.integers(),
)
batches = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.tuples(inner, inner).map(lambda two: Pair(*two)),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.dictionaries(st.text(max_size=2), inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=8,
)


@given(st.lists(batches, max_size=4))
@settings(deadline=None, max_examples=60)
def test_apart_and_together_again(several: list[object]) -> None:
    layouts = BatchLayouts()
    flat = [layouts.flatten(batch) for batch in several]
    assert all(isinstance(part, Tensor) for parts in flat for part in parts)
    # moved as a training loop moves it, and later than other batches
    moved = [tuple(part.to("cpu") for part in parts) for parts in flat]
    assert all(map(same, several, [layouts.rebuild(parts) for parts in moved]))


def test_dataclasses_and_mappings_keep_their_type() -> None:
    layouts = BatchLayouts()
    example = Example(torch.ones(2), "a")
    back = layouts.rebuild(layouts.flatten(example))
    assert type(back) is Example
    assert back.name == "a"
    assert back is not example
    encoding = UserDict({"ids": torch.ones(2)})
    again = layouts.rebuild(layouts.flatten(encoding))
    assert type(again) is UserDict
    assert torch.equal(again["ids"], torch.ones(2))


def test_layouts_hold_no_tensor() -> None:
    layouts = BatchLayouts()
    tensor = torch.ones(3)
    import weakref

    for batch in (Example(tensor, "a"), {"x": tensor}, UserDict({"x": tensor}), [tensor, 1]):
        layouts.flatten(batch)
    seen = weakref.ref(tensor)
    del tensor, batch
    assert seen() is None


def test_equal_layouts_are_one_and_old_ones_are_forgotten() -> None:
    layouts = BatchLayouts()
    first = layouts.flatten((torch.ones(1), "a"))
    assert int(layouts.flatten((torch.zeros(4), "a"))[-1]) == int(first[-1])
    for number in range(REMEMBERED):
        layouts.flatten((torch.ones(1), number))
    with pytest.raises(CamberError, match=f"at most {REMEMBERED} are kept"):
        layouts.rebuild(first)
    with pytest.raises(CamberError, match="not made by the task"):
        layouts.rebuild((torch.ones(3),))


def test_fingerprints_tell_content_apart() -> None:
    different = [
        (torch.zeros(2),),
        (torch.zeros(2, dtype=torch.float64),),
        (torch.zeros(1, 2),),
        [torch.zeros(2)],
        {"x": torch.zeros(2)},
        {"y": torch.zeros(2)},
        (torch.zeros(2), "a"),
        (torch.zeros(2), "b"),
        (torch.tensor([0.0, 1e-7]),),
        (torch.zeros(2, dtype=torch.bfloat16),),
        (torch.zeros(2).to_sparse(),),
        (torch.tensor([0.0, 1.0]).to_sparse(),),
        (torch.tensor(0.0),),
    ]
    assert len({fingerprint(batch) for batch in different}) == len(different) - 1  # sparse zeros
    assert fingerprint((torch.ones(4)[::2],)) == fingerprint((torch.ones(2),))
    assert [tuple(t.shape) for t in tensors_in({"a": [torch.ones(2)], "b": 3})] == [(2,)]
