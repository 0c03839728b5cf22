"""Shell completion: the protocol of each shell, bash itself, and names found without torch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from camber.activations.registry import known_names
from camber.cli import names
from camber.tasks.registry import TASKS
from camber.train import EXECUTORS, SIZES


def _complete(shell: str, line: str, **more: str) -> "subprocess.CompletedProcess[str]":
    words = line.split(" ")
    variables = {
        "_CAMBER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        **more,
    }
    code = (
        "import sys\nfrom camber.cli import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("camber ", {"compare", "card", "list", "doctor", "study", "bench"}),
        ("camber compare mis", {"mish"}),
        ("camber compare relu polyr", {"polyrelu"}),
        ("camber compare --task ", set(TASKS)),
        ("camber compare --executor ", set(EXECUTORS)),
        ("camber compare --preset q", {"quick"}),
        ("camber compare --equal t", {"tokens", "time"}),
        ("camber compare --model r", {"resnet"}),
        ("camber compare --device cu", {"cuda"}),
        ("camber card geglu_", {"geglu_tanh"}),
        ("camber list --kind g", {"gated"}),
        ("camber study run polyc", {"polycom"}),
        ("camber study report polycom --size s", {"smoke"}),
        ("camber bench activations --names relu,mis", {"relu,mish"}),
        ("camber bench activations --peers auto,f", {"auto,fused", "auto,formula"}),
        ("camber bench activations --dtype b", {"bfloat16"}),
        ("camber study run zzz", set()),
    ],
)
def test_bash_is_offered(line: str, expected: set[str]) -> None:
    done = _complete("bash", line)
    assert done.stderr == ""
    assert set(done.stdout.split()) == expected


def test_zsh_and_fish_are_offered_the_same() -> None:
    assert '"mish"' in _complete("zsh", "camber compare mis").stdout
    assert _complete("fish", "camber compare mis").stdout.split() == ["mish"]


def test_what_fails_is_not_printed_into_the_shell() -> None:
    for line, more in [
        ("camber compare 'x*", {}),
        ("camber compare ge", {"COMP_CWORD": "no number"}),
        ("camber --nonsense --task", {}),
        ("camber ", {"_CAMBER_COMPLETE": "complete_tcsh"}),
    ]:
        assert _complete("bash", line, **more).stderr == ""


def test_bash_itself(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    script = subprocess.run(
        [sys.executable, "-m", "camber", "--show-completion", "bash"],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    command = tmp_path / "camber"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m camber "$@"\n')
    command.chmod(0o755)
    ask = "COMP_WORDS=(camber compare relu mis) COMP_CWORD=3; _camber_completion camber mis relu"
    done = subprocess.run(
        [bash, "--norc", "-c", f'{script}\n{ask}\necho "offered: ${{COMPREPLY[*]}}"'],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "offered: mish\n"
    assert done.stderr == ""


def test_the_names_are_those_that_are_registered() -> None:
    import camber.studies  # noqa: F401  # registers them
    from camber.train import study_names

    assert names.activation_names() == known_names()
    assert names.task_names() == sorted(TASKS)
    assert names.study_names() == sorted(study_names())
    assert set(names.EXECUTORS) == set(EXECUTORS)
    assert set(names.SIZES) == set(SIZES)


def test_presets_and_models_are_those_of_the_tasks() -> None:
    from camber.tasks import PRESETS
    from camber.tasks.images import IMAGES_PRESETS

    assert set(names.PRESETS) == set(PRESETS)
    assert set(names.MODELS) == {"dense", "moe", *IMAGES_PRESETS, "hf:"}
    assert names.KINDS == ("pointwise", "gated", "along", "normed")
