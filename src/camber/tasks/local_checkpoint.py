"""A causal language model in a local Hugging Face directory: opened, checked, copied into memory.

Read are ``config.json``, safetensors and a tokenizer, from this directory alone: never the network,
never code that lies beside the weights. Nothing is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from camber.errors import CamberError, require, unknown_name
from camber.sites import Site, sites
from camber.tasks.foreign_code import random_numbers, seed_from
from camber.tasks.settings import given_path

_TOKENIZER_FILES: Final = (
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "vocab.txt",
    "spiece.model",
)  # fmt: skip


class LocalCheckpoint:
    """A directory with ``config.json`` and ``*.safetensors``.

    Args:
        folder: the directory.

    Attributes:
        architecture: the model's class. vocabulary: how many tokens it knows.
        context: the most tokens it can see, None where its configuration sets no limit.
        own: label of the nonlinearity that stands at ``paths``: what a comparison replaces.
        others: paths of the model's other nonlinearities, which stay.
        tokenizer: the directory's own, or None: then tokens are bytes.
        sha256: names the content of configuration, weights and tokenizer.

    Raises:
        MissingExtraError: transformers is not installed.
        CamberError: the directory does not hold a causal language model that can be loaded.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = given_path("hf: checkpoint", folder)
        self._check_files()
        require("transformers", extra="hub", feature=f"the model hf:{folder}")
        self._config = self._read_config()
        self.architecture = self._check_kind()
        self._check_activation()
        self.sha256 = self._hash()
        self.tokenizer = self._read_tokenizer()
        model = self.model(0)
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        self.own, self.paths, self.others = self._find_sites(sites(model))
        self._check_causal(model)

    @property
    def vocabulary(self) -> int:
        return int(self._text_config.vocab_size)

    @property
    def context(self) -> int | None:
        found = getattr(self._text_config, "max_position_embeddings", None)
        return found if isinstance(found, int) else None

    @property
    def _text_config(self) -> Any:
        return self._config.get_text_config()

    def model(self, seed: int) -> nn.Module:
        """Return a fresh copy, float32, in training mode on the CPU.

        Raises:
            CamberError: the weights are damaged, or those of another model.
        """
        from transformers import AutoModelForCausalLM

        with self._reading("its weights"), random_numbers(seed_from("hf", seed)):
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                self.folder,
                config=self._config,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
            model, report = loaded
        missing, foreign = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
        if missing:
            raise CamberError(
                f"the weights in {self.folder} are not those of its config.json "
                f"({self.architecture}): {len(missing)} tensors are missing, such as {missing[0]!r}"
                + (f", and {len(foreign)} are foreign, such as {foreign[0]!r}" if foreign else "")
            )
        model.config.use_cache = False
        return model.float().train()

    def tokens(self, text: bytes) -> Tensor:
        """Return ``text`` as token numbers, int64 (tokens,).

        Raises:
            CamberError: the tokenizer fails, or gives numbers that the model does not know.
        """
        if self.tokenizer is None:
            return torch.frombuffer(bytearray(text), dtype=torch.uint8).long()
        lines = text.decode("utf-8", "ignore").splitlines(keepends=True)
        pieces = ["".join(lines[start : start + 1000]) for start in range(0, len(lines), 1000)]
        with self._reading("its tokenizer"):
            found = self.tokenizer(pieces, add_special_tokens=False, verbose=False)["input_ids"]
        tokens = torch.tensor([token for piece in found for token in piece], dtype=torch.long)
        if tokens.numel() and int(tokens.max()) >= self.vocabulary:
            raise CamberError(
                f"the tokenizer in {self.folder} gives the token {int(tokens.max())}, but the "
                f"model knows {self.vocabulary}: they do not belong together"
            )
        return tokens

    def _check_files(self) -> None:
        if not self.folder.is_dir():
            raise CamberError(
                f"hf:{self.folder}: there is no such directory; camber downloads nothing: give a "
                f"local one that holds config.json and *.safetensors"
            )
        if not (self.folder / "config.json").is_file():
            raise CamberError(
                f"{self.folder} holds no config.json; give the directory that "
                f"model.save_pretrained(...) wrote"
            )
        if not self._weight_files():
            pickled = sorted(path.name for path in self.folder.glob("*.bin"))
            raise CamberError(
                f"{self.folder} holds no *.safetensors"
                + (f" ({pickled[0]} may hold code, and is not read)" if pickled else "")
                + "; write them with model.save_pretrained(...)"
            )

    def _weight_files(self) -> list[Path]:
        return sorted(self.folder.glob("*.safetensors"))

    def _read_config(self) -> Any:
        from transformers import AutoConfig

        with self._reading("its config.json"):
            return AutoConfig.from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )

    def _check_kind(self) -> str:
        from transformers.models.auto.modeling_auto import (
            MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as KNOWN,
        )

        classes = {
            name
            for item in KNOWN.values()
            for name in (item if isinstance(item, tuple | list) else [item])
        }
        named = getattr(self._config, "architectures", None) or [
            KNOWN.get(self._config.model_type, type(self._config).__name__)
        ]
        name = str(named[0])
        if name not in classes or self._config.is_encoder_decoder:
            raise CamberError(
                f"{self.folder} holds a {name}, which does not predict the next token; give a "
                f"causal language model, such as LlamaForCausalLM or GPT2LMHeadModel"
            )
        if getattr(self._config, "quantization_config", None) is not None:
            raise CamberError(
                f"the weights in {self.folder} are quantised and cannot be trained; give the "
                f"model in full precision"
            )
        return name

    def _check_activation(self) -> None:
        from transformers.activations import ACT2FN

        # transformers itself would answer with the bare name, deep inside the model's construction
        for key in ("hidden_act", "hidden_activation", "activation_function"):
            name = getattr(self._config, key, None)
            if isinstance(name, str) and name not in ACT2FN:
                raise unknown_name(f"activation in {self.folder}, {key}", name, ACT2FN)

    def _read_tokenizer(self) -> Any:
        if not any((self.folder / name).is_file() for name in _TOKENIZER_FILES):
            if self.vocabulary < 256:
                raise CamberError(
                    f"{self.folder} holds no tokenizer, and its vocabulary of {self.vocabulary} is "
                    f"too small for bytes (256); put the tokenizer's files beside config.json"
                )
            return None
        from transformers import AutoTokenizer

        with self._reading("its tokenizer"):
            return AutoTokenizer.from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )

    def _find_sites(self, found: list[Site]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """Return the label that most sites have, their paths, and the paths of the others."""
        if not found:
            raise CamberError(
                f"the {self.architecture} in {self.folder} holds no activation module, so there "
                f"is nothing to replace"
            )
        own = Counter(site.label for site in found).most_common(1)[0][0]
        mine = tuple(path for site in found if site.label == own for path in site.paths)
        others = tuple(path for site in found if site.label != own for path in site.paths)
        return own, mine, others

    def _check_causal(self, model: Any) -> None:
        """Raise where what is said of a token depends on later ones: the loss would mean nothing.

        A masked token has a gradient of exactly 0, however small the weights are.
        """
        seen: list[Tensor] = []
        table = model.get_input_embeddings()
        handle = table.register_forward_hook(lambda module, given, output: seen.append(output))
        try:
            logits = model.eval()(input_ids=torch.arange(8)[None] % self.vocabulary).logits
        finally:
            handle.remove()
        (gradient,) = torch.autograd.grad(logits[0, :4].square().sum(), seen[:1])
        if bool((gradient[0, 4:] != 0).any()):
            raise CamberError(
                f"the {self.architecture} in {self.folder} sees the tokens that it is to predict: "
                f"it is an encoder; give a causal language model"
            )

    def _hash(self) -> str:
        digest = hashlib.sha256()
        names = ("config.json", *_TOKENIZER_FILES, "merges.txt")
        for path in [*(self.folder / name for name in names), *self._weight_files()]:
            if not path.is_file():
                continue
            # the whole of it: a fine-tuning may change nothing but layers in the middle
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.name}\0{content}\0".encode())
        return digest.hexdigest()

    @contextlib.contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """Keep transformers quiet, and turn what it raises into one sentence."""
        from transformers.utils import logging

        verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        except CamberError:
            raise
        except Exception as error:  # of any library below: the file is the user's
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            reason = f"{type(error).__name__}: {lines[0]:.300}" if lines else type(error).__name__
            raise CamberError(f"{self.folder}: {what} cannot be read ({reason})") from error
        finally:
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()
