"""Formulas on intervals: an enclosure of every value on [lo, hi], rounded outwards.

The tree is evaluated once on intervals; where a variable stands several times the enclosure is
wider than the range, and shrinks to it as the interval does. Ends are float64 arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from camber.errors import FormulaError
from camber.formula.formula import Formula
from camber.formula.guard import clamp
from camber.formula.interval_operations import INTERVAL
from camber.formula.numpy_operations import constant_value, family
from camber.formula.recognise import recognise
from camber.formula.rounding import MAX, Interval
from camber.formula.tape import compile_tape
from camber.formula.tree import Constant, Input, Node, Number, Parameter

Bounds = ArrayLike | tuple[ArrayLike, ArrayLike]

# pi and e lie just above their nearest floats: 3.14159...793|23, 2.71828...045|09.
_ABOVE: Final = ("pi", "e")


def to_interval(formula: Formula) -> Callable[..., Interval]:
    """Return ``fn(lo, hi, **parameters) -> (lo, hi)`` that encloses ``formula``.

    A formula of two inputs takes ``fn(lo_x, hi_x, lo_g, hi_g, **parameters)``. A parameter is a
    value or a pair (lo, hi), each a number or array that broadcasts; an indexed family is a
    sequence of those. Infinite ends are allowed.

    Returns:
        Two float64 arrays of the inputs' broadcast shape: every value the formula takes at points
        of the interval where it is defined lies between them. Both are nan where the formula is
        defined nowhere on the interval.

    Raises:
        FormulaError: where an interval's ends are in the wrong order, or parameters are missing.

    Example:
        >>> lo, hi = to_interval(Formula.parse("x**2 + 1"))(-1.0, 2.0)
        >>> float(lo), float(hi) >= 5.0
        (1.0, True)
    """
    return _compiled(formula.root, formula.inputs, tuple(formula.parameters.items()))


@lru_cache(maxsize=1024)
def _compiled(
    root: Node, inputs: tuple[str, ...], families: tuple[tuple[str, int | None], ...]
) -> Callable[..., Interval]:
    tape = compile_tape(clamp(recognise(root, "interval")))
    names = tuple(name for name, _ in families)

    def enclose(*ends: ArrayLike, **parameters: Bounds | Sequence[Bounds]) -> Interval:
        if len(ends) != 2 * len(inputs):
            raise FormulaError(f"inputs {inputs} take {2 * len(inputs)} ends, not {len(ends)}")
        if len(parameters) != len(names) or any(name not in parameters for name in names):
            raise FormulaError(
                f"the formula has parameters {list(names)}; given were {sorted(parameters)}"
            )
        known: dict[Node, Interval] = {}
        for place, name in enumerate(inputs):
            known[Input(name)] = _enter(name, (ends[2 * place], ends[2 * place + 1]))
        shapes = [end.shape for pair in known.values() for end in pair]
        first = shapes[:2]
        for name, size in families:
            given = parameters[name]
            if size is None:
                known[Parameter(name)] = _enter(name, given)
                continue
            for index, entry in enumerate(family(name, given, size)):
                known[Parameter(name, index)] = _enter(name, entry)
        registers: list[Any] = [None] * tape.registers
        for place, leaf in tape.leaves:
            fixed = isinstance(leaf, Number | Constant)
            registers[place] = constant_bounds(leaf) if fixed else known[leaf]
        with np.errstate(all="ignore"):
            for step in tape.steps:
                arguments = [registers[source] for source in step.sources]
                if step.mixes:
                    shape = np.broadcast_shapes(*(np.shape(end) for end in arguments[0]), *first)
                    arguments[0] = tuple(np.broadcast_to(end, shape) for end in arguments[0])
                registers[step.target] = INTERVAL[step.call.operation](step, *arguments)
                for place in step.freed:
                    registers[place] = None
        lo, hi = registers[tape.result]
        shape = np.broadcast_shapes(np.shape(lo), np.shape(hi), *shapes)
        return np.broadcast_to(lo, shape).copy(), np.broadcast_to(hi, shape).copy()

    return enclose


def _enter(name: str, given: Any) -> Interval:
    pair = given if isinstance(given, tuple) and len(given) == 2 else (given, given)
    lo, hi = (np.asarray(end, dtype=np.float64) for end in pair)
    if np.any(lo > hi):
        raise FormulaError(f"the interval of {name!r} has a lower end above its upper end")
    return lo, hi


def constant_bounds(leaf: Node) -> Interval:
    """The tightest floats around a ``Number`` or ``Constant``."""
    value = constant_value(leaf)
    lo = hi = value
    if isinstance(leaf, Number):
        if abs(value) == np.inf:
            lo, hi = (MAX, value) if value > 0 else (value, -MAX)
        elif Fraction(value) < leaf.value:
            hi = float(np.nextafter(value, np.inf))
        elif Fraction(value) > leaf.value:
            lo = float(np.nextafter(value, -np.inf))
    elif isinstance(leaf, Constant) and leaf.name in _ABOVE:
        hi = float(np.nextafter(value, np.inf))
    return np.asarray(lo), np.asarray(hi)
