"""Whole comparisons on each shipped task, at sizes that take a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from camber.compare import run
from camber.errors import CamberError
from camber.train import InlineExecutor

TINY = {"steps": 12, "warmup_steps": 1, "batch": 16, "width": 8, "depth": 1}


@pytest.fixture(autouse=True)
def _small_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Price nothing larger than it must be: these tests are about the tasks."""
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 2)


def picture_folder(folder: Path) -> Path:
    """Two classes of small pictures, one bright and one dark."""
    from PIL import Image

    generator = np.random.default_rng(0)
    for name, grey in (("bright <i>", 180), ("dark", 70)):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = generator.normal(grey, 20, (8, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.parametrize("model", ["mlp", "resnet", "vit"])
@pytest.mark.parametrize("task", ["digits", "images"])
def test_image_tasks(tmp_path: Path, task: str, model: str) -> None:
    data = picture_folder(tmp_path / "pictures") if task == "images" else None
    found = run(
        ["relu", "swiglu"],
        task,
        preset="quick",
        model=model,
        data=data,
        seeds=2,
        settings={**TINY, "heads": 2, "metric": "error"},
        directory=tmp_path / "runs",
        executor=InlineExecutor(),
        report=False,
    )
    assert sorted(found.ranking) == ["relu", "swiglu"]
    assert (found.metric, found.unit) == ("validation_error", "%")
    assert all(0 <= own.metric <= 100 for runs in found.runs.values() for own in runs)
    assert found.task["model"] == model
    assert ("--data" in found.command) == (task == "images")


def test_regression(tmp_path: Path) -> None:
    found = run(
        ["relu", "gelu", "sin(x)"],
        "regress",
        preset="quick",
        seeds=2,
        settings={**TINY, "function": "sin(3*x0)*x1", "domain": "x0=0:pi, x1=-1:1", "samples": 64},
        directory=tmp_path,
        executor=InlineExecutor(),
        report=False,
    )
    assert len(found.ranking) == 3
    assert found.metric == "validation_nrmse"
    assert all(own.metric < 3 for runs in found.runs.values() for own in runs)
    assert "corpus_sha256" in found.task


def test_refusals_come_before_any_run(tmp_path: Path) -> None:
    def refused(sentence: str, task: str, **options: str | float) -> None:
        with pytest.raises(CamberError, match=sentence):
            run(["relu"], task, settings=options, directory=tmp_path / "runs", seeds=1)
        assert not (tmp_path / "runs").exists()

    refused("needs data", "images")
    refused("there is nothing at", "images", data=str(tmp_path / "nowhere"))
    refused("unknown setting of digits 'sizes'", "digits", sizes=3)
    refused("is no input", "regress", function="a*x")
    refused("heads that divide it", "digits", model="vit", heads=5)
