"""The machine and the versions behind a measurement, as plain JSON values."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import torch

from camber.fast.native.toolchain import BuildError, find_compiler


def machine() -> dict[str, object]:
    """Processor, cores, vector width, and how the system hands out memory."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()} {platform.release()}",
        "huge_pages": _huge_pages(),
    }


def versions() -> dict[str, str]:
    """Versions of what produced a measurement; the compiler's is the reason where there is none."""
    try:
        compiler = find_compiler().version
    except BuildError as error:
        compiler = f"none: {error}"
    return {
        "camber": metadata.version("camber"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "compiler": compiler,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _huge_pages() -> str:
    """The system's setting for transparent huge pages: always, madvise, never or unknown."""
    path = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    return text.partition("[")[2].partition("]")[0] or "unknown"
