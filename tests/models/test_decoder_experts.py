"""DecoderLM with experts, and without norms."""

import math

import pytest
import torch
from torch import Tensor

from camber.errors import CamberError, DtypeError
from camber.layers import MoELayer
from camber.models import DecoderConfig, DecoderLM

SMALL = {"vocabulary": 50, "context": 16, "layers": 2, "width": 24, "heads": 2}


def moe(activation: object = "gelu", *, seed: int = 0, **settings: object) -> DecoderLM:
    values = {**SMALL, "experts": 6, "activation": activation, **settings}
    return DecoderLM(DecoderConfig(**values), seed=seed).double()  # type: ignore[arg-type]


def tokens(batch: int = 2, length: int = 10) -> Tensor:
    return torch.randint(50, (batch, length), generator=torch.Generator().manual_seed(1))


def mixtures(model: DecoderLM) -> list[MoELayer]:
    return [block.feed_forward for block in model.blocks]


def test_the_auxiliary_loss_by_hand() -> None:
    model = moe(balance_weight=0.5, z_weight=0.25)
    seen = []
    for layer in mixtures(model):
        layer.gate.register_forward_hook(lambda _m, _i, out: seen.append(out))
    logits, auxiliary = model(tokens(), auxiliary=True)
    assert torch.equal(logits, model(tokens()))
    total = 0.0
    for gate in seen[:2]:  # straight from the definitions, one token at a time
        counts, mean, z = [0] * 6, torch.zeros(6, dtype=torch.float64), 0.0
        for row in gate:
            p = row.exp() / row.exp().sum()
            for e in p.topk(2).indices.tolist():
                counts[e] += 1
            mean, z = mean + p / len(gate), z + float(row.exp().sum().log().detach() ** 2)
        balance = 6 * sum(n / (2 * len(gate)) * m for n, m in zip(counts, mean, strict=True))
        total += 0.5 * float(balance.detach()) + 0.25 * z / len(gate)
    assert float(auxiliary.detach()) == pytest.approx(total / 2, rel=1e-12)  # mean over layers


def test_a_dense_model_has_no_auxiliary_loss() -> None:
    logits, auxiliary = moe(experts=0)(tokens(), auxiliary=True)
    assert logits.shape == (2, 10, 50)
    assert auxiliary.shape == ()
    assert auxiliary == 0


@pytest.mark.parametrize("activation", ["relu", "swiglu", "polynorm"])
def test_cached_is_uncached(activation: str) -> None:
    model, data = moe(activation), tokens()
    cache = model.empty_cache()
    parts = [model(piece, cache=cache) for piece in data.split([4, 5, 1], dim=1)]
    torch.testing.assert_close(torch.cat(parts, 1), model(data), atol=1e-12, rtol=1e-10)
    assert model.generate(data, 9, temperature=0).shape == (2, 19)


def test_it_looks_back_only() -> None:
    model, data = moe("swiglu"), tokens()
    changed = data.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 50
    torch.testing.assert_close(model(data)[:, :6], model(changed)[:, :6])


def test_each_layer_owns_one_activation() -> None:
    first, second = (layer.activation for layer in mixtures(moe("polynorm")))
    assert first is not second
    names = [name for name, _ in moe("polynorm").named_parameters() if "activation" in name]
    assert names == [
        f"blocks.{block}.feed_forward.activation.{name}"
        for block in (0, 1)
        for name in ("weight", "bias")
    ]


@pytest.mark.parametrize(("activation", "maps"), [("relu", 1), ("swiglu", 2)])
def test_total_and_active_parameters(activation: str, maps: int) -> None:
    V, D, L, E, k = 50, 24, 2, 6, 2
    model = moe(activation)
    K = model.width_match.hidden
    assert {1: 48, 2: 32}[maps] == K  # 4 D / k, and two thirds of it
    dense = 2 * V * D + D + L * (4 * D * D + 2 * D)
    expert = (maps + 1) * D * K
    report = model.describe()
    assert report["parameters"] == dense + L * (D * E + E * expert)
    assert report["active_parameters"] == dense + L * (D * E + k * expert)
    # as many as in the dense model of the same activation, gates aside
    plain = moe(activation, experts=0).describe()
    assert report["active_parameters"] == plain["parameters"] + L * D * E
    assert report["fair"]


