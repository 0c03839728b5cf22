"""What rows note while a run trains: the training is the same to the bit, the notes are right."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber import activation
from camber.compare.rows import all_rows
from camber.compare.rows.coefficients import LOGGED, noted_coefficients
from camber.compare.rows.propagation import last_over_first
from camber.compare.rows.zeros import ZeroEar
from camber.compare.taps import Ear, TapCallback, Taps, rows_of
from camber.compare.watched_steps import WATCHED, is_watched
from camber.sites import ZeroMeter, watch
from camber.tasks import Task, task
from camber.train import Callback, Fit, FitConfig, FitResult, fit

SMALL = {"width": 8, "context": 8, "batch": 2, "evaluation_tokens": 64, "layers": 2}
CONFIG = FitConfig(steps=6, warmup_steps=1, log_every=2)


def problem() -> Task:
    return task("charlm", preset="quick", **SMALL)


def callbacks() -> list[Callback]:
    return [row.callback() for row in all_rows() if row.callback is not None]


def trained(name: str, callbacks: list[Callback], config: FitConfig = CONFIG) -> FitResult:
    found = problem()
    return fit(found.build_model(name, 0), found, config, seed=0, callbacks=callbacks)


@pytest.mark.parametrize("name", ["relu", "swiglu", "polynorm", "xielu"])
def test_a_run_that_is_watched_ends_in_the_same_bits(name: str) -> None:
    plain, watched = trained(name, []), trained(name, callbacks())
    assert [r["loss"] for r in watched.log] == [r["loss"] for r in plain.log]
    assert watched.metric == plain.metric
    assert [r["gradient_norm"] for r in watched.log] == [r["gradient_norm"] for r in plain.log]


def test_weights_are_equal_to_the_bit_and_no_hook_is_left() -> None:
    found, ends = problem(), []
    for own in ([], callbacks()):
        model = found.build_model("polynorm", 0)
        fit(model, found, CONFIG, seed=0, callbacks=own)
        ends.append(model.state_dict())
        for module in model.modules():
            assert not module._forward_hooks
            assert not module._forward_pre_hooks
    for key, value in ends[0].items():
        assert torch.equal(value, ends[1][key]), key


def test_a_run_that_was_cut_notes_what_a_whole_one_does(tmp_path: Any) -> None:
    class Stop:
        def start(self, run: Fit) -> None: ...
        def end(self, run: Fit) -> None: ...
        def step(self, run: Fit) -> None:
            if run.step == 5:
                raise KeyboardInterrupt

    found = problem()
    config = replace(CONFIG, checkpoint_every=2)

    def attempt(more: list[Callback]) -> FitResult:
        model = found.build_model("polynorm", 0)
        own = [*callbacks(), *more]
        return fit(model, found, config, seed=0, directory=tmp_path, callbacks=own)

    with pytest.raises(KeyboardInterrupt):
        attempt([Stop()])
    resumed = attempt([])
    whole = trained("polynorm", callbacks())
    kept = ("step", "loss", "zeros", "coefficients", "propagation_start", "propagation_end")
    for one, other in zip(resumed.log, whole.log, strict=True):
        assert {key: one.get(key) for key in kept} == {key: other.get(key) for key in kept}


def test_the_notes_stand_where_they_belong() -> None:
    log = trained("polynorm", callbacks()).log
    assert [record["step"] for record in log] == [2, 4, 6]
    assert all({"zeros", "coefficients"} <= set(record) for record in log)
    assert ["propagation_start" in record for record in log] == [True, False, False]
    assert ["propagation_end" in record for record in log] == [False, False, True]
    paths = [f"blocks.{k}.feed_forward.activation" for k in range(2)]
    assert list(as_mapping(log[0]["zeros"])) == paths
    sites = as_mapping(log[0]["coefficients"])
    assert [len(sites[path]["weight"]) for path in paths] == [3, 3]
    json.dumps(log, allow_nan=False)


def as_mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping)
    return value


def test_a_run_of_one_step_has_a_start_and_no_end() -> None:
    log = trained("relu", callbacks(), FitConfig(steps=1)).log
    assert len(log) == 1
    assert {"zeros", "propagation_start"} <= set(log[0])
    assert "propagation_end" not in log[0]


@pytest.mark.parametrize("steps", [1, 7, 120, 400, 3001])
def test_about_a_dozen_steps_are_watched_evenly(steps: int) -> None:
    config = FitConfig(steps=steps, log_every=10)
    watched = [step for step in range(1, steps + 1) if is_watched(step, config)]
    assert len(watched) == min(WATCHED, -(-steps // 10))
    assert watched[-1] == steps
    assert all(step % 10 == 0 for step in watched[:-1])
    gaps = [after - before for before, after in pairwise(watched)]
    assert max(gaps, default=0) <= min(gaps, default=0) + 2 * 10  # a record to either side


def test_zeros_and_sizes_are_what_a_plain_hook_sees() -> None:
    found = problem()
    model = found.build_model("relu", 0)
    batch = next(found.batches("train", 0))
    seen: list[tuple[Tensor, Tensor]] = []

    def keep(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        output.retain_grad()
        seen.append((given[0].detach(), output))

    sites = [module for path, module in model.named_modules() if path.endswith(".activation")]
    for module in sites:
        module.register_forward_hook(keep)
    found.loss(model, batch).backward()
    log = trained("relu", callbacks()).log
    notes = log[0]["propagation_start"]
    assert isinstance(notes, list)
    for note, (given, output) in zip(notes, seen, strict=True):
        assert output.grad is not None
        # independent: plain means in float64; 1e-5 is float32's norm over some hundred numbers
        assert note["before"] == pytest.approx(float(given.double().square().mean()), rel=1e-5)
        assert note["after"] == pytest.approx(
            float(output.detach().double().square().mean()), rel=1e-5
        )
        gradient = float(output.grad.double().square().mean())
        assert note["gradient"] == pytest.approx(gradient, rel=1e-5)


def test_zeros_agree_with_a_watch() -> None:
    found = problem()
    model = found.build_model("relu", 0)
    batch = next(found.batches("train", 0))
    with Taps(model, ZeroEar, training=True) as taps, watch(model, meters=(ZeroMeter,)) as seen:
        found.loss(model, batch)
    for site in seen.report().sites:
        ear = taps.ears[site.path]
        assert isinstance(ear, ZeroEar)
        assert ear.found() == {
            "zero_fraction": site.values["zero_fraction"],
            "dead_units": site.values["dead_units"],
            "units": site.neurons,
        }


def test_an_evaluation_between_steps_is_not_heard() -> None:
    config = replace(CONFIG, evaluate_every=2)
    plain = trained("relu", callbacks()).log
    between = [record for record in trained("relu", callbacks(), config).log if "loss" in record]
    assert [record["zeros"] for record in between] == [record["zeros"] for record in plain]


def test_coefficients_by_channel_are_told_by_their_median() -> None:
    values = torch.tensor([3.0, 1.0, 2.0])
    channels = activation("x*sigmoid(beta*x)", granularity="channel", channels=3)
    with torch.no_grad():
        channels.get_parameter("beta").copy_(values)
    assert noted_coefficients(nn.Sequential(channels)) == {"0": {"beta": [2.0]}}
    text = "w[0]*x + w[1]*max(x, 0)"
    family = activation(text, w=(1.0, 2.0), granularity="channel", channels=5)
    assert noted_coefficients(nn.Sequential(family)) == {"0": {"w": [1.0, 2.0]}}
    assert noted_coefficients(nn.Sequential(nn.PReLU(4 * LOGGED))) == {"0": {"weight": [0.25]}}
    assert noted_coefficients(nn.Sequential(nn.PReLU(2)))["0"]["weight"] == [0.25, 0.25]
    assert noted_coefficients(nn.Sequential(nn.ReLU())) == {}


class Images(nn.Module):
    """Convolutions whose activations do not tell where their channels are."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.act = nn.Conv2d(1, 3, 3), activation("relu")
        self.last = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.act(self.first(x)).mean((2, 3)))


