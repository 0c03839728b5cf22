"""Fitting, checkpoints, run directories, executors, claims and studies.

Names are imported on first use: a worker process whose job needs no torch never loads it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from camber.train.blame import find_culprit
    from camber.train.checkpoint import load_weights, save_checkpoint
    from camber.train.claims import COLUMNS, Claim, Verdict, claims_table
    from camber.train.executors import EXECUTORS, Executor, InlineExecutor, executor
    from camber.train.fit_config import FitConfig, FitResult, learning_rate_factor
    from camber.train.fit_loop import Callback, Fit
    from camber.train.fitting import fit
    from camber.train.job import Event, EventSink, Job, JobFunction, Outcome, Workplace
    from camber.train.job_runner import run_jobs
    from camber.train.machine import environment
    from camber.train.metering import Metering
    from camber.train.parameter_groups import optimizer_groups
    from camber.train.processes import ProcessExecutor
    from camber.train.ray_executor import RayExecutor
    from camber.train.run_directory import RunDirectory
    from camber.train.slurm_executor import SlurmExecutor
    from camber.train.study_definition import (
        SIZES,
        Findings,
        Size,
        Study,
        register_study,
        study,
        study_names,
    )
    from camber.train.study_report import study_html
    from camber.train.study_result import StudyResult, read_study
    from camber.train.study_run import run_study
    from camber.train.study_table import StudyTable
    from camber.train.toml_records import from_toml, to_toml

#: Public name -> the module it lives in.
_HOMES: Final = {
    "COLUMNS": "claims",
    "EXECUTORS": "executors",
    "SIZES": "study_definition",
    "Callback": "fit_loop",
    "Claim": "claims",
    "Event": "job",
    "EventSink": "job",
    "Executor": "executors",
    "Findings": "study_definition",
    "Fit": "fit_loop",
    "FitConfig": "fit_config",
    "FitResult": "fit_config",
    "InlineExecutor": "executors",
    "Job": "job",
    "JobFunction": "job",
    "Metering": "metering",
    "Outcome": "job",
    "ProcessExecutor": "processes",
    "RayExecutor": "ray_executor",
    "RunDirectory": "run_directory",
    "Size": "study_definition",
    "SlurmExecutor": "slurm_executor",
    "Study": "study_definition",
    "StudyResult": "study_result",
    "StudyTable": "study_table",
    "Verdict": "claims",
    "Workplace": "job",
    "claims_table": "claims",
    "environment": "machine",
    "executor": "executors",
    "find_culprit": "blame",
    "fit": "fitting",
    "from_toml": "toml_records",
    "learning_rate_factor": "fit_config",
    "load_weights": "checkpoint",
    "optimizer_groups": "parameter_groups",
    "read_study": "study_result",
    "register_study": "study_definition",
    "run_jobs": "job_runner",
    "run_study": "study_run",
    "save_checkpoint": "checkpoint",
    "study": "study_definition",
    "study_html": "study_report",
    "study_names": "study_definition",
    "to_toml": "toml_records",
}

__all__ = [
    "COLUMNS",
    "EXECUTORS",
    "SIZES",
    "Callback",
    "Claim",
    "Event",
    "EventSink",
    "Executor",
    "Findings",
    "Fit",
    "FitConfig",
    "FitResult",
    "InlineExecutor",
    "Job",
    "JobFunction",
    "Metering",
    "Outcome",
    "ProcessExecutor",
    "RayExecutor",
    "RunDirectory",
    "Size",
    "SlurmExecutor",
    "Study",
    "StudyResult",
    "StudyTable",
    "Verdict",
    "Workplace",
    "claims_table",
    "environment",
    "executor",
    "find_culprit",
    "fit",
    "from_toml",
    "learning_rate_factor",
    "load_weights",
    "optimizer_groups",
    "read_study",
    "register_study",
    "run_jobs",
    "run_study",
    "save_checkpoint",
    "study",
    "study_html",
    "study_names",
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