def test_a_mixture_starts_as_the_dense_model_elsewhere() -> None:
    sparse, dense = moe(seed=4).state_dict(), moe(experts=0, seed=4).state_dict()
    for name, value in dense.items():
        if "feed_forward." not in name:
            assert torch.equal(sparse[name], value)


def test_the_initial_deviations() -> None:
    model = DecoderLM(DecoderConfig(layers=8, width=128, heads=4, experts=8))
    bank = model.blocks[3].feed_forward.experts
    assert bank.up.std().item() == pytest.approx(0.02, rel=0.02)
    assert bank.down.std().item() == pytest.approx(0.02 / math.sqrt(16), rel=0.02)
    assert model.blocks[3].feed_forward.gate.project.weight.std().item() == pytest.approx(
        0.02, rel=0.1
    )
    bare = DecoderLM(DecoderConfig(layers=8, width=128, heads=4, normalise=False))
    assert bare.embedding.weight.std().item() == pytest.approx(1, rel=0.02)
    up, down = (getattr(bare.blocks[3].feed_forward, name).weight for name in ("up", "down"))
    assert up.std().item() == pytest.approx(128**-0.5, rel=0.02)
    # GELU's gain is 1.533530; the sample's error is 1 %
    assert down.std().item() == pytest.approx(1.533530 / math.sqrt(512) / 16, rel=0.03)
    assert bare.head is not None
    assert bare.head.weight.std().item() == pytest.approx(0.02, rel=0.02)


@pytest.mark.parametrize("experts", [0, 4])
@pytest.mark.parametrize("activation", ["relu", "swiglu", "polyrelu", "polynorm"])
def test_without_norms_the_stream_keeps_its_scale(activation: str, experts: int) -> None:
    settings = {"normalise": False, "layers": 12, "width": 64, "experts": experts}
    model, seen = moe(activation, **settings), []
    model.blocks[-1].register_forward_hook(lambda _m, _i, out: seen.append(float(out.var())))
    with torch.no_grad():
        model(tokens(4))
    assert not any("norm" in name for name, _ in model.named_parameters())
    # 24 branches of 1/24 each: independent ones add 1/24 to the variance 1, aligned ones double
    # the amplitude at most
    assert 0.9 < seen[0] < 4


def test_refusals() -> None:
    with pytest.raises(CamberError, match="experts_per_token=7, but there are 6 experts"):
        moe(experts_per_token=7)
    with pytest.raises(DtypeError, match=r"experts must be a whole number, but got 2\.5"):
        moe(experts=2.5)
    with pytest.raises(CamberError, match="experts must be at least 1, but got -1"):
        moe(experts=-1)
    with pytest.raises(CamberError, match=r"balance_weight must be .* at least 0, but got -1"):
        moe(balance_weight=-1)
    with pytest.raises(CamberError, match="z_weight must be a finite number"):
        moe(z_weight=math.inf)
    with pytest.raises(DtypeError, match="balance_weight must be a number, but got 'x'"):
        moe(balance_weight="x")
    with pytest.raises(CamberError, match=r"initial_std must be .* at least 0, but got -1"):
        moe(initial_std=-1)
    with pytest.raises(CamberError, match="rotary_base must be a finite number above 0, but got 0"):
        moe(rotary_base=0)
    with pytest.raises(CamberError, match="tied=True needs normalise=True"):
        moe(tied=True, normalise=False)
    with pytest.raises(DtypeError, match="hidden must be a whole number"):
        moe(hidden=10.5)
