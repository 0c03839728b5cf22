"""No text executes code, allocates without bound, overflows the stack or hangs."""

import sys
import threading
import warnings

import numpy as np
import pytest
import torch
from formula_hostile import CODE, VALID, VALID_BOMBS, hostile

from camber.errors import CamberError
from camber.formula import (
    Formula,
    FormulaError,
    to_interval,
    to_latex,
    to_numpy,
    to_sympy,
    to_torch,
)


def read(text):
    """Parse; a refusal must be a FormulaError of bounded, printable length."""
    try:
        formula = Formula.parse(text)
    except FormulaError as error:
        message = str(error)
        assert len(message) < 1_000
        message.encode()
        return None
    assert Formula.parse(str(formula)).root == formula.root
    return formula


_watched = threading.local()


def _audit(event, arguments):
    if (
        event in ("exec", "import", "open", "os.system", "subprocess.Popen")
        and getattr(_watched, "events", None) is not None
    ):
        _watched.events.append(event)


# An audit hook hears of any code that runs, however it is reached; it cannot be removed again, so
# it listens only while a list is there to write to.
sys.addaudithook(_audit)


@pytest.fixture
def no_execution():
    """Fail the test if anything is executed, imported or opened while it runs."""
    _watched.events = events = []
    yield
    _watched.events = None
    assert not events


def test_ten_thousand_hostile_texts(no_execution):
    # as errors, Python's warnings about odd text would pass for refusals
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        accepted = sum(read(text) is not None for text in hostile(10_000, seed=1))
    assert not caught
    assert 300 < accepted < 5_000  # the generator must reach both sides


@pytest.mark.slow
def test_a_hundred_thousand_hostile_texts(no_execution):
    for text in hostile(100_000, seed=2):
        read(text)


@pytest.mark.parametrize("text", CODE)
def test_code_is_refused_or_harmless(text, no_execution):
    read(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", [*VALID, *VALID_BOMBS])
def test_large_but_valid_formulas_cost_nothing(text):
    formula = read(text)
    if formula is None:
        return
    values = {n: 0.5 if m is None else [0.5] * m for n, m in formula.parameters.items()}
    formula.canonical().canonical()
    formula.digest()
    x = np.linspace(-2.0, 2.0, 8).reshape(1, 8)
    to_numpy(formula)(x, **values) if formula.kind != "normed" else None
    if formula.kind != "normed":
        to_torch(formula)(torch.tensor(x), **values)
        to_interval(formula)(x, x + 0.1, **values)
    to_sympy(formula)
    to_latex(formula)
    if formula.kind == "pointwise":
        slope = formula.derivative().derivative()
        kept = {name: values[name] for name in slope.parameters}
        to_numpy(slope)(
            x,
            **{n: v[: slope.parameters[n]] if isinstance(v, list) else v for n, v in kept.items()},
        )


#: As deep as each limit allows.
LIMITS = [
    "(" * 100 + "x" + ")" * 100,
    "x" + "**x" * 199,
    "-" * 199 + "x",
    "x" + " if x > 0 else x" * 100,
    "exp(" * 100 + "x" + ")" * 100,
    "x" + "+x" * 199,
    "2**-(" * 90 + "x" + ")" * 90,
]


def test_deep_formulas_fit_a_small_stack():
    # 256 KiB is half of what macOS gives a thread
    failures = []

    def work():
        try:
            for text in [*VALID_BOMBS[-20:], *LIMITS]:
                formula = Formula.parse(text)
                str(formula.canonical())
                to_numpy(formula.derivative() if formula.kind == "pointwise" else formula)
        except BaseException as error:
            failures.append(error)

    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert not failures


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("x * sgmoid(x)", 4, "unknown function 'sgmoid'; the nearest known names are 'sigmoid'"),
        ("x ^ 2", 2, "powers are written **"),
        ("2x", 1, "write 2*x"),
        ("exp(x, y)", 0, "exp takes 1 argument, not 2"),
        ("where(x, 1, 2)", 0, "where takes a comparison first"),
        ("0 < x < 1", 8, "chain of comparisons"),
        ("w[10**9]", 2, "an index is a whole number"),
        ("w[5000]", 2, "an index is at most 1023"),
        ("mean(x, over=column)", 0, "choose one of feature, instance"),
        ("max(x)", 0, "max(z, over=feature)"),
        ("x // 2", 0, "not part of the language"),
        ("x.real", 1, "has no meaning here"),
        ("lambda: x", 0, "word of Python"),
        ("_a*x", 0, "starts with a letter"),
        ("exp", 0, "write exp(x)"),
        ("x(2)", 0, "write a product as x*(...)"),
        ("(x", 0, "was never closed"),
        ("a + a[0]", None, "both alone and with an index"),
    ],
)
def test_errors_point_at_the_place(text, position, words):
    with pytest.raises(FormulaError) as caught:
        Formula.parse(text)
    message = str(caught.value)
    assert words in message
    assert isinstance(caught.value, CamberError)
    if position is not None:
        _, shown, caret = message.split("\n")
        assert shown.strip() == text
        assert caret.index("^") - 2 == position


def test_text_of_another_type_is_refused():
    for value in (None, 3, b"x", ["x"]):
        with pytest.raises(FormulaError, match="a formula is text"):
            Formula.parse(value)
