"""What a fit leaves behind: log, checkpoints, weights and result, and the way back from them."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

import torch
from torch import nn

from camber.errors import CamberError, RunError
from camber.train.checkpoint import (
    read_checkpoint,
    restore_model,
    restore_optimizer,
    save_checkpoint,
)
from camber.train.fit_config import FitConfig, FitResult
from camber.train.run_directory import RunDirectory

#: Who is shown the log records as they are written.
OnStep: TypeAlias = Callable[[Mapping[str, object]], None]

_REMEDY: Final = "delete it to start this run again from its first step"


class FitRecord:
    """The memory of a fit, kept in a directory where there is one.

    Args:
        directory: None to remember in this process only.
        config: says when checkpoints are due.
        on_step: is shown each record, with the number of ``steps`` to come.
    """

    def __init__(
        self, directory: RunDirectory | None, config: FitConfig, on_step: OnStep | None
    ) -> None:
        self.log: list[Mapping[str, object]] = []
        self._directory = directory
        self._config = config
        self._on_step = on_step
        self._saved_step, self._saved_time = 0, time.monotonic()

    def finished(self, model: nn.Module, device: torch.device) -> FitResult | None:
        """Return the result that stands, with its weights in ``model``; None if there is none.

        Raises:
            RunError: the result or the weights are damaged or missing.
        """
        if self._directory is None or (stored := self._directory.result()) is None:
            return None
        path = self._directory.path / "result.json"
        try:
            result = FitResult.from_dict(stored)
        except CamberError as error:
            raise RunError(f"{path} is damaged ({error}): delete it to finish the run") from error
        if result.status == "finished":
            weights = self._directory.path / "weights.safetensors"
            remedy = f"delete {path} too, to finish this run again"
            found = read_checkpoint(weights, remedy=remedy, device=str(device))
            if found is None:
                raise RunError(f"{weights} is missing: {remedy}")
            restore_model(model, found, remedy=remedy)
        return replace(result, log=tuple(self._directory.metrics()))

    def resume(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device
    ) -> Mapping[str, object] | None:
        """Restore the last checkpoint; return its progress, or None where the run begins.

        Raises:
            RunError: the checkpoint or the log is damaged or belongs to another model.
        """
        if self._directory is None:
            return None
        path = self._directory.path / "checkpoint.safetensors"
        stored = read_checkpoint(path, remedy=_REMEDY, device=str(device))
        if stored is None:
            self._directory.keep_steps_through(-1)
            return None
        if not isinstance(step := stored.progress.get("step"), int):
            raise RunError(f"{path} is damaged (it does not say at which step): {_REMEDY}")
        restore_model(model, stored, remedy=_REMEDY)
        restore_optimizer(optimizer, stored)
        self._directory.keep_steps_through(step)
        self.log = list(self._directory.metrics())
        self._saved_step, self._saved_time = step, time.monotonic()
        return stored.progress

    def add(self, record: Mapping[str, object]) -> None:
        """Append one record to the log and show it."""
        self.log.append(record)
        if self._directory is not None:
            self._directory.append(record)
        if self._on_step is not None:
            self._on_step({"steps": self._config.steps, **record})

    def save_if_due(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Mapping[str, object]
    ) -> None:
        """Write a checkpoint if enough steps or seconds have gone by since the last one."""
        step = progress["step"]
        if self._directory is None or not isinstance(step, int):
            return
        every, seconds = self._config.checkpoint_every, self._config.checkpoint_seconds
        if (every is not None and step - self._saved_step >= every) or (
            seconds is not None and time.monotonic() - self._saved_time >= seconds
        ):
            path = self._directory.path / "checkpoint.safetensors"
            save_checkpoint(path, model, optimizer, progress)
            self._saved_step, self._saved_time = step, time.monotonic()

    def conclude(self, model: nn.Module, result: FitResult) -> None:
        """Store weights (of a run that finished) and result."""
        if self._directory is None:
            return
        path = self._directory.path
        if result.status == "finished":
            save_checkpoint(path / "weights.safetensors", model)
        self._directory.write_result(result.to_dict())
        # Only now: without a result, the checkpoint is what the run is taken up from.
        (path / "checkpoint.safetensors").unlink(missing_ok=True)

    def last_loss(self) -> float:
        """Return the loss of the last record that has one; NaN without."""
        losses = [loss for record in self.log if isinstance(loss := record.get("loss"), float)]
        return losses[-1] if losses else float("nan")

    def speed(self, unit: str) -> float:
        """Return units per second: the median over records, which a slow first step cannot move."""
        rates, before = [], (0, 0.0)
        for record in self.log:
            units, seconds = record.get(unit), record.get("seconds")
            if isinstance(units, int) and isinstance(seconds, float):
                if seconds > before[1]:
                    rates.append((units - before[0]) / (seconds - before[1]))
                before = (units, seconds)
        return statistics.median(rates) if rates else float("nan")
