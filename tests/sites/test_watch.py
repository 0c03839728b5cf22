"""watch: right numbers at the right places, and nothing left behind."""

import dataclasses
import json
import math

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from camber.errors import CamberError, DtypeError
from camber.models import DecoderConfig, DecoderLM
from camber.sites import ZeroMeter, watch


def chain() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.GELU())


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_the_numbers_are_those_of_the_values() -> None:
    model, batches = chain(), [torch.randn(7, 4), torch.randn(2, 3, 4)]
    with torch.no_grad(), watch(model) as seen:
        outputs = [model(batch) for batch in batches]
    report = seen.report()
    hidden = torch.cat([model[1](model[0](batch)).detach().flatten(0, -2) for batch in batches])
    first = report["1"]
    assert (first.tokens, first.neurons, first.activation, first.measured) == (
        13,
        6,
        "relu",
        "output",
    )
    assert first.values["zero_fraction"] == pytest.approx(float((hidden == 0).double().mean()))
    assert first.values["active_fraction"] == pytest.approx(float((hidden > 0).double().mean()))
    assert first.values["low"] == 0
    assert first.values["high"] == float(hidden.max())
    assert first.values["mean"] == pytest.approx(float(hidden.mean()), rel=1e-5)
    assert first.values["std"] == pytest.approx(float(hidden.std(correction=0)), rel=1e-5)
    dead = int((hidden == 0).all(0).sum())
    assert first.values["dead_units"] == dead
    last = torch.cat([output.flatten(0, -2) for output in outputs])
    assert report["3"].values["mean"] == pytest.approx(float(last.mean()), rel=1e-5)
    assert report["3"].values["zero_fraction"] == 0


def test_it_prints_and_serialises() -> None:
    model = chain()
    with watch(model) as seen:
        model(torch.randn(3, 4))
    text = str(seen.report())
    assert text.splitlines()[0].split()[:4] == ["path", "activation", "tokens", "neurons"]
    assert "relu" in text
    assert json.loads(json.dumps(seen.report().to_dict()))["sites"][0]["path"] == "1"


def test_outputs_and_gradients_do_not_change_by_a_bit() -> None:
    model = DecoderLM(DecoderConfig(activation="polynorm", width=16, context=8))
    tokens = torch.arange(8)[None]
    plain = model(tokens)
    plain.sum().backward()
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    with watch(model):
        watched = model(tokens)
        watched.sum().backward()
    assert torch.equal(plain, watched)
    again = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(gradients, again, strict=True))


def test_hooks_go_even_after_an_exception() -> None:
    model = chain()
    watching = watch(model, mask_argument="input")
    with pytest.raises(RuntimeError), watching:
        model(torch.randn(3, 99))
    assert hooks(model) == 0
    with watching:
        assert hooks(model) == 3
    assert hooks(model) == 0


def test_dead_and_missing_values() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.copy_(torch.tensor([-1.0, 2.0, math.nan]))
    with watch(model) as seen:
        model(torch.randn(4, 2))
    values = seen.report()["1"].values
    assert values["dead_units"] == 1
    assert values["nans"] == 4
    assert values["active_fraction"] == 0.5
    assert values["mean"] == 1.0
    meter = seen.meters("1")[2]
    assert isinstance(meter, ZeroMeter)
    assert meter.dead.tolist() == [0]


def test_gated_networks_are_measured_at_the_product() -> None:
    model = DecoderLM(DecoderConfig(activation="reglu", width=16, context=8))
    tokens = torch.randint(256, (2, 8))
    products: list[Tensor] = []
    down = model.blocks[0].feed_forward.down
    handle = down.register_forward_pre_hook(lambda m, a: products.append(a[0].detach()))
    with watch(model, match="blocks.0.*") as seen:
        model(tokens)
    handle.remove()
    report = seen.report()["blocks.0.feed_forward.activation"]
    assert report.values["zero_fraction"] == float((products[0] == 0).double().mean())
    assert report.values["zero_fraction"] > 0.3
    assert report.values["low"] == float(products[0].min())


