"""Reading text: what is taken, how it is split, and each thing that is refused."""

import hashlib
import os
from pathlib import Path

import pytest

from camber.errors import CamberError
from camber.tasks import read_corpus

TEXT = "The quick brown fox jumps over the lazy dog; naïve café.\n" * 100


def write_folder(folder: Path, count: int = 30) -> Path:
    for index in range(count):
        (folder / f"part_{index:02}.txt").write_text(f"{index} " + TEXT, encoding="utf-8")
    return folder


def test_the_standard_library() -> None:
    corpus = read_corpus()
    total = len(corpus.train) + len(corpus.validation)
    assert total > 1_000_000
    assert 0.05 <= len(corpus.validation) / total <= 0.10
    folder = Path(os.__file__).parent
    files = [path for path in sorted(folder.glob("*.py")) if path.stat().st_size]
    assert corpus.files == len(files)
    assert total == sum(path.stat().st_size for path in files)
    # the hash by its definition, written out again
    digest = hashlib.sha256(b"files\0")
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    assert corpus.sha256 == digest.hexdigest()
    assert corpus.describe()["corpus_sha256"] == corpus.sha256


def test_whole_files_are_held_out_by_the_hash_of_their_names(tmp_path: Path) -> None:
    corpus = read_corpus(write_folder(tmp_path))
    assert corpus.rule == "files"
    order = sorted(tmp_path.iterdir(), key=lambda p: hashlib.sha256(p.name.encode()).digest())
    expected = b"".join(path.read_bytes() for path in sorted(order[:2]))  # 2 of 30: 6.7 %
    assert bytes(corpus.validation.tolist()) == expected
    # an edit moves no file to the other part
    order[5].write_text("edited\n" + TEXT)
    assert bytes(read_corpus(tmp_path).validation.tolist()) == expected


def test_a_huge_file_is_not_held_out(tmp_path: Path) -> None:
    write_folder(tmp_path)
    first = min(tmp_path.iterdir(), key=lambda p: hashlib.sha256(p.name.encode()).digest())
    first.write_text(TEXT * 40)
    corpus = read_corpus(tmp_path)
    share = len(corpus.validation) / (len(corpus.train) + len(corpus.validation))
    assert 0.05 <= share <= 0.10


def test_one_file_is_split_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(TEXT, encoding="utf-8")
    corpus = read_corpus(path)
    assert corpus.rule == "tail"
    assert bytes(corpus.train.tolist()) + bytes(corpus.validation.tolist()) == path.read_bytes()
    assert len(corpus.validation) == round(0.05 * len(path.read_bytes()))
    assert corpus.part("train") is corpus.train


def test_the_hash_names_content_names_and_rule(tmp_path: Path) -> None:
    write_folder(tmp_path)
    before = read_corpus(tmp_path).sha256
    assert read_corpus(tmp_path).sha256 == before
    assert read_corpus(tmp_path, rule="tail").sha256 != before
    (tmp_path / "part_03.txt").rename(tmp_path / "part_99.txt")
    assert read_corpus(tmp_path).sha256 != before


def test_patterns_and_hidden_files(tmp_path: Path) -> None:
    write_folder(tmp_path, 12)
    (tmp_path / "image.bin").write_bytes(b"\0\1\2")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_bytes(b"\0")
    assert read_corpus(tmp_path / "*.txt").files == 12
    with pytest.raises(CamberError, match=r"image\.bin is a binary file"):
        read_corpus(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"too short", "holds 9 bytes of text, but at least 2000"),
        (b"abc\0def" * 1000, r"binary file \(a zero byte at 3\)"),
        (b"caf\xe9 " * 1000, r"not UTF-8 text \(byte 0xe9 at 3\)"),
    ],
)
def test_unusable_files(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(CamberError, match=words) as caught:
        read_corpus(path)
    assert "mine.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(CamberError, match="no text at"):
        read_corpus(tmp_path / "nowhere.txt")
    with pytest.raises(CamberError, match="no files in"):
        read_corpus(tmp_path)
    with pytest.raises(CamberError, match="no files in"):
        read_corpus(tmp_path / "*.md")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(TEXT)
    path.chmod(0)
    with pytest.raises(CamberError, match="cannot be read"):
        read_corpus(path)


def test_an_unknown_part() -> None:
    with pytest.raises(CamberError, match="'train' or 'validation'"):
        read_corpus().part("test")
