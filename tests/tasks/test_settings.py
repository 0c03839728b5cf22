"""Rules of settings: what they let through, and the sentence for the rest."""

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from camber.errors import CamberError, DtypeError, UnknownNameError
from camber.tasks import task
from camber.tasks.settings import (
    Flag,
    OneOf,
    Real,
    Rule,
    Text,
    Whole,
    given_path,
    memory_for,
    setting,
    settle,
)


@dataclass(frozen=True)
class Sizes:
    width: int = setting(Whole(1, 9), 3)
    rate: float = setting(Real(open=True), 0.5)
    patch: int | None = setting(Whole(), None)


PRESETS = {"default": Sizes(), "quick": Sizes(width=2)}


def test_settings_change_a_preset() -> None:
    found = settle("mine", PRESETS, "quick", {"rate": 1, "patch": 4})
    assert found == Sizes(width=2, rate=1.0, patch=4)
    assert isinstance(found.rate, float)
    assert settle("mine", PRESETS, "default", {"patch": None}) == Sizes()
    assert PRESETS["default"] == Sizes()


@pytest.mark.parametrize(
    ("rule", "value", "sentence"),
    [
        (Whole(), 0, "n must be at least 1, but got 0"),
        (Whole(2, 9), 10, "n must be at least 2 and at most 9, but got 10"),
        (Whole(), True, "n must be a whole number, but got True"),
        (Whole(), "3", "n must be a whole number, but got '3'"),
        (Whole(), None, "n must be a whole number, but got None"),
        (Real(), -0.1, "n must be at least 0 and finite"),
        (Real(open=True), 0, "n must be above 0 and finite"),
        (Real(0, 1), 1.5, "n must be at least 0 and at most 1, but got 1.5"),
        (Real(), math.nan, "but got nan"),
        (Real(), math.inf, "but got inf"),
        (Real(), 10**400, "n must be finite, but got a number of 1329 bits"),
        (Real(), "x", "n must be a number, but got 'x'"),
        (Real(), False, "n must be a number, but got False"),
        (OneOf(("a", "b", "c")), "d", "n is 'a', 'b' or 'c', but got 'd'"),
        (OneOf(("a",)), "d", "n is 'a', but got 'd'"),
        (OneOf(("a",)), 3, "n must be text, but got 3"),
        (Text(), 3.5, "n must be text, but got 3.5"),
        (Flag(), "perhaps", "n must be true or false, but got 'perhaps'"),
        (Flag(), 2, "n must be true or false, but got 2"),
    ],
)
def test_refusals(rule: Rule, value: object, sentence: str) -> None:
    with pytest.raises(CamberError) as refusal:
        rule.read("n", value)
    assert sentence in str(refusal.value)


def test_flags_take_the_words_of_a_command_line() -> None:
    for value in (True, 1, "1", "yes", "True"):
        assert Flag().read("n", value) is True
    for value in (False, 0, "0", "no", "false"):
        assert Flag().read("n", value) is False


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match="unknown preset of mine 'quik'"):
        settle("mine", PRESETS, "quik", {})
    with pytest.raises(UnknownNameError, match=r"unknown setting of mine 'widht'.*'width'"):
        settle("mine", PRESETS, "quick", {"widht": 3})
    with pytest.raises(DtypeError):
        settle("mine", PRESETS, "quick", {"width": None})


def test_what_is_a_path() -> None:
    assert given_path("data", "a/b") == given_path("data", Path("a/b")) == Path("a/b")
    for wrong in (3, None, b"a"):
        with pytest.raises(DtypeError, match="data is a path, but got"):
            given_path("data", wrong)
    with pytest.raises(CamberError, match="data is an empty path; write"):
        given_path("data", "")
    with pytest.raises(CamberError, match="holds a NUL"):
        given_path("data", "a\0b")


@pytest.mark.parametrize(
    ("name", "option"), [("charlm", "text"), ("images", "data"), ("hf", "checkpoint")]
)
def test_every_task_reads_its_path_so(name: str, option: str) -> None:
    with pytest.raises(CamberError, match="is an empty path"):
        task(name, **{option: ""})
    with pytest.raises(DtypeError, match="is a path, but got int"):
        task(name, **{option: 3})


def test_a_model_beyond_all_memory_is_one_sentence() -> None:
    with pytest.raises(CamberError, match="digits: a model of these sizes does not fit into the"):
        task("digits", width=2**40)  # 256 TiB in the first matrix
    with pytest.raises(RuntimeError, match="another"), memory_for("mine"):
        raise RuntimeError("another")