def test_hugging_face_gated_networks_are_measured_at_the_product() -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    llama = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=16,
            hidden_size=8,
            intermediate_size=12,
            num_hidden_layers=2,
            num_attention_heads=2,
            hidden_act="relu",
        )
    ).eval()
    tokens = torch.randint(1, 16, (2, 6))
    mask = torch.ones(2, 6, dtype=torch.long)
    mask[0, :2] = 0
    products: list[Tensor] = []
    down = llama.model.layers[1].mlp.down_proj
    handle = down.register_forward_pre_hook(lambda m, a: products.append(a[0].detach()))
    with watch(llama, mask_argument="attention_mask") as seen:
        llama(tokens, attention_mask=mask)
    handle.remove()
    report = seen.report()
    site = report["model.layers.1.mlp.act_fn"]
    real = products[0][mask.bool()]
    assert site.measured == "input of model.layers.1.mlp.down_proj"
    assert (site.tokens, site.neurons) == (10, 12)
    assert site.values["zero_fraction"] == pytest.approx(float((real == 0).double().mean()))
    assert site.values["low"] == float(real.min()) < 0  # the activation alone is never negative
    assert "measured at the input of model.layers.1.mlp.down_proj" in str(report)


def test_padding_is_left_out() -> None:
    model = DecoderLM(DecoderConfig(activation="relu", width=16, context=8))
    tokens = torch.randint(256, (2, 8))
    mask = torch.ones(2, 8, dtype=torch.bool)
    mask[1, 5:] = False
    with watch(model, mask_argument="padding_mask") as seen:
        model(tokens, mask)
    assert seen.report().sites[0].tokens == 13
    with watch(model) as by_hand:
        by_hand.padding_mask = mask
        model(tokens, padding_mask=mask)
    assert by_hand.report() == seen.report()
    with watch(model) as everything:
        model(tokens, padding_mask=mask)
    assert everything.report().sites[0].tokens == 16
    # with a cache the mask covers the past too
    with watch(model, mask_argument="padding_mask") as cached:
        cache = model.empty_cache()
        model(tokens[:, :6], mask[:, :6], cache)
        model(tokens[:, 6:], mask, cache)
    assert cached.report().sites[0].tokens == 13
    flat = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    with watch(flat) as flattened:
        flattened.padding_mask = mask
        flat(torch.randn(16, 4))
    assert flattened.report().sites[0].tokens == 13


@pytest.mark.parametrize("per_token", [1, 2])
def test_padding_cannot_be_told_in_the_order_of_experts(per_token: int) -> None:
    config = DecoderConfig(activation="relu", width=16, context=8, experts=4)
    model = DecoderLM(dataclasses.replace(config, experts_per_token=per_token))
    tokens, mask = torch.randint(256, (2, 8)), torch.ones(2, 8, dtype=torch.bool)
    with watch(model) as seen:
        model(tokens, mask)
    assert seen.report().sites[0].tokens == 16 * per_token  # a row per token and expert
    with (
        watch(model, mask_argument="padding_mask"),
        pytest.raises(CamberError, match="of their ex"),
    ):
        model(tokens, mask)


def test_masks_that_do_not_fit() -> None:
    model = chain()
    for mask, word in (
        (torch.ones(2, 9, dtype=torch.bool), "does not fit"),
        (torch.ones(2, 3), r"\(batch, tokens\)"),
        (torch.ones(2, 1, 3, 3, dtype=torch.bool), r"\(batch, tokens\)"),
    ):
        with watch(model) as seen:
            seen.padding_mask = mask
            with pytest.raises(CamberError, match=word):
                model(torch.randn(3, 3, 4))
    with pytest.raises(CamberError, match="no argument 'attention_mask'"):
        watch(model, mask_argument="attention_mask")


