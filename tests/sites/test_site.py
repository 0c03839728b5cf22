"""Finding sites: paths, sharing, surroundings, Hugging Face models."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from camber.activations import activation
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
from camber.sites import sites, swap, watch


def test_a_sequence() -> None:
    model = nn.Sequential(
        nn.Linear(3, 5), nn.GELU(), nn.Dropout(), nn.Linear(5, 2), activation("polynorm")
    )
    first, second = sites(model)
    assert (first.path, first.label, first.kind, first.owner) == (
        "1",
        "gelu",
        "pointwise",
        "Sequential",
    )
    assert (first.channels, first.channel_dim) == (5, -1)
    assert (second.path, second.activation, second.kind, second.channels) == (
        "4",
        "polynorm",
        "along",
        2,
    )
    assert not first.shared


def test_convolutions_have_channels_on_axis_one() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Tanh())
    first, second = sites(model)
    assert (first.channels, first.channel_dim) == (8, 1)
    assert (second.channels, second.channel_dim) == (None, None)  # flattened: not known


def test_a_shared_module_is_one_site_with_all_its_paths() -> None:
    relu = nn.ReLU()
    model = nn.Sequential(nn.Linear(2, 3), relu, nn.Linear(3, 4), relu)
    (site,) = sites(model)
    assert site.paths == ("1", "3")
    assert site.shared
    assert site.channels is None


def test_a_shared_block_is_seen_at_each_path() -> None:
    block = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    (site,) = sites(nn.ModuleDict({"a": block, "b": block}))
    assert site.paths == ("a.1", "b.1")


def test_settings_belong_to_the_label() -> None:
    (site,) = sites(nn.Sequential(nn.ELU(0.5)))
    assert site.label == "elu(alpha=0.5)"
    assert sites(nn.Sequential(nn.RReLU()))[0].label == "RReLU"


def test_our_decoder() -> None:
    model = DecoderLM(DecoderConfig(activation="swiglu"))
    assert [(s.path, s.activation, s.kind, s.channels) for s in sites(model)] == [
        (f"blocks.{i}.feed_forward.activation", "swiglu", "gated", 171) for i in range(2)
    ]


@pytest.mark.parametrize(
    ("build", "channels", "axis"),
    [
        (lambda: MLP(MLPConfig(inputs=4, outputs=2, hidden=12)), 12, -1),
        (lambda: ResNet(ResNetConfig(image=(1, 4, 4), outputs=2, width=6)), 6, 1),
        (lambda: ViT(ViTConfig(image=(1, 4, 4), patch=2, outputs=2, width=6)), 24, -1),
        (lambda: DecoderLM(DecoderConfig(width=8, experts=4)), 16, -1),
    ],
    ids=["mlp", "resnet", "vit", "moe"],
)
def test_our_other_models(build: Callable[[], nn.Module], channels: int, axis: int) -> None:
    model = build()
    found = sites(model)
    assert [(s.channels, s.channel_dim) for s in found] == [(channels, axis)] * 2
    # what works along an axis is put along the channels
    swap(model, {"*": "maxmin"})
    assert all(s.module.dim == axis for s in sites(model))
    images = not isinstance(model, DecoderLM)
    x = torch.randn(2, 1, 4, 4) if images else torch.zeros(2, 4, dtype=torch.long)
    given = x[:, :, 0].flatten(1) if isinstance(model, MLP) else x
    with watch(model) as seen:
        model(given)
    assert [site.neurons for site in seen.report().sites] == [channels] * 2


def test_the_model_itself() -> None:
    (site,) = sites(nn.ReLU())
    assert site.path == ""


def test_experts_that_multiply_inside() -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    mixtral = transformers.MixtralForCausalLM(
        transformers.MixtralConfig(
            vocab_size=16,
            hidden_size=8,
            intermediate_size=12,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            num_local_experts=2,
        )
    )
    for site in sites(mixtral):
        assert site.activation == "silu"
        assert site.gated_by_model
        assert site.measured != "output"


def test_hugging_face_models() -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    llama = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=16,
            hidden_size=8,
            intermediate_size=12,
            num_hidden_layers=2,
            num_attention_heads=2,
        )
    )
    found = sites(llama)
    assert [s.path for s in found] == [f"model.layers.{i}.mlp.act_fn" for i in range(2)]
    assert {s.activation for s in found} == {"silu"}
    assert found[0].product_path == "model.layers.0.mlp.down_proj"
    assert found[0].channels == 12
    gpt2 = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=16, n_positions=8, n_embd=8, n_layer=2, n_head=2)
    )
    found = sites(gpt2)
    assert [(s.path, s.activation) for s in found] == [
        (f"transformer.h.{i}.mlp.act", "gelu_tanh") for i in range(2)
    ]
    assert (found[0].channels, found[0].product_path) == (32, None)
