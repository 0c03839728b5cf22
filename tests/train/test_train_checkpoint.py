"""Checkpoints: what is in them, and what they refuse to be loaded into."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

import camber
from camber.errors import CamberError, RunError
from camber.train import load_weights, save_checkpoint
from camber.train.checkpoint import CHECKPOINT_SCHEMA


class Tied(nn.Module):
    def __init__(self, activation: str = "gelu", width: int = 4) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, width)
        self.act = camber.activation(activation)
        self.head = nn.Linear(width, 5, bias=False)
        self.head.weight = self.embed.weight


def test_metadata_say_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, nn.Sequential(nn.Linear(2, 2), camber.activation("polyrelu")))
    with safe_open(path, framework="pt") as opened:
        metadata = opened.metadata()
    assert metadata["schema"] == str(CHECKPOINT_SCHEMA)
    assert metadata["library"] == f"camber {camber.__version__}"
    formulas = json.loads(metadata["formulas"])
    assert formulas["1"]["name"] == "polyrelu"
    assert formulas["1"]["formula"]
    # a plain reader finds the names of the state dict
    assert sorted(load_file(path)) == ["0.bias", "0.weight", "1.bias", "1.weight"]


def test_shared_tensors_are_stored_once_and_come_back_shared(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    model, other = Tied(), Tied()
    save_checkpoint(path, model)
    assert list(load_file(path)) == ["embed.weight"]
    load_weights(other, path)
    assert torch.equal(other.head.weight, model.embed.weight)
    assert other.head.weight is other.embed.weight


def test_another_formula_name_or_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, Tied("gelu"))
    with pytest.raises(RunError, match=r"was written with gelu .*erf.* at act and the model has "):
        load_weights(Tied("gelu_tanh"), path)
    with pytest.raises(RunError, match=r"holds 'embed.weight' of shape \(5, 4\), .* \(5, 3\)"):
        load_weights(Tied("gelu", 3), path)
    with pytest.raises(RunError, match=r"with gelu .* at act and the model has no activation"):
        load_weights(nn.Linear(1, 1), path)
    save_checkpoint(path, nn.Linear(2, 1))
    with pytest.raises(RunError, match="holds 'bias', which the model has not"):
        load_weights(nn.Linear(2, 1, bias=False), path)
    save_checkpoint(path, nn.Linear(2, 1, bias=False))
    with pytest.raises(RunError, match="has no 'bias', which the model wants"):
        load_weights(nn.Linear(2, 1), path)


def test_nothing_is_loaded_from_a_refused_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3)))
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 4))
    before = [parameter.clone() for parameter in model.parameters()]
    with pytest.raises(RunError):
        load_weights(model, path)
    assert all(map(torch.equal, before, model.parameters()))


def test_bad_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    with pytest.raises(RunError, match=r"there is no file .*weights.safetensors: build"):
        load_weights(nn.Linear(1, 1), path)
    path.write_bytes(b"not tensors")
    with pytest.raises(RunError, match=r"weights.safetensors is damaged"):
        load_weights(nn.Linear(1, 1), path)
    path.unlink()
    path.mkdir()
    with pytest.raises(RunError, match=r"weights.safetensors"):
        load_weights(nn.Linear(1, 1), path)
    from safetensors.torch import save_file

    plain = tmp_path / "plain.safetensors"
    save_file({"weight": torch.ones(1, 1)}, plain)
    with pytest.raises(RunError, match="was not written by camber"):
        load_weights(nn.Linear(1, 1), plain)
    save_file({"a": torch.ones(1)}, plain, {"schema": "1", "formulas": "{", "progress": "{}"})
    with pytest.raises(RunError, match="has damaged metadata"):
        load_weights(nn.Linear(1, 1), plain)


def test_a_state_that_is_no_tensor_is_refused(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def get_extra_state(self) -> str:
            return "text"

    with pytest.raises(CamberError, match="holds '_extra_state', a str: a checkpoint holds tensor"):
        save_checkpoint(tmp_path / "a.safetensors", Odd())
    assert not list(tmp_path.iterdir())
