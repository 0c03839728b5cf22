"""A finished comparison, read again from its run directory: nothing trains, nothing is timed."""

from __future__ import annotations

import os
from pathlib import Path

from camber.compare.comparison import Comparison
from camber.compare.outcomes import Finished
from camber.compare.procedure import conclude
from camber.compare.request import Request, stored_request
from camber.errors import RunError
from camber.train.plain_json import digest_of
from camber.train.run_directory import described, stored_record


def read(directory: str | os.PathLike[str]) -> Comparison:
    """Return the comparison that was run in ``directory``.

    Neither the task's data nor the machine it ran on are needed: the directory may have been
    copied from elsewhere.

    Raises:
        RunError: there is no comparison, it is not finished (the sentence says how many runs are
            missing), or a file is damaged.
        CamberError: every entry has a run that diverged.

    Example:
        >>> import tempfile
        >>> from camber.compare import run
        >>> tiny = {"steps": 2, "warmup_steps": 1, "batch": 2, "context": 8, "width": 8}
        >>> with tempfile.TemporaryDirectory() as place:
        ...     made = run(["relu", "gelu"], preset="quick", seeds=2, settings=tiny,
        ...                directory=place, executor="inline", report=False)
        ...     read(place).to_dict() == made.to_dict()
        True
    """
    path = Path(directory)
    return conclude(request := asked_in(path), path, Finished(request, path))


def asked_in(path: Path) -> Request:
    """Return the request that stands in a comparison's directory.

    Raises:
        RunError: it is no comparison's directory, or a file in it is damaged.
    """
    record = stored_record(path)
    if record is None:
        raise RunError(
            f"{path} holds no comparison (there is no study.toml in it): give the directory that "
            "camber compare names when it starts, such as runs/compare-0123456789ab"
        )
    config = record["config"]
    if not isinstance(config, dict) or config.get("kind") != "comparison":
        raise RunError(f"{path} holds {described(config)}, no comparison: give another directory")
    request = stored_request(path)
    if request is None:
        raise RunError(
            f"{path} has no request.json, which says what was compared: "
            "give the comparison's own command again, which writes it"
        )
    if digest_of(request.identity) != record["digest"]:
        raise RunError(
            f"{path / 'request.json'} and study.toml tell of different comparisons: "
            "give the comparison's own command again, which writes the first anew"
        )
    return request
