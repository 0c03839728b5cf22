"""Studies: jobs to claims to a directory that tells the story again."""

import getpass
import html.parser
import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from train_study_parts import COINS, Settings

from camber.errors import CamberError, RunError, UnknownNameError
from camber.train import (
    Claim,
    Event,
    Findings,
    InlineExecutor,
    ProcessExecutor,
    StudyTable,
    environment,
    read_study,
    register_study,
    run_study,
    study,
    study_names,
)


def test_a_study_leaves_a_directory_that_reads_back(tmp_path: Path) -> None:
    events: list[Event] = []
    result = run_study(COINS, "tiny", tmp_path, ProcessExecutor(2), events.append)
    assert [claim.outcome for claim in result.claims] == ["holds"]
    assert not result.refuted
    assert result.summary == "coins (tiny): 1 claims hold, 0 not shown, 0 refuted"
    names = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("."))
    assert names == ["jobs", "metrics.jsonl", "report.html", "result.json", "study.toml"]
    assert read_study(tmp_path) == result
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3
    # a second run finds everything there and comes to the same
    assert run_study(COINS, "tiny", tmp_path, InlineExecutor(), events.append) == result
    assert [event.kind for event in events[-3:]] == ["stands"] * 3
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3
    console = Console(width=120)
    with console.capture() as capture:
        console.print(result.render())
    assert "the mean is <b>large</b>" in capture.get()


def test_a_refuted_claim_shows(tmp_path: Path) -> None:
    result = run_study(COINS, "smoke", tmp_path, InlineExecutor())
    assert result.refuted
    assert '"outcome": "refuted"' in (tmp_path / "result.json").read_text()


def test_the_report_is_one_escaped_offline_page(tmp_path: Path) -> None:
    run_study(COINS, "tiny", tmp_path, InlineExecutor())
    page = (tmp_path / "report.html").read_text()
    assert "Coins &amp; &lt;tosses&gt;" in page
    assert "<script" not in page
    assert "://" not in page
    open_tags: list[str] = []

    class Checker(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Checker().feed(page)
    assert open_tags == []


def test_failed_jobs_are_told_and_finished_ones_stand(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        run_study(COINS, "full", tmp_path, InlineExecutor())
    assert str(caught.value).startswith("1 of 3 jobs of the study coins failed; ")
    assert "the coin stands on its edge" in str(caught.value)
    assert len(list(tmp_path.glob("jobs/*/outcome.json"))) == 2
    with pytest.raises(RunError, match="holds no result of a study"):
        read_study(tmp_path)


def test_a_directory_belongs_to_one_size(tmp_path: Path) -> None:
    run_study(COINS, "tiny", tmp_path, InlineExecutor())
    with pytest.raises(RunError, match="seeds is 3 there and 5 here"):
        run_study(COINS, "smoke", tmp_path, InlineExecutor())


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    run_study(COINS, "tiny", tmp_path, InlineExecutor())
    path = tmp_path / "result.json"
    record = json.loads(path.read_text())
    for change in (
        {"claims": 3},
        {"claims": [3]},
        {"claims": [{**record["claims"][0], "outcome": "refuted"}]},
        {"tables": [{"title": "x"}]},
        {"seconds": "long"},
    ):
        path.write_text(json.dumps({**record, **change}))
        with pytest.raises(RunError, match=r"result.json is damaged .*run the study again"):
            read_study(tmp_path)
    del record["title"]
    path.write_text(json.dumps(record))
    with pytest.raises(RunError, match="is damaged"):
        read_study(tmp_path)


def test_the_registry() -> None:
    assert register_study(COINS) is study("coins")
    register_study(COINS)
    assert "coins" in study_names()
    with pytest.raises(CamberError, match="'coins' is registered already"):
        register_study(replace(COINS, title="Other coins"))
    with pytest.raises(UnknownNameError, match=r"unknown study 'coin'; .*'coins'"):
        study("coin")
    with pytest.raises(UnknownNameError, match=r"unknown size of study coins 'smok'; .*'smoke'"):
        run_study("coins", "smok")


def test_bad_definitions_are_refused() -> None:
    with pytest.raises(CamberError, match="give exactly tiny, smoke, full"):
        replace(COINS, sizes={"tiny": Settings()})
    sizes = {"tiny": Settings(), "smoke": Settings(), "full": 3}
    with pytest.raises(CamberError, match="size 'full' is a int, not a dataclass"):
        replace(COINS, sizes=sizes)  # type: ignore[arg-type]  # that is the point
    claim = Claim.exact(name="a", statement="s", value=1, threshold=0, direction="at_least")
    with pytest.raises(CamberError, match="two claims are called 'a'"):
        Findings(claims=(claim, claim))
    with pytest.raises(CamberError, match="2 columns and a row of 1 cells"):
        StudyTable(title="t", columns=("a", "b"), rows=((1,),))


def test_the_environment_tells_no_names() -> None:
    text = json.dumps(environment())
    if len(socket.gethostname()) > 6:  # a short one may be part of an honest word
        assert socket.gethostname() not in text
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    if getpass.getuser() not in ("root", "user"):
        assert getpass.getuser() not in text
    assert environment()["cpus"]
