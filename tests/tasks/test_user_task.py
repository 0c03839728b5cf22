"""A user's own task: what a builder may return, and that its batches follow from the seed."""

from __future__ import annotations

import gc
import itertools
import json
import math
import random
import re
import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from camber import activation
from camber.errors import CamberError, DtypeError, UnknownNameError
from camber.tasks import Metric, Task, task
from camber.tasks.user import UserTask
from camber.train import FitConfig, fit

HEAD = """
import random
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

def data(count, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 6, generator=g)
    return TensorDataset(x, (x[:, 0] > 0).long())

def net(activation):
    return nn.Sequential(nn.Linear(6, 8), activation(), nn.Linear(8, 2))

def loss(model, batch):
    return F.cross_entropy(model(batch[0]), batch[1])

train = DataLoader(data(40), batch_size=8, shuffle=True)
valid = DataLoader(data(20, 1), batch_size=8)
"""

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Write:
    """Write a module into the current directory; return the address of its ``build``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where tracebacks are kept
    numbers = itertools.count()

    def make(body: str, head: str = HEAD) -> str:
        name = f"mine_{abs(hash(request.node.nodeid)) % 10**8}_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(head + body)
        return f"{name}:build"

    return make


PLAIN = """
def build(activation, seed):
    return net(activation), train, valid, loss
"""


def test_the_three_lines(write: Write) -> None:
    address = write(PLAIN)
    made = task(address)
    assert isinstance(made, UserTask)
    assert isinstance(made, Task)
    assert made.name == address
    assert (made.metric.name, made.metric.unit, made.metric.better) == (
        "validation_loss", "loss", "lower",
    )  # fmt: skip
    assert (made.unit, made.units_per_batch, made.seeds) == ("examples", 8, 5)
    # three passes are 15 steps, but never fewer than 200; a tenth of them warm up
    assert made.recommended["steps"] == 200
    assert made.recommended["warmup_steps"] == 20
    FitConfig(**made.recommended)
    json.dumps(dict(made.describe()))


def test_the_validation_loss_is_the_mean_over_examples(write: Write) -> None:
    made = task(write(PLAIN))
    model = made.build_model("gelu", 3)
    # by definition, over all 20 examples at once; batches of 8, 8 and 4 must not weigh the same
    x, y = made._probe.validation.dataset.tensors  # type: ignore[attr-defined]
    model.eval()
    with torch.no_grad():
        wanted = float(nn.functional.cross_entropy(model(x), y))
    model.train()
    assert made.evaluate(model)["validation_loss"] == pytest.approx(wanted, rel=1e-5)  # float32
    assert model.training
    assert set(made.evaluate(model, "train")) == {"train_loss"}


def test_models_of_all_activations_start_from_equal_weights(write: Write) -> None:
    made = task(write(PLAIN))
    models = [made.build_model(name, 4) for name in ("relu", "rational", "householder")]
    for model in models[1:]:
        for layer in (0, 2):
            assert torch.equal(model[layer].weight, models[0][layer].weight)  # type: ignore[index]
    other = made.build_model("relu", 5)
    assert not torch.equal(other[0].weight, models[0][0].weight)  # type: ignore[index]


def test_nothing_touches_the_global_generators(write: Write) -> None:
    address = write(
        """
def build(activation, seed):
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    return net(activation), train, valid, loss, (score, "lower")

def score(model, loader):
    torch.manual_seed(2), np.random.seed(2), random.seed(2)
    return sum(float(loss(model, batch)) for batch in loader)
"""
    )

    def draw() -> tuple[float, float, float, float]:
        return torch.rand(1).item(), random.random(), random.gauss(0, 1), np.random.randn()

    def start() -> None:
        torch.manual_seed(9), np.random.seed(9), random.seed(9)
        random.gauss(0, 1)  # keeps a second number for the next call

    start()
    wanted = draw()
    start()
    made = task(address)
    model = made.build_model("relu", 0)
    batch = next(made.batches("train", 0))
    made.loss(model, batch)
    made.evaluate(model)
    assert draw() == wanted


def test_a_run_taken_up_again_sees_the_same_batches(write: Write) -> None:
    body = """
