"""Everything a user's builder can do wrong: one sentence that names it."""

from __future__ import annotations

import itertools
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from camber.errors import CamberError
from camber.tasks import task

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

x = torch.linspace(-1, 1, 48).reshape(12, 4)
rows = TensorDataset(x, (x[:, 0] > 0).long())
train = valid = DataLoader(rows, batch_size=4, shuffle=True)
def net(activation):
    return nn.Sequential(nn.Linear(4, 4), activation(), nn.Linear(4, 2))
def loss(model, batch):
    return F.cross_entropy(model(batch[0]), batch[1])
"""

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Write a module, ask for its task, and return the sentence of the error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where tracebacks are kept
    numbers = itertools.count()

    def attempt(
        body: str,
        *,
        head: str = HEAD,
        name: str = "build",
        entry: str = "relu",
        limit: int | None = 2,
    ) -> str:
        module = f"mine_{tmp_path.name.replace('-', '_')}_{next(numbers)}"
        (tmp_path / f"{module}.py").write_text(head + body)
        with pytest.raises(CamberError) as caught:
            use(f"{module}:{name}", entry, limit)
        said = str(caught.value)
        assert "\n" not in said
        assert module in said
        return said

    return attempt


def use(address: str, entry: str, limit: int | None) -> None:
    """Do with a task what a comparison does."""
    made = task(address, evaluation_batches=limit)
    model = made.build_model(entry, 0)
    batches = made.batches("train", 0)
    for _ in range(4):  # beyond one pass
        made.loss(model, next(batches))
    made.evaluate(model)


def returning(what: str) -> str:
    return f"\ndef build(activation, seed):\n    return {what}\n"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("None", "returned None; it must return model, train_loader"),
        ("net(activation)", "returned a Sequential; it must return model"),
        ("net(activation), train, loss", r"returned 3 things \(Sequential, DataLoader, function\)"),
        ("net, train, valid, loss", "returned a function as its model"),
        ("net(activation), rows, valid, loss", r"training loader .* is a data set \(TensorDataset"),
        ("net(activation), train, iter(valid), loss", "validation loader .* read only once"),
        ("net(activation), train, valid, nn.CrossEntropyLoss()", r"takes outputs and targets.*lam"),
        ("net(activation), train, valid, 3", r"the loss of .* is an int, not a function of"),
        ("net(activation), train, valid, lambda m: 0", r"cannot be called with \(model, batch\)"),
        ("net(activation), train, valid, loss, max", 'does not say which values win.*"higher"'),
        ("net(activation), train, valid, loss, (loss, 'up')", "says that 'up' values win"),
        ("net(activation), train, valid, loss, 'higher'", "returned a str as its metric"),
        ("net(activation), train, valid, loss, (3, 'higher')", "the metric of .* is an int"),
        ("net(nn.ReLU), train, valid, loss", r"never calls activation\(\)"),
        ("(net(nn.Tanh), activation())[0], train, valid, loss", "holds none of what it returns"),
        ("torch.compile(net(activation)), train, valid, loss", "is compiled"),
        ("net(activation).to('meta'), train, valid, loss", "has no values: it is on the device"),
        ("nn.Sequential(activation()), train, valid, loss", "no parameter that wants a gradient"),
        ("net(activation), [], valid, loss", "the training loader of .* yields no batch"),
        ("net(activation), train, [], loss", "the validation loader of .* yields no batch"),
        (
            "net(activation), DataLoader(rows, batch_size=64, drop_last=True), valid, loss",
            "holds 12 examples, fewer than one batch of 64",
        ),
        ("net(activation), [['a', 3]], [['a', 3]], loss", r"\(a list\) holds no tensor"),
        ("net(activation), train, valid, lambda m, b: 0.5", "returned a float; it must return one"),
        ("net(activation), train, valid, lambda m, b: m(b[0])", r"a Tensor of shape \(4, 2\)"),
        ("net(activation), train, valid, lambda m, b: torch.tensor(3)", "is a torch.int64 tensor"),
        ("net(activation), train, valid, lambda m, b: loss(m, b).detach()", "has no gradient"),
        (
            "net(activation), train, valid, lambda m, b: torch.ones((), requires_grad=True) * 2",
            "does not depend on the model's parameters",
        ),
        ("net(activation), train, valid, lambda m, b: m(b)", r"its loss raised .*\(mine_.*:\d+\)"),
        ("activation('gelu')", "takes the number of channels, or nothing, but got 'gelu'"),
    ],
)  # fmt: skip
def test_wrong_answers(refused: Refused, what: str, words: str) -> None:
    assert re.search(words, refused(returning(what)))


def test_one_activation_in_two_places(refused: Refused) -> None:
    said = refused(
        """
def build(activation, seed):
    act = activation()
    model = nn.Sequential(nn.Linear(4, 4), act, nn.Linear(4, 4), act, nn.Linear(4, 2))
    return model, train, valid, loss
