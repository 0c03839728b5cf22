"""Progress: what is drawn on terminals of any size, and plain lines elsewhere."""

import io

import pytest

from camber.cli.progress import RunProgress
from camber.cli.tally import Tally, duration
from camber.cli.verb import on_terminal
from camber.train import Event, Job

LONG = "0.5*x*(1 + tanh(0.7978845608*(x + 0.044715*x**3))) at rate 0.003, 50 steps"
JOBS = [Job({"entry": "relu"}, seed, "relu") for seed in (0, 1)]
NAMED_AT_LENGTH = [Job({"n": n}, 0, LONG) for n in range(12)]


def _progress(job: Job, step: int, **more: object) -> Event:
    fields = {"step": step, "steps": 100, "loss": 2.345, **more}
    return Event(kind="progress", job=job, fields=fields, done=1, total=2)


def _play(progress: RunProgress) -> None:
    with progress as bars:
        bars(Event(kind="stands", job=JOBS[0], done=1, total=2))
        bars(Event(kind="started", job=JOBS[1], done=1, total=2))
        bars(_progress(JOBS[1], 50))
        bars(_progress(JOBS[1], 50, loss=None))
        if bars._live is not None:
            bars._live.refresh()
        bars(Event(kind="finished", job=JOBS[1], done=2, total=2))


def _drawn(progress: RunProgress, width: int, height: int) -> list[str]:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True)
    console.print(progress)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_it_shows_runs_steps_and_losses(capsys: pytest.CaptureFixture[str]) -> None:
    _play(RunProgress(shown=True))
    drawn = capsys.readouterr()
    assert drawn.out == ""
    for wanted in ("1/2 done", "relu (seed 1)", "step 50/100, loss 2.345"):
        assert wanted in drawn.err


def test_short_work_is_silent_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _play(RunProgress())
    assert capsys.readouterr() == ("", "")


def test_long_work_says_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 20.0, 40.0, 50.0, 80.0])
    monkeypatch.setattr("camber.cli.progress.time.monotonic", lambda: next(clock))
    with RunProgress(shown=False) as told:
        told(Event(kind="stands", job=JOBS[0], done=1, total=2))
        told(Event(kind="started", job=JOBS[1], done=1, total=2))
        for step in (25, 50, 60):
            told(_progress(JOBS[1], step))
        told(Event(kind="finished", job=JOBS[1], done=2, total=2))
    # 30 s after the first event or later, and not again within 30 s; half a run took 40 s
    assert capsys.readouterr().err == "camber: 1/2 done, about 0:40 left\n"


def test_a_worker_that_died_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress(shown=False) as told:
        told(Event(kind="started", job=JOBS[1], total=2))
        told(Event(kind="retried", job=JOBS[1], fields={"reason": "killed by signal 9"}, total=2))
    assert capsys.readouterr().err == ("camber: relu (seed 1) starts again: killed by signal 9\n")


@pytest.mark.parametrize("width", [20, 38, 60, 100, 200])
@pytest.mark.parametrize("height", [1, 6, 40])
def test_it_fits_any_terminal(width: int, height: int) -> None:
    progress = RunProgress(shown=False)
    assert len(_drawn(progress, width, height)) == 1  # nothing is known yet
    for job in NAMED_AT_LENGTH:
        progress(Event(kind="started", job=job, done=3, total=40))
        progress(Event(kind="progress", job=job, fields={"step": 7, "steps": 50}))
    lines = _drawn(progress, width, height)
    assert max(map(len, lines)) <= width
    # the summary, runs, and how many more there are: never more than the terminal has
    assert len(lines) <= max(height, 3)
    assert "3/40 done" in lines[0]
    hidden = 12 - max(height - 3, 1)
    assert ("and" in lines[-1]) == (hidden > 0)
    if width >= 60:
        assert lines[1].startswith("  0.5*x*(1 + tanh")
        assert lines[1].rstrip().endswith("step 7/50")
    if width == 200:
        assert LONG in lines[1]


def test_a_terminal_that_cannot_draw_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for term, can in (("xterm-256color", True), ("dumb", False), ("unknown", False)):
        monkeypatch.setenv("TERM", term)
        assert on_terminal() == can
    monkeypatch.delenv("TERM")
    assert not on_terminal()


def test_colours_are_left_away_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    _play(RunProgress(shown=True))
    drawn = capsys.readouterr().err
    assert "1/2 done" in drawn
    assert not any(f"\x1b[{colour}" in drawn for colour in ("3", "4", "9", "38", "48"))


def test_time_left_follows_from_the_steps_of_all_runs() -> None:
    tally = Tally()
    tally.take(Event(kind="stands", job=JOBS[0], done=1, total=3), 0.0)
    tally.take(Event(kind="started", job=JOBS[1], done=1, total=3), 0.0)
    assert tally.summary(1.0) == "1/3 done"
    assert tally.summary(12.0) == "1/3 done, 0:12 so far"
    tally.take(Event(kind="progress", job=JOBS[1], fields={"step": 50, "steps": 100}), 30.0)
    # one of three stood, half a run took 30 s: one and a half runs are left, 90 s
    assert tally.summary(30.0) == "1/3 done, about 1:30 left"
    # runs may join: then more is left, at the same pace
    tally.take(Event(kind="started", job=NAMED_AT_LENGTH[0], done=1, total=5), 30.0)
    assert tally.summary(30.0) == "1/5 done, about 3:30 left"
    tally.take(Event(kind="finished", job=JOBS[1], done=5, total=5), 60.0)
    assert tally.summary(60.0) == "5/5 done"
    assert tally.share == 1.0


def test_a_run_that_dies_counts_for_nothing() -> None:
    tally = Tally()
    tally.take(Event(kind="started", job=JOBS[0], total=2), 0.0)
    tally.take(Event(kind="progress", job=JOBS[0], fields={"step": 9, "steps": 10}), 5.0)
    assert tally.share == pytest.approx(0.45)
    tally.take(Event(kind="retried", job=JOBS[0], total=2), 6.0)
    assert (tally.share, tally.left(6.0)) == (0.0, None)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (42, "0:42"), (303, "5:03"), (3723, "1:02:03")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
