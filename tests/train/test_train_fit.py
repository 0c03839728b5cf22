"""The loop: it learns, leaves no trace, resumes to the last bit, and names what breaks it."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from train_small_task import TASK, SmallTask, small_config

from camber.errors import CamberError, RunError
from camber.train import Fit, FitConfig, FitResult, Metering, fit, load_weights


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def _same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _fit(
    directory: Path | None, steps: int = 30, **more: object
) -> tuple[FitResult, dict[str, Tensor]]:
    model = TASK.build_model("polynorm", 3)
    result = fit(model, TASK, small_config(steps), seed=3, directory=directory, **more)  # type: ignore[arg-type]  # by name
    return result, _weights(model)


def _timeless(log: tuple[Mapping[str, object], ...]) -> list[dict[str, object]]:
    return [{k: v for k, v in record.items() if k != "seconds"} for record in log]


class Stop:
    """Ends the process's patience at a step, as Ctrl-C does."""

    def __init__(self, at: int) -> None:
        self.at = at

    def start(self, run: Fit) -> None: ...

    def step(self, run: Fit) -> None:
        if run.step == self.at:
            raise KeyboardInterrupt

    def end(self, run: Fit) -> None: ...


def test_it_learns_and_says_so() -> None:
    shown: list[Mapping[str, object]] = []
    model = TASK.build_model("gelu", 0)
    before = TASK.evaluate(model)["squared_error"]
    config = replace(FitConfig(**TASK.recommended), steps=150)
    result = fit(model, TASK, config, seed=0, on_step=shown.append)
    assert result.status == "finished"
    assert result.metric < 0.7 * before
    assert result.metrics == TASK.evaluate(model)
    assert (result.step, result.units) == (150, 150 * 16)
    assert result.units_per_second > 0
    assert shown[-1]["step"] == shown[-1]["steps"] == 150
    assert shown[-1]["examples"] == 150 * 16
    assert shown[-1]["learning_rate"] == pytest.approx(1e-3)  # 10 % of the peak
    assert model.training


def test_the_global_generator_is_left_alone_and_not_used() -> None:
    trained = []
    for seed in (1, 2):
        model = TASK.build_model("polynorm", 3)
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        fit(model, TASK, small_config(), seed=3)
        assert torch.equal(torch.get_rng_state(), state)
        trained.append(_weights(model))
    assert _same(*trained)


def test_seeds_differ() -> None:
    model = TASK.build_model("polynorm", 3)
    fit(model, TASK, small_config(), seed=4)
    assert not _same(_weights(model), _fit(None)[1])


def test_interrupted_anywhere_it_ends_in_the_same_bits(tmp_path: Path) -> None:
    whole, weights = _fit(tmp_path / "whole")
    for at in (1, 3, 4, 5, 9, 17, 29, 30):
        place = tmp_path / str(at)
        with pytest.raises(KeyboardInterrupt):
            _fit(place, callbacks=[Stop(at)])
        assert (place / "checkpoint.safetensors").exists() == (at > 4)
        again, resumed = _fit(place)
        assert _same(resumed, weights)
        assert _timeless(again.log) == _timeless(whole.log)
        assert replace(again, seconds=0, units_per_second=0) == replace(
            whole, seconds=0, units_per_second=0
        )
        assert not (place / "checkpoint.safetensors").exists()
        fresh = TASK.build_model("polynorm", 0)
        load_weights(fresh, place / "weights.safetensors")
        assert _same(_weights(fresh), weights)


def test_killed_for_real_it_ends_in_the_same_bits(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("train_small_task.py"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*command, str(tmp_path / "killed"), "120"], env=environment) as run:
        while not (tmp_path / "killed" / "checkpoint.safetensors").exists():
            assert run.poll() is None
            time.sleep(0.02)
        time.sleep(0.1)
        run.kill()
    assert run.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "result.json").exists()
    again, weights = _fit(tmp_path / "killed", steps=120)
    assert again.status == "finished"
    whole, expected = _fit(None, steps=120)
    assert _same(weights, expected)
    assert _timeless(again.log) == _timeless(whole.log)


