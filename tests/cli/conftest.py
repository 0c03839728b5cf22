"""The command line, called as a user calls it, in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from camber.cli import main


@dataclass(frozen=True)
class Said:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    error: str

    @property
    def sentence(self) -> str:
        """The one line of a refusal."""
        assert self.code == 2, (self.code, self.out, self.error)
        assert "Traceback" not in self.error
        assert self.out == ""
        return self.error


Command = Callable[..., Said]


@pytest.fixture(autouse=True)
def _small_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices are looked at for their form here, not for their values."""
    monkeypatch.setattr("camber.compare.prices.SHAPE", (4, 8))
    monkeypatch.setattr("camber.compare.prices.ROUNDS", 2)


@pytest.fixture
def camber(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """``camber("list", "--json")`` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Said(int(left.value.code or 0), captured.out, captured.err)

    return command
