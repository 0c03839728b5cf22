"""The progress bar: what it draws on a terminal, and its silence elsewhere."""

import pytest

from camber.cli.progress import RunProgress, duration
from camber.train import Event, Job

JOBS = [Job({"entry": "relu"}, seed, "relu") for seed in (0, 1)]


def _play(progress: RunProgress) -> None:
    with progress as bars:
        bars(Event(kind="stands", job=JOBS[0], done=1, total=2))
        bars(Event(kind="started", job=JOBS[1], done=1, total=2))
        fields = {"step": 50, "steps": 100, "loss": 2.345}
        bars(Event(kind="progress", job=JOBS[1], fields=fields, done=1, total=2))
        bars(Event(kind="progress", job=JOBS[1], fields={"loss": None}, done=1, total=2))
        if bars._bars is not None:
            bars._bars.refresh()
        bars(Event(kind="finished", job=JOBS[1], done=2, total=2))


def test_it_shows_runs_steps_and_losses(capsys: pytest.CaptureFixture[str]) -> None:
    _play(RunProgress(shown=True))
    drawn = capsys.readouterr()
    assert drawn.out == ""
    for wanted in ("all runs", "2/2 done"):
        assert wanted in drawn.err


def test_it_is_off_when_not_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _play(RunProgress())
    assert capsys.readouterr() == ("", "")


def test_time_left_follows_from_the_steps_of_all_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 30.0, 60.0])
    monkeypatch.setattr("camber.cli.progress.time.monotonic", lambda: next(clock))
    progress = RunProgress(shown=True)
    notes = []
    with progress as bars:
        for event in (
            Event(kind="stands", job=JOBS[0], done=1, total=3),
            Event(kind="started", job=JOBS[1], done=1, total=3),
            Event(kind="progress", job=JOBS[1], fields={"step": 50, "steps": 100}, done=1, total=3),
        ):
            bars(event)
            assert bars._bars is not None
            notes.append(bars._bars.tasks[0].fields["note"])
    # one of three stood, half a run took 30 s: one and a half runs are left, 90 s
    assert notes[-1] == "1/3 done, about 1:30 left"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (42, "0:42"), (303, "5:03"), (3723, "1:02:03")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
