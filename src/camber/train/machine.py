"""On what a result was obtained: versions and machine, without names of people or hosts."""

import math
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

from camber._version import __version__


def environment() -> dict[str, object]:
    """Return versions and machine facts for reports.

    No host name, user name or path is in it, so a report can be published as it is.

    Returns:
        ``camber``, ``python``, ``torch``, ``numpy`` versions; ``platform`` (system and release),
        ``machine`` (architecture), ``processor`` (its model name where the system tells);
        ``cpus`` usable by this process; ``threads`` torch would use; ``gpu`` (name, or None).

    Example:
        >>> environment()["camber"] == __version__
        True
    """
    import torch  # here, so that workers without torch stay light

    return {
        "camber": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": metadata.version("numpy"),
        "platform": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": processor(),
        "cpus": usable_cpus(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def usable_cpus() -> int:
    """Return how many processors this process may use, at least 1.

    ``taskset`` and, on Linux, the quota of a container (cgroup v2) are respected: a container
    with 2 of a machine's 64 processors gets 2 workers, not 64.
    """
    if sys.platform != "linux":
        return os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(allowed, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup v2, or the quota is "max"
        return allowed


def processor() -> str | None:
    """Return the processor's model name, None where the system does not tell it simply."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return None
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        return next(names, "") or None
    return platform.processor() or None
