"""CharLM: batches, evaluation, presets and refusals."""

import itertools
import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from camber.errors import CamberError, DtypeError, UnknownNameError
from camber.tasks import PRESETS, TASKS, CharLM, Task, task

TINY = {"layers": 1, "width": 16, "heads": 1, "context": 16, "batch": 4, "evaluation_tokens": 2048}


class Constant(nn.Module):
    """Every byte equally likely."""

    def __init__(self) -> None:
        super().__init__()
        self.zero = nn.Parameter(torch.zeros(1))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.zero.expand(*tokens.shape, 256)


def test_it_is_a_task() -> None:
    made = task("charlm", preset="quick")
    assert isinstance(made, Task)
    assert isinstance(made, CharLM)
    assert TASKS["charlm"] is CharLM
    with pytest.raises(UnknownNameError, match="charlm"):
        task("charml")


def test_batches_follow_from_seed_and_step() -> None:
    made = CharLM(**TINY)
    first = list(itertools.islice(made.batches("train", 3), 6))
    again = list(itertools.islice(made.batches("train", 3), 6))
    resumed = list(itertools.islice(made.batches("train", 3, 4), 2))
    for (a, b), (c, d) in zip(first[4:], resumed, strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0][0], first[1][0])
    assert not torch.equal(first[0][0], next(made.batches("train", 4))[0])
    assert not torch.equal(first[0][0], next(made.batches("validation", 3))[0])


def test_targets_are_the_next_bytes_of_the_text() -> None:
    made = CharLM(**TINY)
    tokens, targets = next(made.batches("train", 0))
    assert tokens.shape == targets.shape == (4, 16)
    assert tokens.dtype == torch.int64
    assert torch.equal(tokens[:, 1:], targets[:, :-1])
    text = bytes(made.corpus.train.tolist())
    for row, last in zip(tokens.tolist(), targets[:, -1:].tolist(), strict=True):
        assert bytes(row + last) in text
    assert made.units_per_batch == 64


def test_evaluation_is_nats_per_byte_on_fixed_windows() -> None:
    made = CharLM(**TINY)
    model = Constant()
    model.train()
    # closed form: a uniform guess over 256 bytes costs ln 256
    assert made.evaluate(model)["validation_loss"] == pytest.approx(math.log(256), abs=1e-5)
    assert model.training
    assert made.evaluate(model, "train")["train_loss"] == pytest.approx(math.log(256), abs=1e-5)
    assert made.metric.name in made.evaluate(model)
    trained = made.build_model("gelu", 0).eval()
    assert made.evaluate(trained) == made.evaluate(trained)
    assert not trained.training


