"""Bytes to learn from: where they are read, how they are split, and the hash that names them.

The default corpus is the source text of the Python standard library on the user's own machine
(the ``*.py`` files beside ``os.py``): real text, some megabytes, nothing to download.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from camber.errors import CamberError
from camber.tasks.settings import given_path

#: ``files``: whole files go to validation, chosen by the hash of their names. ``tail``: the end of
#: the concatenated text does.
SplitRule: TypeAlias = Literal["files", "tail"]

#: Share of the bytes that goes to validation: at least the first, and at most the second.
VALIDATION_SHARE = (0.05, 0.10)


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """A text as bytes in two parts.

    Args:
        train, validation: uint8 tensors of shape (bytes,).
        source: where the text was read, for a report.
        files: how many files it came from.
        rule: how it was split.
        sha256: hash over every file's name, length and content, in order, and over the rule:
            results compare only where it agrees.
    """

    train: Tensor
    validation: Tensor
    source: str
    files: int
    rule: SplitRule
    sha256: str

    def part(self, split: str) -> Tensor:
        """The bytes of "train" or "validation"."""
        if split not in ("train", "validation"):
            raise CamberError(f"a split is 'train' or 'validation', but got {split!r}")
        return self.train if split == "train" else self.validation

    def describe(self) -> dict[str, str | int]:
        """Plain values for a report."""
        return {
            "source": self.source,
            "files": self.files,
            "split": self.rule,
            "train_bytes": self.train.numel(),
            "validation_bytes": self.validation.numel(),
            "corpus_sha256": self.sha256,
        }


def read_corpus(
    text: str | os.PathLike[str] | None = None,
    *,
    rule: SplitRule | None = None,
    smallest: int = 2_000,
) -> Corpus:
    """Read a text and split it.

    Args:
        text: a UTF-8 file; a folder, read recursively, hidden names skipped; or a pattern such as
            ``notes/*.txt``. None reads the standard library's own source.
        rule: how to split; "files" unless given, but "tail" where there are fewer than ten files.
        smallest: fewest bytes that will do.

    Raises:
        CamberError: for a path that does not exist, a file that is empty or not text, or too
            little text; the sentence names the file.

    Example:
        >>> corpus = read_corpus()
        >>> 0.05 < len(corpus.validation) / (len(corpus.train) + len(corpus.validation)) <= 0.1
        True
    """
    source, named = (
        _standard_library() if text is None else _named_files(given_path("the text", text))
    )
    contents = {name: _read_text(path) for name, path in named.items()}
    total = sum(map(len, contents.values()))
    if total < smallest:
        raise CamberError(
            f"{source} holds {total} bytes of text, but at least {smallest} are needed; "
            f"give a longer text"
        )
    if rule is None:
        rule = "files" if len(contents) >= 10 else "tail"
    held_out = _held_out({name: len(content) for name, content in contents.items()}, total)
    if rule == "files" and held_out:
        train = b"".join(content for name, content in contents.items() if name not in held_out)
        validation = b"".join(content for name, content in contents.items() if name in held_out)
    else:
        rule = "tail"
        joined = b"".join(contents.values())
        cut = total - max(1, round(total * VALIDATION_SHARE[0]))
        train, validation = joined[:cut], joined[cut:]
    digest = hashlib.sha256(f"{rule}\0".encode())
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return Corpus(
        train=_to_tensor(train),
        validation=_to_tensor(validation),
        source=source,
        files=len(contents),
        rule=rule,
        sha256=digest.hexdigest(),
    )


def _held_out(sizes: dict[str, int], total: int) -> frozenset[str]:
    """Names for validation: in order of hash until they hold 5 %, skipping what would pass 10 %.

    The order depends on names alone, so editing a file never moves it to the other part, and a new
    file moves few others.
    """
    least, most = (share * total for share in VALIDATION_SHARE)
    chosen: set[str] = set()
    held = 0
    for name in sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if held >= least:
            break
        if held + sizes[name] <= most:
            chosen.add(name)
            held += sizes[name]
    return frozenset(chosen)


def _standard_library() -> tuple[str, dict[str, Path]]:
    folder = Path(os.__file__).parent
    files = sorted(path for path in folder.glob("*.py") if path.is_file())
    if not files:
        raise CamberError(
            f"the standard library's source is not at {folder} (a frozen or zipped Python); "
            f"give a text file of your own"
        )
    # An empty module is no fault of the user's.
    return f"Python standard library, {folder}", {
        path.name: path for path in files if path.stat().st_size
    }


def _named_files(text: Path) -> tuple[str, dict[str, Path]]:
    if text.is_file():
        return str(text), {text.name: text}
    if text.is_dir():
        root, found = text, text.rglob("*")
    elif any(character in text.name for character in "*?["):
        root, found = text.parent, text.parent.glob(text.name)
    else:
        raise CamberError(f"there is no text at {text}; give a file, a folder or a pattern")
    files = {
        path.relative_to(root).as_posix(): path
        for path in found
        if path.is_file()
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(root).parts)
    }
    if not files:
        raise CamberError(f"there are no files in {text}; give a file or a folder with text in it")
    return str(text), dict(sorted(files.items()))


def _read_text(path: Path) -> bytes:
    """The bytes of one file, once it is certain that they are text."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CamberError(f"{path} cannot be read: {error.strerror or error}") from error
    if not content:
        raise CamberError(f"{path} is empty; give a file with text in it, or leave it out")
    remedy = "give a text file, or a pattern such as folder/*.txt that leaves it out"
    if b"\0" in content:
        raise CamberError(
            f"{path} is a binary file (a zero byte at {content.index(0)}), not text; {remedy}"
        )
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CamberError(
            f"{path} is not UTF-8 text (byte {content[error.start]:#04x} at {error.start}); "
            f"{remedy}, or convert it to UTF-8"
        ) from error
    return content


def _to_tensor(content: bytes) -> Tensor:
    # bytearray: torch wants memory it may write to
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)
