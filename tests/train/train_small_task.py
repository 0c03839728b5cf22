"""A tiny regression task for tests of the loop, and a command that fits it: DIRECTORY STEPS."""

import hashlib
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

import camber
from camber.tasks import ActivationChoice, Batch, Metric, Recommended, Split, Task
from camber.train import Fit, FitConfig, fit

WIDTH, BATCH = 8, 16


class SmallTask:
    """Learn sum(sin(x)) of 4 numbers; ``shift`` moves the inputs."""

    name = "small"
    metric = Metric("squared_error", "", "lower")
    unit = "examples"
    units_per_batch = BATCH
    seeds = 2

    def __init__(self, shift: float = 0.0, bad_step: int | None = None) -> None:
        self.shift = shift
        self.bad_step = bad_step

    @property
    def recommended(self) -> Recommended:
        return Recommended(
            steps=30,
            learning_rate=1e-2,
            warmup_steps=5,
            final_fraction=0.1,
            weight_decay=0.1,
            clip_norm=1.0,
        )

    def build_model(self, activation: ActivationChoice, seed: int) -> nn.Module:
        act = camber.activation(activation) if isinstance(activation, str) else activation()
        model = nn.Sequential(
            nn.Linear(4, WIDTH), act, nn.Dropout(0.1), nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, 1)
        )
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for module in model:
                if isinstance(module, nn.Linear):
                    module.weight.normal_(0, 0.5, generator=generator)
                    module.bias.zero_()
        return model

    def _draw(self, split: Split, seed: int, step: int) -> Batch:
        digest = hashlib.sha256(f"{split}/{seed}/{step}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:6], "big"))
        x = torch.randn(BATCH, 4, generator=generator) + self.shift
        if step == self.bad_step:
            x = x - 1000.0
        return x, x.sin().sum(1, keepdim=True)

    def batches(self, split: Split, seed: int, start_step: int = 0) -> Iterator[Batch]:
        step = start_step
        while True:
            yield self._draw(split, seed, step)
            step += 1

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        x, y = batch
        return nn.functional.mse_loss(model(x).float(), y)

    @torch.no_grad()
    def evaluate(self, model: nn.Module, split: Split = "validation") -> dict[str, float]:
        training = model.training
        model.eval()
        losses = [float(self.loss(model, self._draw(split, 0, step))) for step in range(4)]
        model.train(training)
        return {"squared_error": sum(losses) / len(losses)}

    def describe(self) -> Mapping[str, object]:
        return {"shift": self.shift, "bad_step": self.bad_step, "corpus_sha256": "0"}


TASK: Task = SmallTask()


class Slow:
    """A callback that leaves time to be killed."""

    def start(self, run: Fit) -> None: ...

    def step(self, run: Fit) -> None:
        time.sleep(0.01)

    def end(self, run: Fit) -> None: ...


def small_config(steps: int = 30, **changes: object) -> FitConfig:
    settings = {
        "steps": steps, "warmup_steps": 5, "log_every": 2, "evaluate_every": 8,
        "checkpoint_every": 4, "checkpoint_seconds": None, "coefficient_learning_rate": 5e-3,
    }  # fmt: skip
    return FitConfig(**{**settings, **changes})  # type: ignore[arg-type]  # by name


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = fit(
        TASK.build_model("polynorm", 3), TASK, small_config(int(sys.argv[2])), seed=3,
        directory=Path(sys.argv[1]), callbacks=[Slow()],
    )  # fmt: skip
    sys.stdout.write(result.status)
