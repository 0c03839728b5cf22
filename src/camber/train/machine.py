"""On what a result was obtained: versions and machine, without names of people or hosts."""

import os
import platform
import sys
from importlib import metadata

import camber


def environment() -> dict[str, object]:
    """Return versions and machine facts for reports.

    No host name, user name or path is in it, so a report can be published as it is.

    Returns:
        ``camber``, ``python``, ``torch``, ``numpy`` versions; ``platform`` (system and release),
        ``machine`` (architecture), ``processor`` (its model name where the system tells);
        ``cpus`` usable by this process; ``threads`` torch would use; ``gpu`` (name, or None).

    Example:
        >>> environment()["camber"] == camber.__version__
        True
    """
    import torch  # here, so that workers without torch stay light

    return {
        "camber": camber.__version__,
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
    """Return how many processors this process may use (containers and ``taskset`` included)."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str | None:
    """Return the processor's model name, None where the system does not tell it simply."""
    if sys.platform == "linux":
        try:
            with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
                for line in lines:
                    if line.lower().startswith("model name"):
                        return line.partition(":")[2].strip() or None
        except OSError:
            return None
        return None
    return platform.processor() or None
