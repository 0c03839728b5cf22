"""Fitting, checkpoints, run directories, executors, claims and studies.

Names are imported on first use: a worker process whose job needs no torch never loads it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from camber.train.claims import COLUMNS, Claim, Verdict, claims_table
    from camber.train.job import Event, EventSink, Job, JobFunction, Outcome, Workplace
    from camber.train.machine import environment
    from camber.train.run_directory import RunDirectory
    from camber.train.toml_records import from_toml, to_toml

_HOMES: Final = {
    "COLUMNS": "claims",
    "Claim": "claims",
    "Event": "job",
    "EventSink": "job",
    "Job": "job",
    "JobFunction": "job",
    "Outcome": "job",
    "RunDirectory": "run_directory",
    "Verdict": "claims",
    "Workplace": "job",
    "claims_table": "claims",
    "environment": "machine",
    "from_toml": "toml_records",
    "to_toml": "toml_records",
}

__all__ = [
    "COLUMNS",
    "Claim",
    "Event",
    "EventSink",
    "Job",
    "JobFunction",
    "Outcome",
    "RunDirectory",
    "Verdict",
    "Workplace",
    "claims_table",
    "environment",
    "from_toml",
    "to_toml",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'camber.train' has no attribute {name!r}")
    module = importlib.import_module(f"camber.train.{_HOMES[name]}")
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
