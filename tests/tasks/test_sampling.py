"""Epochs of a finite sample."""

import itertools
from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from camber.tasks.sampling import epochs, spread


@given(count=st.integers(1, 30), batch=st.integers(1, 70), start=st.integers(0, 40))
def test_every_example_once_in_an_epoch_wherever_it_begins(
    count: int, batch: int, start: int
) -> None:
    steps = start + 1 + count  # at least one whole epoch beyond the start
    whole = torch.cat(list(itertools.islice(epochs(count, batch, "key"), steps)))
    for epoch in whole[: len(whole) // count * count].split(count):
        assert epoch.sort().values.tolist() == list(range(count))
    resumed = torch.cat(list(itertools.islice(epochs(count, batch, "key", start), steps - start)))
    assert torch.equal(resumed, whole[start * batch :])


def test_orders_differ_by_key_and_epoch_and_leave_the_global_generator() -> None:
    state = torch.random.get_rng_state()
    first, second = itertools.islice(epochs(50, 50, "a"), 2)
    other = next(epochs(50, 50, "b"))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test_permutations_are_uniform() -> None:
    counts = Counter(tuple(next(epochs(3, 3, str(key))).tolist()) for key in range(1200))
    # 6 orders of 200 each: chi squared of 5 degrees passes 20.5 once in a thousand
    assert sum((counts[order] - 200) ** 2 / 200 for order in counts) < 20.5
    assert len(counts) == 6


@given(count=st.integers(1, 1000), most=st.integers(1, 1200))
def test_spread_is_even(count: int, most: int) -> None:
    chosen = spread(count, most)
    assert len(chosen) == min(count, most)
    assert chosen[0] == 0
    gaps = chosen.diff()
    if len(gaps):
        assert gaps.min() >= 1
        assert gaps.max() - gaps.min() <= 1
    assert chosen[-1] < count


def test_the_order_is_recorded() -> None:
    # of the first release: a run resumed by a later one sees the batches it would have seen
    assert next(epochs(8, 8, "train:0")).tolist() == [3, 1, 0, 4, 5, 6, 7, 2]
