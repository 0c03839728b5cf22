"""Images with a class each, in a training part and a validation part.

Shape legend: N images, C channels, H and W pixels.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from camber.errors import CamberError

#: Images of one size up to this many pixels a side are taken as they are; others are resized.
LARGEST_SIDE = 64

#: The side, in pixels, that images are resized to unless one is given.
DEFAULT_SIDE = 32

#: Numbers that are converted to float at a time: few enough to stay small beside the data.
_CHUNK = 2**21


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part of the data: rows of a tensor of images, which other parts may share.

    Args:
        images: (N, C, H, W), of any real dtype.
        labels: int64 (N,), from 0.
        rows: int64; the rows of ``images`` and ``labels`` that belong to this part.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return self.rows.numel()


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images and their classes in two parts.

    Args:
        train, validation: the parts; both hold images of one shape.
        classes: the name of each label.
        source: where they were read, for a report.
        split: how the parts came about, for a report.
        sha256: hash over content, labels and parts: results compare only where it agrees.

    Raises:
        CamberError: fewer than two classes, or an empty part.
    """

    train: Part
    validation: Part
    classes: tuple[str, ...]
    source: str
    split: str
    sha256: str

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            names = ", ".join(map(repr, self.classes)) or "none"
            raise CamberError(
                f"{self.source} holds {len(self.classes)} class ({names}); at least two are needed"
            )
        for name, part in (("train", self.train), ("validation", self.validation)):
            if not len(part):
                raise CamberError(
                    f"{self.source} leaves no image for the {name} part; give more images"
                )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    def part(self, split: str) -> Part:
        """The part named "train" or "validation"."""
        if split not in ("train", "validation"):
            raise CamberError(f"a split is 'train' or 'validation', but got {split!r}")
        return self.train if split == "train" else self.validation

    @cached_property
    def scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel's training pixels, float32 (C, 1, 1).

        A channel that never changes has standard deviation 1.
        """
        channels, height, width = self.shape
        total, squares = torch.zeros(2, channels, dtype=torch.float64)
        for rows in self.train.rows.split(at_once(self.shape)):
            pixels = self.train.images[rows].to(torch.float64)
            total += pixels.sum((0, 2, 3))
            squares += pixels.square().sum((0, 2, 3))
        count = len(self.train) * height * width
        mean = total / count
        std = (squares / count - mean.square()).clamp_min(0).sqrt()
        std[std <= 1e-6 * (1 + mean.abs())] = 1.0
        return mean.float()[:, None, None], std.float()[:, None, None]

    def standardised(self, part: Part, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ``chosen`` images of ``part``, by number from 0, and their labels.

        Returns:
            float32 (B, C, H, W), each channel with mean 0 and variance 1 over the training part;
            int64 (B,).
        """
        rows = part.rows[chosen]
        mean, std = self.scale
        return (part.images[rows].float() - mean) / std, part.labels[rows]

    def describe(self) -> dict[str, object]:
        """Plain values for a report."""
        return {
            "source": self.source,
            "image": list(self.shape),
            "classes": len(self.classes),
            "split": self.split,
            "train_images": len(self.train),
            "validation_images": len(self.validation),
            "corpus_sha256": self.sha256,
        }


def held_out(labels: Tensor, names: Iterable[bytes], share: float) -> Tensor:
    """Return which images go to validation: in each class, the ``share`` with the lowest hash.

    The order depends on the names alone (the content of an image, or of its file), so that an image
    never moves to the other part because others were added far from the cut. Equal names stay
    together; a class of one image has none in validation.

    Args:
        labels: int64 (N,).
        names: N names, in the same order.
        share: in (0, 1).

    Returns:
        bool (N,).

    Example:
        >>> held_out(torch.tensor([0, 0, 0, 0, 1]), [b"a", b"b", b"c", b"d", b"e"], 0.25)
        tensor([False, False, False,  True, False])
    """
    digests = [hashlib.sha256(name).digest() for name in names]
    found = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique().tolist():
        own = sorted((labels == label).nonzero()[:, 0].tolist(), key=digests.__getitem__)
        count = max(1, round(share * len(own)))
        while count < len(own) and digests[own[count]] == digests[own[count - 1]]:
            count += 1
        if count < len(own):
            found[own[:count]] = True
    return found


def split_by_hash(
    images: Tensor, labels: Tensor, names: Iterable[bytes], share: float
) -> tuple[Part, Part]:
    """Return the training and the validation part of ``images``, which both share.

    Example:
        >>> images, labels = torch.arange(8).reshape(8, 1, 1, 1), torch.arange(8) % 2
        >>> parts = split_by_hash(images, labels, (b"%d" % number for number in range(8)), 0.25)
        >>> [len(part) for part in parts]
        [6, 2]
    """
    validation = held_out(labels, names, share)
    return (
        Part(images, labels, (~validation).nonzero()[:, 0]),
        Part(images, labels, validation.nonzero()[:, 0]),
    )


def side_for(sizes: set[tuple[int, int]], side: int | None) -> tuple[int, int]:
    """Return the (H, W) that images of these sizes are given.

    ``side`` x ``side`` where it is given; their own where they agree in one of at most 64 x 64;
    else 32 x 32.

    Example:
        >>> side_for({(28, 28)}, None), side_for({(28, 28), (20, 30)}, None)
        ((28, 28), (32, 32))
    """
    if side is not None:
        return side, side
    if len(sizes) == 1:
        height, width = next(iter(sizes))
        if max(height, width) <= LARGEST_SIDE:
            return height, width
    return DEFAULT_SIDE, DEFAULT_SIDE


def resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (N, C, H, W) images at another ``size`` (height, width), in their own dtype.

    Bilinear, averaging over all pixels where they become fewer; proportions are not kept.

    Example:
        >>> resized(torch.tensor([[[[0, 255], [0, 255]]]], dtype=torch.uint8), (1, 1))
        tensor([[[[128]]]], dtype=torch.uint8)
    """
    if tuple(images.shape[2:]) == size:
        return images
    whole = not images.dtype.is_floating_point
    found = images.new_empty((*images.shape[:2], *size))
    for part, room in zip(
        images.split(at_once(images.shape[1:])), found.split(at_once(images.shape[1:])), strict=True
    ):
        small = F.interpolate(part.float(), size, mode="bilinear", antialias=True)
        room.copy_(small.round_() if whole else small)
    return found


def at_once(shape: Iterable[int]) -> int:
    """Return how many images of (C, H, W) numbers are converted at a time: 2 million numbers.

    Example:
        >>> at_once((1, 28, 28)), at_once((3, 1024, 1024))
        (2674, 1)
    """
    return max(1, _CHUNK // math.prod(shape))
