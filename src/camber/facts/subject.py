"""What facts are asked of: a formula and the values of its parameters, maybe one set per channel.

:class:`HasFormula` is all that facts know of an activation. A :class:`Subject` holds the values
flattened over channels; a :class:`Field` is one tree of it (the formula, a derivative, a branch)
as a function of points and channels, evaluated in float64 or enclosed by interval arithmetic.

Shapes: C channels, P points or cells, each with the index of its channel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError, unknown_name
from camber.facts.rewrite import depends_on, tidy
from camber.formula import Formula, to_interval, to_numpy
from camber.formula.derivative import derivative
from camber.formula.numpy_operations import NUMPY, constant_value
from camber.formula.tape import Tape, compile_tape
from camber.formula.tree import Input, Node, Parameter, walk

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
ParameterValue = float | Sequence[float] | Sequence[npt.NDArray[np.float64]] | Array


@runtime_checkable
class HasFormula(Protocol):
    """Anything with a formula and values for its parameters, such as an activation module."""

    @property
    def formula(self) -> Formula:
        """The formula."""
        ...

    def parameter_values(self) -> Mapping[str, ParameterValue]:
        """Name of each parameter -> its value, array over channels, or sequence of these."""
        ...


Spec = HasFormula | Formula | str


class Subject:
    """A formula with numbers for its parameters.

    Args:
        root: the tree; parameters are leaves of it.
        values: each parameter leaf -> its values over channels, (C,), float64.
        shape: the common shape of the values as given; None where all were single numbers.
        name: the input along which the formula is looked at.
        text: how errors call the formula.
    """

    def __init__(
        self,
        root: Node,
        values: Mapping[Parameter, Array],
        shape: tuple[int, ...] | None,
        *,
        name: str = "x",
        text: str = "",
    ) -> None:
        self.root = root
        self.values = dict(values)
        self.shape = shape
        self.name = name
        self.text = text
        self.channels = 1 if shape is None else int(np.prod(shape))
        self._fields: dict[int, Field] = {}

    def field(self, node: Node) -> Field:
        """The function of points and channels that ``node`` is."""
        known = self._fields.get(id(node))
        if known is None:
            # The field holds its node, so the identity stays taken.
            known = self._fields[id(node)] = Field(node, self)
        return known

    def take(self, channels: Index) -> Subject:
        """The subject of some of the channels."""
        values = {leaf: array[channels] for leaf, array in self.values.items()}
        return Subject(self.root, values, (len(channels),), name=self.name, text=self.text)

    def expand(self, shape: tuple[int, ...]) -> Subject:
        """The subject with its values broadcast to a larger shape of channels."""
        old = self.shape or ()
        values = {
            leaf: np.broadcast_to(array.reshape(old), shape).reshape(-1)
            for leaf, array in self.values.items()
        }
        return Subject(self.root, values, shape, name=self.name, text=self.text)

    def one(self, channel: int) -> dict[Parameter, float]:
        """The parameter values of one channel."""
        return {leaf: float(values[channel]) for leaf, values in self.values.items()}


class Field:
    """A tree as a function of points and their channels."""

    def __init__(self, node: Node, subject: Subject) -> None:
        self.node = node
        self.subject = subject

    @cached_property
    def derivative(self) -> Field:
        """The derivative along the subject's input."""
        return self.subject.field(slope_of(self.node, self.subject.name))

    @property
    def vanishes_at_zero(self) -> bool:
        """Whether 0 is a root for reasons of structure; trees are not looked at for that."""
        return False

    @cached_property
    def varies(self) -> bool:
        """Whether the input occurs at all."""
        return depends_on(self.node, self.subject.name)

    @cached_property
    def formula(self) -> Formula:
        """The tree as a formula of the subject's input."""
        return _as_formula(self.node, self.subject.name)

    @cached_property
    def _stable(self) -> Callable[..., Array]:
        return to_numpy(self.formula)

    @cached_property
    def _interval(self) -> Callable[..., tuple[Array, Array]]:
        return to_interval(self.formula)

    def _leaf(self, leaf: Parameter, channel: Index, extra: int) -> Array:
        # A branch may use only some entries of a family; the others are never looked at.
        values = self.subject.values.get(leaf)
        if values is None:
            return np.zeros(())
        if self.subject.channels == 1:
            return values[:1].reshape(())
        return values[channel].reshape(channel.shape + (1,) * extra)

    def _parameters(self, channel: Index, extra: int) -> dict[str, object]:
        given: dict[str, object] = {}
        for name, size in self.formula.parameters.items():
            if size is None:
                given[name] = self._leaf(Parameter(name), channel, extra)
            else:
                leaves = [Parameter(name, index) for index in range(size)]
                given[name] = [self._leaf(leaf, channel, extra) for leaf in leaves]
        return given

    def __call__(self, points: Array, channel: Index) -> Array:
        """Evaluate stably at ``points`` (P,) or (P, K); ``channel`` (P,)."""
        result: Array = self._stable(points, **self._parameters(channel, points.ndim - 1))
        return result

    def sample(self, points: Array, channel: Index) -> Array:
        """Evaluate as written: cheap to set up, nan or inf where the tree overflows."""
        tape = tape_of(self.node)
        registers: list[Array] = [points] * tape.registers
        for place, leaf in tape.leaves:
            if isinstance(leaf, Parameter):
                registers[place] = self._leaf(leaf, channel, points.ndim - 1)
            elif not isinstance(leaf, Input):
                registers[place] = np.asarray(constant_value(leaf))
        with np.errstate(all="ignore"):
            for step in tape.steps:
                arguments = [registers[source] for source in step.sources]
                registers[step.target] = NUMPY[step.call.operation](step.call, *arguments)
        return np.broadcast_to(np.asarray(registers[tape.result], np.float64), points.shape)

    def enclose_defined(self, lo: Array, hi: Array, channel: Index) -> tuple[Array, Array]:
        """Enclose all values on the cells [lo, hi]; nan where there are none."""
        return self._interval(lo, hi, **self._parameters(channel, 0))

    def enclose(self, lo: Array, hi: Array, channel: Index) -> tuple[Array, Array]:
        """Enclose all values on the cells [lo, hi]; whatever cannot be enclosed is (−inf, inf)."""
        low, high = self.enclose_defined(lo, hi, channel)
        return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


