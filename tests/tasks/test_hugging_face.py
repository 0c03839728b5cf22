"""Local Hugging Face models: swapped, fine-tuned, never modified, never fetched."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from camber.errors import CamberError, MissingExtraError
from camber.sites import sites
from camber.tasks import Task, task
from camber.tasks.hugging_face import HuggingFace
from camber.tasks.local_checkpoint import LocalCheckpoint
from camber.tasks.token_windows import even_windows
from camber.train import FitConfig, fit

transformers = pytest.importorskip("transformers")

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
TINY = {"batch": 2, "context": 16, "steps": 3, "evaluation_tokens": 128}


def save(model: Any, folder: Path) -> Path:
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    model.save_pretrained(folder)
    return folder


def llama(**changes: Any) -> Any:
    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            **{"vocab_size": 256, "intermediate_size": 32, "num_key_value_heads": 1}
            | {"max_position_embeddings": 32, **SMALL, **changes}
        )
    )


def gpt2(**changes: Any) -> Any:
    torch.manual_seed(0)
    sizes = {"vocab_size": 300, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32}
    tokens = {"bos_token_id": 0, "eos_token_id": 0}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes | tokens | changes))


def mistral() -> Any:
    torch.manual_seed(0)
    return transformers.MistralForCausalLM(
        transformers.MistralConfig(
            vocab_size=256, intermediate_size=32, num_key_value_heads=1,
            max_position_embeddings=32, sliding_window=8, hidden_act="gelu", **SMALL,
        )
    )  # fmt: skip


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("The quick brown fox jumps over the lazy dog; naïve café.\n" * 200)
    return path


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise AssertionError(f"a connection to {given[1:]} was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("make", "own", "places"),
    [
        (llama, "silu", "model.layers.{}.mlp.act_fn"),
        (gpt2, "gelu_tanh", "transformer.h.{}.mlp.act"),
        (mistral, "gelu", "model.layers.{}.mlp.act_fn"),
    ],
)
def test_swapped_and_fine_tuned(
    tmp_path: Path, text: Path, no_network: None, make: Callable[[], Any], own: str, places: str
) -> None:
    folder = save(make(), tmp_path / "model")
    before = contents(folder)
    made = task("hf", checkpoint=folder, data=text, learning_rate=1e-2, **{**TINY, "steps": 12})
    assert isinstance(made, HuggingFace)
    assert isinstance(made, Task)
    facts = made.describe()
    assert facts["own_activation"] == own
    assert facts["sites"] == [places.format(layer) for layer in range(2)]
    json.dumps(dict(facts))
    model = made.build_model("polynorm", 0)
    assert model.training
    assert {site.label for site in sites(model)} == {"polynorm"}
    # equal but for the coefficients of the activation itself
    plain = sum(p.numel() for p in make().parameters())
    coefficients = sum(site.module.weight.numel() + 1 for site in sites(model))  # type: ignore[union-attr]
    assert sum(p.numel() for p in model.parameters()) == plain + coefficients
    start = made.evaluate(model)["validation_loss"]
    result = fit(model, made, FitConfig(**made.recommended), seed=0, directory=tmp_path / "run")
    assert result.metric < start
    assert contents(folder) == before
    fresh = made.build_model("polynorm", 0)
    assert made.evaluate(fresh)["validation_loss"] == start


def test_its_own_activation_leaves_the_model_as_it_is(tmp_path: Path, text: Path) -> None:
    original = llama()
    made = task("hf", checkpoint=save(original, tmp_path / "model"), data=text, **TINY)
    model = made.build_model("silu", 0)
    assert type(model.get_submodule("model.layers.0.mlp.act_fn")) is type(
        original.model.layers[0].mlp.act_fn
    )
    windows = even_windows(made._part("validation"), 16, 128)  # type: ignore[attr-defined]
    with torch.no_grad():  # the loss by the library's own definition: mean over targets
        logits = original.eval()(windows[:, :-1]).logits
        wanted = -logits.log_softmax(-1).gather(-1, windows[:, 1:, None]).mean()
    assert made.evaluate(model)["validation_loss"] == pytest.approx(float(wanted), rel=1e-5)
    assert made.loss(model, next(made.batches("train", 0))).requires_grad


def test_batches_follow_from_seed_and_step(tmp_path: Path, text: Path) -> None:
    folder = save(llama(), tmp_path / "model")
    made = task("hf", checkpoint=folder, text=text, **TINY)
    whole = list(itertools.islice(made.batches("train", 1), 5))
    resumed = next(made.batches("train", 1, 4))
    assert torch.equal(whole[4][0], resumed[0])
    tokens, targets = resumed
    assert tokens.shape == targets.shape == (2, 16)
    assert torch.equal(tokens[:, 1:], targets[:, :-1])
    assert bytes(tokens[0].tolist()) in text.read_bytes()
    assert made.units_per_batch == 32
    changed = task("hf", checkpoint=folder, text=text, **{**TINY, "context": 64 // 4})
    assert changed.describe()["corpus_sha256"] == made.describe()["corpus_sha256"]
    text.write_text(text.read_text() + "more")
    other = task("hf", checkpoint=folder, text=text, **TINY)
    assert other.describe()["corpus_sha256"] != made.describe()["corpus_sha256"]
    save(gpt2(), folder)
    assert (
        task("hf", checkpoint=folder, **TINY).describe()["model_sha256"]
        != made.describe()["model_sha256"]
    )


def test_every_byte_of_the_weights_counts(tmp_path: Path) -> None:
    # 80 MB without a block on the disk: a fine-tuning may change layers in the middle alone
    hollow = LocalCheckpoint.__new__(LocalCheckpoint)
    hollow.folder = tmp_path
    found = set()
    for place in (0, 40_000_000, 79_999_999):
        with (tmp_path / "model.safetensors").open("wb") as file:
            file.truncate(80_000_000)
            file.seek(place)
            file.write(b"\1")
        found.add(hollow._hash())
    assert len(found) == 3


def test_the_context_follows_the_model(tmp_path: Path, text: Path) -> None:
    folder = save(llama(), tmp_path / "model")
    assert task("hf", checkpoint=folder, data=text).context == 32  # type: ignore[attr-defined]
    with pytest.raises(CamberError, match=r"context is 64, but the model .* at most 32"):
        task("hf", checkpoint=folder, data=text, context=64)


def test_its_tokenizer_is_used(tmp_path: Path, text: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = sorted(set(text.read_text().replace(";", " ;").replace(".", " .").split()))
    plain = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({"?": 0, **{w: n + 1 for n, w in enumerate(words)}}, "?")
    )
    plain.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    folder = save(llama(vocab_size=32), tmp_path / "model")
    transformers.PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="?").save_pretrained(
        folder
    )
    made = task("hf", checkpoint=folder, data=text, **TINY)
    facts = made.describe()
    # 13 words and marks in each of the 190 lines of the training part, cut in the middle of one
    assert facts["train_tokens"] == pytest.approx(190 * 13, abs=13)
    assert facts["tokens"] != "bytes"
    assert made.metric.unit == "nats/token"
    assert math.isfinite(made.evaluate(made.build_model("relu", 0))["validation_loss"])
    save(llama(vocab_size=8), folder)
    with pytest.raises(CamberError, match="the model knows 8: they do not belong together"):
        task("hf", checkpoint=folder, data=text, **TINY)


def test_tied_weights_train_and_are_taken_up_again(tmp_path: Path, text: Path) -> None:
    folder = save(llama(tie_word_embeddings=True), tmp_path / "model")
    made = task("hf", checkpoint=folder, data=text, **TINY)
    config = FitConfig(**made.recommended)
    run = tmp_path / "run"
    first = fit(made.build_model("relu", 0), made, config, seed=0, directory=run)
    again = made.build_model("relu", 0)
    assert fit(again, made, config, seed=0, directory=run).metric == first.metric
    assert again.lm_head.weight is again.model.embed_tokens.weight
    assert made.evaluate(again)["validation_loss"] == pytest.approx(first.metric, rel=1e-6)


def test_gated_entries_are_refused_with_the_reason(tmp_path: Path, text: Path) -> None:
    made = task("hf", checkpoint=save(llama(), tmp_path / "model"), data=text, **TINY)
    with pytest.raises(
        CamberError, match=r"swiglu takes a value and a gate.*LlamaForCausalLM.*sil"
    ):
        made.build_model("swiglu", 0)


def break_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def foreign_weights(folder: Path) -> None:
    save(gpt2(), folder / "other")
    shutil.copy(folder / "other" / "model.safetensors", folder / "model.safetensors")
    shutil.rmtree(folder / "other")


def pickled_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def edit(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, r"there is no such directory; camber downloads nothing"),
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "its config.json cannot be read"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"holds no \*.safetensors; write"),
        (pickled_weights, r"\(pytorch_model.bin may hold code, and is not read\)"),
        (break_weights, "its weights cannot be read"),
        (foreign_weights, "are not those of its config.json .* tensors are missing"),
        (edit(hidden_size=32), "its weights cannot be read"),
        (edit(architectures=["LlamaForSequenceClassification"]), "does not predict the next token"),
        (edit(model_type="nobody_knows_it"), "its config.json cannot be read"),
        (edit(quantization_config={"quant_method": "gptq", "bits": 4}), "are quantised"),
        (edit(hidden_act="wobble"), "unknown activation in .*hidden_act 'wobble'; the nearest"),
        (edit(vocab_size=100), "vocabulary of 100 is too small for bytes"),
    ],
)
def test_directories_that_will_not_do(
    tmp_path: Path, text: Path, no_network: None, spoil: Callable[[Path], None], words: str
) -> None:
    folder = save(llama(), tmp_path / "model")
    spoil(folder)
    with pytest.raises(CamberError, match=words) as caught:
        task("hf", checkpoint=folder, data=text, **TINY)
    assert "model" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_encoders_are_refused(tmp_path: Path, text: Path) -> None:
    config = transformers.BertConfig(vocab_size=256, intermediate_size=32, **SMALL)
    encoder = save(transformers.BertForMaskedLM(config), tmp_path / "encoder")
    with pytest.raises(CamberError, match="BertForMaskedLM, which does not predict the next"):
        task("hf", checkpoint=encoder, data=text, **TINY)
    # by name a decoder, but every token sees all the others
    config.is_decoder = False
    model = transformers.BertLMHeadModel(config)
    with pytest.raises(CamberError, match="sees the tokens that it is to predict"):
        task("hf", checkpoint=save(model, tmp_path / "head"), data=text, **TINY)
    t5 = transformers.T5Config(vocab_size=256, d_model=16, d_kv=8, d_ff=32, num_layers=1)
    both = save(transformers.T5ForConditionalGeneration(t5), tmp_path / "both")
    with pytest.raises(CamberError, match="does not predict the next token"):
        task("hf", checkpoint=both, data=text, **TINY)


def test_a_model_without_sites(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save(llama(), tmp_path / "model")
    monkeypatch.setattr("camber.tasks.local_checkpoint.sites", lambda model: [])
    with pytest.raises(CamberError, match="holds no activation module"):
        task("hf", checkpoint=folder, data=text, **TINY)


def test_what_else_is_refused(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CamberError, match="write --model hf:DIR"):
        task("hf")
    with pytest.raises(CamberError, match="two names for one thing"):
        task("hf", checkpoint=tmp_path, data=text, text=text)
    folder = save(llama(), tmp_path / "model")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"needs transformers: pip install 'camber\[hub\]'"):
        task("hf", checkpoint=folder)
