"""``Formula``: an immutable, hashable nonlinearity with named inputs and parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Final, Literal

from camber.errors import FormulaError
from camber.formula.canonical import canonical
from camber.formula.check import check_name, checked
from camber.formula.derivative import derivative
from camber.formula.operations import OPERATIONS
from camber.formula.parser import parse
from camber.formula.printer import expanded_size, print_tree
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter, substitute, walk

Kind = Literal["pointwise", "gated", "along", "normed"]

_SHORT: Final = 200


class Formula:
    """A nonlinearity as an expression of its inputs and parameters.

    ``f.root`` is the tree as written, ``f.inputs`` the names of its inputs in order. Two formulas
    are equal when their canonical forms and inputs are; ``str(f)`` is the tree as written, and
    ``Formula.parse(str(f), f.inputs).root == f.root``.

    Args:
        root: the tree.
        inputs: names of the inputs, in the order an interpreter takes them.

    Raises:
        FormulaError: where the tree is not one that a text could produce.

    Example:
        >>> f = Formula.parse("x * sigmoid(beta * x)")
        >>> f.parameters, f.kind, str(f)
        ({'beta': None}, 'pointwise', 'x*sigmoid(beta*x)')
        >>> f == Formula.parse("sigmoid(x*beta)*x")
        True
        >>> str(f.substitute({"beta": 1.702}))
        'x*sigmoid(1.702*x)'
    """

    root: Node
    inputs: tuple[str, ...]

    def __init__(self, root: Node, inputs: Sequence[str] = ("x",)) -> None:
        names = tuple(inputs)
        for name in names:
            check_name(name, "input")
        if len(set(names)) != len(names) or not names:
            raise FormulaError(f"the inputs {names} must be different names, at least one")
        self.__dict__["root"] = checked(root, names)
        self.__dict__["inputs"] = names

    @classmethod
    def parse(cls, text: str, inputs: Sequence[str] | None = None) -> Formula:
        """Read a formula from text; ``inputs`` are ``("x",)`` unless given.

        Raises:
            FormulaError: for text that is not a formula, with a caret under the place.
        """
        names = ("x",) if inputs is None else tuple(inputs)
        return cls(parse(text, names), names)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Formula does not change; {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Formula does not change; {name!r} cannot be deleted")

    def __str__(self) -> str:
        return print_tree(self.root)

    def __repr__(self) -> str:
        size = expanded_size(self.root)
        text = str(self) if size <= _SHORT else f"<{size} terms>"
        inputs = "" if self.inputs == ("x",) else f", inputs={self.inputs!r}"
        return f"Formula.parse({text!r}{inputs})"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Formula):
            return NotImplemented
        return self.inputs == other.inputs and self._canonical == other._canonical

    def __hash__(self) -> int:
        return hash((self._canonical, self.inputs))

    def __copy__(self) -> Formula:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Formula:
        return self

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _from_tape, (_to_tape(self.root), self.inputs)

    @cached_property
    def _canonical(self) -> Node:
        return canonical(self.root)

    def canonical(self) -> Formula:
        """The formula in canonical form: the same function of real numbers, wherever defined."""
        return Formula(self._canonical, self.inputs)

    def digest(self) -> str:
        """24 hexadecimal characters that name the canonical form, the same on every machine."""
        marks: dict[int, bytes] = {}
        mark = b""
        for node in walk(self._canonical):
            # Hashing each distinct node once keeps shared trees cheap, unlike hashing their text.
            content = repr(_describe(node)).encode()
            below = b"".join(marks[id(child)] for child in node.children)
            mark = marks[id(node)] = hashlib.sha256(content + below).digest()
        return hashlib.sha256(repr(self.inputs).encode() + mark).hexdigest()[:24]

    @cached_property
    def _parameters(self) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for node in walk(self.root):
            if isinstance(node, Parameter):
                size = None if node.index is None else node.index + 1
                known = found.setdefault(node.name, size)
                if size is not None and known is not None:
                    found[node.name] = max(known, size)
        return found

    @property
    def parameters(self) -> dict[str, int | None]:
        """Parameters in order of first appearance: None for one value, n for ``weight[0..n-1]``."""
        return dict(self._parameters)

    @cached_property
    def kind(self) -> Kind:
        """What the nonlinearity sees: one number, value and gate, one axis, or several axes."""
        axes = {
            node.option("over")
            for node in walk(self.root)
            if isinstance(node, Call) and OPERATIONS[node.operation].statistic
        }
        if axes:
            return "along" if axes == {"feature"} else "normed"
        used = {node.name for node in walk(self.root) if isinstance(node, Input)}
        return "gated" if used - {self.inputs[0]} else "pointwise"

    def derivative(self, name: str = "x") -> Formula:
        """The derivative with respect to an input or a parameter (``"beta"``, ``"weight[0]"``).

        Raises:
            FormulaError: for a name the formula does not have, or a statistic that depends on it.
        """
        return Formula(derivative(self.root, self._leaf(name)), self.inputs)

    def _leaf(self, name: str) -> Node:
        if name in self.inputs:
            return Input(name)
        base, bracket, rest = name.partition("[")
        size = self._parameters.get(base)
        if base in self._parameters and (size is None) == (not bracket):
            if size is None:
                return Parameter(base)
            if rest.endswith("]") and rest[:-1].isdecimal() and int(rest[:-1]) < size:
                return Parameter(base, int(rest[:-1]))
        known = ", ".join([*self.inputs, *(_spelled(*item) for item in self._parameters.items())])
        raise FormulaError(f"{name!r} is no input or parameter of {self!r}; it has {known}")

    def substitute(
        self, values: Mapping[str, Formula | float | str | Sequence[Formula | float | str]]
    ) -> Formula:
        """Replace inputs or parameters by formulas or numbers, all at once.

        A family ``weight`` takes a sequence; ``"weight[1]"`` replaces one entry. A float enters as
        the decimal it prints as, so that 0.1 is one tenth.

        Example:
            >>> str(Formula.parse("weight[0] + weight[1]*x").substitute({"weight": [1, "x**2"]}))
            '1 + x**2*x'
        """
        replacements: dict[Node, Node] = {}
        for name, value in values.items():
            size = self._parameters.get(name)
            if size is not None:
                if isinstance(value, str | Formula | float | int) or len(value) != size:
                    raise FormulaError(
                        f"{name!r} is a family and takes a sequence of {size} values"
                    )
                for index, entry in enumerate(value):
                    replacements[Parameter(name, index)] = self._value(entry)
            else:
                replacements[self._leaf(name)] = self._value(value)
        return Formula(substitute(self.root, replacements), self.inputs)

    def _value(self, value: object) -> Node:
        if isinstance(value, Formula):
            return value.root
        if isinstance(value, str):
            return parse(value, self.inputs)
        return number(value)


def number(value: object) -> Node:
    """The node of a Python or NumPy number; a float becomes the decimal that it prints as."""
    if isinstance(value, Fraction | int) and not isinstance(value, bool):
        return Number(Fraction(value))
    try:
        converted = float(value)  # type: ignore[arg-type]  # anything float() accepts is a number
    except (TypeError, ValueError):
        raise FormulaError(f"{value!r:.80} is not a number or a formula") from None
    if converted != converted:
        raise FormulaError("nan is not a constant of a formula")
    if converted in (float("inf"), float("-inf")):
        infinity = Constant("inf")
        return infinity if converted > 0 else Call("neg", (infinity,))
    return Number(Fraction(repr(converted)))


def _spelled(name: str, size: int | None) -> str:
    return name if size is None else f"{name}[0..{size - 1}]"


def _describe(node: Node) -> tuple[object, ...]:
    if isinstance(node, Call):
        return ("call", node.operation, node.options, len(node.arguments))
    if isinstance(node, Number):
        return ("number", node.value.numerator, node.value.denominator)
    if isinstance(node, Parameter):
        return ("parameter", node.name, node.index)
    return (type(node).__name__, node.name) if isinstance(node, Constant | Input) else ()


#: A tree as its distinct nodes, children first, each an operation or a leaf and its children's
#: places: flat, so that pickling a deep tree is not deep, and without stored hashes.
Tape = tuple[tuple[Node | tuple[str, tuple[tuple[str, str | int], ...]], tuple[int, ...]], ...]


def _to_tape(root: Node) -> Tape:
    places: dict[int, int] = {}
    tape: list[tuple[Node | tuple[str, tuple[tuple[str, str | int], ...]], tuple[int, ...]]] = []
    for node in walk(root):
        places[id(node)] = len(tape)
        below = tuple(places[id(child)] for child in node.children)
        tape.append(((node.operation, node.options) if isinstance(node, Call) else node, below))
    return tuple(tape)


def _from_tape(tape: Tape, inputs: tuple[str, ...]) -> Formula:
    nodes: list[Node] = []
    for content, below in tape:
        if isinstance(content, Node):
            nodes.append(content)
        else:
            operation, options = content
            nodes.append(Call(operation, tuple(nodes[place] for place in below), options))
    return Formula(nodes[-1], inputs)


def differentiate(formula: Formula, name: str = "x") -> Formula:
    """The derivative of ``formula`` with respect to an input or parameter, as a formula.

    Example:
        >>> str(differentiate(Formula.parse("sin(x)")))
        'cos(x)'
    """
    return formula.derivative(name)
