"""The command line that repeats a comparison, and resumes it if it was cut short."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from camber.compare.request import Request

#: Options of tasks that the command line spells with a word of their own.
_WORDS: Final = {
    "preset": "--preset", "text": "--text", "data": "--data", "model": "--model",
}  # fmt: skip


def command(request: Request, directory: str | None = None) -> str:
    """Return the words to type in the folder where the comparison was started.

    Args:
        request: what was asked.
        directory: where the runs lie; None where the name follows from the content.
    """
    entries = [entry.written for entry in request.entries]
    task, given = request.facts.name, dict(request.options)
    options: list[str] = []
    if task == "hf":
        options += ["--model", f"hf:{_path(given.pop('checkpoint', ''))}"]
    elif task != "charlm":
        options += ["--task", task]
    for key, word in _WORDS.items():
        if (value := given.pop(key, None)) is not None:
            options += [word, _path(value) if key in ("text", "data") else str(value)]
        if key == "preset":
            options += ["--seeds", str(request.seeds)]
            if request.max_seeds is not None:
                options += ["--max-seeds", str(request.max_seeds)]
    for key, value in given.items():
        options += ["--set", f"{key}={value}"]
    options += ["--tune"] if request.tune else []
    options += ["--equal", request.equal] if request.equal != "tokens" else []
    options += ["--device", request.config.device] if request.config.device != "cpu" else []
    options += ["--directory", directory] if directory is not None else []
    if any(entry.startswith("-") for entry in entries):  # options must stand before a bare --
        return shlex.join(["camber", "compare", *options, "--", *entries])
    return shlex.join(["camber", "compare", *entries, *options])


def _path(value: object) -> str:
    """A path below the current folder is written from there, as the user would."""
    path = Path(str(value))
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(value)
