"""`Images`: name the classes of your own images, or of MNIST and its relatives, from a path.

Two layouts are read: idx files as those of MNIST (:mod:`camber.tasks.idx_folder`), and folders of
pictures (:mod:`camber.tasks.image_folder`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

from camber.errors import CamberError
from camber.tasks.classification import ClassificationPreset, ImageClassification, presets_of
from camber.tasks.idx_folder import idx_pairs, read_idx_folder
from camber.tasks.image_folder import Colour, image_classes, read_image_folder, shown
from camber.tasks.labelled_images import LabelledImages
from camber.tasks.settings import OneOf, Whole, given_path, memory_for, setting, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesPreset(ClassificationPreset):
    """The sizes of an image task, and how its pictures are read.

    Args:
        size: H and W, in pixels, to resize to; None for the images' own size where they agree in
            one of at most 64 x 64, else 32.
        colour: "grey" or "rgb" for folders of pictures; None for grey where every picture is.
    """

    size: int | None = setting(Whole(1, 1024), None)
    colour: str | None = setting(OneOf(("grey", "rgb")), None)


def _presets(quick_steps: int, **sizes: Any) -> MappingProxyType[str, ImagesPreset]:
    default = ImagesPreset(evaluation_images=2000, **sizes)
    quick = replace(default, steps=quick_steps, evaluation_images=1000)
    return MappingProxyType({"default": default, "quick": quick})


#: Model, then preset. Widths: such that gated networks have equal parameters to 0.1 % on images of
#: 28 x 28 pixels. Learning rates: the best of 1e-3, 3e-3 and 1e-2 (MLP), 1e-2, 2e-2 and 4e-2
#: (residual net) and 3e-3 and 1e-2 (ViT) by the mean cross-entropy of ReLU, SwiGLU and PolyNorm on
#: 10,000 training images of MNIST, with a seed that no comparison uses, at widths 128, 16 and 32.
IMAGES_PRESETS: Final = MappingProxyType(
    {
        "mlp": _presets(200, model="mlp", width=130, steps=600),
        "resnet": _presets(100, model="resnet", width=18, steps=400, batch=32, learning_rate=1e-2),
        "vit": _presets(100, model="vit", width=32, steps=500, batch=32, learning_rate=1e-2),
    }
)


class Images(ImageClassification):
    """Images with a class each, from a path.

    Args:
        preset: "default" or "quick".
        data: a folder: of idx files, or with a folder of pictures for each class.
        model: "mlp", "resnet" or "vit".
        settings: any field of :class:`ImagesPreset`, to change it: ``size=24``.

    Raises:
        UnknownNameError: for an unknown preset, model or setting.
        CamberError: without ``data``, for data that cannot be read, or a setting out of its range.
        MissingExtraError: for pictures, without pillow.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, grey in [("dark", 0), ("light", 200)]:
        ...         Path(folder, name).mkdir()
        ...         for more in range(5):
        ...             Image.new("L", (8, 8), grey + more).save(Path(folder, name, f"{more}.png"))
        ...     task = Images(data=folder)
        >>> task.data.classes, len(task.data.train), len(task.data.validation)
        (('dark', 'light'), 8, 2)
    """

    name = "images"
    settings: ImagesPreset

    def __init__(
        self,
        preset: str = "default",
        *,
        data: str | os.PathLike[str] | None = None,
        model: str = "resnet",
        **settings: Any,
    ) -> None:
        presets = presets_of(self.name, IMAGES_PRESETS, model)
        self.preset = preset
        self.settings = settle(self.name, presets, preset, settings)
        if data is None:
            raise CamberError(
                "the task 'images' needs data: a folder of MNIST's idx files, or one with a folder "
                "of pictures for each class (data=PATH, on the command line --data PATH)"
            )
        self.data = read_images(
            given_path("images: data", data),
            side=self.settings.size,
            colour=cast("Colour | None", self.settings.colour),
            share=self.settings.validation_share,
        )
        with memory_for(self.name):
            self.build_model("relu", 0)  # refuses sizes that do not go together


def read_images(
    folder: Path, *, side: int | None = None, colour: Colour | None = None, share: float = 0.2
) -> LabelledImages:
    """Read a folder of idx files, or of pictures; idx files come first where both are there.

    Raises:
        CamberError: there is no such folder, it holds neither, or what it holds cannot be read.
    """
    name = shown(str(folder))
    try:
        if not folder.exists():
            raise CamberError(f"there is nothing at {name}; give the folder of the images")
        if not folder.is_dir():
            raise CamberError(f"{name} is a file; give the folder that holds it")
        if pairs := idx_pairs(folder):
            if colour is not None:
                raise CamberError(f"{name} holds idx files, whose colours are as they are")
            return read_idx_folder(folder, pairs, side=side, share=share)
        if image_classes(folder):
            return read_image_folder(folder, side=side, colour=colour, share=share)
    except OSError as error:
        raise CamberError(f"{name} cannot be read: {error.strerror or error}") from error
    raise CamberError(
        f"{name} holds neither idx files (such as train-images-idx3-ubyte.gz beside "
        f"train-labels-idx1-ubyte.gz) nor folders of pictures, one for each class"
    )