def test_evaluation_equals_its_definition() -> None:
    made = CharLM(**TINY)
    model = made.build_model("relu", 0)
    data, total, count = made.corpus.validation.long(), 0.0, 2048 // 16
    fitting = (len(data) - 1) // 16
    with torch.no_grad():
        for window in range(count):
            start = (window * fitting // count) * 16
            tokens = data[None, start : start + 17]
            total += float(made.loss(model, (tokens[:, :-1], tokens[:, 1:])))
    assert made.evaluate(model)["validation_loss"] == pytest.approx(total / count, rel=1e-5)


def test_diverged_models_are_an_answer() -> None:
    made = CharLM(**TINY)
    model = Constant()
    with torch.no_grad():
        model.zero.fill_(math.nan)
    assert math.isnan(made.evaluate(model)["validation_loss"])


def test_half_precision_logits_are_widened() -> None:
    made = CharLM(**TINY)
    model = made.build_model("gelu", 0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = made.loss(model, next(made.batches("train", 0)))
    assert value.dtype == torch.float32
    assert value.shape == ()


def test_models_have_equal_parameters() -> None:
    made = CharLM("quick")
    counts = [
        sum(p.numel() for p in made.build_model(name, 0).parameters())
        for name in ("relu", "gelu", "swiglu", "polyrelu", "polynorm")
    ]
    assert max(counts) / min(counts) <= 1.005
    report = made.describe_model("swiglu")
    assert report["hidden"] == 171
    assert report["fair"]


def test_the_presets() -> None:
    paper = PRESETS["paper"]
    # the published small reproduction of PolyCom, to the letter
    assert (paper.layers, paper.width, paper.heads, paper.context, paper.batch) == (
        2,
        64,
        2,
        64,
        32,
    )
    assert (paper.steps, paper.warmup_steps, paper.learning_rate) == (500, 40, 3e-3)
    assert CharLM("paper").corpus.rule == "tail"
    large = PRESETS["d256"]
    assert (large.layers, large.width, large.steps) == (6, 256, 3000)
    for name in PRESETS:
        made = CharLM(name)
        assert made.describe()["scored_tokens"] >= 30_000
        assert set(made.recommended) == {
            "steps",
            "learning_rate",
            "warmup_steps",
            "final_fraction",
            "weight_decay",
            "clip_norm",
        }
        assert made.seeds >= 3
        json.dumps(made.describe())


def test_a_few_steps_learn() -> None:
    made = CharLM(**TINY)
    model = made.build_model("polynorm", 0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    before = made.evaluate(model)["validation_loss"]
    for batch in itertools.islice(made.batches("train", 0), 30):
        optimiser.zero_grad()
        made.loss(model, batch).backward()
        optimiser.step()
    # bytes of source text: frequencies alone are worth two nats
    assert made.evaluate(model)["validation_loss"] < before - 1


def test_your_own_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("abcdefghij" * 400)
    made = CharLM(text=path, **TINY)
    assert made.describe()["source"] == str(path)
    assert made.evaluate(Constant())["validation_loss"] == pytest.approx(math.log(256), abs=1e-5)
    path.write_text("abc")
    with pytest.raises(CamberError, match=r"mine\.txt holds 3 bytes"):
        CharLM(text=path)


def test_bad_settings() -> None:
    with pytest.raises(UnknownNameError, match="'quick'"):
        CharLM("quik")
    with pytest.raises(UnknownNameError, match="'steps'"):
        CharLM(step=3)
    with pytest.raises(CamberError, match="steps must be at least 1, but got 0"):
        CharLM(steps=0)
    with pytest.raises(DtypeError, match="steps must be a whole number"):
        CharLM(steps=2.5)
    with pytest.raises(CamberError, match="'files' or 'tail'"):
        CharLM(rule="random")


def test_a_mixture_pays_its_auxiliary_losses_while_it_trains_only() -> None:
    made = CharLM(model="moe", experts=4, **TINY)
    model, batch = made.build_model("swiglu", 0), next(made.batches("train", 0))
    tokens, targets = batch
    logits, auxiliary = model(tokens, auxiliary=True)
    # the definition: PyTorch's cross-entropy of the same logits
    pure = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    assert auxiliary > 0.01  # 0.01 times a balance loss of at least nearly 1, and the z-loss
    torch.testing.assert_close(made.loss(model, batch), pure + auxiliary)
    torch.testing.assert_close(made.loss(model.eval(), batch), pure)
    without = CharLM(model="moe", experts=4, **TINY).build_model("swiglu", 0)
    assert made.evaluate(model) == made.evaluate(without)


def test_a_mixture_reports_total_and_active_parameters() -> None:
    dense, moe = CharLM("quick"), CharLM("quick", model="moe")
    plain, report = dense.describe_model("relu"), moe.describe_model("relu")
    assert plain["active_parameters"] == plain["parameters"] == 131_392
    # by hand: 2 layers, each with a gate of 64 * 8 and 8 experts of 2 * 64 * 128 in the place of
    # 2 * 64 * 256
    gates, expert = 2 * 64 * 8, 2 * 64 * 128
    assert report["parameters"] == 131_392 + gates + 2 * (8 * expert - 2 * 64 * 256)
    assert report["active_parameters"] == 131_392 + gates
    assert moe.describe()["model"] == "moe"
    assert (plain["model"], report["model"]) == ("dense", "moe")
    for name in ("swiglu", "polynorm"):
        assert moe.describe_model(name)["fair"]


def test_bad_models() -> None:
    with pytest.raises(CamberError, match="'dense' or 'moe', but got 'mixture'"):
        CharLM(model="mixture")
    with pytest.raises(CamberError, match="experts_per_token=3, but there are 2"):
        CharLM(model="moe", experts=2, experts_per_token=3, **TINY)
