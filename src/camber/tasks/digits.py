"""`Digits`: name handwritten digits of 8 x 8 pixels.

The 1,797 images that come with scikit-learn: nothing to download, and a model learns them in
seconds. Few images at low resolution: small differences here are no promise for large models.

Source: E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits" (1998), UCI machine
learning repository.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import torch

from camber.errors import require
from camber.tasks.classification import ClassificationPreset, ImageClassification, presets_of
from camber.tasks.content import digest
from camber.tasks.labelled_images import LabelledImages, split_by_hash
from camber.tasks.settings import memory_for, settle


def _presets(quick_steps: int, **sizes: Any) -> MappingProxyType[str, ClassificationPreset]:
    # a run takes seconds, so more seeds than elsewhere are cheap
    default = ClassificationPreset(validation_share=0.33, seeds=10, **sizes)
    quick = replace(default, steps=quick_steps, seeds=5)
    return MappingProxyType({"default": default, "quick": quick})


#: Model, then preset. Widths: gated networks have equal parameters to 0.1 % there. Learning rates:
#: the best of 1e-3, 3e-3, 1e-2 (MLP), 1e-2, 2e-2, 3e-2 (residual net) and 3e-3, 1e-2, 2e-2 (ViT) by
#: the mean cross-entropy of ReLU, GELU, SwiGLU and PolyNorm over two seeds that no comparison uses;
#: five for the residual net, whose 1e-2 and 3e-2 are near each other (0.042 and 0.049 nats).
#: More steps only make the MLP surer of its mistakes; images moved by a pixel do not help it.
DIGITS_PRESETS: Final = MappingProxyType(
    {
        "mlp": _presets(100, model="mlp", width=126, steps=200),
        "resnet": _presets(120, model="resnet", width=18, steps=300, learning_rate=1e-2),
        "vit": _presets(
            200, model="vit", width=32, patch=2, batch=32, steps=500, learning_rate=1e-2
        ),
    }
)


class Digits(ImageClassification):
    """Scikit-learn's digits.

    Args:
        preset: "default" or "quick".
        model: "mlp", "resnet" or "vit".
        settings: any field of :class:`~camber.tasks.ClassificationPreset`, to change it:
            ``steps=100``.

    Raises:
        UnknownNameError: for an unknown preset, model or setting.
        CamberError: for a setting out of its range.
        MissingExtraError: without scikit-learn.

    Example:
        >>> task = Digits("quick", batch=16)
        >>> images, labels = next(task.batches("train", seed=0))
        >>> images.shape, labels.shape
        (torch.Size([16, 1, 8, 8]), torch.Size([16]))
    """

    name = "digits"

    def __init__(self, preset: str = "default", *, model: str = "mlp", **settings: Any) -> None:
        presets = presets_of(self.name, DIGITS_PRESETS, model)
        self.preset = preset
        self.settings = settle(self.name, presets, preset, settings)
        self.data = read_digits(self.settings.validation_share)
        with memory_for(self.name):
            self.build_model("relu", 0)  # refuses sizes that do not go together


@lru_cache(maxsize=2)  # one process trains many runs
def read_digits(share: float) -> LabelledImages:
    """Return the digits; ``share`` of each class is kept for validation, by hash of the image.

    Raises:
        MissingExtraError: without scikit-learn.

    Example:
        >>> read_digits(0.2).describe()["train_images"]
        1438
    """
    datasets = require("sklearn.datasets", extra="tasks", feature="the task 'digits'")
    images, labels = datasets.load_digits(return_X_y=True)
    # ink from 0 to 16 in each pixel
    pixels = torch.tensor(images).to(torch.uint8).reshape(-1, 1, 8, 8)
    targets = torch.tensor(labels).to(torch.int64)
    contents = [image.numpy().tobytes() for image in pixels]
    train, validation = split_by_hash(pixels, targets, contents, share)
    return LabelledImages(
        train,
        validation,
        tuple(map(str, range(10))),
        "digits of scikit-learn",
        f"{share:g} of each class by hash of the image",
        digest("digits", [*contents, bytes(targets.tolist())]),
    )
