"""Functions given as formulas: their inputs, their domain, their samples, and their errors."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from camber.errors import CamberError, DtypeError, FormulaError, UnknownNameError
from camber.tasks import Regress, Task, task
from camber.tasks.target import read_target

TINY = {"samples": 64, "validation_samples": 50, "batch": 16, "width": 8}


class Answer(nn.Module):
    """A model that answers with a function of the standardised points."""

    def __init__(self, function: object = None) -> None:
        super().__init__()
        self.function = function
        self.zero = nn.Parameter(torch.zeros(1))

    def forward(self, points: Tensor) -> Tensor:
        if self.function is None:
            return self.zero.expand(len(points), 1)
        return self.function(points)[:, None] + self.zero  # type: ignore[operator]


def test_it_is_a_task() -> None:
    made = task("regress", preset="quick", function="x*y")
    assert isinstance(made, Task)
    described = made.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["function"] == "x*y"
    assert described["box"] == {"x": [-1.0, 1.0], "y": [-1.0, 1.0]}
    assert (made.unit, made.units_per_batch, made.seeds) == ("points", 64, 5)
    assert made.describe_model("swiglu")["model"] == "mlp"


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        ("x", ("x",)),
        ("z - y + x", ("x", "y", "z")),
        ("y", ("y",)),
        ("x10 + x2 + x0", ("x0", "x2", "x10")),
        ("x + x1", ("x", "x1")),
        ("sin(pi*x1) + e", ("x1",)),
        ("x if y > 0 else 0", ("x", "y")),
    ],
)
def test_inputs_are_found_by_name(function: str, inputs: tuple[str, ...]) -> None:
    assert read_target(function, "-1:1").formula.inputs == inputs


def test_values_are_the_functions() -> None:
    target = read_target("sin(3*x) + x*y", "x=0:2, y=-1:pi")
    assert target.low.tolist() == [0, -1]
    assert target.high.tolist() == [2, pytest.approx(math.pi)]
    points = target.sample(100, np.random.default_rng(0))
    assert ((points >= target.low) & (points <= target.high)).all()
    expected = np.sin(3 * points[:, 0]) + points[:, 0] * points[:, 1]
    assert target(points) == pytest.approx(expected, rel=1e-14)  # a few roundings


def test_samples_are_standardised() -> None:
    made = Regress(function="3*x + 100*y", domain="x=10:12, y=0:0.01", samples=4000, noise=0.0)
    part = made.part("train")
    # uniform variables have variance width^2 / 12; a mean of 4000 is known to 1/sqrt(4000) = 0.016
    assert part.inputs.mean(0).abs().max() < 0.06
    assert (part.inputs.std(0) - 1).abs().max() < 0.06
    assert float(part.exact.mean()) == pytest.approx(0, abs=1e-5)  # by construction, in float32
    assert float(part.exact.std(correction=0)) == pytest.approx(1, abs=1e-5)
    assert torch.equal(part.observed, part.exact)
    # f has standard deviation sqrt(3^2 * 2^2 + 100^2 * 0.01^2) / sqrt(12) = sqrt(37/12)
    x, y = part.inputs.double().T
    f = 3 * x * 2 / math.sqrt(12) + 100 * y * 0.01 / math.sqrt(12)
    slope = float((part.exact.double() * (f - f.mean())).mean() / (f - f.mean()).square().mean())
    assert 1 / slope == pytest.approx(math.sqrt(37 / 12), rel=0.05)


def test_noise_is_a_share_of_the_spread_and_never_validates() -> None:
    made = Regress(function="1000*x", noise=0.5, samples=20_000)
    added = made.part("train").observed - made.part("train").exact
    assert float(added.std()) == pytest.approx(0.5, rel=0.03)  # 0.5 / sqrt(2 n) = 0.0025
    assert abs(float(added.mean())) < 0.02
    held = made.part("validation")
    assert torch.equal(held.observed, held.exact)


def test_each_stream_has_its_own_seed() -> None:
    base = Regress(function="x*y", **TINY)
    more = Regress(function="x*y", **{**TINY, "samples": 100, "noise": 0.7})
    assert torch.equal(base.part("train").inputs, more.part("train").inputs[:64])
    assert torch.equal(base.part("validation").inputs, more.part("validation").inputs)
    other = Regress(function="x*y", data_seed=1, **TINY)
    assert not torch.equal(base.part("train").inputs, other.part("train").inputs)
    hashes = {made.describe()["corpus_sha256"] for made in (base, more, other)}
    assert len(hashes) == 3
    assert Regress(function="x*y", **TINY).describe()["corpus_sha256"] in hashes
    # the model and the budget are no data
    assert Regress(function="x*y", **TINY, steps=7).describe()["corpus_sha256"] in hashes


def test_evaluation_against_closed_forms() -> None:
    made = Regress(function="x", noise=0.3, samples=5000, validation_samples=5000)
    held = made.part("validation")
    spread = float(held.exact.double().std(correction=0))
    mean = float(held.exact.double().mean())
    constant = made.evaluate(Answer())["validation_nrmse"]
    # predicting 0 where the mean is m costs sqrt(s^2 + m^2) / s
    assert constant == pytest.approx(math.hypot(spread, mean) / spread, rel=1e-5)
    best = Answer(lambda points: torch.full((len(points),), mean))
    assert made.evaluate(best)["validation_nrmse"] == pytest.approx(1, abs=1e-5)
    # f(x) = x is the standardised point, up to the scale of the training sample
    scale = float(held.exact.double()[0] - held.exact.double()[1]) / float(
        held.inputs.double()[0, 0] - held.inputs.double()[1, 0]
    )
    offset = float(held.exact.double()[0]) - scale * float(held.inputs.double()[0, 0])
    exact = Answer(lambda points: points[:, 0] * scale + offset)
    assert made.evaluate(exact)["validation_nrmse"] < 1e-4
    assert made.evaluate(exact, "train")["train_nrmse"] < 1e-4
    half = Answer(lambda points: 0.5 * (points[:, 0] * scale + offset) + 0.5 * mean)
    assert made.evaluate(half)["validation_nrmse"] == pytest.approx(0.5, abs=1e-4)
    assert made.metric.name in made.evaluate(half)
    batch = next(made.batches("train", 0))
    assert float(made.loss(exact, batch).detach()) == pytest.approx(
        0.09, rel=0.6
    )  # the noise, squared


def test_batches_follow_from_seed_and_step() -> None:
    made = Regress(**TINY)
    first = list(itertools.islice(made.batches("train", 3), 9))
    resumed = list(itertools.islice(made.batches("train", 3, 5), 4))
    for (points, values), (again, more) in zip(first[5:], resumed, strict=True):
        assert torch.equal(points, again)
        assert torch.equal(values, more)
    assert not torch.equal(first[0][0], next(made.batches("train", 4))[0])
    epoch = torch.cat([values for _, values in first[:4]])
    assert torch.equal(epoch.sort().values, made.part("train").observed.sort().values)


@pytest.mark.parametrize("activation", ["relu", "tanh", "swiglu", "polynorm"])
def test_a_few_steps_learn(activation: str) -> None:
    made = Regress(function="x*y", width=16)
    network = made.build_model(activation, 0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    before = made.evaluate(network)["validation_nrmse"]
    for batch in itertools.islice(made.batches("train", 0), 60):
        optimiser.zero_grad()
        made.loss(network, batch).backward()
        optimiser.step()
    after = made.evaluate(network)["validation_nrmse"]
    assert after < min(0.7, before - 0.3)
    assert network.training


def test_models_have_equal_parameters() -> None:
    made = Regress()
    counts = [
        sum(parameter.numel() for parameter in made.build_model(name, 0).parameters())
        for name in ("relu", "gelu", "swiglu", "polyrelu", "polynorm")
    ]
    assert max(counts) / min(counts) <= 1.0075  # 1,881 parameters: one channel is 2 %


def test_diverged_models_are_an_answer() -> None:
    model = Answer()
    with torch.no_grad():
        model.zero.fill_(math.nan)
    assert math.isnan(Regress(**TINY).evaluate(model)["validation_nrmse"])


@pytest.mark.parametrize(
    ("function", "domain", "sentence"),
    [
        ("log(x)", "-1:1", "the function log.x. is nan at x = -1"),
        ("1/x", "-1:1", "is (nan|inf|-inf) at x = 0"),
        ("exp(exp(10*x))", "-1:1", "is inf at x ="),
        ("1/(x - 0.123456)", "-1:1", "as near a pole .x = 0.12"),
        ("1/(x - y + 0.00017)**2", "-1:1", "as near a pole"),
        ("3", "-1:1", "has no input"),
        ("x - x", "-1:1", "is constant"),
        ("max(x, 0)", "-2:-1", "is constant"),
        ("1e6 + x*1e-9", "-1:1", "is constant"),
    ],
)
def test_functions_that_are_refused(function: str, domain: str, sentence: str) -> None:
    with pytest.raises(CamberError, match=sentence):
        Regress(function=function, domain=domain)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("a*x", "'a' in 'a.x' is no input"),
        ("x + theta[1]", "'theta' in"),
        ("x01", "'x01' in"),
        ("X", "'X' in"),
        ("x[0]", "only a parameter takes an index"),
        ("mean(x, over=feature)", "takes statistics"),
        ("sin(x", "never closed"),
        ("__import__('os')", "__import__"),
        ("", "empty"),
        ("-" * 100_000 + "x", "characters"),
    ],
)
def test_text_that_is_refused(function: str, sentence: str) -> None:
    with pytest.raises(FormulaError, match=sentence):
        Regress(function=function)


@pytest.mark.parametrize(
    ("domain", "sentence"),
    [
        ("1:-1", "is no interval"),
        ("0:0", "is no interval"),
        ("3", "is no interval"),
        ("0:1:2", "is no interval"),
        ("0:inf", "is not finite"),
        ("0:x", "'x' in the domain .* is no number"),
        ("0:a", "'a' in the domain .* is no number"),
        ("x=0:1", "gives no interval for y"),
        ("x=0:1, z=0:1", "neither one interval"),
        ("x=0:1, x=0:1", "neither one interval"),
        ("0:1, 0:1", "neither one interval"),
        ("0:1, x=0:1, y=0:1", "neither one interval"),
        ("x=0:1, 0:1", "neither one interval"),
        ("-1e308:1e308", "too wide"),
        ("", "neither one interval|no interval|empty"),
    ],
)
def test_domains_that_are_refused(domain: str, sentence: str) -> None:
    with pytest.raises(CamberError, match=sentence):
        Regress(function="x*y", domain=domain)


def test_huge_and_tiny_values_are_scaled() -> None:
    for scale in ("1e300", "1e-300"):
        made = Regress(function=f"{scale}*x", **TINY)
        assert float(made.part("train").exact.std(correction=0)) == pytest.approx(1, abs=1e-5)
        assert math.isfinite(made.evaluate(Answer())["validation_nrmse"])


def test_a_sample_of_one_value_is_refused() -> None:
    points = [Regress(function="x", samples=2, data_seed=seed).part("train") for seed in range(9)]
    seed = next(seed for seed, part in enumerate(points) if (part.inputs > 0).all())
    with pytest.raises(CamberError, match="all 2 points drawn have one value"):
        Regress(function="sign(x)", samples=2, data_seed=seed)


def test_many_inputs() -> None:
    made = Regress(function=" + ".join(f"sin(x{i})" for i in range(12)), **TINY)
    assert next(made.batches("train", 0))[0].shape == (16, 12)


@given(st.text(max_size=30))
def test_any_text_is_a_function_or_a_sentence(text: str) -> None:
    try:
        read_target(text, "-1:1")
    except CamberError as error:
        assert str(error)  # noqa: PT017 - anything else than a CamberError fails the test


@given(st.text(alphabet="x0123456789:=,.-+*/pie ()", max_size=20))
def test_any_text_is_a_domain_or_a_sentence(text: str) -> None:
    try:
        target = read_target("x", text)
    except CamberError:
        return
    assert (target.low < target.high).all()


def test_bad_settings() -> None:
    with pytest.raises(UnknownNameError, match="'noise'"):
        Regress(nois=0.1)
    with pytest.raises(UnknownNameError, match="preset of regress 'sheet'"):
        Regress("sheet")
    with pytest.raises(UnknownNameError, match="regress: model is 'mlp', but got 'vit'"):
        Regress(model="vit")
    with pytest.raises(DtypeError, match="regress: function must be text, but got 3"):
        Regress(function=3)
    with pytest.raises(CamberError, match="noise must be at least 0"):
        Regress(noise=-1)
    with pytest.raises(CamberError, match="samples must be at least 2"):
        Regress(samples=1)
    with pytest.raises(UnknownNameError, match="split is 'train' or 'validation'"):
        Regress(**TINY).part("test")


def test_a_hole_too_narrow_to_be_met_before_is_refused_when_points_are_drawn() -> None:
    hole = "sqrt(abs(x - 0.3000731) - 0.000003)"  # one point in 300,000 falls into it
    assert Regress(function=hole, samples=100).part("train").exact.isfinite().all()
    for which in ("samples", "validation_samples"):
        with pytest.raises(CamberError, match=r"is nan at x = 0\.30007"):
            Regress(function=hole, **{which: 2_000_000})
