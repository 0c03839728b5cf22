"""What image classification tasks share: batches, loss, evaluation, and a choice of model.

Shape legend: B batch, C image channels, H, W height and width, O classes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.layers import ActivationChoice
from camber.models import MLP, MLPConfig, ResNet, ResNetConfig, ViT, ViTConfig
from camber.tasks.evaluation import evaluation_mode
from camber.tasks.labelled_images import LabelledImages, at_once
from camber.tasks.sampling import epochs, spread
from camber.tasks.settings import Flag, OneOf, Real, Whole, setting
from camber.tasks.task import Batch, Metric, Recommended, Split

#: Images per forward pass of an evaluation.
EVALUATION_BATCH = 256

#: What a classification task can be judged by; both are always measured. The mean cross-entropy
#: sees how sure a model is of every image; the error rate counts whole images. Over two times 8
#: seeds of the digits, paired differences between ReLU, GELU, SwiGLU and PolyNorm were on average
#: 0.97 and 0.91 standard deviations of the difference by cross-entropy, 0.69 and 0.77 by error rate
#: for the MLP, and 0.48 and 0.55 against 0.32 and 0.74 for the residual net: neither clearly needs
#: fewer seeds. Cross-entropy has no steps of a whole image, and is what is compared unless told.
METRICS: Final = {
    "cross_entropy": Metric("validation_loss", "nats/image", "lower"),
    "error": Metric("validation_error", "%", "lower"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationPreset:
    """The sizes of one image task: model, data and budget.

    Args:
        model: "mlp", "resnet" or "vit".
        width: hidden width of an MLP, channels of a residual net, width of a ViT.
        depth: hidden layers of an MLP, blocks of a residual net, layers of a ViT.
        heads: of a ViT.
        patch: pixels a side of a ViT's patches; None for the smallest of which 64 cover the image.
        normalise: whether the model has norms.
        batch: B of one training batch.
        steps, learning_rate, warmup_steps, weight_decay: the recommended optimiser settings.
        seeds: paired seeds of a comparison.
        evaluation_images: at most this many images are scored by one evaluation.
        metric: what is compared, "cross_entropy" or "error" (rate).
        validation_share: part of the images kept for validation where the data have no such part.
    """

    model: str = setting(OneOf(("mlp", "resnet", "vit")), "mlp")
    width: int = setting(Whole(), 64)
    depth: int = setting(Whole(), 2)
    heads: int = setting(Whole(), 4)
    patch: int | None = setting(Whole(), None)
    normalise: bool = setting(Flag(), True)
    batch: int = setting(Whole(1, 65_536), 64)
    steps: int = setting(Whole(), 300)
    learning_rate: float = setting(Real(open=True), 3e-3)
    warmup_steps: int = setting(Whole(0), 20)
    weight_decay: float = setting(Real(), 0.1)
    seeds: int = setting(Whole(), 5)
    evaluation_images: int = setting(Whole(), 10_000)
    metric: str = setting(OneOf(tuple(METRICS)), "cross_entropy")
    validation_share: float = setting(Real(0.01, 0.9), 0.2)


Preset = TypeVar("Preset", bound=ClassificationPreset)


class ImageClassification(ABC):
    """A task that names the class of an image. Abstract: a data set makes it whole.

    A subclass sets ``name`` and, in its constructor, ``preset``, ``settings`` and ``data``.
    """

    unit = "images"
    preset: str
    settings: ClassificationPreset
    data: LabelledImages

    @property
    @abstractmethod
    def name(self) -> str:
        """The registered name."""

    @property
    def metric(self) -> Metric:
        return METRICS[self.settings.metric]

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

    def build_model(self, activation: ActivationChoice, seed: int) -> MLP | ResNet | ViT:
        """Return a fresh model; gated networks get the hidden width of equal parameters."""
        chosen, image, outputs = self.settings, self.data.shape, len(self.data.classes)
        if chosen.model == "mlp":
            return MLP(
                MLPConfig(
                    inputs=math.prod(image),
                    outputs=outputs,
                    hidden=chosen.width,
                    depth=chosen.depth,
                    activation=activation,
                    normalise=chosen.normalise,
                ),
                seed=seed,
            )
        if chosen.model == "resnet":
            return ResNet(
                ResNetConfig(
                    image=image,
                    outputs=outputs,
                    width=chosen.width,
                    blocks=chosen.depth,
                    activation=activation,
                    normalise=chosen.normalise,
                ),
                seed=seed,
            )
        return ViT(
            ViTConfig(
                image=image,
                patch=patch_for(image) if chosen.patch is None else chosen.patch,
                outputs=outputs,
                layers=chosen.depth,
                width=chosen.width,
                heads=chosen.heads,
                activation=activation,
                normalise=chosen.normalise,
            ),
            seed=seed,
        )

    def batches(self, split: Split, seed: int, start_step: int = 0) -> Iterator[Batch]:
        """Yield (images, labels): float32 (B, C, H, W) of mean 0 and variance 1, int64 (B,).

        Every image once in an epoch, in an order of its own.
        """
        part = self.data.part(split)
        for chosen in epochs(len(part), self.settings.batch, f"{split}:{seed}", start_step):
            yield self.data.standardised(part, chosen)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the mean cross-entropy of a batch in nats per image; float32 or wider."""
        images, labels = batch
        return F.cross_entropy(_logits(model, images), labels)

    def evaluate(self, model: nn.Module, split: Split = "validation") -> dict[str, float]:
        """Return ``{split}_loss`` in nats per image and ``{split}_error`` in %.

        Over a fixed, evenly spread sample of the part. Both are NaN where a logit is.
        """
        part, chosen = self.data.part(split), self._scored(split)
        device = next(model.parameters()).device
        loss, wrong = 0.0, 0.0
        with evaluation_mode(model):
            for rows in chosen.split(min(EVALUATION_BATCH, at_once(self.data.shape))):
                images, labels = (t.to(device) for t in self.data.standardised(part, rows))
                logits = _logits(model, images)
                loss += float(F.cross_entropy(logits, labels, reduction="sum"))
                wrong += float((logits.argmax(1) != labels).sum())
        count = len(chosen)
        error = math.nan if math.isnan(loss) else 100 * wrong / count
        return {f"{split}_loss": loss / count, f"{split}_error": error}

    def _scored(self, split: Split) -> Tensor:
        return spread(len(self.data.part(split)), self.settings.evaluation_images)

    def describe(self) -> dict[str, Any]:
        return {
            "task": self.name,
            "preset": self.preset,
            **asdict(self.settings),
            "scored_images": len(self._scored("validation")),
            **self._described,
        }

    @cached_property
    def _described(self) -> dict[str, object]:
        return self.data.describe()

    def describe_model(self, activation: ActivationChoice) -> dict[str, Any]:
        """How the hidden width was matched for ``activation``, for the report."""
        return self.build_model(activation, 0).describe()


def presets_of(
    task: str, presets: Mapping[str, Mapping[str, Preset]], model: str
) -> Mapping[str, Preset]:
    """Return the presets of ``model``, or raise where it is none."""
    return presets[str(OneOf(tuple(presets)).read(f"model of {task}", model))]


def patch_for(image: tuple[int, int, int]) -> int:
    """Return the smallest patch that covers (C, H, W) images with 64 patches at most.

    Example:
        >>> patch_for((1, 28, 28)), patch_for((3, 32, 32))
        (4, 4)
    """
    _, height, width = image
    patch = 1
    while -(-height // patch) * -(-width // patch) > 64:
        patch += 1
    return patch


def _logits(model: nn.Module, images: Tensor) -> Tensor:
    logits: Tensor = model(images)  # (B, O)
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
