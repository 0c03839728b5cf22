"""Plain JSON, content addresses and TOML: what goes in comes out."""

import json
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camber.errors import CamberError, RunError
from camber.train import Job, from_toml, to_toml
from camber.train.plain_json import canonical_json, digest_of, plain

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
FINITE = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    FINITE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
RECORDS = st.dictionaries(TEXT, VALUES, max_size=4)


@dataclass(frozen=True, kw_only=True)
class Settings:
    name: str
    rate: float
    steps: int = 3
    quick: bool = False
    seeds: tuple[int, ...] = (0, 1)
    clip: float | None = 1.0
    text: str | None = None
    widths: tuple[int, ...] | None = None


@given(RECORDS)
def test_toml_reads_back(record: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(record)) == record


@given(
    st.builds(
        Settings,
        name=TEXT,
        rate=st.floats(allow_nan=False, allow_infinity=False),
        clip=st.none() | st.floats(0, 10),
        text=st.none() | TEXT,
        seeds=st.lists(st.integers(0, 99), max_size=3).map(tuple),
        widths=st.none() | st.lists(st.integers(0, 9), max_size=2).map(tuple),
    )
)
def test_dataclass_reads_back(settings: Settings) -> None:
    assert from_toml(Settings, to_toml(settings)) == settings


def test_toml_numbers_keep_their_kind() -> None:
    # 1 read into a float field is 1.0; 1e-05 and large numbers are legal TOML as Python prints them
    settings = from_toml(Settings, 'name = "a"\nrate = 1\nsteps = 2\nquick = true\nseeds = []\n')
    assert isinstance(settings.rate, float)
    assert (settings.clip, settings.seeds) == (None, ())
    table = {"small": 1e-05, "large": 1e300, "whole": 2.0}
    assert tomllib.loads(to_toml(table)) == table


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "not valid TOML"),
        ('name = "a"\nrat = 1.0', "has no field 'rat'"),
        ('name = "a"\nrate = 1.0', "has no 'steps', which Settings needs"),
    ],
)
def test_bad_records_are_refused(text: str, reason: str) -> None:
    with pytest.raises(CamberError, match=reason):
        from_toml(Settings, text)


def test_what_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(CamberError, match="list holds None"):
        to_toml({"values": [1, None]})
    with pytest.raises(CamberError, match="lone surrogate"):
        to_toml({"text": "\ud800"})
    with pytest.raises(CamberError, match="give a dict or a dataclass"):
        to_toml([1])
    with pytest.raises(CamberError, match="int is not a dataclass"):
        from_toml(int, "")


@given(RECORDS)
def test_address_does_not_depend_on_order_or_on_none(record: dict[str, object]) -> None:
    turned = dict(reversed(list(record.items())))
    assert digest_of({**turned, "\x00unused": None}) == digest_of(record)
    assert json.loads(canonical_json(record)) == record


def test_plain_forms() -> None:
    @dataclass
    class Point:
        x: float
        where: Path

    assert plain(Point(1.0, Path("a/b"))) == {"x": 1.0, "where": "a/b"}
    assert plain((np.float64(0.5), np.int64(2), torch.tensor(3), torch.tensor(0.25))) == [
        0.5,
        2,
        3,
        0.25,
    ]
    assert plain([math.nan, math.inf]) == [None, None]
    for bad, reason in [
        (print, "value is a builtin_function_or_method"),
        ({1: 2}, "the keys of a record are text"),
        ({"a": [torch.ones(2)]}, r"value\['a'\]\[0\] is a Tensor"),
        (b"bytes", "is a bytes"),
    ]:
        with pytest.raises(CamberError, match=reason):
            plain(bad)


def test_jobs_are_addressed_by_content() -> None:
    job = Job({"b": 1, "a": (1, 2)}, seed=0, label="first")
    same = Job({"a": [1, 2], "b": 1, "c": None}, seed=0)
    assert (job, hash(job)) == (same, hash(same))
    assert len({job, same, Job({"a": [1, 2], "b": 1}, seed=1), Job({"a": [1, 2]}, seed=0)}) == 3
    assert job.title == "first (seed 0)"
    assert Job.from_dict(json.loads(json.dumps(job.to_dict()))) == job
    # 1 and 1.0 are different configurations: what is computed may differ
    assert Job({"a": 1}, seed=0) != Job({"a": 1.0}, seed=0)


def test_bad_jobs_are_refused() -> None:
    for seed in (-1, 0.5, True):
        with pytest.raises(CamberError, match="give an integer >= 0"):
            Job({}, seed=seed)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(CamberError, match=r"the configuration\['a'\] is nan"):
        Job({"a": math.nan}, seed=0)
    good = Job({"a": 1}, seed=0).to_dict()
    for bad in ({}, 3, {**good, "seed": 1}, {**good, "seed": -1}):
        with pytest.raises(RunError, match="record of"):
            Job.from_dict(bad)


def test_records_do_not_share_state_with_the_caller() -> None:
    @dataclass
    class Holder:
        config: dict[str, object] = field(default_factory=lambda: {"a": [1]})

    holder = Holder()
    job = Job(holder.config, seed=0)
    before = job.digest
    holder.config["a"] = [2]
    assert Job(job.config, seed=0).digest == before