class Noisy(torch.utils.data.Dataset):
    def __init__(self):
        self.own = np.random.default_rng(7)
    def __len__(self):
        return 12
    def __getitem__(self, index):
        noise = [self.own.random(), random.random(), np.random.rand(), torch.rand(1).item()]
        return {"x": torch.randn(6), "y": index % 2, "noise": torch.tensor(noise)}

def build(activation, seed):
    return net(activation), DataLoader(Noisy(), 5, shuffle=True), valid_dicts, dict_loss

valid_dicts = [{"x": x, "y": y, "noise": x} for x, y in valid]
def dict_loss(model, batch):
    return F.cross_entropy(model(batch["x"]), batch["y"])
"""
    address = write(body)
    first, second = task(address), task(address)
    first.build_model("relu", 2)
    whole = list(itertools.islice(first.batches("train", 2), 9))
    resumed = list(itertools.islice(second.batches("train", 2, 4), 5))
    for a, b in zip(whole[4:], resumed, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    assert not torch.equal(whole[0][0], next(first.batches("train", 3))[0])


def test_random_numbers_in_the_loss_follow_from_the_step(write: Write) -> None:
    made = task(
        write(
            """
def build(activation, seed):
    def mixup(model, batch):
        share = np.random.beta(1, 1) * random.random() * float(torch.rand(()))
        return loss(model, batch) * share
    return net(activation), train, valid, mixup
"""
        )
    )
    config = FitConfig(steps=5, log_every=1)
    losses = []
    for _ in range(2):
        model = made.build_model("relu", 0)
        losses.append([record["loss"] for record in fit(model, made, config, seed=0).log])
    assert losses[0] == losses[1]
    assert len(set(losses[0])) == 5


@pytest.mark.parametrize(
    ("loaders", "reads"),
    [
        ("list(train), list(valid)", "batch[0], batch[1]"),
        ("(lambda: iter(train)), (lambda: list(valid))", "batch[0], batch[1]"),
        ("dicts(train), dicts(valid)", 'batch["x"], batch["y"]'),
        ("shaped(train), shaped(valid)", "batch.x, batch.y"),
        ("arrays(train), arrays(valid)", "torch.from_numpy(batch[0]), torch.from_numpy(batch[1])"),
        ("named(train), named(valid)", 'batch["in"][0], batch["in"][1]'),
    ],
)
def test_any_loader_and_any_batch(write: Write, loaders: str, reads: str) -> None:
    address = write(
        f"""
import dataclasses

@dataclasses.dataclass
class Batch:
    x: torch.Tensor
    y: torch.Tensor
    tag: str = "t"

def dicts(loader): return [{{"x": x, "y": y, "id": [1, "a"]}} for x, y in loader]
def shaped(loader): return [Batch(x, y, tag=str(n)) for n, (x, y) in enumerate(loader)]
def arrays(loader): return [(x.numpy(), y.numpy()) for x, y in loader]
def named(loader): return [{{"in": (x, y), "names": [str(len(x))] * 3}} for x, y in loader]

def any_loss(model, batch):
    x, y = {reads}
    return F.cross_entropy(model(x), y)

def build(activation, seed):
    train_loader, valid_loader = {loaders}
    return net(activation), train_loader, valid_loader, any_loss
"""
    )
    made = task(address)
    assert made.units_per_batch == 8
    model = made.build_model("relu", 0)
    before = made.evaluate(model)["validation_loss"]
    result = fit(model, made, FitConfig(steps=40, learning_rate=1e-2), seed=0)
    assert result.metric < before


def test_metrics(write: Write) -> None:
    body = """
def accuracy(model, loader):
    assert not model.training and not torch.is_grad_enabled()
    right = sum(int((model(x).argmax(1) == y).sum()) for x, y in loader)
    return RESULT

def build(activation, seed):
    return net(activation), train, valid, loss, (accuracy, "higher")