"""
    )
    assert "stands in 2 places (1, 3)" in said
    assert "call activation() once for each place" in said


def test_a_builder_that_raises(refused: Refused, tmp_path: Path) -> None:
    said = refused(returning("helper({})"), head="def helper(d):\n    return d['width']\n")
    assert "build(activation, 0) raised KeyError: 'width'" in said
    assert re.search(r"\(mine_.*_0\.py:2\)", said)  # the user's own line
    kept = Path(said.rpartition("the whole traceback is in ")[2])
    assert "Traceback (most recent call last)" in kept.read_text()
    kept.unlink()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import not_there_at_all", r"importing mine.* raised ModuleNotFoundError.*:1\)"),
        ("x = 1\n1 / 0", r"importing mine.* raised ZeroDivisionError: division by zero .*:2\)"),
        ("def build(:", r"importing mine.* raised SyntaxError.*:1\)"),
        ("import sys; sys.exit(1)", "raised SystemExit .*__main__"),
        ("", "defines no 'build'"),
        ("def buidl(activation, seed): ...", "'build'; the nearest known names are 'buidl'"),
        ("build = 3", "is an? int, not a function"),
        ("def build(activation): ...", r"cannot be called with \(activation, seed\).*write def"),
        ("def build(activation, seed, width): ...", r"missing a required argument: 'width'"),
        (
            "def build(activation, seed): ...\nbuild.settings = 3",
            "'settings' is a int; give a dict",
        ),
        ("def build(activation, seed): ...\nbuild.settings = {'stepz': 3}", "'stepz'.*'steps'"),
    ],
)
def test_modules_that_do_not_work(refused: Refused, code: str, words: str) -> None:
    said = refused("", head=code)
    assert re.search(words, said), said


def test_unknown_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for address, words in (
        ("not_there_at_all:build", "no module 'not_there_at_all'.* run the command in the folder"),
        ("torch.not_there:build", "no module 'torch.not_there'"),
        ("mine.py:build", "names a file.*mine:build"),
        ("./sub/mine.py:", "sub.mine:build"),
        ("a b:build", "is no builder's address; write package.module:function"),
        (":build", "is no builder's address"),
        ("mine:", "is no builder's address"),
    ):
        with pytest.raises(CamberError, match=words):
            task(address)
    (tmp_path / "my_task.py").write_text("")
    with pytest.raises(CamberError, match="'my_tsk'; the nearest known names are 'my_task'"):
        task("my_tsk:build")
    with pytest.raises(CamberError, match=r"one of your own is written package.module:function"):
        task("my_task")


def test_a_shipped_task_takes_its_model_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    with pytest.raises(CamberError, match=r"'digits' alone.*--model mlp"):
        task("digits:mlp")
    (tmp_path / "charlm.py").write_text("def build(activation, seed): return 3\n")
    monkeypatch.delitem(sys.modules, "charlm", raising=False)
    with pytest.raises(CamberError, match="charlm:build returned an int"):
        task("charlm:build")
    monkeypatch.delitem(sys.modules, "charlm", raising=False)


def test_data_must_follow_from_the_seed(refused: Refused) -> None:
    said = refused(
        """
import itertools
calls = itertools.count()
def build(activation, seed):
    shifted = [(a + next(calls), b) for a, b in valid]
    return net(activation), train, shifted, loss
"""
    )
    assert "gives other validation data when it is called again with seed 0" in said


# Python 3.12 warns of any fork in a process with threads, such as torch's
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_errors_of_loaders_name_their_line(refused: Refused) -> None:
    body = """
class Broken(torch.utils.data.Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, index):
        return {}["label"]

def build(activation, seed):
    return net(activation), DataLoader(Broken(), 4, num_workers=WORKERS), valid, loss
"""
    for workers in ("0", "1"):
        said = refused(body.replace("WORKERS", workers))
        line = HEAD.count("\n") + 6
        assert "its training loader raised KeyError: 'label'" in said
        assert f".py:{line})" in said


def test_camber_errors_of_a_builder_keep_their_sentence(refused: Refused) -> None:
    said = refused(returning("camber.activation('gellu')"), head="import camber\n" + HEAD)
    assert "unknown activation 'gellu'" in said
    assert said.count("build(activation, 0)") == 1


def test_loaders_that_can_be_read_once(refused: Refused) -> None:
    once = """
class Once:
    def __init__(self, batches):
        self.batches = iter(batches)
    def __iter__(self):
        return self.batches
"""
    for count in (1, 3):
        validation = f"train, Once(list(valid)[:{count}])"
        said = refused(once + returning(f"net(activation), {validation}, loss"))
        assert "begins with another batch when it is read again" in said
    said = refused(once + returning("net(activation), Once(train), valid, loss"))
    assert "the training loader of" in said
    assert "can be read once only, and ended at step 3; give a list, a DataLoader" in said


def test_weights_that_outlive_a_run(refused: Refused) -> None:
    body = """
outside = nn.Linear(4, 4)
def build(activation, seed):
    return nn.Sequential(outside, activation(), nn.Linear(4, 2)), train, valid, loss
"""
    said = refused(body)
    assert "whose weight 0.weight is that of the model it returned before" in said
    # weights that are not trained are the same for every run, and may be shared
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        refused(body.replace("def build", "outside.requires_grad_(False)\ndef build"))


def test_validation_data_that_end_before_they_begin(refused: Refused) -> None:
    body = """
reads = []
def fading():
    reads.append(0)
    return iter(valid if len(reads) < 4 else [])
def build(activation, seed):
    return net(activation), train, fading, loss
"""
    assert "the validation loader of" in (said := refused(body))
    assert "yields no batch" in said


def test_metrics_of_data_without_end(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camber.tasks.scores.MOST_BATCHES", 20)
    body = """
import itertools
def forever():
    return itertools.cycle(list(valid))
def count(model, loader):
    return sum(1 for _ in loader)
def build(activation, seed):
    return net(activation), train, forever, loss, (count, "higher")
"""
    said = refused(body, limit=None)
    assert "does not end after 20 batches; say how many to score: --set evaluation_batches" in said
