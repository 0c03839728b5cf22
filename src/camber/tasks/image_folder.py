"""A folder of pictures in which the folder of a picture names its class.

``folder/cat/1.png``, or ``folder/train/cat/1.png`` and ``folder/validation/cat/2.png``. Pillow
reads the pictures; they are resized to one size when they are read.
"""

from __future__ import annotations

import io
import os
import stat
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import torch
from torch import Tensor

from camber.errors import CamberError, require
from camber.tasks.content import digest
from camber.tasks.labelled_images import LabelledImages, Part, side_for, split_by_hash

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = Literal["grey", "rgb"]

#: How the names of pictures end.
ENDINGS: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)

#: What a picture may be, whatever its name says: pillow runs a program for some of the others.
_FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")

#: Folders that hold the validation part, in order of preference; they need a ``train`` beside them.
_HELD_OUT: Final = ("validation", "val", "valid", "test")

#: Pictures of more pixels than this are refused before they are decoded.
_MOST_PIXELS: Final = 100_000_000

#: All pictures together take at most this many bytes.
_LARGEST: Final = 4 * 2**30

#: The EXIF tag that tells how a photograph is turned, and the values that swap height and width.
_ORIENTATION: Final = 0x0112
_LYING: Final = (5, 6, 7, 8)

_GREY: Final = frozenset({"1", "L", "LA", "La"})


class _File(NamedTuple):
    """A picture: its path below the root, and what tells whether it has changed."""

    name: str
    size: int
    modified: int


def image_classes(root: Path) -> list[str]:
    """Return the names of the folders in ``root`` that hold pictures, sorted."""
    return sorted(
        path.name
        for path in root.iterdir()
        if path.is_dir()
        and not path.name.startswith(".")
        and not root.resolve().is_relative_to(path.resolve())  # a link back to where it stands
        and _pictures(path)
    )


def read_image_folder(
    root: Path, *, side: int | None = None, colour: Colour | None = None, share: float = 0.2
) -> LabelledImages:
    """Read pictures whose folders name their classes.

    Where ``root`` has a folder ``train``, classes are looked for in it, and the validation part in
    the folder ``validation``, ``val``, ``valid`` or ``test`` beside it; but where ``train`` holds
    no folders of pictures and others beside these do, it is a class like them. Where there is no
    validation part, ``share`` of the pictures of each class goes there, chosen by the hash of their
    files, so that copies of a picture stay together. Hidden files, and files that are not pictures
    by their ending, are passed over.

    Args:
        root: the folder.
        side: H and W to resize to; see :func:`~camber.tasks.labelled_images.side_for`.
        colour: "grey" or "rgb"; None for grey where every picture is.
        share: of the pictures, in (0, 1).

    Returns:
        uint8 images.

    Raises:
        CamberError: for fewer than two classes, a class that only the validation part has, or a
            picture that cannot be read; the sentence names it.
        MissingExtraError: without pillow.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for path in (Path(folder, name) for name in ("red", "blue")):
        ...         path.mkdir()
        ...         for width in (7, 8, 9):
        ...             Image.new("RGB", (width, 7), path.name).save(path / f"{width}.png")
        ...     read_image_folder(Path(folder), side=8).shape
        (3, 8, 8)
    """
    require("PIL.Image", extra="tasks", feature="a folder of pictures")
    trains, held = _parts(root)
    classes = image_classes(trains)
    if len(classes) < 2:
        raise CamberError(
            f"{trains} holds pictures in {len(classes)} of its folders, and at least two classes "
            f"are needed: put the pictures of each class into a folder of its own"
        )
    files, labels, counts = [], [], []
    for folder in (trains, *([] if held is None else [held])):
        own = classes if folder is trains else image_classes(folder)
        if new := sorted(set(own) - set(classes)):
            raise CamberError(
                f"{folder} holds the class {shown(new[0])}, which {trains} has not; "
                f"add pictures of it there, or take it out"
            )
        for name in own:
            found = _pictures(folder / name)
            files += [_file(root, path) for path in found]
            labels += [classes.index(name)] * len(found)
        counts.append(len(files))
    images, contents = _read(root, tuple(files), side, colour)
    targets = torch.tensor(labels)
    names = [os.fsencode(file.name) for file in files]
    if held is None:
        parts = split_by_hash(images, targets, contents, share)
        split = f"{share:g} of each class by hash of the file"
    else:
        rows = torch.arange(len(files))
        parts = (
            Part(images, targets, rows[: counts[0]]),
            Part(images, targets, rows[counts[0] :]),
        )
        split = f"as in the folders {trains.name} and {held.name}"
    return LabelledImages(
        *parts,
        tuple(map(shown, classes)),
        shown(str(root)),
        split,
        digest(f"folder {split}", [*names, *contents]),
    )