"""
    share = "right / len(loader.dataset)"
    made = task(write(body.replace("RESULT", share)))
    assert (made.metric.name, made.metric.unit, made.metric.sign) == ("accuracy", "accuracy", 1)
    model = made.build_model("relu", 0)
    x, y = made._probe.validation.dataset.tensors  # type: ignore[attr-defined]
    wanted = float((model(x).argmax(1) == y).float().mean())
    assert made.evaluate(model)["accuracy"] == pytest.approx(wanted)
    several = task(write(body.replace("RESULT", f'{{"accuracy": {share}, "count": right}}')))
    assert set(several.evaluate(several.build_model("relu", 0))) == {"accuracy", "count"}
    nan = task(write(body.replace("RESULT", "torch.tensor(float('nan'))")))
    assert math.isnan(nan.evaluate(nan.build_model("relu", 0))["accuracy"])
    for wrong, words in (
        ("None", "returned a NoneType for 'accuracy'; it must return a number"),
        ("'0.5'", "returned a str for 'accuracy'"),
        ("torch.ones(2)", "returned a Tensor"),
        ("{'other': 1.0}", r"a dict with \['other'\].*'accuracy'"),
        ("1 / 0", r"its metric accuracy raised ZeroDivisionError: .*\(mine_.*\.py:\d+\)"),
    ):
        bad = task(write(body.replace("RESULT", wrong)))
        with pytest.raises(CamberError, match=words):
            bad.evaluate(bad.build_model("relu", 0))


def test_settings(write: Write) -> None:
    body = """
def build(activation, seed, width=8, *, depth=1):
    model = nn.Sequential(nn.Linear(6, width), activation(), nn.Linear(width, 2))
    return model, train, valid, loss

build.settings = {"epochs": 50, "unit": "rows", "learning_rate": 0.02, "width": 16}
"""
    address = write(body)
    made = task(address)
    assert made.recommended["steps"] == 250  # 50 passes over 5 batches
    assert made.recommended["learning_rate"] == 0.02
    assert made.unit == "rows"
    model = made.build_model("relu", 0)
    assert model[0].out_features == 16  # type: ignore[index]
    wider = task(address, width=32, units_per_batch=64, preset="quick")
    assert wider.build_model("relu", 0)[0].out_features == 32  # type: ignore[index]
    assert wider.units_per_batch == 64
    assert wider.describe()["corpus_sha256"] == made.describe()["corpus_sha256"]
    with pytest.raises(CamberError, match="steps and epochs are both given"):
        task(address, steps=5)
    with pytest.raises(UnknownNameError, match=r"setting of mine_.*'widht'.*'width'"):
        task(address, widht=5)
    with pytest.raises(DtypeError, match="seeds must be a whole number"):
        task(address, seeds=2.5)
    with pytest.raises(UnknownNameError, match="preset of mine_"):
        task(address, preset="large")
    plain = write(PLAIN)
    assert task(plain, preset="quick").recommended["steps"] == 60
    endless = PLAIN.replace("train, valid", "(lambda: iter(train)), valid")
    assert task(write(endless)).recommended["steps"] == 200
    with pytest.raises(CamberError, match="does not tell how many batches an epoch has"):
        task(write(endless), epochs=2)


def test_evaluation_can_be_limited(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    address = write(
        """
import itertools
def forever():
    for number in itertools.count():
        yield from valid

def build(activation, seed):
    return net(activation), train, forever, loss
