"""Folders of pictures made with pillow: layouts, sizes, colours, and files that are none."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from camber.errors import CamberError, DtypeError, MissingExtraError
from camber.tasks import Images
from camber.tasks.image_folder import read_image_folder, shown


def picture(path: Path, seed: int = 0, mode: str = "L", size: tuple[int, int] = (10, 8)) -> Path:
    """A picture of noise; ``size`` is (width, height), as pillow has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path)
    return path


def pictures(folder: Path, count: int = 10, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    for name in classes:
        for number in range(count):
            picture(folder / name / f"{number}.png", seed=number)
    return folder


def test_pictures_are_what_pillow_reads(tmp_path: Path) -> None:
    data = Images(data=pictures(tmp_path)).data
    assert data.shape == (1, 8, 10)
    assert data.classes == ("cat", "dog")
    assert (len(data.train), len(data.validation)) == (16, 4)
    for row, path in enumerate(sorted((tmp_path / "cat").iterdir())):
        assert (data.train.images[row, 0].numpy() == np.asarray(Image.open(path))).all()
    assert data.train.labels.tolist() == [0] * 10 + [1] * 10


def test_the_split_follows_content(tmp_path: Path) -> None:
    def held(folder: Path) -> set[int]:
        data = read_image_folder(folder)
        return {int(data.validation.images[row].sum()) for row in data.validation.rows}

    pictures(tmp_path / "a")
    first = held(tmp_path / "a")
    assert len(first) <= 4
    assert held(pictures(tmp_path / "b")) == first  # another place, the same files
    for name in ("cat", "dog"):
        (tmp_path / "b" / name / "0.png").rename(tmp_path / "b" / name / "zero.png")
    assert held(tmp_path / "b") == first
    assert read_image_folder(tmp_path / "b").sha256 != read_image_folder(tmp_path / "a").sha256


def test_copies_of_a_picture_stay_in_one_part(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(24):
            picture(tmp_path / name / f"{number}.png", seed=number // 2)
    data = read_image_folder(tmp_path, share=0.3)
    seen = {data.train.images[row].numpy().tobytes() for row in data.train.rows}
    held = {data.validation.images[row].numpy().tobytes() for row in data.validation.rows}
    assert len(held) == 4
    assert not seen & held


def test_an_added_picture_moves_few(tmp_path: Path) -> None:
    def held() -> set[bytes]:
        data = read_image_folder(tmp_path)
        return {data.validation.images[row].numpy().tobytes() for row in data.validation.rows}

    pictures(tmp_path, 30)
    before = held()
    picture(tmp_path / "cat" / "new.png", seed=99)
    assert len(before ^ held()) <= 2  # itself, or the one at the cut


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    pictures(tmp_path, 4, ("car", "train", "test"))
    data = read_image_folder(tmp_path)
    assert data.classes == ("car", "test", "train")
    (tmp_path / "car").rename(tmp_path / "valid")  # no class stands beside the parts' names
    with pytest.raises(CamberError, match="holds pictures in 0 of its folders"):
        read_image_folder(tmp_path)


def test_a_link_back_to_the_root_is_no_class(tmp_path: Path) -> None:
    pictures(tmp_path, 4)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert read_image_folder(tmp_path).classes == ("cat", "dog")


def test_the_hash_names_content_and_place(tmp_path: Path) -> None:
    first = read_image_folder(pictures(tmp_path)).sha256
    assert read_image_folder(tmp_path).sha256 == first
    picture(tmp_path / "cat" / "3.png", seed=77)
    changed = read_image_folder(tmp_path).sha256
    assert changed != first
    picture(tmp_path / "cat" / "3.png", seed=3)
    assert read_image_folder(tmp_path).sha256 == first
    (tmp_path / "cat" / "3.png").rename(tmp_path / "dog" / "13.png")
    assert read_image_folder(tmp_path).sha256 not in (first, changed)


@pytest.mark.parametrize("held", ["validation", "val", "valid", "test", "Test"])
def test_parts_in_folders(tmp_path: Path, held: str) -> None:
    pictures(tmp_path / "train", 3)
    picture(tmp_path / held / "dog" / "a.png", seed=50)
    data = Images(data=tmp_path).data
    assert (len(data.train), len(data.validation)) == (6, 1)
    assert data.split == f"as in the folders train and {held}"
    _, labels = data.standardised(data.validation, torch.tensor([0]))
    assert labels.tolist() == [1]


def test_validation_is_taken_before_test(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("val", 2), ("test", 4)):
        pictures(tmp_path / part, count)
    assert len(Images(data=tmp_path).data.validation) == 4


def test_a_training_folder_alone_is_split(tmp_path: Path) -> None:
    pictures(tmp_path / "train", 5)
    assert len(Images(data=tmp_path).data.validation) == 2


def test_what_is_passed_over(tmp_path: Path) -> None:
    pictures(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "cat" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "cat" / ".hidden.png").write_bytes(b"no picture")
    (tmp_path / ".git" / "x").mkdir(parents=True)
    picture(tmp_path / ".git" / "x.png")
    (tmp_path / "empty").mkdir()
    picture(tmp_path / "cat" / "more" / "deep.JPG")
    data = Images(data=tmp_path).data
    assert data.classes == ("cat", "dog")
    assert len(data.train) + len(data.validation) == 21


def test_mixed_sizes_and_colours(tmp_path: Path) -> None:
    pictures(tmp_path)
    picture(tmp_path / "cat" / "wide.jpg", mode="RGB", size=(90, 20))
    data = read_image_folder(tmp_path)
    assert data.shape == (3, 32, 32)
    assert read_image_folder(tmp_path, side=12, colour="grey").shape == (1, 12, 12)
    assert Images(data=tmp_path, size=5, colour="rgb").data.shape == (3, 5, 5)


def test_large_pictures_of_one_size_are_made_smaller(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(2):
            picture(tmp_path / name / f"{number}.png", seed=number, size=(65, 65))
    assert read_image_folder(tmp_path).shape == (1, 32, 32)


@pytest.mark.parametrize(
    ("mode", "ending", "grey"),
    [("1", "png", True), ("L", "png", True), ("LA", "png", True), ("P", "png", False),
     ("P", "gif", False), ("RGB", "bmp", False), ("RGBA", "png", False), ("CMYK", "jpg", False),
     ("L", "pgm", True), ("RGB", "webp", False), ("RGB", "tif", False)],
)  # fmt: skip
def test_kinds_of_pictures(tmp_path: Path, mode: str, ending: str, grey: bool) -> None:
    for name in ("a", "b"):
        for number in range(2):
            picture(tmp_path / name / f"{number}.{ending}", seed=number, mode=mode)
    data = read_image_folder(tmp_path)
    assert data.shape == (1 if grey else 3, 8, 10)
    assert data.train.images.float().std() > 10


def test_sixteen_bits_keep_their_upper_half(tmp_path: Path) -> None:
    pictures(tmp_path, 2)
    ramp = np.linspace(0, 65535, 80).astype(np.uint16).reshape(8, 10)
    Image.fromarray(ramp).save(tmp_path / "cat" / "0.png")
    data = read_image_folder(tmp_path)
    assert data.shape == (1, 8, 10)
    assert (data.train.images[0, 0].numpy() == (ramp >> 8)).all()


def test_photographs_stand_upright(tmp_path: Path) -> None:
    pictures(tmp_path, 2)
    lying = np.zeros((8, 10), np.uint8)
    lying[:, :5] = 255  # bright at the left
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: bright on top
    Image.fromarray(lying).save(tmp_path / "cat" / "0.png", exif=exif)
    found = read_image_folder(tmp_path, side=8).train.images[0, 0].float()
    assert found[:3].mean() > 200
    assert found[5:].mean() < 50


def test_the_size_of_photographs_is_that_of_upright_ones(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    for path in pictures(tmp_path, 3).glob("*/*.png"):
        Image.open(path).copy().save(path, exif=exif)
    assert read_image_folder(tmp_path).shape == (1, 10, 8)


def test_a_class_of_one_picture_trains(tmp_path: Path) -> None:
    pictures(tmp_path)
    picture(tmp_path / "rare" / "only.png", seed=99)
    task = Images(data=tmp_path, steps=1)
    held = task.data.validation
    assert task.data.classes == ("cat", "dog", "rare")
    assert held.labels[held.rows].tolist() == [0, 0, 1, 1]


HOSTILE = [
    "<script>alert(1)</script>",
    "a\nb",
    "  ",
    "$x$",
    "-rf",
    "日本",
    "a" * 200,
    "%s{}",
    "\u202eabc",
]


def test_hostile_names(tmp_path: Path) -> None:
    for name in HOSTILE:
        if "/" not in name:
            pictures(tmp_path, 2, (name,))
    pictures(tmp_path / "<b>", 2, ("script",))
    data = Images(data=tmp_path).data
    assert len(data.classes) == len(HOSTILE)
    assert all(name.isprintable() for name in data.classes)
    assert "a\ufffdb" in data.classes


def test_names_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    try:
        pictures(tmp_path, 3, (name, "tea"))
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    data = Images(data=tmp_path).data
    assert data.classes == ("caf\ufffd", "tea")
    "".join(data.classes).encode()
    (tmp_path / name / "0.png").write_bytes(b"damaged")
    with pytest.raises(CamberError, match="cannot be read as a picture") as refusal:
        Images(data=tmp_path)
    str(refusal.value).encode()


def damaged(folder: Path) -> dict[str, bytes]:
    whole = picture(folder / "whole.png", size=(40, 40)).read_bytes()
    jpeg = picture(folder / "whole.jpg", size=(40, 40)).read_bytes()
    return {
        "empty.png": b"",
        "text.jpg": b"hello, I am no picture",
        "cut.png": whole[:-200],
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "head.png": whole[:20],
        "program.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
        "flipped.png": whole[:60] + bytes(255 - byte for byte in whole[60:90]) + whole[90:],
    }


@pytest.mark.parametrize(
    "name",
    ["empty.png", "text.jpg", "cut.png", "cut.jpg", "head.png", "flipped.png", "program.png"],
)
def test_unreadable_pictures_are_named(tmp_path: Path, name: str) -> None:
    pictures(tmp_path / "data", 3)
    path = tmp_path / "data" / "cat" / name
    path.write_bytes(damaged(tmp_path)[name])
    with pytest.raises(CamberError, match="cannot be read as a picture") as refusal:
        Images(data=tmp_path / "data")
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_random_damage_never_escapes(tmp_path: Path) -> None:
    pictures(tmp_path / "data", 2)
    generator = np.random.default_rng(0)
    for ending in ("png", "jpg", "gif", "bmp", "tif", "webp", "pgm"):
        whole = picture(tmp_path / f"x.{ending}", mode="L").read_bytes()
        for _ in range(20):
            content = bytearray(whole)
            for place in generator.integers(0, len(content), 3):
                content[place] = generator.integers(0, 256)
            (tmp_path / "data" / "cat" / "0.png").write_bytes(content)
            with contextlib.suppress(CamberError):  # anything else is a failure
                read_image_folder(tmp_path / "data")


def test_huge_pictures_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    pictures(tmp_path, 3)
    content = bytearray(picture(tmp_path / "cat" / "0.png").read_bytes())
    content[16:24] = (60_000).to_bytes(4, "big") * 2  # the size in the header
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "cat" / "0.png").write_bytes(content)
    with pytest.raises(CamberError, match=r"pixels|bomb"):
        Images(data=tmp_path)


def test_all_together_may_not_be_huge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camber.tasks.image_folder._LARGEST", 1000)
    with pytest.raises(CamberError, match="give a smaller size"):
        read_image_folder(pictures(tmp_path), side=9)


def test_layouts_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(CamberError, match=r"holds neither idx files .* nor folders of pictures"):
        Images(data=tmp_path)
    picture(tmp_path / "loose.png")
    with pytest.raises(CamberError, match="holds neither"):
        Images(data=tmp_path)
    pictures(tmp_path, 3, ("cat",))
    with pytest.raises(CamberError, match=r"holds pictures in 1 of its folders"):
        Images(data=tmp_path)
    pictures(tmp_path, 1)
    (tmp_path / "cat" / "1.png").unlink()
    (tmp_path / "cat" / "2.png").unlink()
    with pytest.raises(CamberError, match="no image for the validation part"):
        Images(data=tmp_path)
    pictures(tmp_path / "train", 3)
    picture(tmp_path / "val" / "cow" / "1.png")
    with pytest.raises(CamberError, match=r"the class cow, which .* has not"):
        Images(data=tmp_path)


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    pictures(tmp_path, 3)
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    with pytest.raises(CamberError, match="not a plain file"):
        Images(data=tmp_path)
    (tmp_path / "cat" / "pipe.png").unlink()
    (tmp_path / "cat" / "gone.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CamberError, match="cannot be read"):
        Images(data=tmp_path)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, 3)
    monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'camber\[tasks\]'"):
        Images(data=tmp_path)


def test_sizes_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(CamberError, match="size must be at least 1 and at most 1024"):
        Images(data=tmp_path, size=0)
    with pytest.raises(DtypeError, match="size must be a whole number"):
        Images(data=tmp_path, size="big")
    with pytest.raises(CamberError, match="colour is 'grey' or 'rgb', but got 'blue'"):
        Images(data=tmp_path, colour="blue")


def test_names_for_print() -> None:
    assert shown("plain name.png") == "plain name.png"
    assert shown("a\tb\x1b[31m") == "a\ufffdb\ufffd[31m"
    assert io.StringIO().write(shown("\udce9")) == 1
