"""Job functions that worker processes import; they need no torch."""

import os
import signal
import sys
import time
from collections.abc import Mapping

from camber.errors import CamberError
from camber.train import Job, Workplace


def square(job: Job, place: Workplace) -> Mapping[str, object]:
    n = job.config["n"]
    assert isinstance(n, int)
    place.report(n=n)
    sys.stdout.write(f"working on {n}\n")
    return {"square": n * n, "torch": "torch" in sys.modules}


def environment_seen(job: Job, place: Workplace) -> Mapping[str, object]:
    return {"threads": os.environ["OMP_NUM_THREADS"], "pid": os.getpid()}


def torch_threads(job: Job, place: Workplace) -> Mapping[str, object]:
    import torch

    return {"threads": torch.get_num_threads()}


def refuse(job: Job, place: Workplace) -> Mapping[str, object]:
    if job.config["n"] == 1:
        raise CamberError("one is not allowed: give two")
    return {}


def stumble(job: Job, place: Workplace) -> Mapping[str, object]:
    if job.config["n"] == 1:
        raise ZeroDivisionError("a mistake")
    return {}


def die(job: Job, place: Workplace) -> Mapping[str, object]:
    """End the worker as the out-of-memory killer does: always, or the first time only."""
    marker = place.directory / "died"
    if job.config["n"] == 1 and (job.config["always"] or not marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"n": job.config["n"]}


def sleep(job: Job, place: Workplace) -> Mapping[str, object]:
    seconds = job.config["seconds"]
    assert isinstance(seconds, int | float)
    (place.directory / "pid").write_text(str(os.getpid()))
    time.sleep(seconds)
    return {"slept": seconds}


def token(job: Job, place: Workplace) -> Mapping[str, object]:
    """Return something that a second run of the job would not return."""
    time.sleep(0.03)
    return {"token": os.urandom(8).hex()}


def many_fates(job: Job, place: Workplace) -> Mapping[str, object]:
    """End the worker once for 1 and always for 2; square the others."""
    n = job.config["n"]
    assert isinstance(n, int)
    place.report(step=1)
    sys.stdout.write(f"working on {n}\n")
    marker = place.directory / "died"
    if n == 2 or (n == 1 and not marker.exists()):
        marker.touch()
        time.sleep(0.6)  # whoever watches files has to see that it began
        os.kill(os.getpid(), signal.SIGKILL)
    return {"square": n * n}


def advance(job: Job, place: Workplace) -> Mapping[str, object]:
    """Keep one more step on each attempt, and be killed after it as often as the job says."""
    deaths = job.config["deaths"]
    assert isinstance(deaths, int)
    kept = place.directory / "step"
    step = 1 + (int(kept.read_text()) if kept.exists() else 0)
    place.report(step=step)
    kept.write_text(str(step))
    if step <= deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"step": step}


def mark(job: Job, place: Workplace) -> Mapping[str, object]:
    """Note each attempt in a file: a token, and whether an outcome stood already."""
    attempt = os.urandom(8).hex()
    stood = (place.directory / "outcome.json").exists()
    with (place.directory / "attempts").open("a") as attempts:
        attempts.write(f"{attempt} {stood}\n")
    seconds = job.config["seconds"]
    assert isinstance(seconds, float)
    time.sleep(seconds)
    return {"token": attempt, "twice": 2 * job.seed}
