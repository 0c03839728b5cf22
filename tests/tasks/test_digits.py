"""Digits, and what every image task does: batches, evaluation, models, settings, refusals."""

from __future__ import annotations

import itertools
import json
import math
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camber.errors import CamberError, DtypeError, MissingExtraError, UnknownNameError
from camber.tasks import Digits, Task, task
from camber.tasks.classification import patch_for
from camber.tasks.digits import DIGITS_PRESETS, read_digits

MODELS = ("mlp", "resnet", "vit")
TINY = {"width": 8, "depth": 1, "batch": 16}


class Certain(nn.Module):
    """The same logits for every image."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), 10)


def test_the_data_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    data, bunch = Digits().data, load_digits()
    assert (data.train.images.flatten(1).numpy() == bunch.data).all()
    assert (data.train.labels.numpy() == bunch.target).all()
    assert data.shape == (1, 8, 8)
    # published: 1,797 images, these many of each digit
    assert data.train.labels.bincount().tolist() == [
        178,
        182,
        177,
        183,
        181,
        182,
        181,
        179,
        174,
        180,
    ]
    rows = torch.cat([data.train.rows, data.validation.rows])
    assert rows.sort().values.tolist() == list(range(1797))


def test_split_and_hash_never_change() -> None:
    # recorded at the first release: losses compare only where they agree
    described = Digits().describe()
    assert (described["train_images"], described["validation_images"]) == (1205, 592)
    assert described["corpus_sha256"].startswith("72048f34f733ee36")
    held = Digits().data.validation
    assert held.labels[held.rows].bincount().tolist() == [
        round(0.33 * n) for n in (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
    ]
    assert held.rows[:8].tolist() == [14, 15, 19, 20, 21, 26, 27, 28]
    half = Digits(validation_share=0.5)
    assert len(half.data.validation) == 898
    assert set(held.rows.tolist()) < set(half.data.validation.rows.tolist())


@pytest.mark.parametrize("model", MODELS)
def test_it_is_a_task(model: str) -> None:
    made = task("digits", preset="quick", model=model)
    assert isinstance(made, Task)
    assert made.settings.model == model
    described = made.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["source"] == "digits of scikit-learn"
    assert (made.unit, made.units_per_batch, made.seeds) == ("images", made.settings.batch, 5)
    assert made.recommended["steps"] == made.settings.steps
    assert made.metric.name == "validation_loss"
    assert made.describe_model("swiglu")["model"] == model


def test_batches_follow_from_seed_and_step() -> None:
    made = Digits(batch=500)  # an epoch ends within the third batch
    first = list(itertools.islice(made.batches("train", 3), 7))
    resumed = list(itertools.islice(made.batches("train", 3, 4), 3))
    for (images, labels), (again, names) in zip(first[4:], resumed, strict=True):
        assert torch.equal(images, again)
        assert torch.equal(labels, names)
    assert not torch.equal(first[0][1], first[1][1])
    assert not torch.equal(first[0][1], next(made.batches("train", 4))[1])
    images, labels = first[0]
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert images.shape == (500, 1, 8, 8)


def test_an_epoch_holds_every_image_once() -> None:
    made = Digits(batch=241)  # 5 x 241 = 1205
    images = torch.cat([images for images, _ in itertools.islice(made.batches("train", 0), 5)])
    expected, _ = made.data.standardised(made.data.train, torch.arange(1205))
    assert torch.equal(
        images.flatten(1).sum(1).sort().values, expected.flatten(1).sum(1).sort().values
    )
    assert float(images.mean()) == pytest.approx(0, abs=1e-5)  # float32 sums of 77,120 pixels
    assert float(images.std()) == pytest.approx(1, abs=1e-4)


def test_a_batch_may_be_larger_than_the_part() -> None:
    made = Digits(batch=3000)
    assert next(made.batches("train", 0, 5))[1].shape == (3000,)


def test_evaluation_against_closed_forms() -> None:
    made = Digits()
    model = Certain([0.0] * 10)
    found = made.evaluate(model)
    assert found["validation_loss"] == pytest.approx(math.log(10), abs=1e-6)  # a uniform guess
    assert model.training
    # every guess is 3, with odds e : 9
    found = made.evaluate(Certain([0.0] * 3 + [1.0] + [0.0] * 6), "train")
    labels = made.data.train.labels[made.data.train.rows]
    share = float((labels == 3).float().mean())
    assert found["train_error"] == pytest.approx(100 * (1 - share), abs=1e-4)
    assert found["train_loss"] == pytest.approx(math.log(math.e + 9) - share, abs=1e-5)


def test_evaluation_scores_a_fixed_sample() -> None:
    made = Digits(evaluation_images=7, metric="error")
    assert made.metric.unit == "%"
    assert made.describe()["scored_images"] == 7
    model = made.build_model("gelu", 0).eval()
    rows = [number * 592 // 7 for number in range(7)]
    images, labels = made.data.standardised(made.data.validation, torch.tensor(rows))
    with torch.no_grad():
        wrong = int((model(images).argmax(1) != labels).sum())
    assert made.evaluate(model)[made.metric.name] == pytest.approx(100 * wrong / 7)
    assert not model.training


def test_diverged_models_are_an_answer() -> None:
    found = Digits().evaluate(Certain([math.nan] * 10))
    assert math.isnan(found["validation_loss"])
    assert math.isnan(found["validation_error"])


def test_half_precision_logits_are_widened() -> None:
    made = Digits(model="resnet")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = made.loss(made.build_model("gelu", 0), next(made.batches("train", 0)))
    assert (value.dtype, value.shape) == (torch.float32, ())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("activation", ["relu", "swiglu", "polynorm"])
def test_a_few_steps_learn(model: str, activation: str) -> None:
    made = Digits(model=model, **TINY, heads=2)
    state = torch.random.get_rng_state()
    network = made.build_model(activation, 0)
    batches = list(itertools.islice(made.batches("train", 0), 40))
    assert torch.equal(torch.random.get_rng_state(), state)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    before = made.evaluate(network)["validation_loss"]
    for batch in batches:
        optimiser.zero_grad()
        made.loss(network, batch).backward()
        optimiser.step()
    assert made.evaluate(network)["validation_loss"] < before - 0.1


@pytest.mark.parametrize("model", MODELS)
def test_models_have_equal_parameters(model: str) -> None:
    made = Digits(model=model)
    counts = [
        sum(parameter.numel() for parameter in made.build_model(name, 0).parameters())
        for name in ("relu", "gelu", "swiglu", "polyrelu", "polynorm")
    ]
    assert max(counts) / min(counts) <= 1.005


def test_settings_reach_the_model() -> None:
    made = Digits(model="vit", depth=3, patch=4, heads=2, width=16, normalise="no")
    network = made.build_model("gelu", 0)
    assert network.config.layers == 3
    assert network.config.patch == 4
    assert network.config.normalise is False
    assert Digits(model="vit", patch=None).build_model("gelu", 0).config.patch == 1
    assert Digits(model="resnet", depth=3).build_model("gelu", 0).config.blocks == 3


def test_the_smallest_patch() -> None:
    for height, width in itertools.product((1, 8, 28, 31, 33, 100), repeat=2):
        patch = patch_for((1, height, width))
        assert math.ceil(height / patch) * math.ceil(width / patch) <= 64
        smaller = patch - 1
        assert not smaller or math.ceil(height / smaller) * math.ceil(width / smaller) > 64


def test_presets() -> None:
    for model, presets in DIGITS_PRESETS.items():
        assert set(presets) == {"default", "quick"}
        assert {preset.model for preset in presets.values()} == {model}
        assert presets["quick"].steps < presets["default"].steps


def test_bad_settings() -> None:
    with pytest.raises(UnknownNameError, match="'quick'"):
        Digits("quik")
    with pytest.raises(UnknownNameError, match=r"setting of digits 'step'.*'steps'"):
        Digits(step=3)
    with pytest.raises(
        UnknownNameError, match="model of digits is 'mlp', 'resnet' or 'vit', but got 'cnn'"
    ):
        Digits(model="cnn")
    with pytest.raises(DtypeError, match="model of digits must be text, but got 3"):
        Digits(model=3)  # type: ignore[arg-type]  # what a command line may pass
    with pytest.raises(CamberError, match="digits: steps must be at least 1, but got 0"):
        Digits(steps=0)
    with pytest.raises(DtypeError, match=r"digits: width must be a whole number, but got 2\.5"):
        Digits(width=2.5)
    with pytest.raises(CamberError, match="learning_rate must be above 0 and finite"):
        Digits(learning_rate=math.inf)
    with pytest.raises(
        CamberError, match=r"validation_share must be at least 0\.01 and at most 0\.9"
    ):
        Digits(validation_share=1.0)
    with pytest.raises(UnknownNameError, match="metric is 'cross_entropy' or 'error', but"):
        Digits(metric="accuracy")
    with pytest.raises(CamberError, match="patch of 9 pixels"):
        Digits(model="vit", patch=9)
    with pytest.raises(DtypeError, match="normalise must be true or false"):
        Digits(normalise="maybe")
    with pytest.raises(CamberError, match="a split is 'train' or 'validation'"):
        next(Digits().batches("test", 0))  # type: ignore[arg-type]  # a user's slip


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"needs sklearn: pip install 'camber\[tasks\]'"):
        read_digits(0.123)


def test_reading_twice_reads_once() -> None:
    assert Digits().data is Digits("quick").data
    assert np.shares_memory(Digits().data.train.images.numpy(), Digits().data.train.images.numpy())
