"""Loaders: any iterable, in an order that follows from the seed, whatever happens in between."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from camber.errors import CamberError
from camber.tasks.loader import check_loader, endless, length, nothing, one_pass

NO_GUARD = contextlib.nullcontext


class Noisy(Dataset[Tensor]):
    """Draws from all three global generators and from one of its own that it keeps."""

    def __init__(self) -> None:
        self.own = np.random.default_rng(7)

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> Tensor:
        drawn = [torch.rand(1).item(), random.random(), np.random.rand(), self.own.random()]
        return torch.tensor([float(index), *drawn], dtype=torch.float64)


class Stream(IterableDataset[Tensor]):
    def __iter__(self) -> Iterator[Tensor]:
        return iter(torch.randperm(6))


def take(loader: object, count: int, seed: int = 0, start: int = 0) -> list[Tensor]:
    batches = []
    for batch in itertools.islice(
        endless(loader, NO_GUARD, "train", seed, start_step=start),  # type: ignore[arg-type]
        count,
    ):
        torch.rand(3), random.random(), np.random.rand()  # the training loop draws too
        batches.append(batch)
    return batches


def shuffled(**options: object) -> DataLoader[Tensor]:
    return DataLoader(Noisy(), batch_size=4, shuffle=True, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "make",
    [
        shuffled,
        lambda: shuffled(generator=torch.Generator().manual_seed(3)),
        lambda: shuffled(drop_last=True),
        lambda: DataLoader(Stream(), batch_size=4),
        lambda: lambda: iter(torch.randperm(8).split(3)),
        lambda: list(torch.arange(6).split(2)),
    ],
)
def test_batches_follow_from_seed_and_step(make: object) -> None:
    whole = take(make(), 8)  # type: ignore[operator]
    again = take(make(), 8)  # type: ignore[operator]
    resumed = take(make(), 3, start=5)  # type: ignore[operator]
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(whole[5:], resumed, strict=True))


def test_seeds_and_epochs_have_orders_of_their_own() -> None:
    for options in ({}, {"generator": torch.Generator().manual_seed(3)}):
        data = TensorDataset(torch.arange(12))
        loader = DataLoader(data, batch_size=12, shuffle=True, **options)  # type: ignore[arg-type]
        (first,), (second,) = take(loader, 2)
        ((other,),) = take(loader, 1, seed=1)
        assert sorted(first.tolist()) == list(range(12))
        assert first.tolist() != second.tolist() != other.tolist()


# Python 3.12 warns of any fork in a process with threads, such as torch's
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_loader_workers_change_nothing_between_runs() -> None:
    runs = [take(shuffled(num_workers=1), 4) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_the_global_generators_stay_where_they_are() -> None:
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    wanted = (torch.rand(1).item(), random.random(), np.random.rand())
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    for _ in itertools.islice(endless(shuffled(), NO_GUARD, 0), 5):
        pass
    assert (torch.rand(1).item(), random.random(), np.random.rand()) == wanted


def test_one_pass_and_its_limit() -> None:
    assert len(list(one_pass(shuffled(), NO_GUARD, 0))) == 3
    assert len(list(one_pass(shuffled(), NO_GUARD, 0, most=2))) == 2
    assert length(shuffled()) == 3
    assert length(DataLoader(Stream(), batch_size=4)) is None
    assert length(list) is None


def test_empty_loaders_end() -> None:
    assert list(endless([], NO_GUARD, 0)) == []
    small = DataLoader(TensorDataset(torch.ones(3)), batch_size=8, drop_last=True)
    assert "holds 3 examples, fewer than one batch of 8" in nothing(small, "it")
    assert nothing([], "it") == "it yields no batch; give one that holds data"


@pytest.mark.parametrize(
    ("loader", "words"),
    [
        (TensorDataset(torch.ones(3)), r"is a data set \(TensorDataset\).*DataLoader\(dataset"),
        (iter([1]), "is a list_iterator, which can be read only once"),
        ((n for n in range(3)), "is a generator, which can be read only once"),
        (torch.ones(3), "is a Tensor; give an iterable of batches"),
        ({"x": 1}, "is a dict"),
        ("text", "is a str"),
        (None, "is None"),
        (7, "is an int"),
        (nn.Linear(1, 1), "is a Linear"),
        (DataLoader, "is a type"),
    ],
)
def test_what_is_no_loader(loader: object, words: str) -> None:
    with pytest.raises(CamberError, match=f"^the loader {words}"):
        check_loader(loader, "the loader")
