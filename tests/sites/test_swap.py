"""swap: what changes, what cannot, and that errors change nothing."""

import functools
import json

import pytest
import torch
from torch import nn

from camber.activations import Activation, activation
from camber.errors import CamberError, UnknownNameError
from camber.formula import Formula
from camber.models import DecoderConfig, DecoderLM
from camber.sites import sites, swap


def chain() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 6), nn.GELU(), nn.Linear(6, 2))


def labels(model: nn.Module) -> list[str]:
    return [site.label for site in sites(model)]


@pytest.mark.parametrize(
    ("replacement", "label"),
    [
        ("silu", "silu"),
        ("x*sigmoid(1.7*x)", "x*sigmoid(1.7*x)"),
        (Formula.parse("x*sigmoid(1.7*x)"), "x*sigmoid(1.7*x)"),
        (nn.Tanh, "tanh"),
        (functools.partial(nn.LeakyReLU, 0.2), "leaky_relu(negative_slope=0.2)"),
        (lambda: activation("x*sigmoid(b*x)", b=2.0), "x*sigmoid(b*x)"),
    ],
)
def test_what_may_be_put_in(replacement: object, label: str) -> None:
    model, x = chain(), torch.randn(3, 4)
    report = swap(model, {"*": replacement})  # type: ignore[dict-item]  # each kind in turn
    assert [change.path for change in report.changed] == ["1", "3"]
    found = sites(model)
    assert found[0].module is not found[1].module
    assert labels(model) == [label, label]
    assert model(x).shape == (3, 2)


def test_it_computes_the_new_function() -> None:
    model, x = chain(), torch.randn(5, 4)
    swap(model, {"1": "relu", "3": "x**2"})
    expected = model[4](model[2](model[0](x).relu()).square())
    torch.testing.assert_close(model(x), expected)


def test_later_patterns_hold_and_the_rest_is_listed() -> None:
    model = nn.Sequential(chain(), chain())
    report = swap(model, {"0.*": "relu", "0.3": "tanh"})
    assert labels(model) == ["relu", "tanh", "gelu", "gelu"]
    assert report.unchanged == ("1.1", "1.3")
    assert str(report).endswith("2 changed, 0 could not be changed, 2 not named")
    assert json.dumps(report.to_dict())


def test_a_gate_cannot_stand_where_one_tensor_comes() -> None:
    model = chain()
    report = swap(model, {"1": "swiglu", "3": "relu"})
    assert labels(model) == ["gelu", "relu"]
    (refusal,) = report.could_not
    assert refusal.path == "1"
    assert "value and a gate" in refusal.reason
    assert "unchanged: swiglu takes a value and a gate" in str(report)


def test_gates_for_gates_only() -> None:
    model = DecoderLM(DecoderConfig(activation="swiglu"))
    report = swap(model, {"blocks.0.*": "geglu", "blocks.1.*": "relu"})
    assert labels(model) == ["geglu", "swiglu"]
    assert "passes a value and a gate, but relu takes one" in report.could_not[0].reason
    halves = nn.Sequential(nn.Linear(4, 8), nn.GLU())
    x = torch.randn(3, 4)
    before = halves(x)
    assert len(swap(halves, {"1": "glu"}).changed) == 1
    torch.testing.assert_close(halves(x), before)
    other_axis = nn.Sequential(nn.GLU(0))
    assert "halves axis 0" in swap(other_axis, {"*": "glu"}).could_not[0].reason


