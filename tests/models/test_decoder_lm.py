"""DecoderLM: against Hugging Face's Llama, against itself with a cache, and its promises."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from camber.errors import CamberError, DtypeError
from camber.models import DecoderConfig, DecoderLM

SMALL = {"vocabulary": 50, "context": 16, "layers": 2, "width": 24, "heads": 2}


def small(activation: object = "gelu", *, seed: int = 0, **settings: object) -> DecoderLM:
    config = DecoderConfig(**{**SMALL, "activation": activation, **settings})  # type: ignore[arg-type]
    return DecoderLM(config, seed=seed).double()


def tokens(batch: int = 2, length: int = 10) -> Tensor:
    return torch.randint(50, (batch, length), generator=torch.Generator().manual_seed(1))


def loss(model: DecoderLM, data: Tensor) -> Tensor:
    return F.cross_entropy(model(data[:, :-1]).flatten(0, 1), data[:, 1:].flatten())


def test_it_is_llama() -> None:
    # independent oracle: transformers' Llama with our weights (SwiGLU, RMSNorm, rotary, no bias)
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    ours = small("swiglu")
    theirs = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=50,
            hidden_size=24,
            intermediate_size=ours.width_match.hidden,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            rms_norm_eps=1e-6,
            attn_implementation="eager",
        )
    ).double()
    state = {
        "model.embed_tokens.weight": ours.embedding.weight,
        "model.norm.weight": ours.norm.weight,
        "lm_head.weight": ours.head.weight,  # type: ignore[union-attr]  # not tied
    }
    for index, block in enumerate(ours.blocks):
        at = f"model.layers.{index}."
        q, k, v = block.attention.project.weight.chunk(3)
        state |= {
            f"{at}self_attn.q_proj.weight": q,
            f"{at}self_attn.k_proj.weight": k,
            f"{at}self_attn.v_proj.weight": v,
            f"{at}self_attn.o_proj.weight": block.attention.output.weight,
            f"{at}input_layernorm.weight": block.attention_norm.weight,
            f"{at}post_attention_layernorm.weight": block.feed_forward_norm.weight,
            f"{at}mlp.up_proj.weight": block.feed_forward.up.weight,
            f"{at}mlp.gate_proj.weight": block.feed_forward.gate.weight,
            f"{at}mlp.down_proj.weight": block.feed_forward.down.weight,
        }
    theirs.load_state_dict({name: value.detach() for name, value in state.items()})
    with torch.no_grad():
        # both keep rotary tables in float32 and Llama rounds its norms to float32 inside
        torch.testing.assert_close(
            ours(tokens()), theirs(tokens()).logits.double(), atol=1e-6, rtol=1e-5
        )


def test_it_looks_back_only() -> None:
    model, data = small(), tokens()
    changed = data.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 50
    assert torch.equal(model(data)[:, :6], model(changed)[:, :6])
    assert not torch.allclose(model(data)[:, 6:], model(changed)[:, 6:])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("activation", ["gelu", "polynorm", "swiglu"])
def test_padding_changes_nothing(side: str, activation: str) -> None:
    model, data = small(activation), tokens(2, 7)
    padding = torch.zeros(2, 4, dtype=torch.long)
    real, fake = torch.ones(2, 7, dtype=torch.bool), torch.zeros(2, 4, dtype=torch.bool)
    if side == "right":
        padded, mask, where = torch.cat((data, padding), 1), torch.cat((real, fake), 1), slice(0, 7)
    else:
        padded, mask, where = (
            torch.cat((padding, data), 1), torch.cat((fake, real), 1), slice(4, 11),
        )  # fmt: skip
    out = model(padded, padding_mask=mask)
    assert out.isfinite().all()
    # rotary tables are float32, so shifting all positions costs 1e-7
    torch.testing.assert_close(out[:, where], model(data), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "swiglu", "polynorm"])
@pytest.mark.parametrize("pieces", [[1] * 10, [4, 3, 3], [10], [9, 1]])
def test_cached_is_uncached(activation: str, pieces: list[int]) -> None:
    model, data = small(activation), tokens()
    cache = model.empty_cache()
    parts = [model(piece, cache=cache) for piece in data.split(pieces, dim=1)]
    torch.testing.assert_close(torch.cat(parts, 1), model(data), atol=1e-12, rtol=1e-10)
    assert [layer.length for layer in cache] == [10, 10]


def test_cached_is_uncached_under_padding() -> None:
    model, data = small(), tokens()
    mask = torch.ones(2, 10, dtype=torch.bool)
    mask[0, :3] = False
    cache = model.empty_cache()
    first = model(data[:, :6], padding_mask=mask[:, :6], cache=cache)
    second = model(data[:, 6:], padding_mask=mask, cache=cache)
    expected = model(data, padding_mask=mask)
    torch.testing.assert_close(torch.cat((first, second), 1)[mask], expected[mask])


def test_greedy_generation_is_repeated_argmax() -> None:
    model, data = small("swiglu"), tokens(2, 3)
    expected = data
    for _ in range(8):
        expected = torch.cat((expected, model(expected)[:, -1].argmax(-1, keepdim=True)), 1)
    assert torch.equal(model.generate(data, 8, temperature=0), expected)


def test_generation_follows_its_generator_and_passes_the_context() -> None:
    model, data = small(), tokens(2, 3)

    def sample(seed: int) -> Tensor:
        return model.generate(data, 40, generator=torch.Generator().manual_seed(seed))

    assert sample(0).shape == (2, 43)
    assert torch.equal(sample(0), sample(0))
    assert not torch.equal(sample(0), sample(1))
    assert torch.equal(model.generate(data, 0), data)
    long = model.generate(tokens(1, 20), 3, temperature=0)  # a prompt longer than the context
    assert long.shape == (1, 23)
    # after the window is full, the latest half of the context goes on
    cold = model.generate(data, 20, temperature=0)
    full = cold[:, :17]  # 16 tokens seen, the 17th drawn
    expected = model(full[:, -8:])[:, -1].argmax(-1)
    assert torch.equal(cold[:, 17], expected)


def test_losses_follow_from_the_seed() -> None:
    data = tokens()
    assert torch.equal(loss(small(seed=3), data), loss(small(seed=3), data))
    assert not torch.equal(loss(small(seed=3), data), loss(small(seed=4), data))
    # closed form: at initialisation the logits are near 0, the loss near ln V
    assert math.isclose(float(loss(small(), data).detach()), math.log(50), abs_tol=0.02)


def test_training_in_float64_is_deterministic() -> None:
    def train() -> tuple[float, ...]:
        model, data = small("polynorm"), tokens()
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
        losses = []
        for _ in range(3):
            optimiser.zero_grad()
            value = loss(model, data)
            value.backward()
            optimiser.step()
            losses.append(float(value.detach()))
        return tuple(losses)

    first = train()
    assert first == train()
    assert first[2] < first[0]


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    before = torch.get_rng_state()
    first = small(lambda: nn.PReLU(96))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(77)
    second = small(lambda: nn.PReLU(96))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_equal_seeds_pair_models_of_different_activations() -> None:
    plain, gated = small("gelu"), small("swiglu")
    for name in ("embedding.weight", "blocks.1.attention.project.weight", "head.weight"):
        assert torch.equal(plain.get_parameter(name), gated.get_parameter(name))


def test_the_initial_deviations() -> None:
    model = DecoderLM(DecoderConfig(layers=8, width=128, heads=4))
    assert model.embedding.weight.std().item() == pytest.approx(0.02, rel=0.03)
    block = model.blocks[3]
    for matrix in (block.attention.output, block.feed_forward.down):
        assert matrix.weight.std().item() == pytest.approx(0.02 / math.sqrt(16), rel=0.03)
    for matrix in (block.attention.project, block.feed_forward.up):
        assert matrix.weight.std().item() == pytest.approx(0.02, rel=0.03)


def test_each_layer_has_a_fresh_activation() -> None:
    model = small("polynorm")
    first, second = (block.feed_forward.activation for block in model.blocks)
    assert first is not second
    loss(model, tokens()).backward()
    for act in (first, second):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in act.parameters())


def test_parameters_match() -> None:
    counts = {
        name: sum(p.numel() for p in DecoderLM(DecoderConfig(activation=name)).parameters())
        for name in ("relu", "swiglu", "polynorm", "x*sigmoid(beta*x)")
    }
    assert counts["relu"] == 2 * 256 * 64 + 2 * (4 * 64 * 64 + 2 * 64 * 256 + 2 * 64) + 64
    for count in counts.values():
        assert abs(count / counts["relu"] - 1) <= 0.005


def test_tied_embeddings() -> None:
    model = small(tied=True)
    assert model.head is None
    assert model(tokens()).shape == (2, 10, 50)
    assert not any("head" in name for name in model.state_dict())


def test_no_linear_biases() -> None:
    model = small("swiglu")
    assert all(m.bias is None for m in model.modules() if isinstance(m, nn.Linear))


@pytest.mark.parametrize("activation", ["gelu", "polynorm", "swiglu"])
def test_bfloat16_autocast(activation: str) -> None:
    model, data = small(activation).float(), tokens()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(data[:, :-1])
    assert logits.dtype == torch.bfloat16
    value = F.cross_entropy(logits.float().flatten(0, 1), data[:, 1:].flatten())
    value.backward()
    # bfloat16 keeps 8 bits; logits are of the order 0.1 here
    assert float(value.detach()) == pytest.approx(float(loss(model, data).detach()), abs=5e-3)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_it_compiles_without_a_graph_break() -> None:
    model, data = small("gelu", layers=1), tokens()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(data), model(data))


@pytest.mark.parametrize(
    ("given", "error", "word"),
    [
        (torch.zeros(1, 4), DtypeError, "integers"),
        (torch.zeros(4, dtype=torch.long), CamberError, "shape"),
        (torch.zeros(1, 17, dtype=torch.long), CamberError, "context of 16"),
    ],
)
def test_bad_tokens(given: Tensor, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        small()(given)


def test_bad_masks_and_settings() -> None:
    model, data = small(), tokens()
    with pytest.raises(DtypeError, match="boolean"):
        model(data, padding_mask=torch.ones(2, 10))
    with pytest.raises(CamberError, match=r"\(2, 10\)"):
        model(data, padding_mask=torch.ones(2, 9, dtype=torch.bool))
    with pytest.raises(CamberError, match="at least one"):
        model.generate(data[:, :0], 3)
    with pytest.raises(CamberError, match="negative"):
        model.generate(data, -1)
    with pytest.raises(CamberError, match="finite, but got steps=1, temperature=nan"):
        model.generate(data, 1, temperature=math.nan)
    with pytest.raises(CamberError, match="layers"):
        DecoderConfig(layers=0)
    with pytest.raises(CamberError, match="heads"):
        small(heads=5)
    with pytest.raises(CamberError, match="even head size, but got 3"):
        small(heads=8)