def test_images_are_read_by_their_channels() -> None:
    model = Images()
    with Taps(model, ZeroEar, training=True) as taps:
        model(torch.zeros(2, 1, 5, 5))
    ear = taps.ears["act"]
    assert isinstance(ear, ZeroEar)
    assert ear.found()["units"] == 3
    assert ear.tokens == 2 * 3 * 3
    assert rows_of(torch.zeros(4), -1).shape == (1, 4)


class Changing(nn.Module):
    """One activation for two widths, and one that gives no numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.odd = Odd()

    def forward(self, x: Tensor) -> Tensor:
        self.odd(x)
        return self.act(x).sum() + self.act(x[:, :2]).sum()


class Odd(nn.GELU):
    """Called like an activation, returns something else."""

    def forward(self, input: Tensor) -> Tensor:
        return (F.gelu(input) > 0).nonzero()


def test_what_cannot_be_read_is_passed_over() -> None:
    model = Changing()
    with Taps(model, ZeroEar, training=True) as taps:
        model(torch.zeros(3, 4))
    ear = taps.ears["act"]
    assert isinstance(ear, ZeroEar)
    assert (ear.tokens, ear.found()["units"]) == (3, 4)
    assert Taps(nn.Sequential(nn.Linear(2, 2)), ZeroEar, training=True).ears == {}


def test_a_compiled_model_is_left_alone() -> None:
    model = torch.compile(nn.Sequential(nn.ReLU()), backend="eager")
    assert isinstance(model, nn.Module)
    assert Taps(model, ZeroEar, training=True).ears == {}
    inside = nn.Sequential(nn.ReLU())
    inside.compile(backend="eager")
    assert Taps(inside, ZeroEar, training=True).ears == {}


class WithoutSites:
    """A task whose model has no activation module."""

    def __init__(self) -> None:
        self.inner = problem()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def build_model(self, choice: object, seed: int) -> nn.Module:
        return nn.Sequential(nn.Embedding(256, 256))

    def batches(self, split: str, seed: int, start_step: int = 0) -> Iterator[tuple[Tensor, ...]]:
        return self.inner.batches("train", seed, start_step)


def test_a_model_without_sites_trains_and_notes_nothing() -> None:
    found: Any = WithoutSites()
    log = fit(found.build_model("relu", 0), found, CONFIG, seed=0, callbacks=callbacks()).log
    assert not any({"zeros", "coefficients", "propagation_start"} & set(record) for record in log)
    for row in all_rows():
        if row.probe is not None:
            assert isinstance(row.probe(found.build_model("relu", 0), found), Mapping)


def test_a_tap_that_fails_to_open_leaves_the_model_clean() -> None:
    class Ears:
        def before(self, values: tuple[Tensor, ...]) -> None: ...
        def after(self, values: Tensor, channel_dim: int) -> None:
            raise RuntimeError("broken")

    def tell(ears: dict[str, Ear], run: Fit) -> dict[str, object]:
        return {}

    found = problem()
    model = found.build_model("relu", 0)
    broken = TapCallback(lambda step, config: True, Ears, tell)
    with pytest.raises(RuntimeError, match="broken"):
        fit(model, found, CONFIG, seed=0, callbacks=[broken])
    assert not any(module._forward_hooks for module in model.modules())


def test_the_last_site_over_the_first() -> None:
    sites = [{"path": "a", "after": 4.0}, {"path": "b", "after": 2.0}, {"path": "c", "after": 1.0}]
    assert last_over_first(sites, "after") == 0.25
    assert last_over_first(sites, "gradient") is None
    assert last_over_first(sites[:1], "after") is None
    assert last_over_first(None, "after") is None
    assert last_over_first([{"after": 0.0}, {"after": 1.0}], "after") is None
    assert last_over_first([{"after": 1.0}, {"after": math.nan}], "after") is None
