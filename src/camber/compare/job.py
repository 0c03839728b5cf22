"""One run of a comparison: one entry, one seed, trained and looked at in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import nn

from camber.compare.entries import Entry
from camber.compare.rows import Row, all_rows
from camber.compare.task_facts import TaskFacts
from camber.errors import CamberError, RunError
from camber.tasks import Task
from camber.tasks import task as task_named
from camber.tasks.settings import memory_for
from camber.train import FitConfig, FitResult, Job, Workplace, fit
from camber.train.plain_json import plain_dict

#: Raised when what a run does or returns changes, so that old runs are not mixed with new ones.
PROTOCOL: Final = 2


def run_job(
    entry: Entry,
    task: Task | TaskFacts,
    options: Mapping[str, object],
    config: FitConfig,
    seed: int,
) -> Job:
    """Return the job that trains ``entry`` with ``seed``.

    Args:
        entry: what to train.
        task: the task or its facts, for its content (the corpus hash); ``options`` rebuild it in
            the worker.
        options: what :func:`camber.tasks.task` is given beside the name.
        config: optimiser settings and budget; steps and learning rate may be the entry's own.
        seed: of initial weights and batches, the same for every entry.
    """
    return Job(
        {
            "protocol": PROTOCOL,
            "entry": {**entry.to_dict(), "formula": str(entry.activation().formula)},
            "task": {"name": task.name, "options": dict(options), **_content(task)},
            "fit": plain_dict(config),
        },
        seed,
        entry.label,
    )


def check_entry(entry: Entry, task: Task) -> int:
    """Build the task's model with ``entry``, run one batch, and return the parameter count.

    A loss that is not finite is no error here: it is what the runs will report.

    Raises:
        CamberError: the model cannot hold the entry (a wrong width, a wrong kind); the sentence
            names the entry.
    """
    try:
        with memory_for(task.name):
            model = task.build_model(entry.activation, 0)
        # forked: dropout draws from the global generator, which is the caller's
        with memory_for(task.name), torch.no_grad(), torch.random.fork_rng(devices=[]):
            task.loss(model, next(task.batches("train", 0)))
    except CamberError as error:
        said = str(error).removeprefix(f"{task.name}: ")
        raise type(error)(f"{entry.label} does not fit {task.name}: {said}") from error
    return sum(parameter.numel() for parameter in model.parameters())


def train_entry(job: Job, place: Workplace) -> Mapping[str, object]:
    """Train the job's entry and measure what every row asks of one run.

    Returns:
        ``metric`` (None where the run diverged), ``diverged``, ``step``, ``reason``,
        ``units_per_second``, ``parameters``, ``seconds``, ``peak_bytes`` and each row's ``probes``.

    Raises:
        RunError: the task's data, or the entry's meaning, changed since the comparison began.
    """
    wanted = _object(job.config["entry"])
    entry = Entry.from_dict(wanted, job.label)
    if str(entry.activation().formula) != wanted["formula"]:
        raise RunError(
            f"{entry.label} means {entry.activation().formula} here and meant "
            f"{wanted['formula']} where the comparison was started; register it in a module"
        )
    given = _object(job.config["task"])
    task = task_named(str(given["name"]), **_object(given["options"]))
    if _content(task)["content"] != given["content"]:
        raise RunError(f"the data of {task.name} changed while the comparison ran: start it again")
    settings = _object(job.config["fit"])
    config = FitConfig(**{**settings, "betas": tuple(settings["betas"])})
    # The search for a learning rate asks for the metric alone.
    rows = () if job.config.get("purpose") == "tuning" else all_rows()
    model = task.build_model(entry.activation, job.seed)
    if config.device.startswith("cuda") and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    result = fit(
        model,
        task,
        config,
        seed=job.seed,
        directory=place.folder,
        callbacks=[row.callback() for row in rows if row.callback is not None],
        on_step=lambda record: place.report(**record),
    )
    peak = torch.cuda.max_memory_allocated() if config.device.startswith("cuda") else None
    return {
        "metric": result.metric,
        "diverged": result.status == "diverged",
        "step": result.step,
        "reason": result.reason,
        "units_per_second": result.units_per_second,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "seconds": result.seconds,
        "peak_bytes": peak,
        "probes": _probes(rows, model, task, result),
    }


def _probes(
    rows: Sequence[Row], model: nn.Module, task: Task, result: FitResult
) -> dict[str, object]:
    """What the rows ask of a trained model, and what they recall of the log of any run."""
    found: dict[str, object] = {}
    for row in rows:
        answer: dict[str, object] = {}
        if row.probe is not None and result.status == "finished":
            answer |= row.probe(model, task)
        if row.recall is not None:
            answer |= row.recall(result.log)
        if answer or (row.probe is not None and result.status == "finished"):
            found[row.key] = answer
    return found


def _content(task: Task | TaskFacts) -> dict[str, object]:
    """What the task's data are, beyond the options that name them."""
    return {"content": task.describe().get("corpus_sha256")}


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise CamberError(f"a job of a comparison holds {value!r:.60} where an object belongs")
    return dict(value)