def test_device_dtype_and_mode_are_kept() -> None:
    model = chain().to(torch.bfloat16).eval()
    swap(model, {"*": "polynorm"})
    for site in sites(model):
        assert isinstance(site.module, Activation)
        assert all(p.dtype == torch.bfloat16 for p in site.module.parameters())
        assert not site.module.training
    assert model(torch.randn(2, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16
    hollow = chain().to("meta")
    swap(hollow, {"*": "polynorm"})
    assert all(p.device.type == "meta" for p in hollow.parameters())
    assert sites(hollow)[0].module.training


def test_one_module_in_several_places_only_on_request() -> None:
    one = activation("polyrelu")
    model = chain()
    with pytest.raises(CamberError, match=r"one polyrelu module would stand in 2 places \(1, 3\)"):
        swap(model, {"*": one})
    assert labels(model) == ["gelu", "gelu"]
    swap(model, {"1": one})
    assert model[1] is one
    model = chain()
    swap(model, {"*": one}, share=True)
    assert model[1] is model[3] is one


def test_shared_places() -> None:
    relu = nn.ReLU()
    model = nn.Sequential(nn.Linear(2, 2), relu, nn.Linear(2, 2), relu)
    report = swap(model, {"3": "polyrelu"})
    assert isinstance(model[1], nn.ReLU)
    assert isinstance(model[3], Activation)
    assert report.unchanged == ("1",)
    model = nn.Sequential(nn.Linear(2, 2), relu, nn.Linear(2, 2), relu)
    swap(model, {"*": "polyrelu"})
    assert model[1] is not model[3]  # fresh: the coefficients are no longer shared
    block = chain()
    model = nn.Sequential(block, block)
    report = swap(model, {"0.1": "tanh"})
    assert report.changed[0].also == ("1.1",)
    assert isinstance(block[1], Activation)


def test_errors_change_nothing() -> None:
    model = chain()
    before = list(model)
    with pytest.raises(CamberError, match=r"no activation matches '7\.\*'; the nearest paths are"):
        swap(model, {"*": "relu", "7.*": "tanh"})
    with pytest.raises(UnknownNameError, match="relu"):
        swap(model, {"1": "tanh", "3": "rellu"})
    with pytest.raises(CamberError):
        swap(model, {"1": "tanh", "3": "x*("})
    assert all(a is b for a, b in zip(before, model, strict=True))
    with pytest.raises(CamberError, match=r"function call such as F\.relu"):
        swap(nn.Sequential(nn.Linear(2, 2)), {"*": "relu"})


def test_the_model_itself_cannot_be_replaced() -> None:
    report = swap(nn.ReLU(), {"*": "tanh"})
    assert "the model itself" in report.could_not[0].reason


def test_coefficients_per_channel() -> None:
    model = chain()

    def per_channel(**settings: object) -> Activation:
        return activation("x*sigmoid(b*x)", granularity="channel", **settings)

    swap(model, {"1": per_channel})
    assert model[1].b.shape == (6,)
    report = swap(model, {"3": lambda: per_channel(channels=9)})
    assert "made for 9 channels, but here are 6" in report.could_not[0].reason
    unknown = nn.ModuleDict({"act": nn.ReLU()})
    assert "not known; pass channels=" in swap(unknown, {"*": per_channel}).could_not[0].reason


def test_experts_take_no_statistics_over_a_batch() -> None:
    model = DecoderLM(DecoderConfig(width=8, experts=4))
    assert len(swap(model, {"*": "polynorm"}).changed) == 2
    report = swap(model, {"*": "x / std(x, 1e-5, over=batch)"})
    assert not report.changed
    assert "of which an expert sees a part only" in report.could_not[0].reason
    dense = DecoderLM(DecoderConfig(width=8))
    assert len(swap(dense, {"*": "x / std(x, 1e-5, over=batch)"}).changed) == 2


def test_what_works_along_features_finds_their_axis() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 3))
    swap(model, {"1": "polynorm"})
    x = torch.randn(2, 3, 7, 7)
    hidden = model[0](x)
    expected = activation("polynorm")(hidden.movedim(1, -1)).movedim(-1, 1)
    torch.testing.assert_close(model[1](hidden), expected)


def test_torch_encoder_layers_leave_their_fused_path() -> None:
    # their inference path computes ReLU or GELU by a flag, whatever module stands there
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 16, activation=nn.ReLU(), batch_first=True, dropout=0.0), 2
    )
    x = torch.randn(2, 5, 8)
    mask = torch.zeros(2, 5, dtype=torch.bool)
    mask[0, 3:] = True
    report = swap(encoder, {"*": "tanh"})
    assert len(report.changed) == 2
    trained = encoder(x, src_key_padding_mask=mask)
    with torch.no_grad():
        inferred = encoder.eval()(x, src_key_padding_mask=mask)
    torch.testing.assert_close(inferred[~mask], trained[~mask])


def test_hugging_face_llama() -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    llama = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=16,
            hidden_size=8,
            intermediate_size=12,
            num_hidden_layers=2,
            num_attention_heads=2,
        )
    ).eval()
    tokens = torch.arange(6)[None]
    before = llama(tokens).logits
    report = swap(llama, {"*.mlp.act_fn": "silu"})
    assert len(report.changed) == 2
    torch.testing.assert_close(llama(tokens).logits, before)
    report = swap(llama, {"*.mlp.act_fn": "swiglu"})
    assert "multiplies by the gate itself" in report.could_not[0].reason
    swap(llama, {"*.0.mlp.act_fn": "polynorm"})
    assert llama(tokens).logits.isfinite().all()
    assert any("act_fn.weight" in name for name in llama.state_dict())


def test_a_factory_that_gives_one_module_twice_is_refused():
    model = nn.Sequential(nn.Linear(2, 2), nn.GELU(), nn.Linear(2, 2), nn.GELU())
    one = nn.PReLU()
    with pytest.raises(CamberError, match="share=True"):
        swap(model, {"*": lambda: one})
    assert isinstance(model[1], nn.GELU)
    swap(model, {"*": lambda: one}, share=True)
    assert model[1] is model[3] is one


def test_a_module_that_stands_in_the_model_already_is_refused():
    model = nn.Sequential(nn.Linear(2, 2), nn.GELU(), nn.Linear(2, 2), nn.PReLU())
    with pytest.raises(CamberError, match="3, 1"):
        swap(model, {"1": model[3]})
    assert isinstance(model[1], nn.GELU)
    swap(model, {"3": model[3]})  # where it stands already, it may stay


def test_what_is_no_model_or_pattern_is_refused_in_a_sentence():
    with pytest.raises(CamberError, match=r"torch\.nn\.Module, but got int"):
        swap(3, {"*": "relu"})
    with pytest.raises(CamberError, match="is text, but got 1"):
        swap(nn.Sequential(nn.ReLU()), {1: "gelu"})
