"""Every registered activation, and the other kinds a user can hand over, in every model."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from camber.activations import activation, names
from camber.models import (
    MLP,
    DecoderConfig,
    DecoderLM,
    MLPConfig,
    ResNet,
    ResNetConfig,
    ViT,
    ViTConfig,
)

IMAGE = (1, 8, 8)


def decoder(act: object, norm: bool, seed: int, layers: int, experts: int) -> DecoderLM:
    config = DecoderConfig(
        vocabulary=11, context=8, width=8, layers=layers, activation=act, normalise=norm,
        experts=experts,
    )  # fmt: skip
    return DecoderLM(config, seed=seed)


#: model -> (activation, normalise, seed, layers) -> a tiny model
BUILD: dict[str, Callable[..., nn.Module]] = {
    "mlp": lambda act, norm=True, seed=0, layers=2: MLP(
        MLPConfig(inputs=64, outputs=3, hidden=8, depth=layers, activation=act, normalise=norm),
        seed=seed,
    ),
    "resnet": lambda act, norm=True, seed=0, layers=2: ResNet(
        ResNetConfig(
            image=IMAGE, outputs=3, width=8, blocks=layers, activation=act, normalise=norm
        ),
        seed=seed,
    ),
    "vit": lambda act, norm=True, seed=0, layers=2: ViT(
        ViTConfig(
            image=IMAGE, patch=4, outputs=3, width=8, layers=layers, activation=act, normalise=norm
        ),
        seed=seed,
    ),
    "dense": lambda act, norm=True, seed=0, layers=2: decoder(act, norm, seed, layers, experts=0),
    "moe": lambda act, norm=True, seed=0, layers=2: decoder(act, norm, seed, layers, experts=3),
}
CHOICES: dict[str, object] = {
    **{name: name for name in names()},
    "channel": lambda: activation("x*sigmoid(beta*x)", granularity="channel"),
    "group": lambda: activation("x*sigmoid(beta*x)", granularity="group", groups=4),
    "gated channel": lambda: activation("x*sigmoid(beta*g)", granularity="channel"),
    "along": "x / rms(x, 1e-6)",
    "sorted runs": "sort(x, over=feature, size=4)",
    "torch class": nn.PReLU,
    "torch factory": lambda: nn.LeakyReLU(0.2),
}


def inputs(kind: str) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    if kind in ("dense", "moe"):
        return torch.randint(11, (3, 8), generator=generator)
    return torch.randn(3, *IMAGE, generator=generator)


def run(kind: str, model: nn.Module) -> Tensor:
    if kind == "moe":
        logits, auxiliary = model(inputs(kind), auxiliary=True)
        return logits.square().mean() + auxiliary
    return model(inputs(kind)).square().mean()


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("kind", BUILD)
def test_it_runs_forward_and_backward(kind: str, choice: str) -> None:
    model = BUILD[kind](CHOICES[choice])
    loss = run(kind, model)
    loss.backward()
    assert loss.isfinite()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("choice", ["gelu", "swiglu", "polynorm", "channel"])
@pytest.mark.parametrize("kind", BUILD)
def test_a_gradient_reaches_every_parameter(kind: str, choice: str, norm: bool) -> None:
    model = BUILD[kind](CHOICES[choice], norm)
    run(kind, model).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("choice", ["relu", "bilinear", "polyrelu", "polynorm", "maxmin"])
@pytest.mark.parametrize("kind", BUILD)
def test_it_trains_with_and_without_norms(kind: str, choice: str, norm: bool) -> None:
    model = BUILD[kind](CHOICES[choice], norm)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    targets = torch.tensor([0, 1, 2])

    def loss() -> Tensor:
        out = model(inputs(kind))
        if kind in ("dense", "moe"):
            return nn.functional.cross_entropy(out.flatten(0, 1), inputs(kind).flatten())
        return nn.functional.cross_entropy(out, targets)

    before = float(loss().detach())
    for _ in range(20):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    assert float(loss().detach()) < 0.7 * before  # three examples: easily learned by heart


@pytest.mark.parametrize("choice", ["dra", "swiglu", "torch class"])
@pytest.mark.parametrize("kind", BUILD)
def test_the_start_follows_from_the_seed(kind: str, choice: str) -> None:
    before = torch.get_rng_state()
    first = BUILD[kind](CHOICES[choice], seed=5)
    assert torch.equal(torch.get_rng_state(), before)  # not moved
    torch.manual_seed(77)
    second, other = (BUILD[kind](CHOICES[choice], seed=seed) for seed in (5, 6))
    state = second.state_dict()
    for name, value in first.state_dict().items():
        assert torch.equal(value, state[name]), name  # nor read
    assert not torch.equal(run(kind, first), run(kind, other))


@pytest.mark.parametrize("kind", BUILD)
def test_equal_seeds_pair_models_of_different_activations(kind: str) -> None:
    gelu, tanh, gated = (BUILD[kind](act) for act in ("gelu", "tanh", "swiglu"))
    other = tanh.state_dict()
    assert all(torch.equal(value, other[name]) for name, value in gelu.state_dict().items())
    shared = [
        name
        for name, value in gelu.named_parameters()
        if value.ndim > 1 and value.shape == gated.state_dict()[name].shape
    ]
    assert kind == "mlp" or shared  # a gated MLP has other shapes everywhere
    for name in shared:
        assert torch.equal(gelu.state_dict()[name], gated.state_dict()[name])


@pytest.mark.parametrize("choice", ["gelu", "swiglu", "polynorm", "channel"])
@pytest.mark.parametrize("kind", BUILD)
def test_the_counts_it_reports_are_its_own(kind: str, choice: str) -> None:
    model, plain = BUILD[kind](CHOICES[choice]), BUILD[kind]("relu")
    report = model.describe()
    assert report["parameters"] == sum(p.numel() for p in model.parameters())
    assert report["reference_parameters"] == sum(p.numel() for p in plain.parameters())
    assert report["mismatch"] == report["parameters"] / report["reference_parameters"] - 1
    assert report["fair"] == (abs(report["mismatch"]) <= 0.005)
    assert report["hidden"] == model.width_match.hidden
    own = [m for name, m in model.named_modules() if name.endswith("activation")]
    assert report["coefficients"] == sum(p.numel() for m in own for p in m.parameters())


@pytest.mark.parametrize(
    ("kind", "choice"),
    [
        ("mlp", "polynorm"),
        ("resnet", "swiglu"),
        ("vit", "polynorm"),
        ("moe", "swiglu"),
    ],
)
def test_it_compiles_without_a_graph_break(kind: str, choice: str) -> None:
    model = BUILD[kind](choice, layers=1)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(inputs(kind)), model(inputs(kind)))


@pytest.mark.parametrize("choice", ["gelu", "swiglu", "polynorm"])
@pytest.mark.parametrize("kind", BUILD)
def test_bfloat16(kind: str, choice: str) -> None:
    model = BUILD[kind](choice)
    exact = model(inputs(kind))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(inputs(kind))
    assert out.dtype == torch.bfloat16
    # bfloat16 keeps 8 bits, and errors of a few layers add up on outputs of the order 1
    torch.testing.assert_close(out.float(), exact, atol=0.08, rtol=0.05)
    whole = model.bfloat16()
    given = inputs(kind)
    out = whole(given if kind in ("dense", "moe") else given.bfloat16())
    assert out.dtype == torch.bfloat16
    out.float().square().mean().backward()
    grads = [p.grad for p in whole.parameters() if p.grad is not None]
    assert all(grad.isfinite().all() for grad in grads)


@pytest.mark.parametrize("kind", BUILD)
def test_a_saved_state_fits_a_new_model(kind: str) -> None:
    model, other = BUILD[kind]("polynorm"), BUILD[kind]("polynorm", seed=9)
    other.load_state_dict(model.state_dict())
    assert torch.equal(run(kind, other), run(kind, model))
