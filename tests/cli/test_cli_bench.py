"""`camber bench activations`: a table for people, JSON lines for programs, plain refusals."""

import json
from collections.abc import Callable
from typing import Any

import pytest

QUICK = ("--shape", "4x8", "--rounds", "2")


def bench(camber: Callable[..., Any], *arguments: str) -> Any:
    return camber("bench", "activations", *QUICK, *arguments)


def test_a_table_for_people(camber: Callable[..., Any]) -> None:
    said = bench(camber, "--names", "relu,max(x, 0.5*x)", "--peers", "fused,formula")
    assert said.code == 0
    for expected in ("F.gelu", "copy", "relu · fused", "max(x, 0.5*x) · formula", "4x8 float32"):
        assert expected in said.out
    assert "measuring" in said.error


def test_json_lines_for_programs(camber: Callable[..., Any], tmp_path: Any) -> None:
    (tmp_path / "kept.jsonl").write_text('{"before": true}\n')
    said = bench(
        camber,
        *("--names", "x*sigmoid(beta*x),swiglu", "--peers", "auto", "--threads", "1"),
        *("--output", "kept.jsonl", "--json", "--dtype", "float64"),
    )
    assert said.code == 0
    lines = [json.loads(line) for line in said.out.splitlines()]
    kept = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    assert kept == [{"before": True}, *lines]
    kinds = {line["memory"] for line in lines}
    assert len(lines) == 5 * len(kinds)
    first = lines[0]
    assert (first["name"], first["peer"], first["to_gelu"]["median"]) == ("F.gelu", "torch", 1)
    assert (first["shape"], first["dtype"], first["threads"], first["rounds"]) == (
        [4, 8], "float64", 1, 2,
    )  # fmt: skip
    assert {"processor", "cores"} <= set(first["machine"])
    assert {"camber", "torch", "compiler"} <= set(first["versions"])
    swish = next(line for line in lines if line["name"] == "x*sigmoid(beta*x)")
    assert swish["peer"] == "auto"
    assert swish["total"]["median"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--names", "polynrm"), "polynorm"),
        (("--names", "x*sigmoid("), "^"),
        (("--names", ","), "no activation"),
        (("--shape", "4x-8"), "'4x-8' is not a shape"),
        (("--shape", "0"), "'0' is not a shape"),
        (("--rounds", "0"), "at least one round"),
        (("--threads", "0"), "at least one thread"),
        (("--dtype", "int8"), "float32"),
        (("--peers", "triton"), "torch.compile"),
        (("--output", "no/such/folder.jsonl", "--names", "relu", "--peers", "auto"), "no/such"),
    ],
)
def test_refusals(camber: Callable[..., Any], arguments: tuple[str, ...], says: str) -> None:
    assert says in bench(camber, *arguments).sentence
