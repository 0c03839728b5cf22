"""A folder of idx files, laid out as MNIST is: images and labels in files that pair by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camber.errors import CamberError
from camber.tasks.content import digest
from camber.tasks.idx import read_idx
from camber.tasks.labelled_images import (
    LabelledImages,
    Part,
    resized,
    side_for,
    split_by_hash,
)

#: ``train-images-idx3-ubyte.gz``, ``t10k-labels.idx1-ubyte``, ``labels``, ...
_NAME: Final = re.compile(r"(.*?)(image|label)s?((?:[-._](?:idx\d?|ubyte))*)(\.gz)?", re.IGNORECASE)

#: Words at the start of a file's name, or between dashes, that mark the part kept for validation.
_HELD_OUT: Final = ("t10k", "test", "validation", "valid", "val")

#: Pixels at or above this would overflow when they are squared in float32.
_BRIGHTEST: Final = 1e15

#: Classes beyond which labels are taken for something else.
_MOST_CLASSES: Final = 10_000


def idx_pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Return the (images, labels) pairs in ``folder`` by the beginning of their names.

    The folder ``raw`` below it is looked into where there is none in it (torchvision's layout).
    Where a file stands there both packed and not, the one that is not is taken.

    Raises:
        CamberError: images without labels, or labels without images.
    """
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir(), reverse=True):  # "a.gz" before "a", which replaces it
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            found.setdefault(match[1].lower(), {})[match[2].lower()] = path
    for pair in found.values():
        if len(pair) == 1:
            ((what, path),) = pair.items()
            other = "labels" if what == "image" else "images"
            raise CamberError(f"{path} has no file of {other} beside it; put both into the folder")
    if not found and (folder / "raw").is_dir():
        return idx_pairs(folder / "raw")
    return {prefix: (pair["image"], pair["label"]) for prefix, pair in sorted(found.items())}


def read_idx_folder(
    folder: Path, pairs: dict[str, tuple[Path, Path]], *, side: int | None, share: float
) -> LabelledImages:
    """Read the images of :func:`idx_pairs`.

    The pair whose name says test, t10k or validation is the validation part; where there is none,
    ``share`` of the images goes there, chosen by the hash of their content.

    Args:
        folder: where they were found, for the report.
        pairs: the files.
        side: H and W to resize to; see :func:`~camber.tasks.labelled_images.side_for`.
        share: of the images, in (0, 1).

    Raises:
        CamberError: for a damaged file, labels that are no classes, pairs that do not fit each
            other, or more pairs than two parts.
    """
    held = {prefix: pair for prefix, pair in pairs.items() if _is_held_out(prefix)}
    rest = {prefix: pair for prefix, pair in pairs.items() if prefix not in held}
    if len(held) > 1 or len(rest) > 1:
        several = ", ".join(sorted(pair[0].name for pair in pairs.values()))
        raise CamberError(
            f"{folder} holds several sets of images ({several}); "
            f"keep one for training and at most one for testing"
        )
    if not rest:
        held, rest = {}, held
    files, others = next(iter(rest.values())), next(iter(held.values()), None)
    images, labels = _read_pair(*files)
    classes = np.unique(labels)
    names = tuple(map(str, classes.tolist()))
    kind = f"idx {images.dtype} {images.shape} {labels.dtype}"
    contents = [_bytes(images), _bytes(labels)]
    tensor, targets = _tensor(images), _numbered(labels, classes)
    size = side_for({(tensor.shape[2], tensor.shape[3])}, side)
    if others is None:
        pixels = (image.tobytes() for image in images)
        parts = split_by_hash(resized(tensor, size), targets, pixels, share)
        split = f"{share:g} of each class by hash of the image"
        return LabelledImages(*parts, names, str(folder), split, digest(kind, contents))
    more, more_labels = _read_pair(*others)
    contents += [_bytes(more), _bytes(more_labels)]
    if more.shape[1:] != images.shape[1:] or more.dtype != images.dtype:
        raise CamberError(
            f"{others[0]} holds {more.dtype} images of shape {more.shape[1:]}, but "
            f"{files[0].name} {images.dtype} of {images.shape[1:]}; they are not of one data set"
        )
    if new := sorted(set(more_labels.tolist()) - set(classes.tolist())):
        raise CamberError(f"{others[1]} holds the label {new[0]}, which {files[1].name} has not")
    return LabelledImages(
        _whole(resized(tensor, size), targets),
        _whole(resized(_tensor(more), size), _numbered(more_labels, classes)),
        names,
        str(folder),
        f"as in {files[0].name} and {others[0].name}",
        digest(kind, contents),
    )


def _is_held_out(prefix: str) -> bool:
    words = re.split(r"[-._ ]+", prefix)
    return any(word in _HELD_OUT for word in words)


def _read_pair(images_path: Path, labels_path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    labels, images = read_idx(labels_path), read_idx(images_path)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise CamberError(
            f"{labels_path} holds {labels.dtype} numbers in {labels.ndim} dimensions, where labels "
            f"are whole numbers in one"
        )
    if 0 in images.shape:
        raise CamberError(f"{images_path} holds no pixels: its array has the shape {images.shape}")
    if images.ndim not in (3, 4):
        raise CamberError(
            f"{images_path} holds an array of shape {images.shape}, where images have three "
            f"dimensions (images, rows, columns), or four with colours"
        )
    if len(images) != len(labels):
        raise CamberError(
            f"{images_path} holds {len(images):,} images and {labels_path.name} "
            f"{len(labels):,} labels; they are not of one data set"
        )
    if len(np.unique(labels)) > _MOST_CLASSES:
        raise CamberError(f"{labels_path} holds more than {_MOST_CLASSES:,} different labels")
    if images.dtype.kind == "f" and not np.abs(images).max() < _BRIGHTEST:
        raise CamberError(f"{images_path} holds pixels that are not finite, or beyond any use")
    return images, labels


def _tensor(images: NDArray[Any]) -> Tensor:
    """Return images as (N, C, H, W), without a copy; colours may stand first or last."""
    tensor = torch.from_numpy(images)
    if tensor.ndim == 3:
        return tensor[:, None]
    colours = (1, 3)
    return tensor if tensor.shape[1] in colours else tensor.movedim(3, 1)


def _whole(images: Tensor, labels: Tensor) -> Part:
    return Part(images, labels, torch.arange(len(labels)))


def _numbered(labels: NDArray[Any], classes: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.searchsorted(classes, labels).astype(np.int64))


def _bytes(array: NDArray[Any]) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]  # has a buffer
