"""Folders of idx files: MNIST as published, and every way in which files may not fit together."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from shared_data import shared_data
from test_idx import packed

from camber.errors import CamberError, DtypeError, UnknownNameError
from camber.tasks import Images


def sample(count: int, seed: int = 0, side: int = 6) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, side, side), dtype=np.uint8)
    return images, np.arange(count, dtype=np.uint8) % 3


def store(
    folder: Path, prefix: str, images: NDArray[np.generic], labels: NDArray[np.generic]
) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{prefix}images-idx3-ubyte").write_bytes(packed(images))
    (folder / f"{prefix}labels-idx1-ubyte").write_bytes(packed(labels))


def test_mnist_as_published() -> None:
    task = Images(data=shared_data("mnist"))
    data = task.data
    assert data.shape == (1, 28, 28)
    assert (len(data.train), len(data.validation)) == (10_000, 10_000)
    assert data.classes == tuple("0123456789")
    # label counts of the published test set, and of the first 10,000 training labels
    assert data.validation.labels.bincount().tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    assert data.train.labels.bincount().tolist() == [
        1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978,
    ]  # fmt: skip
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert int(data.train.images[0].sum()) == 27525  # the first image is a 5 of that much ink
    assert data.train.images.dtype == torch.uint8
    mean, std = data.scale
    exact = data.train.images.double()
    assert float(mean) == pytest.approx(float(exact.mean()), rel=1e-6)  # float32 of a float64 sum
    assert float(std) == pytest.approx(float(exact.std(correction=0)), rel=1e-6)
    # the usual constants of the full training set, times 255; 10,000 of 60,000 come near them
    assert float(mean) == pytest.approx(0.1307 * 255, rel=0.02)
    assert float(std) == pytest.approx(0.3081 * 255, rel=0.02)


def test_fashion_mnist_splits_by_hash() -> None:
    task = Images(data=shared_data("fashion-mnist-sprite"))
    assert len(task.data.train) == 720
    assert task.data.validation.labels[task.data.validation.rows].bincount().tolist() == [18] * 10
    assert not set(task.data.train.rows.tolist()) & set(task.data.validation.rows.tolist())
    # the images stand once in memory
    assert task.data.train.images is task.data.validation.images
    assert task.describe()["split"] == "0.2 of each class by hash of the image"


def test_the_hash_names_the_content(tmp_path: Path) -> None:
    images, labels = sample(30)
    store(tmp_path / "a", "", images, labels)
    first = Images(data=tmp_path / "a").describe()["corpus_sha256"]
    # packing changes nothing
    for path in (tmp_path / "a").iterdir():
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "b" / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert Images(data=tmp_path / "b").describe()["corpus_sha256"] == first
    images[3, 0, 0] ^= 1
    store(tmp_path / "c", "", images, labels)
    assert Images(data=tmp_path / "c").describe()["corpus_sha256"] != first
    images[3, 0, 0] ^= 1
    labels[0] = 1
    store(tmp_path / "d", "", images, labels)
    assert Images(data=tmp_path / "d").describe()["corpus_sha256"] != first


def test_the_split_follows_the_images_not_their_order(tmp_path: Path) -> None:
    images, labels = sample(60)
    store(tmp_path / "a", "", images, labels)
    order = np.random.default_rng(5).permutation(60)
    store(tmp_path / "b", "", images[order], labels[order])

    def held(folder: Path) -> set[str]:
        part = Images(data=folder).data.validation
        return {hashlib.sha256(part.images[row].numpy()).hexdigest() for row in part.rows}

    assert held(tmp_path / "a") == held(tmp_path / "b")


def test_equal_images_stay_on_one_side(tmp_path: Path) -> None:
    images, labels = sample(30)
    images[labels == 0] = np.repeat(images[labels == 0][:5], 2, axis=0)
    store(tmp_path, "", images, labels)
    data = Images(data=tmp_path).data
    sides = [
        {data.train.images[row].numpy().tobytes() for row in part.rows}
        for part in (data.train, data.validation)
    ]
    assert not sides[0] & sides[1]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train-", "t10k-"),
        ("train10k-", "t10k-"),
        ("emnist-letters-train-", "emnist-letters-test-"),
        ("Train.", "validation."),
        ("", "val-"),
    ],
)
def test_names_of_parts(tmp_path: Path, train: str, test: str) -> None:
    store(tmp_path, train, *sample(12))
    store(tmp_path, test, *sample(6, seed=1))
    data = Images(data=tmp_path).data
    assert (len(data.train), len(data.validation)) == (12, 6)
    assert (data.validation.images[:, 0].numpy() == sample(6, seed=1)[0]).all()


def test_a_test_part_alone_is_split(tmp_path: Path) -> None:
    store(tmp_path, "t10k-", *sample(30))
    assert len(Images(data=tmp_path).data.train) == 24


def test_torchvision_layout_prefers_what_is_unpacked(tmp_path: Path) -> None:
    store(tmp_path / "raw", "train-", *sample(12))
    (tmp_path / "raw" / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8bdamaged")
    store(tmp_path / "raw", "t10k-", *sample(6))
    assert len(Images(data=tmp_path).data.train) == 12


@pytest.mark.parametrize("channels_last", [True, False])
def test_colours(tmp_path: Path, channels_last: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 3, 6, 5), dtype=np.uint8)
    stored = np.moveaxis(images, 1, 3) if channels_last else images
    store(tmp_path, "", np.ascontiguousarray(stored), sample(12)[1])
    found = Images(data=tmp_path).data
    assert found.shape == (3, 6, 5)
    assert (found.train.images.numpy() == images).all()


def test_labels_may_be_any_whole_numbers(tmp_path: Path) -> None:
    images, labels = sample(12)
    store(tmp_path, "", images.astype(np.float32), np.array([-5, 40, 7], np.int32)[labels])
    data = Images(data=tmp_path).data
    assert data.classes == ("-5", "7", "40")
    assert data.train.labels[:3].tolist() == [0, 2, 1]
    assert next(Images(data=tmp_path).batches("train", 0))[0].dtype == torch.float32


def test_resizing_averages(tmp_path: Path) -> None:
    images = np.zeros((12, 80, 80), np.uint8)
    images[:, :40] = 200
    images[:, 79, 79] = range(12)  # equal images would not be split
    store(tmp_path, "", images, sample(12)[1])
    assert Images(data=tmp_path).data.shape == (1, 32, 32)
    small = Images(data=tmp_path, size=2).data.train.images[0, 0]
    # a 2 x 2 mean of the halves; the antialias filter reaches over the border a little
    assert (small[0] > 160).all()
    assert (small[1] < 40).all()
    assert float(small.float().mean()) == pytest.approx(100, abs=1)


def test_a_constant_channel_is_no_division_by_zero(tmp_path: Path) -> None:
    store(tmp_path, "", np.full((12, 4, 4), 9, np.uint8) * np.ones(1, np.uint8), sample(12)[1])
    # all images are equal, so a class cannot be split
    with pytest.raises(CamberError, match="no image for the validation part"):
        Images(data=tmp_path)
    store(tmp_path, "t10k-", np.full((12, 4, 4), 9, np.uint8), sample(12)[1])
    images, _ = next(Images(data=tmp_path).batches("train", 0))
    assert (images == 0).all()


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    images, labels = sample(12)

    def refused(
        sentence: str, *parts: tuple[str, NDArray[np.generic], NDArray[np.generic]]
    ) -> None:
        folder = tmp_path / "data"
        shutil.rmtree(folder, ignore_errors=True)
        for part in parts:
            store(folder, *part)
        with pytest.raises(CamberError, match=sentence):
            Images(data=folder)

    refused("holds 12 images and .* 11 labels", ("", images, labels[:11]))
    refused("where labels are whole numbers", ("", images, labels[:, None]))
    refused("where labels are whole numbers", ("", images, labels.astype(np.float32)))
    refused("where images have three dimensions", ("", images[:, 0], labels))
    refused("holds no pixels", ("", images[:, :0], labels))
    refused("holds 1 class", ("", images, labels * 0))
    refused("holds no pixels", ("", images[:0], labels[:0]))
    refused("not finite", ("", np.full((12, 3, 3), np.inf, np.float32), labels))
    refused("of one data set", ("", images, labels), ("t10k-", images[:, :5], labels))
    refused("of one data set", ("", images, labels), ("t10k-", images.astype(np.int16), labels))
    refused("label 9, which", ("", images, labels), ("t10k-", images, labels * 0 + 9))
    refused("several sets", ("train-", images, labels), ("train10k-", images, labels))
    refused("several sets", ("val-", images, labels), ("t10k-", images, labels))
    (tmp_path / "data" / "more-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(CamberError, match="has no file of labels beside it"):
        Images(data=tmp_path / "data")


def test_bad_options(tmp_path: Path) -> None:
    store(tmp_path, "", *sample(12))
    with pytest.raises(CamberError, match="needs data"):
        Images()
    with pytest.raises(DtypeError, match="data is a path, but got int"):
        Images(data=3)  # type: ignore[arg-type]  # what a command line may pass
    with pytest.raises(CamberError, match="there is nothing at"):
        Images(data=tmp_path / "nowhere")
    with pytest.raises(CamberError, match="holds a NUL character"):
        Images(data="a\0b")
    with pytest.raises(CamberError, match="give the folder that holds it"):
        Images(data=tmp_path / "images-idx3-ubyte")
    with pytest.raises(CamberError, match="whose colours are as they are"):
        Images(data=tmp_path, colour="rgb")
    with pytest.raises(UnknownNameError, match=r"model of images is .*'resnet'"):
        Images(data=tmp_path, model="resnett")
    with pytest.raises(UnknownNameError, match="preset of images"):
        Images("large", data=tmp_path)


def test_a_split_copies_no_images(tmp_path: Path) -> None:
    store(tmp_path, "", *sample(4000, side=40))  # 6.4 MB
    Images(data=tmp_path)  # whatever is made only once
    tracemalloc.start()
    data = Images(data=tmp_path).data
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.train.images.data_ptr() == data.validation.images.data_ptr()
    assert peak < 2 * 6.4e6  # one copy, its growth in steps, and 4,000 hashes
