"""Formulas on NumPy arrays in float64: the truth that the other interpreters are held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from camber.errors import FormulaError
from camber.formula.formula import Formula
from camber.formula.numpy_operations import NUMPY, Array, constant_value, family
from camber.formula.stable import stable
from camber.formula.tape import compile_tape
from camber.formula.tree import Constant, Input, Node, Number, Parameter


def to_numpy(formula: Formula) -> Callable[..., Array]:
    """Return ``fn(*inputs, **parameters) -> float64 array`` that evaluates ``formula``.

    Inputs and parameters are anything ``numpy.asarray`` takes and broadcast together; an indexed
    family is a sequence of them, or an array whose first axis is the index.

    Returns:
        A float64 array of the inputs' broadcast shape.

    Raises:
        FormulaError: for missing or unknown parameters.

    Example:
        >>> to_numpy(Formula.parse("log(1 + exp(x))"))([0.0, 1e4])
        array([6.93147181e-01, 1.00000000e+04])
    """
    return _compiled(formula.root, formula.inputs, tuple(formula.parameters.items()))


@lru_cache(maxsize=1024)
def _compiled(
    root: Node, inputs: tuple[str, ...], families: tuple[tuple[str, int | None], ...]
) -> Callable[..., Array]:
    tape = compile_tape(stable(root))
    names = tuple(name for name, _ in families)

    def evaluate(*values: ArrayLike, **parameters: ArrayLike | Sequence[ArrayLike]) -> Array:
        if len(values) != len(inputs):
            raise FormulaError(f"the formula takes inputs {inputs}, not {len(values)} arrays")
        if len(parameters) != len(names) or any(name not in parameters for name in names):
            raise FormulaError(
                f"the formula has parameters {list(names)}; given were {sorted(parameters)}"
            )
        arrays: list[Array] = [np.asarray(value, dtype=np.float64) for value in values]
        known: dict[Node, Array] = dict(zip(map(Input, inputs), arrays, strict=True))
        for name, size in families:
            given = parameters[name]
            if size is None:
                known[Parameter(name)] = np.asarray(given, dtype=np.float64)
                continue
            for index, entry in enumerate(family(name, given, size)):
                known[Parameter(name, index)] = np.asarray(entry, dtype=np.float64)
        registers: list[Array] = [arrays[0]] * tape.registers
        for place, leaf in tape.leaves:
            constant = isinstance(leaf, Number | Constant)
            registers[place] = np.asarray(constant_value(leaf)) if constant else known[leaf]
        # Overflow to inf and invalid to nan are answers here, not accidents.
        with np.errstate(all="ignore"):
            for step in tape.steps:
                arguments = [registers[source] for source in step.sources]
                if step.mixes:
                    z, x = arguments[0], arrays[0]
                    arguments[0] = np.broadcast_to(z, np.broadcast_shapes(z.shape, x.shape))
                registers[step.target] = NUMPY[step.call.operation](step.call, *arguments)
        answer = np.asarray(registers[tape.result], dtype=np.float64)
        shape = np.broadcast_shapes(answer.shape, *(array.shape for array in arrays))
        return answer if answer.shape == shape else np.broadcast_to(answer, shape).copy()

    return evaluate