def test_recomputation_counts_once() -> None:
    class Checkpointed(nn.Module):
        def __init__(self, reentrant: bool) -> None:
            super().__init__()
            self.body, self.reentrant = chain(), reentrant

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = checkpoint(self.body, x, use_reentrant=self.reentrant)
            return result

    for reentrant in (False, True):
        model = Checkpointed(reentrant)
        with watch(model) as seen:
            model(torch.randn(3, 4, requires_grad=True)).sum().backward()
        assert [site.tokens for site in seen.report().sites] == [3, 3]


def test_compiled_models_are_refused() -> None:
    model = chain()
    with pytest.raises(CamberError, match=r"the model is compiled by torch\.compile"):
        watch(torch.compile(model, backend="eager"))  # type: ignore[arg-type]  # it is a module
    parent = nn.Sequential(chain())
    parent[0].compile(backend="eager")
    with pytest.raises(CamberError, match="0 is compiled"):
        watch(parent)


def test_compiled_calls_behind_its_back_are_noticed() -> None:
    model, x = chain(), torch.randn(3, 4)
    compiled = torch.compile(model, backend="eager")
    compiled(x)
    with watch(model) as seen:
        compiled(x)
    with pytest.raises(CamberError, match=r"torch\._dynamo\.reset\(\)"):
        seen.report()
    torch._dynamo.reset()


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch's own look at a broken graph
def test_compiling_inside_is_counted() -> None:
    torch._dynamo.reset()
    model, x = chain(), torch.randn(3, 4)
    with watch(model) as seen:
        torch.compile(model, backend="eager")(x)
    assert [site.tokens for site in seen.report().sites] == [3, 3]
    torch._dynamo.reset()


def test_half_precision() -> None:
    model = chain().to(torch.bfloat16)
    with watch(model) as seen:
        model(torch.randn(300, 4, dtype=torch.bfloat16))
    assert seen.report()["1"].values["low"] == 0


def test_channels_of_convolutions() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    with watch(model) as seen:
        model(torch.randn(2, 3, 6, 6))
    assert (seen.report().sites[0].tokens, seen.report().sites[0].neurons) == (32, 8)
    unknown = nn.ModuleDict({"act": nn.ReLU()})
    with watch(unknown), pytest.raises(CamberError, match="pass channel_dim=1"):
        unknown["act"](torch.randn(2, 3, 4, 5))
    with watch(unknown, channel_dim=1) as seen:
        unknown["act"](torch.randn(2, 3, 4, 5))
    assert seen.report().sites[0].neurons == 3
    with watch(unknown, channel_dim=5), pytest.raises(CamberError, match="no axis 5"):
        unknown["act"](torch.randn(2, 3))


def test_refusals() -> None:
    model = chain()
    with pytest.raises(CamberError, match=r"no activation matches 'mlp\*'"):
        watch(model, match="mlp*")
    with pytest.raises(CamberError, match=r"F\.relu"):
        watch(nn.Linear(2, 2))
    with watch(model) as seen, pytest.raises(CamberError, match="running already"):
        seen.__enter__()
    with pytest.raises(CamberError, match="no values were seen"):
        seen.report()
    softmax = nn.Sequential(nn.Softmax(-1))
    with watch(softmax):
        softmax(torch.randn(2, 3))
        with pytest.raises(CamberError, match="had 3 channels before and has 4 now"):
            softmax(torch.randn(2, 4))
    integers = nn.Sequential(nn.ReLU())
    with watch(integers), pytest.raises(DtypeError, match=r"torch\.int64"):
        integers(torch.arange(3))


def test_sites_that_were_not_reached_are_shown() -> None:
    model = nn.ModuleDict({"used": nn.Sequential(nn.ReLU()), "idle": nn.Sequential(nn.ReLU())})
    with watch(model) as seen:
        model["used"](torch.randn(2, 3))
    report = seen.report()
    assert report["idle.0"].values == {}
    assert "—" in str(report)


def test_empty_batches_count_nothing() -> None:
    model = chain()
    with watch(model) as seen:
        model(torch.randn(0, 4))
        model(torch.randn(3, 4))
    assert seen.report().sites[0].tokens == 3
