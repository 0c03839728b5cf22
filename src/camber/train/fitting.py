"""`fit`: one plain training loop.

AdamW, linear warm-up, cosine, clipping; a log, checkpoints and an exact resume. Everything random
follows from the seed: batches from the task, and what the model draws itself (dropout) from
generators that are set anew at each step from (seed, step), so that a run which was killed and
taken up again ends in bit-equal weights. The caller's random state is left as it was.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from camber.activations.state import describe
from camber.tasks.task import Task
from camber.train.checkpoint import model_tensors
from camber.train.fit_config import FitConfig, FitResult
from camber.train.fit_loop import Callback, Fit, Initialise
from camber.train.fit_record import FitRecord, OnStep
from camber.train.lock import locked
from camber.train.plain_json import digest_of
from camber.train.randomness import device_named, own_randomness
from camber.train.run_directory import RunDirectory


def fit(
    model: nn.Module,
    task: Task,
    config: FitConfig,
    *,
    seed: int,
    directory: Path | str | None = None,
    callbacks: Sequence[Callback] = (),
    on_step: OnStep | None = None,
    initialise: Initialise | None = None,
) -> FitResult:
    """Train ``model`` on ``task``, in place.

    Args:
        model: a fresh one, as ``task.build_model`` gives it. For speed, ``model.compile()`` it
            before.
        task: data, loss and metric.
        config: the settings.
        seed: of the order of the data and of what the model draws while it trains.
        directory: where log, checkpoints and result go. A finished run found there is not
            repeated (its weights are loaded), an unfinished one is taken up where it was; the
            directory of another run is refused. None to keep nothing.
        callbacks: take part in the run (see :class:`Callback`).
        on_step: is shown each log record: ``step``, ``steps``, ``loss``, ``learning_rate``,
            ``gradient_norm``, the units seen (under ``task.unit``) and ``seconds``.
        initialise: ``initialise(model, batch)`` before the first step of a fresh run.

    Returns:
        The result. A loss or gradient that is not finite ends the run with status "diverged" and
        a reason that names the step and the first module at fault; the model is left as it was
        before that step. A Ctrl-C passes through and the last checkpoint stays.

    Raises:
        RunError: the directory is another run's, damaged or cannot be written.
        CamberError: settings that do not fit the machine or the model.
    """
    device = device_named(config.device)
    model.to(device)
    with contextlib.ExitStack() as held:
        run_directory = None
        if directory is not None:
            held.enter_context(locked(Path(directory)))
            run_directory = RunDirectory(directory, _identity(model, task, config, seed))
        record = FitRecord(run_directory, config, on_step)
        if (done := record.finished(model, device)) is not None:
            return done
        held.enter_context(own_randomness(device))
        return Fit(model, task, config, seed, record, device).train(callbacks, initialise)


def _identity(model: nn.Module, task: Task, config: FitConfig, seed: int) -> dict[str, object]:
    """Return all that decides what a run computes: by this a directory is recognised."""
    shapes = {name: list(tensor.shape) for name, tensor in model_tensors(model).items()}
    return {
        "seed": seed,
        "fit": config.identity(),
        "task": {"name": task.name, **task.describe()},
        "activations": describe(model),
        "parameters": digest_of(shapes),
    }