def _parts(root: Path) -> tuple[Path, Path | None]:
    """Return the folder of the training part, and that of the validation part if there is one."""
    below = {path.name.lower(): path for path in root.iterdir() if path.is_dir()}
    trains = below.get("train")
    if trains is None:
        return root, None
    others = {name.lower() for name in image_classes(root)} - {"train", *_HELD_OUT}
    if others and not image_classes(trains):
        return root, None  # pictures of trains, beside those of cars and buses
    return trains, next((below[name] for name in _HELD_OUT if name in below), None)


def shown(name: str) -> str:
    """Return a file's name as text that can be printed and written as UTF-8, whatever it holds.

    Example:
        >>> shown("cat\\n\\udcff")
        'cat\\ufffd\\ufffd'
    """
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def _pictures(folder: Path) -> list[Path]:
    """Return the pictures in ``folder`` and below, in order of their names."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS
        ]
    return sorted(found)


def _file(root: Path, path: Path) -> _File:
    try:
        state = path.stat()
    except OSError as error:
        raise CamberError(f"{shown(str(path))} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(state.st_mode):  # a pipe would be waited for without end
        raise CamberError(f"{shown(str(path))} is not a plain file; take it out")
    return _File(path.relative_to(root).as_posix(), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1)  # one process trains many runs on the same pictures
def _read(
    root: Path, files: tuple[_File, ...], side: int | None, colour: Colour | None
) -> tuple[Tensor, tuple[bytes, ...]]:
    """Return the pictures as uint8 (N, C, H, W), and the hash of each file."""
    sizes, grey = set(), True
    for file in files:
        picture = _open(root / file.name)
        sizes.add(_upright(picture))
        grey = grey and (picture.mode in _GREY or picture.mode.startswith("I"))
        picture.close()
    height, width = side_for(sizes, side)
    channels = 1 if (grey if colour is None else colour == "grey") else 3
    needed = len(files) * channels * height * width
    if needed > _LARGEST:
        raise CamberError(
            f"{shown(str(root))}: {len(files):,} pictures of {height} x {width} pixels take "
            f"{needed:,} bytes, and more than {_LARGEST:,} are not read; give a smaller size"
        )
    images = torch.empty((len(files), channels, height, width), dtype=torch.uint8)
    contents = []
    for row, file in enumerate(files):
        path = root / file.name
        content = _content(path)
        contents.append(digest("picture", [content]).encode())
        images[row] = _decoded(path, content, channels, (height, width))
    return images, tuple(contents)


def _upright(picture: Image) -> tuple[int, int]:
    """Return (height, width) as it is to be looked at: photographs may lie on their side."""
    try:
        lies = picture.getexif().get(_ORIENTATION) in _LYING
    except Exception:  # damaged notes in a picture: as above, but it may still be readable
        lies = False
    return (picture.width, picture.height) if lies else (picture.height, picture.width)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CamberError(f"{shown(str(path))} cannot be read: {error.strerror}") from error


def _open(source: Path, content: bytes | None = None) -> Image:
    """Open a picture without decoding it, and refuse one that is too large to be decoded."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is judged below
            file = source if content is None else io.BytesIO(content)
            picture = Image.open(file, formats=_FORMATS)
    except Exception as error:  # readers of damaged pictures raise nearly anything
        raise _unreadable(source, error) from error
    if picture.width * picture.height > _MOST_PIXELS:
        raise CamberError(
            f"{shown(str(source))} has {picture.width} x {picture.height} pixels, more than "
            f"{_MOST_PIXELS:,}; make it smaller or take it out"
        )
    return picture


def _decoded(path: Path, content: bytes, channels: int, size: tuple[int, int]) -> Tensor:
    """Return one picture as uint8 (C, H, W)."""
    import numpy as np
    from PIL import Image, ImageOps

    height, width = size
    picture = _open(path, content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # a photograph decodes several times faster at a fraction of its size
            picture.draft("L" if channels == 1 else "RGB", (2 * width, 2 * height))
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I"):  # 16 bits a pixel
                values = np.asarray(upright).astype(np.int64) >> 8
                upright = Image.fromarray(values.clip(0, 255).astype(np.uint8))
            elif upright.mode in ("P", "PA"):
                upright = upright.convert("RGBA")
            plain = upright.convert("L" if channels == 1 else "RGB")
            if plain.size != (width, height):
                plain = plain.resize((width, height), Image.Resampling.BILINEAR)
            array = np.array(plain)
    except Exception as error:  # as above
        raise _unreadable(path, error) from error
    return torch.from_numpy(array.reshape(height, width, channels)).movedim(2, 0)


def _unreadable(path: Path, error: Exception) -> CamberError:
    reason = shown(str(error).splitlines()[0][:200]) if str(error) else type(error).__name__
    if "cannot identify" in reason:
        reason = "it is of no kind that is read"
    return CamberError(
        f"{shown(str(path))} cannot be read as a picture ({reason}); repair it or take it out"
    )
