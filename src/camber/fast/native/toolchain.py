"""Find the C compiler of this machine, build a kernel with it once, and load it.

A kernel is one C file of a few dozen lines; it compiles in about a third of a second, is kept in
a private cache directory under a name that covers everything the machine code depends on, and is
loaded with ctypes. Nothing here is needed for a right answer: without a compiler the row-blocked
eager bodies run instead.

Environment: ``CAMBER_CC`` names the compiler (``CAMBER_CC=none`` switches kernels off),
``CAMBER_CACHE`` the cache directory (default ``$XDG_CACHE_HOME/camber`` or ``~/.cache/camber``).
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

#: ``-ffast-math`` stays out: NaN, infinities and signed zeros mean what they mean in PyTorch.
FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-fopenmp")
TIMEOUT_SECONDS = 120


class BuildError(Exception):
    """A kernel that could not be built or loaded; the message is one sentence of reason."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler: its path, its ``--version`` line and the flag that targets this processor."""

    path: str
    version: str
    target: str


def _cache_directory() -> Path:
    """The private directory of built kernels, or a temporary one where none can be written."""
    named = os.environ.get("CAMBER_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        directory = Path(named) if named else Path(base).expanduser() / "camber"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = directory.stat()
        # A library from a directory that others may write is not ours to load.
        if (owner.st_uid == os.getuid() and not owner.st_mode & 0o022) and os.access(
            directory, os.W_OK
        ):
            return directory
    except (OSError, RuntimeError):  # RuntimeError: there is no home directory
        pass
    return Path(_temporary_directory().name)


@functools.cache
def _temporary_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="camber-", ignore_cleanup_errors=True)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(f"the C compiler {command[0]!r} did not run: {error}") from error


@functools.cache
def _describe(path: str) -> Compiler:
    version = _run([path, "--version"])
    if version.returncode != 0:
        raise BuildError(f"the C compiler {path!r} does not answer to --version")
    arm = platform.machine().lower() in {"arm64", "aarch64"}
    return Compiler(
        path, version.stdout.splitlines()[0], "-mcpu=native" if arm else "-march=native"
    )


def find_compiler() -> Compiler:
    """Return the C compiler of this machine, or raise :class:`BuildError` with the reason."""
    wanted = os.environ.get("CAMBER_CC")
    if wanted == "none":
        raise BuildError("CAMBER_CC=none switches compiled kernels off")
    if sys.platform not in {"linux", "darwin"}:
        raise BuildError(f"compiled kernels are not supported on {sys.platform}")
    for candidate in [wanted] if wanted else ["cc", "gcc", "clang"]:
        path = shutil.which(candidate)
        if path is not None:
            return _describe(path)
    raise BuildError(f"no C compiler was found ({wanted or 'cc, gcc or clang on PATH'})")


@functools.cache
def _processor() -> str:
    """What ``-march=native`` depends on, so that a shared home directory serves many machines."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    first = text.split("\n\n", 1)[0]
    kept = ("model name", "flags", "Features", "CPU part", "cpu family", "model\t")
    return "\n".join(line for line in first.splitlines() if line.startswith(kept))


def _vector_math() -> str:
    return (resources.files(__package__) / "vector_math.h").read_text(encoding="utf-8")


def build(source: str) -> ctypes.CDLL:
    """Compile C ``source`` (after the vector mathematics) to a shared library and load it.

    Args:
        source: a C translation unit without includes.

    Returns:
        The loaded library.

    Raises:
        BuildError: no compiler, a compiler without OpenMP, or a library that does not load.
    """
    compiler = find_compiler()
    text = _vector_math() + source
    identity = "\0".join((text, compiler.version, compiler.target, *FLAGS, _processor()))
    name = hashlib.sha256(identity.encode()).hexdigest()[:32]
    directory = _cache_directory()
    library = directory / f"{name}.so"
    found = library.exists()
    if not found:
        _compile(compiler, text, library)
    try:
        return _load(library)
    except BuildError:
        if not found:
            raise
    # What lay in the cache is damaged: build it again.
    _compile(compiler, text, library)
    return _load(library)


def _load(library: Path) -> ctypes.CDLL:
    # torch is loaded already: the kernel's OpenMP calls bind to torch's own runtime, so that both
    # share one pool of threads.
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise BuildError(f"the compiled kernel did not load: {error}") from error


def _compile(compiler: Compiler, text: str, library: Path) -> None:
    """Write ``library`` in one atomic step, so that processes that race end with one whole file."""
    with tempfile.TemporaryDirectory(dir=library.parent, prefix="build-") as folder:
        source, object_file, built = (
            Path(folder) / part for part in ("kernel.c", "kernel.o", "kernel.so")
        )
        source.write_text(text, encoding="utf-8")
        commands = (
            [compiler.path, *FLAGS, compiler.target, "-c", str(source), "-o", str(object_file)],
            # Linked without -fopenmp on purpose: a second OpenMP runtime would mean a second pool.
            [compiler.path, "-shared", str(object_file), "-o", str(built), *_link_flags()],
        )
        for command in commands:
            outcome = _run(command)
            if outcome.returncode != 0:
                lines = outcome.stderr.strip().splitlines() or ["no message"]
                error = next((line for line in lines if "error" in line), lines[0])
                raise BuildError(f"{compiler.path} failed: {error}")
        built.replace(library)


def _link_flags() -> tuple[str, ...]:
    return ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-lm",)
