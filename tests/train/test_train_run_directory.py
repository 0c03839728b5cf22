"""Run directories: whole files or none, and a sentence for each way they can be wrong."""

import errno
import os
from pathlib import Path

import pytest

from camber.errors import RunError
from camber.train import RunDirectory
from camber.train.atomic import replacing, write_error

CONFIG = {"steps": 3, "fit": {"rate": 0.1, "clip": None}}


def test_a_run_is_taken_up(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "a" / "run", CONFIG)
    run.append({"step": 1, "loss": float("nan")})
    run.append({"step": 2, "loss": 1.5})
    assert run.result() is None
    again = RunDirectory(tmp_path / "a" / "run", CONFIG)
    assert again.metrics() == [{"step": 1, "loss": None}, {"step": 2, "loss": 1.5}]
    again.keep_steps_through(1)
    again.append({"step": 2, "loss": 1.25})
    assert [record["loss"] for record in again.metrics()] == [None, 1.25]
    again.write_result({"loss": 1.25})
    result = RunDirectory(tmp_path / "a" / "run", CONFIG).result()
    assert result is not None
    assert result["loss"] == 1.25


def test_a_half_written_line_is_dropped(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path, CONFIG)
    for step in range(3):
        run.append({"step": step})
    whole = run.metrics_path.read_bytes()
    # wherever the last line was cut
    for cut in range(len(whole) - 10, len(whole)):
        run.metrics_path.write_bytes(whole[:cut])
        again = RunDirectory(tmp_path, CONFIG)
        assert [r["step"] for r in again.metrics()] == [0, 1]
        again.append({"step": 2})
        assert run.metrics_path.read_bytes() == whole


def _sentence(directory: Path, config: object = CONFIG) -> str:
    def read() -> None:
        run = RunDirectory(directory, config)
        run.metrics()
        run.result()

    with pytest.raises(RunError) as caught:
        read()
    text = str(caught.value)
    assert str(directory) in text
    assert "\n" not in text
    assert "delete" in text or "choose" in text
    return text


def test_a_foreign_directory_is_refused_with_the_first_difference(tmp_path: Path) -> None:
    RunDirectory(tmp_path / "run", CONFIG)
    other = {"steps": 3, "fit": {"rate": 0.2, "clip": None}}
    assert "(fit.rate is 0.1 there and 0.2 here)" in _sentence(tmp_path / "run", other)
    assert "(more is None there and 1 here)" in _sentence(tmp_path / "run", {**CONFIG, "more": 1})
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("")
    assert "holds 'thesis.tex' and no study.toml" in _sentence(tmp_path / "home")
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["thesis.tex"]


def test_damage_is_named(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path, CONFIG)
    run.append({"step": 1})
    run.write_result({"loss": 1.0})
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(files) == ["metrics.jsonl", "result.json", "study.toml"]

    def damaged(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        text = _sentence(tmp_path)
        (tmp_path / name).write_bytes(files[name])
        assert name in text
        return text

    toml = files["study.toml"]
    assert "is not valid TOML" in damaged("study.toml", toml[: toml.index(b"[config") + 5])
    assert "is not valid TOML" in damaged("study.toml", b"\xff\xfe")
    assert "was not written by camber" in damaged("study.toml", b"a = 1\n")
    assert "schema version 99" in damaged("study.toml", toml.replace(b"schema = 1", b"schema = 99"))
    assert "was changed after" in damaged("study.toml", toml.replace(b"steps = 3", b"steps = 4"))
    assert "line 1, is damaged" in damaged("metrics.jsonl", b"{broken\n" + files["metrics.jsonl"])
    assert "line 1, is damaged" in damaged("metrics.jsonl", b"3\n")
    assert "is not text" in damaged("metrics.jsonl", b"\xff\xfe\n")
    result = files["result.json"]
    assert "is not valid JSON" in damaged("result.json", result[:-4])
    assert "schema version 7" in damaged("result.json", result.replace(b'a": 1', b'a": 7'))
    other = result.replace(b'"digest": "', b'"digest": "0')
    assert "belongs to another configuration" in damaged("result.json", other)
    (tmp_path / "result.json").unlink()
    (tmp_path / "result.json").mkdir()
    assert "could not be read" in _sentence(tmp_path)
    run = RunDirectory(tmp_path, CONFIG)


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory(tmp_path, CONFIG)
    run.write_result({"loss": 1.0})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"the disk is full: .*result.json could not be written"):
            run.write_result({"loss": 2.0})
    stored = run.result()
    assert stored is not None
    assert stored["loss"] == 1.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.json", "study.toml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_really_full_device(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path, CONFIG)
    run.metrics_path.symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"the disk is full: .*metrics.jsonl"):
        run.append({"step": 1})


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_leftovers_of_a_killed_writer_go(tmp_path: Path) -> None:
    RunDirectory(tmp_path, CONFIG)
    (tmp_path / ".weights.safetensors.17.0a0b0c0d.tmp").write_text("half")
    RunDirectory(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OSError(errno.ENOSPC, "x"), "the disk is full"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "the disk is full"),
        (OSError(errno.EACCES, "x"), "choose a directory that you may write to"),
        (OSError(errno.EIO, "x"), "Input/output error"),
        (RuntimeError("strange"), "strange"),
    ],
)
def test_reasons_for_a_failed_write(error: Exception, part: str) -> None:
    assert part in str(write_error(Path("a/b"), error))
