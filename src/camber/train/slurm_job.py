"""A job inside Slurm: what runs on the machine that Slurm chose.

submitit pickles one :class:`SlurmJob`, which is plain data; whoever submitted it learns what it
does from files in the job's own directory: the outcome, and ``.progress.json``, the last progress
report, replaced every second or so while the job runs.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from camber.errors import CamberError
from camber.train.atomic import make_directory
from camber.train.elsewhere import Reports, carry_out, prepare
from camber.train.job import Job

#: Seconds between progress reports of one job: each is a small file on a shared disk.
REPORT_EVERY: Final = 1.0


@dataclass(frozen=True)
class SlurmJob:
    """One job on its way through Slurm: called there, it returns the message about it.

    Args:
        start: as :func:`camber.train.elsewhere.start_order` makes it.
        order: as :func:`camber.train.elsewhere.job_order` makes it; it has a directory.
    """

    start: Mapping[str, object]
    order: Mapping[str, object]

    def __call__(self) -> dict[str, object]:
        """Do the job, or return what stands of it."""
        folder = Path(str(self.order["directory"])) / Job.from_dict(self.order["job"]).short
        try:
            make_directory(folder)
            function = prepare(self.start)
            return carry_out(function, self.order, Reports(_writer(folder), REPORT_EVERY))
        except CamberError as error:
            return {"kind": "broken", "error": str(error)}

    def checkpoint(self) -> Any:
        """Return what submitit shall run after a time limit or a preemption: the same again.

        What the job keeps for itself (its checkpoints) lies in its directory.
        """
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(SlurmJob(self.start, self.order))


def last_report(folder: Path) -> Mapping[str, object] | None:
    """Return the last progress report of the job whose directory is ``folder``; None if none."""
    try:
        found = json.loads((folder / ".progress.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, or a network disk shows it half replaced
        return None
    return found if isinstance(found, dict) else None


def _writer(folder: Path) -> Callable[[dict[str, object]], None]:
    """Return what writes a report; the first goes out before any report, so as to say: started."""

    def write(fields: dict[str, object]) -> None:
        # Nothing depends on it, so it is not flushed to the disk and may fail.
        with contextlib.suppress(OSError):
            temporary = folder / ".progress.json.tmp"
            temporary.write_text(json.dumps(fields), encoding="utf-8")
            temporary.replace(folder / ".progress.json")

    write({})
    return write