@lru_cache(maxsize=2048)
def _as_formula(node: Node, name: str) -> Formula:
    return Formula(node, (name,))


@lru_cache(maxsize=2048)
def tape_of(node: Node) -> Tape:
    """The tree as a list of steps, as written."""
    return compile_tape(node)


@lru_cache(maxsize=2048)
def slope_of(node: Node, name: str) -> Node:
    """The derivative of a tree along an input, tidied."""
    return tidy(derivative(node, Input(name)))


def resolve(spec: Spec, values: Mapping[str, ParameterValue]) -> tuple[Formula, Subject]:
    """Return the formula of ``spec`` and its subject; ``values`` override the spec's own.

    Raises:
        CamberError: where a parameter has no value or a value that is not finite numbers.
        UnknownNameError: for a value whose name is no parameter of the formula.
    """
    known: dict[str, ParameterValue] = {}
    if isinstance(spec, str):
        formula = Formula.parse(spec)
    elif isinstance(spec, Formula):
        formula = spec
    elif isinstance(spec, HasFormula):
        formula = spec.formula
        known.update(spec.parameter_values())
    else:
        raise CamberError(
            f"facts are about a formula, its text, or an object with .formula and"
            f" .parameter_values(), not a {type(spec).__name__}"
        )
    for name in values:
        if not formula.parameters:
            raise CamberError(f"{formula!r} has no parameters, so {name!r} cannot be set")
        if name not in formula.parameters:
            raise unknown_name(f"parameter of {formula!r}", name, formula.parameters)
    known.update(values)
    return formula, bind(formula, known)


def bind(formula: Formula, values: Mapping[str, ParameterValue]) -> Subject:
    """Give every parameter leaf of ``formula`` its values over channels."""
    leaves: dict[Parameter, Array] = {}
    for name, size in formula.parameters.items():
        if name not in values:
            raise CamberError(f"facts of {formula!r} need a value for its parameter {name!r}")
        given = values[name]
        if size is None:
            leaves[Parameter(name)] = _numbers(name, given)
            continue
        count = len(given) if isinstance(given, Sequence | np.ndarray) else 0
        if isinstance(given, float | int) or count != size:
            raise CamberError(
                f"parameter {name!r} of {formula!r} takes {size} values, not {given!r:.60}"
            )
        for index in range(size):
            leaves[Parameter(name, index)] = _numbers(f"{name}[{index}]", given[index])
    try:
        shape = np.broadcast_shapes(*(array.shape for array in leaves.values()))
    except ValueError:
        shapes = ", ".join(f"{leaf.name} {array.shape}" for leaf, array in leaves.items())
        raise CamberError(f"the parameter values do not share one shape: {shapes}") from None
    if 0 in shape:
        raise CamberError(
            f"the parameter values have shape {shape}: there is no channel to describe"
        )
    flat = {leaf: np.broadcast_to(array, shape).reshape(-1) for leaf, array in leaves.items()}
    name = formula.inputs[0]
    return Subject(formula.root, flat, shape or None, name=name, text=repr(formula))


def _numbers(name: str, value: object) -> Array:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise CamberError(f"parameter {name!r} has the value {value!r:.60}, not numbers") from None
    if not np.isfinite(array).all():
        raise CamberError(f"parameter {name!r} has a value that is not finite: {value!r:.60}")
    return array


def inputs_of(node: Node) -> set[str]:
    """Names of the inputs that occur in a tree."""
    return {part.name for part in walk(node) if isinstance(part, Input)}
