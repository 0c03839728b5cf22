"""Every operation has an entry in every interpreter."""

import pytest

from camber.formula import OPERATIONS
from camber.formula.derivative import RULES
from camber.formula.interval_operations import INTERVAL
from camber.formula.latex import LATEX
from camber.formula.numpy_operations import NUMPY
from camber.formula.recognise import SPECIAL
from camber.formula.sympy_export import SYMPY
from camber.formula.torch_operations import TORCH

TABLES = {"torch": TORCH, "numpy": NUMPY, "interval": INTERVAL, "latex": LATEX, "sympy": SYMPY}


@pytest.mark.parametrize("name", TABLES)
def test_interpreter_knows_every_operation(name):
    missing = sorted(set(OPERATIONS) - set(TABLES[name]))
    assert not missing, f"the {name} interpreter has no entry for {missing}"


def test_derivative_knows_every_operation_that_acts_on_each_element():
    pointwise = {name for name, entry in OPERATIONS.items() if not entry.statistic}
    assert not sorted(pointwise - set(RULES))


def test_array_interpreters_know_what_rewriting_introduces():
    introduced = {*SPECIAL, "scale", "lift"}
    introduced |= {
        f"{how}_{name}" for how in ("held", "capped") for name in ("exp", "cosh", "sinh", "expm1")
    }
    for name in ("torch", "numpy"):
        assert not sorted(introduced - set(TABLES[name]))
    fused = {"silu", "gelu", "gelu_tanh", "log_softplus"}
    assert not sorted(set(SPECIAL) - fused - set(INTERVAL))


def test_tables_name_nothing_unknown():
    for name in ("latex", "sympy"):
        assert not sorted(set(TABLES[name]) - set(OPERATIONS))
