"""Fitting, checkpoints, run directories, executors, claims and studies.

Names are imported on first use: a worker process whose job needs no torch never loads it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from camber.train.claims import COLUMNS, Claim, Verdict, claims_table
    from camber.train.executors import EXECUTORS, Executor, InlineExecutor, executor
    from camber.train.job import Event, EventSink, Job, JobFunction, Outcome, Workplace
    from camber.train.job_runner import run_jobs
    from camber.train.machine import environment
    from camber.train.processes import ProcessExecutor
    from camber.train.run_directory import RunDirectory
    from camber.train.toml_records import from_toml, to_toml

#: Public name -> the module it lives in.
_HOMES: Final = {
    "COLUMNS": "claims",
    "EXECUTORS": "executors",
    "Claim": "claims",
    "Event": "job",
    "EventSink": "job",
    "Executor": "executors",
    "InlineExecutor": "executors",
    "Job": "job",
    "JobFunction": "job",
    "Outcome": "job",
    "ProcessExecutor": "processes",
    "RunDirectory": "run_directory",
    "Verdict": "claims",
    "Workplace": "job",
    "claims_table": "claims",
    "environment": "machine",
    "executor": "executors",
    "from_toml": "toml_records",
    "run_jobs": "job_runner",
    "to_toml": "toml_records",
}

__all__ = [
    "COLUMNS",
    "EXECUTORS",
    "Claim",
    "Event",
    "EventSink",
    "Executor",
    "InlineExecutor",
    "Job",
    "JobFunction",
    "Outcome",
    "ProcessExecutor",
    "RunDirectory",
    "Verdict",
    "Workplace",
    "claims_table",
    "environment",
    "executor",
    "from_toml",
    "run_jobs",
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
