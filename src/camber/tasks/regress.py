"""`Regress`: learn a function that is given as a formula.

An MLP sees noisy values of the function at random points of a box, and is judged by how far it is
from the function itself at other points: normalised RMSE, where 1 is no better than the mean.

Shape legend: N points, B batch, I inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.errors import CamberError
from camber.layers import ActivationChoice
from camber.models import MLP, MLPConfig
from camber.tasks.content import digest
from camber.tasks.evaluation import evaluation_mode
from camber.tasks.sampling import epochs
from camber.tasks.settings import Flag, OneOf, Real, Text, Whole, setting, settle
from camber.tasks.target import read_target
from camber.tasks.task import Batch, Metric, Recommended, Split

#: Points per forward pass of an evaluation.
EVALUATION_BATCH = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressPreset:
    """One function to learn: data, model and budget.

    Args:
        function: a formula of x, y, z or x0, x1, ...; see :mod:`camber.tasks.target`.
        domain: "-1:1" for every input, or "x=-1:1, y=0:pi".
        noise: standard deviation of the noise on training values, in units of the function's.
        samples, validation_samples: points of the two parts, uniform on the domain.
        data_seed: of points and noise: the same for every model and seed of a comparison.
        model: "mlp".
        width, depth: hidden width and hidden layers of the MLP.
        normalise: whether it has norms.
        batch: B of one training batch.
        steps, learning_rate, warmup_steps, weight_decay: the recommended optimiser settings.
        seeds: paired seeds of a comparison.
    """

    function: str = setting(Text(), "sin(5*x)*cos(3*y) + abs(x - y)")
    domain: str = setting(Text(), "-1:1")
    noise: float = setting(Real(0.0, 100.0), 0.02)
    samples: int = setting(Whole(2, 10_000_000), 1000)
    validation_samples: int = setting(Whole(2, 10_000_000), 2000)
    data_seed: int = setting(Whole(0), 0)
    model: str = setting(OneOf(("mlp",)), "mlp")
    width: int = setting(Whole(), 40)
    depth: int = setting(Whole(), 2)
    normalise: bool = setting(Flag(), True)
    batch: int = setting(Whole(1, 1_000_000), 64)
    steps: int = setting(Whole(), 1000)
    learning_rate: float = setting(Real(open=True), 1e-2)
    warmup_steps: int = setting(Whole(0), 50)
    weight_decay: float = setting(Real(), 0.0)
    seeds: int = setting(Whole(), 5)


#: The default function has a wave, a product and a kink: no family of activations has it for
#: nothing. Learning rate: the best of 3e-3, 1e-2 and 3e-2 by the mean error of ReLU, GELU, SwiGLU
#: and PolyNorm over two seeds that no comparison uses.
REGRESS_PRESETS: Final = MappingProxyType(
    {
        "default": RegressPreset(seeds=10),  # a run takes seconds
        "quick": RegressPreset(steps=500),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """One part of the data.

    Args:
        inputs: float32 (N, I), each of mean 0 and variance 1 over the domain.
        observed: float32 (N,), what training sees: values of the function, noise on them in the
            training part; of mean 0 and variance 1 over the training part, noise apart.
        exact: float32 (N,), the values without noise, on the same scale.
    """

    inputs: Tensor
    observed: Tensor
    exact: Tensor


class Regress:
    """A function to learn from noisy values.

    Args:
        preset: "default" or "quick".
        settings: any field of :class:`RegressPreset`, to change it: ``function="x*y"``.

    Raises:
        UnknownNameError: for an unknown preset or setting.
        FormulaError: for a function that is no formula, or has parameters.
        CamberError: for a function without a finite, varying value on the domain, or a setting out
            of its range.

    Example:
        >>> task = Regress(function="sin(3*x0) + x0*x1", domain="x0=0:pi, x1=-1:1")
        >>> points, values = next(task.batches("train", seed=0))
        >>> points.shape, values.shape
        (torch.Size([64, 2]), torch.Size([64]))
    """

    name = "regress"
    metric = Metric("validation_nrmse", "σ", "lower")
    unit = "points"

    def __init__(self, preset: str = "default", **settings: Any) -> None:
        self.preset = preset
        self.settings = settle(self.name, REGRESS_PRESETS, preset, settings)
        self.target = read_target(self.settings.function, self.settings.domain)
        self._parts = self._draw()

    @property
    def units_per_batch(self) -> int:
        return self.settings.batch

    @property
    def seeds(self) -> int:
        return self.settings.seeds

    @property
    def recommended(self) -> Recommended:
        return Recommended(
            steps=self.settings.steps,
            learning_rate=self.settings.learning_rate,
            warmup_steps=self.settings.warmup_steps,
            final_fraction=0.1,
            weight_decay=self.settings.weight_decay,
            clip_norm=1.0,
        )

    def part(self, split: str) -> Points:
        """The points of "train" or "validation"."""
        return self._parts[str(OneOf(tuple(self._parts)).read("split", split))]

    def _draw(self) -> dict[str, Points]:
        """Draw both parts; every stream has its own seed, so that a size changes no other part."""
        points, noise, held_out = (
            np.random.default_rng([self.settings.data_seed, stream]) for stream in range(3)
        )
        inputs = self.target.sample(self.settings.samples, points)
        other = self.target.sample(self.settings.validation_samples, held_out)
        values, more = self.target.values(inputs), self.target.values(other)
        for part in (values, more):
            if (part == part[0]).all():
                raise CamberError(
                    f"all {len(part)} points drawn have one value of {self.target.formula}: "
                    f"give more samples and validation_samples"
                )
        peak = np.abs(values).max()  # squares of huge or tiny values leave float64
        mean, std = (values / peak).mean(), (values / peak).std()
        exact, exact_more = ((part / peak - mean) / std for part in (values, more))
        observed = exact + self.settings.noise * noise.standard_normal(len(exact))
        middle = (self.target.low + self.target.high) / 2
        unit = (self.target.high - self.target.low) / np.sqrt(12)  # of a uniform variable
        return {
            "train": Points(*map(_tensor, ((inputs - middle) / unit, observed, exact))),
            "validation": Points(*map(_tensor, ((other - middle) / unit, exact_more, exact_more))),
        }

    def build_model(self, activation: ActivationChoice, seed: int) -> MLP:
        """Return a fresh MLP; gated networks get the hidden width of equal parameters."""
        return MLP(
            MLPConfig(
                inputs=self.target.inputs,
                outputs=1,
                hidden=self.settings.width,
                depth=self.settings.depth,
                activation=activation,
                normalise=self.settings.normalise,
            ),
            seed=seed,
        )

    def batches(self, split: Split, seed: int, start_step: int = 0) -> Iterator[Batch]:
        """Yield (points, values): float32 (B, I) and (B,); every point once in an epoch."""
        part = self.part(split)
        count = len(part.inputs)
        for chosen in epochs(count, self.settings.batch, f"{split}:{seed}", start_step):
            yield part.inputs[chosen], part.observed[chosen]

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the mean squared error, in units of the function's variance."""
        points, values = batch
        return F.mse_loss(_predicted(model, points), values)

    def evaluate(self, model: nn.Module, split: Split = "validation") -> dict[str, float]:
        """Return ``{split}_nrmse`` over the whole part, against the function without noise.

        sqrt(sum (prediction - f)^2 / sum (f - mean f)^2): 1 for predicting the mean.
        """
        part = self.part(split)
        device = next(model.parameters()).device
        squares = 0.0
        with evaluation_mode(model):
            for points, exact in zip(
                part.inputs.split(EVALUATION_BATCH),
                part.exact.split(EVALUATION_BATCH),
                strict=True,
            ):
                error = _predicted(model, points.to(device)).double().cpu() - exact
                squares += float(error.square().sum())
        exact = part.exact.double()
        return {f"{split}_nrmse": (squares / float((exact - exact.mean()).square().sum())) ** 0.5}

    def describe(self) -> dict[str, Any]:
        box = zip(self.target.formula.inputs, self.target.low, self.target.high, strict=True)
        facts = {
            "function": str(self.target.formula),
            "box": {name: [float(low), float(high)] for name, low, high in box},
            "noise": self.settings.noise,
            "samples": self.settings.samples,
            "validation_samples": self.settings.validation_samples,
            "data_seed": self.settings.data_seed,
        }
        return {
            "task": self.name,
            "preset": self.preset,
            **asdict(self.settings),
            **facts,
            "source": f"{self.settings.samples:,} points of {self.target.formula}",
            "corpus_sha256": digest("regress", [json.dumps(facts, sort_keys=True).encode()]),
        }

    def describe_model(self, activation: ActivationChoice) -> dict[str, Any]:
        """How the hidden width was matched for ``activation``, for the report."""
        return self.build_model(activation, 0).describe()


def _tensor(values: np.ndarray[Any, np.dtype[np.float64]]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


def _predicted(model: nn.Module, points: Tensor) -> Tensor:
    output: Tensor = model(points)  # (B, 1)
    output = output.squeeze(1)
    return output.float() if output.dtype in (torch.float16, torch.bfloat16) else output
