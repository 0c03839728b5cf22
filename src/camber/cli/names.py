"""The names that shells complete, found without torch.

A shell asks at every press of the tab key, so nothing may be imported that takes time: what
registers itself on import is read from the source of the package instead, by the few forms in
which it is written there. A test holds what is found here to what is registered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]

PRESETS: Final = ("default", "quick", "paper", "d256")
MODELS: Final = ("dense", "moe", "mlp", "resnet", "vit", "hf:")
SIZES: Final = ("tiny", "smoke", "full")
DEVICES: Final = ("cpu", "cuda", "mps")
KINDS: Final = ("pointwise", "gated", "along", "normed")
EXECUTORS: Final = ("processes", "inline", "ray", "slurm")
BUDGETS: Final = ("tokens", "time")
DTYPES: Final = ("float32", "float64", "bfloat16", "float16")
PEERS: Final = ("auto", "compile", "fused", "formula", "torch.compile")

_REGISTERED: Final = re.compile(r'^@?register\(\s*"(\w+)"', re.MULTILINE)
_ALIASES: Final = re.compile(r"\baliases=\(([^)]*)\)")
_LOOP: Final = re.compile(r"^for _name, .* in (\w+)\.items\(\):\n    register\(", re.MULTILINE)
_QUOTED: Final = re.compile(r'"(\w+)"')
_TASK: Final = re.compile(r'^    name(?:: [^=]+)? = "(\w+)"', re.MULTILINE)
_IMPORTED: Final = re.compile(r"^from camber\.tasks\.(\w+) import (\w+)$", re.MULTILINE)
_TABLE: Final = re.compile(r"for made in \(([^)]*)\)")
_STUDY: Final = re.compile(r'register_study\(\s*Study\(\s*name="([^"]+)"')


def activation_names() -> list[str]:
    """Return every registered name and alias, sorted."""
    found: set[str] = set()
    for text in _sources("activations"):
        found.update(_REGISTERED.findall(text))
        for aliases in _ALIASES.findall(text):
            found.update(_QUOTED.findall(aliases))
        for table in _LOOP.findall(text):
            body = re.search(rf"^{table} = {{\n(.*?)^}}", text, re.MULTILINE | re.DOTALL)
            if body:
                found.update(re.findall(r'^    "(\w+)":', body[1], re.MULTILINE))
    return sorted(found)


def task_names() -> list[str]:
    """Return the names of the shipped tasks, sorted."""
    found: set[str] = set()
    for registry in _sources("tasks", "registry.py"):
        homes = {made: module for module, made in _IMPORTED.findall(registry)}
        for made in re.findall(r"\w+", "".join(_TABLE.findall(registry))):
            for text in _sources("tasks", f"{homes.get(made)}.py"):
                found.update(_TASK.findall(text.partition(f"\nclass {made}")[2])[:1])
    return sorted(found)


def study_names() -> list[str]:
    """Return the names of the shipped studies, sorted."""
    return sorted({name for text in _sources("studies") for name in _STUDY.findall(text)})


def _sources(package: str, pattern: str = "*.py") -> Iterator[str]:
    for path in sorted((_PACKAGE / package).glob(pattern)):
        try:
            yield path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):  # a shell shows no errors
            continue


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    return [name for name in names if name.startswith(begun)]


# -- what typer calls, with the word as far as it is typed ---------------------------------------


def entries(incomplete: str) -> list[str]:
    """Complete the name of an activation."""
    return _beginning(activation_names(), incomplete)


def entry_list(incomplete: str) -> list[str]:
    """Complete the last of several names with commas between them."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in entries(last)]


def tasks(incomplete: str) -> list[str]:
    """Complete the name of a task."""
    return _beginning(task_names(), incomplete)


def studies(incomplete: str) -> list[str]:
    """Complete the name of a study."""
    return _beginning(study_names(), incomplete)


def presets(incomplete: str) -> list[str]:
    """Complete a preset."""
    return _beginning(PRESETS, incomplete)


def models(incomplete: str) -> list[str]:
    """Complete a model of a task."""
    return _beginning(MODELS, incomplete)


def sizes(incomplete: str) -> list[str]:
    """Complete the size of a study."""
    return _beginning(SIZES, incomplete)


def devices(incomplete: str) -> list[str]:
    """Complete a device."""
    return _beginning(DEVICES, incomplete)


def kinds(incomplete: str) -> list[str]:
    """Complete the kind of an activation."""
    return _beginning(KINDS, incomplete)


def executors(incomplete: str) -> list[str]:
    """Complete the name of an executor."""
    return _beginning(EXECUTORS, incomplete)


def budgets(incomplete: str) -> list[str]:
    """Complete what the entries of a comparison share."""
    return _beginning(BUDGETS, incomplete)


def dtypes(incomplete: str) -> list[str]:
    """Complete a floating-point type."""
    return _beginning(DTYPES, incomplete)


def peers(incomplete: str) -> list[str]:
    """Complete the last of several ways to compute with commas between them."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(PEERS, last)]
