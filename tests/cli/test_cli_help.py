"""Help costs nothing, says what there is, and usage errors end with code 2."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from camber.cli.verb import print_json

VERBS = ("compare", "card", "list", "doctor", "study", "bench")


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["study", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom camber.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as left: assert not left.code\n"
        "heavy = {'torch', 'numpy', 'scipy', 'matplotlib', 'rich.progress'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = _python(code)
    assert done.returncode == 0, done.stderr


def test_help_is_quick() -> None:
    # The budget is 0.2 s of a quiet machine; processor time, best of three, on a busy one.
    code = (
        "import time; start = time.process_time()\nfrom camber.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: print('cpu', time.process_time() - start)"
    )
    best = min(float(_python(code).stdout.rsplit("cpu ", 1)[1]) for _ in range(3))
    assert best < 0.3


def test_module_and_command_are_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "camber", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("camber ")


def test_help_names_every_verb(camber: Callable[..., object]) -> None:
    said = camber("--help")
    for verb in VERBS:
        assert f"  {verb} " in said.out  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "arguments",
    [
        ["comapre"],
        ["compare", "--sedes", "3"],
        ["compare", "--seeds", "many"],
        ["card"],
        ["study", "go"],
    ],
)
def test_usage_errors_end_with_two(camber: Callable[..., object], arguments: list[str]) -> None:
    said = camber(*arguments)
    assert said.code == 2  # type: ignore[attr-defined]
    assert "Traceback" not in said.error  # type: ignore[attr-defined]


def test_json_holds_what_json_cannot(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"range": (float("-inf"), float("nan"), 1.0)})
    assert capsys.readouterr().out.split() == [
        "{",
        '"range":',
        "[",
        '"-inf",',
        '"nan",',
        "1.0",
        "]",
        "}",
    ]
