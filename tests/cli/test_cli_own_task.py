"""``--task package.module:build`` and ``--model hf:DIR``: the user's own worlds, from the shell."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from conftest import Command

MINE = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

print("a line that would spoil --json")
x = torch.linspace(-1, 1, 256).reshape(64, 4)
rows = TensorDataset(x, (x[:, 0] > 0).long())

def build(activation, seed, width=8, broken=False):
    model = nn.Sequential(nn.Linear(4, width), activation(), nn.Linear(width, 2))
    def loss(model, batch):
        if broken:
            raise RuntimeError("no such luck")
        return F.cross_entropy(model(batch[0]), batch[1])
    train = DataLoader(rows, batch_size=16, shuffle=True, num_workers=1)
    return model, train, DataLoader(rows, batch_size=32), loss
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delitem(sys.modules, "mine_from_the_shell", raising=False)
    (tmp_path / "mine_from_the_shell.py").write_text(MINE)
    return tmp_path


# Python 3.12 warns of any fork in a process with threads, such as torch's
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_real_worker_processes(camber: Command, folder: Path) -> None:
    """Importable there, the same data there, processes of a DataLoader's own there."""
    asked = ["compare", "relu", "gelu", "--task", "mine_from_the_shell:build", "--seeds", "1"]
    asked += ["--set", "steps=6", "--set", "width=6"]
    said = camber(*asked, "--workers", "1", "--json")
    assert said.code == 0, said.error
    result = json.loads(said.out)
    assert set(result["ranking"]) == {"relu", "gelu"}
    inline = camber(*asked, "--json", "--executor", "inline", "--directory", "inline")
    assert inline.code == 0, inline.error
    again = json.loads(inline.out)
    for label in ("relu", "gelu"):
        here, there = (r["entries"][label]["runs"][0]["metric"] for r in (again, result))
        assert here == pytest.approx(there, rel=1e-6)  # one thread and several
    # nothing is trained again; changed code is another comparison
    assert "all are already there" in camber(*asked).error
    path = folder / "mine_from_the_shell.py"
    path.write_text(path.read_text().replace("-1, 1", "-2, 1"))
    sys.modules.pop("mine_from_the_shell")
    refused = camber(*asked, "--directory", "inline")
    assert refused.code == 2
    assert "inline" in refused.sentence


def test_the_console_script_looks_in_the_current_directory(folder: Path) -> None:
    script = Path(sys.executable).with_name("camber")
    if not script.exists():
        pytest.skip("the console script is not installed beside this Python")
    asked = ["compare", "relu", "--task", "mine_from_the_shell:build", "--set", "broken=1"]
    done = subprocess.run(
        [str(script), *asked], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    sentence = done.stderr.splitlines()[-1]
    assert "RuntimeError: no such luck (mine_from_the_shell.py:15)" in sentence
    assert "Traceback" not in done.stderr
    kept = Path(sentence.rpartition("the whole traceback is in ")[2])
    assert "no such luck" in kept.read_text()
    kept.unlink()


def test_a_hugging_face_directory(camber: Command, folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=256, n_embd=8, n_layer=1, n_head=1, n_positions=16, bos_token_id=0,
        eos_token_id=0,
    )  # fmt: skip
    transformers.utils.logging.disable_progress_bar()
    transformers.GPT2LMHeadModel(config).save_pretrained(folder / "model")
    (folder / "text.txt").write_text("The quick brown fox jumps over the lazy dog.\n" * 100)
    asked = ["--model", "hf:model", "--data", "text.txt", "--seeds", "1", "--set", "steps=2"]
    asked += ["--set", "batch=2", "--set", "evaluation_tokens=64", "--executor", "inline"]
    said = camber("compare", *asked, "--json")  # no entry given: those that fit any model
    assert said.code == 0, said.error
    result = json.loads(said.out)
    assert set(result["ranking"]) == {"relu", "gelu", "silu", "polyrelu", "polynorm"}
    assert "swiglu takes a value and a gate" in camber("compare", "swiglu", *asked).sentence
    nowhere = camber("compare", "relu", "--model", "hf:nowhere")
    assert "there is no such directory" in nowhere.sentence