"""
    )
    made = task(address, evaluation_batches=3)
    assert math.isfinite(made.evaluate(made.build_model("relu", 0))["validation_loss"])
    monkeypatch.setattr("camber.tasks.scores.MOST_BATCHES", 20)
    endless = task(address)
    with pytest.raises(CamberError, match=r"does not end after .* --set evaluation_batches=100"):
        endless.evaluate(endless.build_model("relu", 0))


def test_the_content_is_named(write: Write, tmp_path: Path) -> None:
    address = write(PLAIN)
    path = tmp_path / f"{address.partition(':')[0]}.py"
    before = dict(task(address).describe())
    assert task(address).describe() == before
    for change in (
        lambda text: text.replace("data(40)", "data(40, 2)"),
        lambda text: text.replace("data(20, 1)", "data(20, 3)"),
        lambda text: text + "\n# a comment\n",
    ):
        other = write("", head=change(path.read_text()))
        assert task(other).describe()["corpus_sha256"] != before["corpus_sha256"]


def test_helpers_beside_the_builder_are_part_of_it(tmp_path: Path, write: Write) -> None:
    package = tmp_path / "world_of_mine"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("")
    (package / "parts.py").write_text(HEAD)
    (package / "unused.py").write_text("")
    (package / "deep" / "mine.py").write_text("from ..parts import *\n" + PLAIN)
    write("")  # makes the folder the current one
    made = UserTask("world_of_mine.deep.mine:build")
    assert list(made._builder.files) == [
        "world_of_mine", "world_of_mine.deep", "world_of_mine.deep.mine", "world_of_mine.parts",
    ]  # fmt: skip


def test_data_split_by_seed_stay_with_their_model(write: Write) -> None:
    made = task(
        write(
            """
def build(activation, seed):
    everything = data(40)
    parts = torch.utils.data.random_split(everything, [30, 10])
    return net(activation), DataLoader(parts[0], 6, shuffle=True), DataLoader(parts[1], 5), loss
"""
        )
    )
    models = [made.build_model("relu", seed) for seed in (0, 1, 0)]
    rows = [sorted(made._built(m).validation.dataset.indices) for m in models]  # type: ignore[attr-defined, union-attr]
    assert rows[0] == rows[2] != rows[1]


def test_activations_are_made_for_their_place(write: Write) -> None:
    convolution = write(
        """
def build(activation, seed):
    model = nn.Sequential(nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 4, 3, padding=1), activation(),
                          nn.Flatten(), nn.Linear(24, 2))
    return model, train, valid, loss
"""
    )
    made = task(convolution)
    assert made.build_model("softmax", 0)[2].dim == 1  # type: ignore[index]
    choice = "max(x, 0) + slope * min(x, 0)"
    per_channel = made.build_model(lambda: activation(choice, granularity="channel"), 0)
    assert per_channel[2].slope.shape == (4,)  # type: ignore[index]
    hidden = write(
        """