def test_a_finished_run_is_not_repeated(tmp_path: Path) -> None:
    first, weights = _fit(tmp_path)
    moment = (tmp_path / "metrics.jsonl").stat().st_mtime_ns
    second, again = _fit(tmp_path, callbacks=[Stop(1)])
    assert _same(weights, again)
    assert second == first
    assert second.log == tuple(json.loads(json.dumps(first.log)))
    assert (tmp_path / "metrics.jsonl").stat().st_mtime_ns == moment
    fresh = TASK.build_model("polynorm", 0)
    load_weights(fresh, tmp_path / "weights.safetensors")
    assert _same(_weights(fresh), weights)


def test_how_often_it_saves_changes_nothing(tmp_path: Path) -> None:
    result, weights = _fit(tmp_path)
    model = TASK.build_model("polynorm", 3)
    config = small_config(checkpoint_every=None, checkpoint_seconds=0.0)
    assert fit(model, TASK, config, seed=3, directory=tmp_path) == result
    assert _same(_weights(model), weights)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"seed": 4}, "seed is 3 there and 4 here"),
        ({"config": small_config(31)}, "fit.steps is 30 there and 31 here"),
        ({"task": SmallTask(shift=1.0)}, "task.shift is 0.0 there and 1.0 here"),
        ({"model": TASK.build_model("gelu", 3)}, "activations.1.formula is "),
    ],
)
def test_another_run_is_refused(tmp_path: Path, change: dict[str, object], difference: str) -> None:
    _fit(tmp_path)
    arguments = {
        "model": TASK.build_model("polynorm", 3), "task": TASK, "config": small_config(),
        "seed": 3, "directory": tmp_path,
    }  # fmt: skip
    with pytest.raises(RunError) as caught:
        fit(**{**arguments, **change})  # type: ignore[arg-type]  # by name
    assert difference in str(caught.value)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _fit(tmp_path, callbacks=[Stop(9)])
    checkpoint = tmp_path / "checkpoint.safetensors"
    good = checkpoint.read_bytes()
    checkpoint.write_bytes(good[:-100])
    with pytest.raises(RunError, match=r"checkpoint.safetensors is damaged .* start this run"):
        _fit(tmp_path)
    checkpoint.write_bytes(good.replace(b'"schema":"1"', b'"schema":"7"'))
    with pytest.raises(RunError, match="has schema version '7' and this camber reads 1"):
        _fit(tmp_path)
    checkpoint.write_bytes(good)
    _fit(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(RunError, match=r"weights.safetensors is missing: delete .*result.json"):
        _fit(tmp_path)
    result = json.loads((tmp_path / "result.json").read_text())
    del result["status"]
    (tmp_path / "result.json").write_text(json.dumps(result))
    with pytest.raises(RunError, match=r"result.json is damaged \(not the record of a fit"):
        _fit(tmp_path)


def test_a_full_disk_is_said_and_the_run_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise SafetensorError("No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr("camber.train.checkpoint.save_file", full)
        with pytest.raises(RunError, match=r"the disk is full: .*checkpoint.safetensors"):
            _fit(tmp_path)
    assert _fit(tmp_path)[0].status == "finished"


def test_nan_in_a_formula_names_the_formula_and_the_place(tmp_path: Path) -> None:
    model = TASK.build_model("log(x)", 0)
    before = _weights(model)
    result = fit(model, TASK, small_config(), seed=0, directory=tmp_path)
    assert (result.status, result.step, result.culprit) == ("diverged", 0, "1")
    assert result.formula == "log(x)"
    assert result.reason.startswith(
        "the loss is nan at step 0: log(x) at 1 gives nan for finite input between -"
    )
    assert math.isnan(result.metric)
    assert json.loads((tmp_path / "result.json").read_text())["metric"] is None
    # only running statistics moved; the weights are those that met the bad number
    assert all(torch.equal(before[n], v) for n, v in _weights(model).items() if "3." not in n)
    again = fit(TASK.build_model("log(x)", 0), TASK, small_config(), seed=0, directory=tmp_path)
    assert (again.status, again.reason) == (result.status, result.reason)


def test_a_late_nan_names_its_step() -> None:
    task = SmallTask(bad_step=7)
    result = fit(task.build_model("exp(x*x)", 0), task, small_config(), seed=0)
    assert (result.status, result.step, result.culprit) == ("diverged", 7, "1")
    assert result.reason.startswith("the loss is nan at step 7: exp(x*x) at 1 gives an infinite")
    assert [record["step"] for record in result.log] == [2, 4, 6]


def test_a_gradient_that_is_not_finite_names_the_formula() -> None:
    # sqrt(abs(x)) is finite everywhere and has an infinite slope at 0
    task = SmallTask()
    model = task.build_model("x + sqrt(abs(x))", 0)
    with torch.no_grad():
        model.get_parameter("0.weight")[0].zero_()
    result = fit(model, task, small_config(), seed=0)
    assert (result.status, result.step, result.culprit) == ("diverged", 0, "1")
    assert "the norm of the gradient is " in result.reason
    assert "x + sqrt(abs(x)) at 1 has the gradient" in result.reason


def test_a_module_without_formula_is_named_too() -> None:
    class Root(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.sqrt()

    result = fit(TASK.build_model(Root, 0), TASK, small_config(), seed=0)
    assert "Root at 1 gives nan" in result.reason
    assert result.formula == ""


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # torch's own, as it traces
def test_a_compiled_model_is_trained_and_blamed() -> None:
    # hooks that come after compilation fire only when the model runs eagerly; "eager" traces the
    # model as the default compiler does and needs no C++ compiler
    task = SmallTask(bad_step=7)
    model = task.build_model("exp(x*x)", 0)
    model.compile(backend="eager")
    result = fit(model, task, small_config(), seed=0)
    assert (result.status, result.step, result.culprit) == ("diverged", 7, "1")


def test_two_commands_in_one_directory_are_kept_apart(tmp_path: Path) -> None:
    class Nested(Stop):
        def step(self, run: Fit) -> None:
            _fit(tmp_path)

    with pytest.raises(RunError, match="another camber command is working in"):
        _fit(tmp_path, callbacks=[Nested(1)])


def test_evaluation_that_is_not_finite_is_a_divergence() -> None:
    class Late(SmallTask):
        def evaluate(self, model: nn.Module, split: object = "validation") -> dict[str, float]:
            return {"squared_error": math.inf}

    task = Late()
    result = fit(task.build_model("gelu", 0), task, small_config(3), seed=0)
    assert (result.status, result.reason) == ("diverged", "squared_error is inf after step 3")


def test_bfloat16_on_request() -> None:
    seen: list[torch.dtype] = []

    class Look(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.dtype)
            return torch.tanh(x)

    model = TASK.build_model(Look, 0)
    result = fit(model, TASK, small_config(4, precision="bfloat16", evaluate_every=None), seed=0)
    assert seen[:4] == [torch.bfloat16] * 4
    assert set(seen[4:]) == {torch.float32}  # evaluation
    assert result.status == "finished"
    assert model.get_parameter("0.weight").dtype == torch.float32


def test_initialise_sees_the_first_batch_once(tmp_path: Path) -> None:
    calls: list[tuple[int, ...]] = []

    def initialise(model: nn.Module, batch: tuple[Tensor, ...]) -> None:
        calls.append(tuple(batch[0].shape))
        with torch.no_grad():
            model.get_parameter("0.weight").zero_()

    with pytest.raises(KeyboardInterrupt):
        _fit(tmp_path, initialise=initialise, callbacks=[Stop(9)])
    _, weights = _fit(tmp_path, initialise=initialise)
    assert calls == [(16, 4)]
    assert not _same(weights, _fit(None)[1])


def test_callbacks_see_the_run_and_add_to_the_log() -> None:
    heard: list[str] = []

    class Meter:
        def start(self, run: Fit) -> None:
            heard.append(f"start {run.step}")

        def step(self, run: Fit) -> None:
            run.note(scale=float(run.model.get_parameter("1.weight").detach().norm()))
            assert math.isfinite(run.loss)

        def end(self, run: Fit) -> None:
            heard.append(f"end {run.step}")

    result, _ = _fit(None, callbacks=[Meter()])
    assert heard == ["start 0", "end 30"]
    assert all("scale" in record for record in result.log if "loss" in record)
    assert [r["step"] for r in result.log if "evaluation" in r] == [8, 16, 24]


def test_meters_look_now_and_then_and_leave_no_trace(tmp_path: Path) -> None:
    _, plain = _fit(None)
    whole, weights = _fit(tmp_path / "whole", callbacks=[Metering(every=6)])
    assert _same(weights, plain)
    seen = [record["step"] for record in whole.log if "sites" in record]
    assert seen == [6, 12, 18, 24, 30]
    model = TASK.build_model("polynorm", 3)
    with pytest.raises(KeyboardInterrupt):
        fit(
            model, TASK, small_config(), seed=3, directory=tmp_path / "cut",
            callbacks=[Metering(every=6), Stop(17)],
        )  # fmt: skip
    assert not any(module._forward_hooks for module in model.modules())
    again, resumed = _fit(tmp_path / "cut", callbacks=[Metering(every=6)])
    assert _same(resumed, weights)
    assert json.dumps(_timeless(again.log)) == json.dumps(_timeless(whole.log))
    with pytest.raises(CamberError, match="every is 0"):
        Metering(every=0)


def test_clipping_and_the_schedule_are_what_they_say() -> None:
    # one step with a huge gradient: AdamW's first update is the learning rate, whatever the norm;
    # so look at the first moment instead: (1 - beta1) * clipped gradient
    captured: dict[str, Tensor] = {}

    class Look:
        def start(self, run: Fit) -> None: ...

        def step(self, run: Fit) -> None:
            states = run.optimizer.state.values()
            captured["norm"] = torch.stack([s["exp_avg"].norm() for s in states]).norm() / 0.1

        def end(self, run: Fit) -> None: ...

    for clip, expected in ((1e-3, 1e-3), (None, None)):
        model = TASK.build_model("gelu", 0)
        config = small_config(1, warmup_steps=1, clip_norm=clip)
        result = fit(model, TASK, config, seed=0, callbacks=[Look()])
        norm = result.log[-1]["gradient_norm"]
        assert float(captured["norm"]) == pytest.approx(expected or norm, rel=1e-4)
        assert result.log[-1]["learning_rate"] == config.learning_rate


def test_a_task_that_runs_out_says_so() -> None:
    class Short(SmallTask):
        def batches(self, split: object, seed: int, start_step: int = 0):  # type: ignore[no-untyped-def]
            return iter([])

    task = Short()
    with pytest.raises(CamberError, match="'small' ran out of batches at step 0"):
        fit(task.build_model("gelu", 0), task, small_config(), seed=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0}, {"learning_rate": -1.0}, {"warmup_steps": -1}, {"final_fraction": 2.0},
        {"weight_decay": math.inf}, {"clip_norm": 0.0}, {"betas": (0.9, 1.0)}, {"epsilon": 0.0},
        {"precision": "float16"}, {"log_every": 0}, {"evaluate_every": 0},
        {"checkpoint_every": 0}, {"checkpoint_seconds": -1.0}, {"coefficient_learning_rate": -1.0},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_named(wrong: dict[str, object]) -> None:
    name = next(iter(wrong))
    with pytest.raises(CamberError, match=f"FitConfig: {name} is .*, out of its range"):
        FitConfig(**{"steps": 30, **wrong})  # type: ignore[arg-type]  # that is the point


def test_unknown_and_missing_devices_are_named() -> None:
    for device, reason in (("toaster", "there is no device 'toaster'"), ("cuda:99", "not there")):
        with pytest.raises(CamberError, match=reason):
            fit(TASK.build_model("gelu", 0), TASK, small_config(device=device), seed=0)