class Net(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.a, self.act, self.b = nn.Linear(6, 8), activation(), nn.Linear(8, 2)
    def forward(self, x):
        return self.b(self.act(self.a(x)))

def build(activation, seed, tell=False):
    model = Net((lambda: activation(8)) if tell else activation)
    return model, train, valid, loss
"""
    )
    made = task(hidden)
    with pytest.raises(
        CamberError, match=r"at act in the model .* call activation\(channels=...\)"
    ):
        made.build_model(lambda: activation(choice, granularity="channel"), 0)
    told = task(hidden, tell=True).build_model(lambda: activation(choice, granularity="channel"), 0)
    assert told.act.slope.shape == (8,)  # type: ignore[union-attr]


def test_gated_entries(write: Write) -> None:
    good = task(
        write(
            """
from camber.layers import FeedForward, match_activation

def build(activation, seed):
    hidden = match_activation(6, 24, activation).hidden
    model = nn.Sequential(nn.Linear(6, 6), FeedForward(6, hidden, activation), nn.Linear(6, 2))
    return model, train, valid, loss
"""
        )
    )
    counts = [
        sum(p.numel() for p in good.build_model(name, 0).parameters())
        for name in ("relu", "swiglu")
    ]
    assert counts[0] == counts[1]  # 2 * 6 * 24 = 3 * 6 * 16
    assert good.evaluate(good.build_model("swiglu", 0))
    plain = task(write(PLAIN))
    model = plain.build_model("swiglu", 0)
    with pytest.raises(CamberError, match=r"its loss raised .*two projections.*FeedForward"):
        plain.loss(model, next(plain.batches("train", 0)))
    odd = task(write(PLAIN.replace("net(activation)", "net7(activation)"), head=HEAD + """
def net7(activation):
    return nn.Sequential(nn.Linear(6, 7), activation(), nn.Linear(7, 2))
"""))  # fmt: skip
    with pytest.raises(CamberError, match=r"halves the last axis.*two projections.*FeedForward"):
        odd.loss(odd.build_model("swiglu", 0), next(odd.batches("train", 0)))


def test_a_loss_that_is_not_finite_is_a_result(write: Write) -> None:
    made = task(
        write(PLAIN.replace("valid, loss", "valid, lambda m, b: loss(m, b) * float('inf')"))
    )
    result = fit(made.build_model("relu", 0), made, FitConfig(steps=2), seed=0)
    assert result.status == "diverged"


def test_a_diverged_run_of_a_model_that_works_in_place(write: Write) -> None:
    """Hooks that look for the culprit cannot stand in-place changes; that is no failure."""
    made = task(
        write(
            """
class Net(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.a, self.act, self.b = nn.Linear(6, 8), activation(), nn.Linear(8, 2)
    def forward(self, x):
        return self.b(self.act(self.a(x).mul_(2.0)))

def build(activation, seed):
    def exploding(model, batch):
        value = loss(model, batch)
        return value + (value - value.detach()) * 1e38 * 1e38
    return Net(activation), train, valid, exploding
"""
        )
    )
    result = fit(made.build_model("x * x", 0), made,
                 FitConfig(steps=2), seed=0)  # fmt: skip
    assert result.status == "diverged"


def test_lazy_layers_are_filled_in(write: Write) -> None:
    lazy = PLAIN.replace("net(activation)", "nn.Sequential(nn.LazyLinear(8), *net(activation)[1:])")
    made = task(write(lazy))
    models = [made.build_model("relu", 3) for _ in range(2)]
    assert models[0][0].weight.shape == (8, 6)  # type: ignore[index]
    assert torch.equal(models[0][0].weight, models[1][0].weight)  # type: ignore[index]
    assert len(next(made.batches("train", 3))) == 3


def test_source_that_was_edited_meanwhile(write: Write, tmp_path: Path) -> None:
    address = write(PLAIN)
    task(address)
    with (tmp_path / f"{address.partition(':')[0]}.py").open("a") as file:
        file.write("# edited\n")
    with pytest.raises(CamberError, match="edited after this Python imported it"):
        task(address)


def test_the_page_on_own_tasks_runs_as_it_stands(write: Write) -> None:
    page = (Path(__file__).parents[2] / "docs" / "own_task.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    first, metric, gated = [block for block in blocks if ">>>" not in block]
    assert task(write("", head=first)).metric.name == "validation_loss"
    judged = task(write(metric, head=first))
    assert judged.metric == Metric("accuracy", "accuracy", "higher")
    assert 0 <= judged.evaluate(judged.build_model("relu", 0))["accuracy"] <= 1
    either = task(write(gated, head=first))
    counts = [
        sum(parameter.numel() for parameter in either.build_model(name, 0).parameters())
        for name in ("gelu", "swiglu")
    ]
    assert counts[1] == pytest.approx(counts[0], rel=0.005)  # the width rule's promise


def test_prints_go_to_standard_error(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    address = write('print("on import")\n' + PLAIN.replace("return", 'print("hello"); return'))
    task(address)
    heard = capsys.readouterr()
    assert heard.out == ""
    assert "on import" in heard.err
    assert "hello" in heard.err


def test_models_go_when_nobody_holds_them(write: Write) -> None:
    made = task(write(PLAIN))
    model = weakref.ref(made.build_model("relu", 1))
    gc.collect()
    assert model() is None


def test_a_builder_that_walks_away(write: Write, tmp_path: Path) -> None:
    away = "import os\nos.chdir('/')\n"
    inside = PLAIN.replace("    return", "    os.chdir('/')\n    return")
    task(write(inside, head=away + HEAD)).build_model("relu", 0)
    assert Path.cwd() == tmp_path
