"""From a formula to the C body of one element: forward, and the reverse sweep for every slope.

Each distinct subexpression becomes one C variable. The backward text recomputes the values and
walks the tree from the root, so all slopes, of inputs and coefficients alike, share one sweep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from camber.fast.native.elementwise import Body
from camber.fast.native.rules import RELU, RULES, Rule, literal
from camber.fast.native.toolchain import BuildError
from camber.formula import Call, Constant, Formula, Input, Node, Number, Parameter
from camber.formula.limits import to_float
from camber.formula.numpy_operations import constant_value
from camber.formula.stable import stable
from camber.formula.tree import fold, walk

_ZERO = Number(Fraction(0))
_HALF = Number(Fraction(1, 2))
_LARGEST_POWER = 64


def body(formula: Formula, slots: Sequence[tuple[str, int | None]]) -> Body:
    """The C body of a pointwise or gated formula.

    Args:
        formula: the formula.
        slots: its coefficients in order, ``(name, index)``.

    Raises:
        BuildError: for an operation that has no C form.
    """
    root = _unique(_binary_extremes(stable(formula.root)))
    leaves: dict[Node, str] = {Input(name): f"x{k}" for k, name in enumerate(formula.inputs)}
    leaves.update({Parameter(name, index): f"p{s}" for s, (name, index) in enumerate(slots)})
    forward = _Sweep(leaves)
    forward.evaluate(root)
    result = forward.names[id(root)]
    backward = _Sweep(leaves)
    backward.evaluate(root)
    adjoints = backward.reverse(root)
    return Body(
        inputs=len(formula.inputs),
        slots=len(slots),
        uniform=tuple(forward.uniform),
        forward=tuple(forward.lines),
        result=result,
        backward=tuple(backward.lines),
        slopes=tuple(adjoints.get(f"x{k}", "(A)0") for k in range(len(formula.inputs))),
        shares=tuple(adjoints.get(f"p{s}", "(A)0") for s in range(len(slots))),
    )


def _unique(root: Node) -> Node:
    """The same tree with equal subtrees made one object, so that identity is equality."""
    known: dict[Node, Node] = {}

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        if isinstance(node, Call):
            node = Call(node.operation, children, node.options)
        return known.setdefault(node, node)

    return fold(root, combine)


def _binary_extremes(root: Node) -> Node:
    """max and min of several values as pairs from the left, as the definition takes them."""

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        if not isinstance(node, Call):
            return node
        if node.operation in {"max", "min"} and len(children) > 2:
            pair = children[0]
            for other in children[1:]:
                pair = Call(node.operation, (pair, other))
            return pair
        return Call(node.operation, children, node.options)

    return fold(root, combine)


class _Sweep:
    """Lines of C under construction, and the C name of each node's value."""

    def __init__(self, leaves: Mapping[Node, str]) -> None:
        self.lines: list[str] = []
        self.uniform: list[str] = []
        self.names: dict[int, str] = {}
        self._leaves = leaves
        self._target = self.lines

    def _declare(self, expression: str, kind: str = "A") -> str:
        name = f"v{len(self.lines) + len(self.uniform)}"
        self._target.append(f"const {kind} {name} = {expression};")
        return name

    def evaluate(self, root: Node) -> None:
        """Append the lines that compute ``root``: to ``uniform`` what no input enters."""
        entered: set[int] = set()
        for node in walk(root):
            if isinstance(node, Input) or any(id(child) in entered for child in node.children):
                entered.add(id(node))
            self._target = self.lines if id(node) in entered else self.uniform
            if isinstance(node, Number):
                self.names[id(node)] = literal(to_float(node.value))
            elif isinstance(node, Constant):
                self.names[id(node)] = literal(constant_value(node))
            elif isinstance(node, Input | Parameter):
                self.names[id(node)] = self._leaves[node]
            elif isinstance(node, Call):
                self.names[id(node)] = self._call(node)
        self._target = self.lines

    def _arguments(self, node: Call) -> list[str]:
        return [self.names[id(child)] for child in node.arguments]

    def _call(self, node: Call) -> str:
        arguments = self._arguments(node)
        if node.operation == "poly":
            return self._declare(horner(arguments[0], arguments[1:]))
        exponent = _integer(node)
        if exponent is not None:
            return self._integer_power(arguments[0], exponent)
        if node.operation == "pow" and node.arguments[1] == _HALF:
            return self._declare(f"SQRT({arguments[0]})")
        rule, arguments = self._rule(node, arguments)
        comparison = node.operation in {"lt", "le", "gt", "ge", "eq", "ne"}
        return self._declare(rule.value(arguments), "int" if comparison else "A")

    def _rule(self, node: Call, arguments: list[str]) -> tuple[Rule, list[str]]:
        if node.operation == "max" and _ZERO in node.arguments:
            kept = [a for a, child in zip(arguments, node.arguments, strict=True) if child != _ZERO]
            return RELU, kept or arguments[:1]
        if node.operation not in RULES:
            raise BuildError(f"{node.operation} has no compiled form")
        return RULES[node.operation], arguments

    def _integer_power(self, base: str, exponent: int) -> str:
        remaining, square, result = abs(exponent), base, ""
        while remaining:
            if remaining & 1:
                result = square if not result else self._declare(f"{result} * {square}")
            remaining >>= 1
            if remaining:
                square = self._declare(f"{square} * {square}")
        return result if exponent > 0 else self._declare(f"(A)1 / {result}")

    def reverse(self, root: Node) -> dict[str, str]:
        """Append the reverse sweep from slope ``g`` at the root; return the leaves' slopes."""
        pending: dict[int, list[str]] = {id(root): ["g"]}
        varying = _varying(root)
        adjoints: dict[str, str] = {}
        for node in reversed(list(walk(root))):
            parts = pending.get(id(node))
            if not parts or id(node) not in varying:
                continue
            adjoint = parts[0] if len(parts) == 1 else self._declare(" + ".join(parts))
            if not isinstance(node, Call):
                adjoints[self.names[id(node)]] = adjoint
                continue
            children, slopes = self._slopes(node, adjoint)
            for child, slope in zip(children, slopes, strict=True):
                if slope is not None and id(child) in varying:
                    known = slope == adjoint
                    name = slope if known else self._declare(slope)
                    pending.setdefault(id(child), []).append(name)
        return adjoints

    def _slopes(self, node: Call, d: str) -> tuple[Sequence[Node], Sequence[str | None]]:
        arguments, value = self._arguments(node), self.names[id(node)]
        if node.operation == "poly":
            return node.arguments, self._polynomial(d, arguments)
        exponent = _integer(node)
        if exponent is not None:
            lowered = "(A)1"
            if exponent not in (1,):
                lowered = self._integer_power(arguments[0], exponent - 1)
            return node.arguments[:1], [f"TIMES({d}, {literal(float(exponent))} * {lowered})"]
        if node.operation == "pow" and node.arguments[1] == _HALF:
            return node.arguments[:1], [f"OVER({d}, (A)2 * {value})"]
        rule, kept = self._rule(node, arguments)
        children: Sequence[Node] = node.arguments
        if rule is RELU:
            children = [child for child in children if child != _ZERO]
        return children, rule.slopes(d, kept, value)

    def _polynomial(self, d: str, arguments: Sequence[str]) -> list[str | None]:
        x, coefficients = arguments[0], arguments[1:]
        slopes: list[str | None] = [d]
        if len(coefficients) == 1:
            return [None, d]
        scaled = [f"{literal(float(k))} * {c}" for k, c in enumerate(coefficients) if k]
        first = f"TIMES({d}, ({horner(x, scaled)}))"
        share = d
        for _ in coefficients[1:]:
            share = self._declare(f"TIMES({share}, {x})")
            slopes.append(share)
        return [first, *slopes]


def horner(x: str, coefficients: Sequence[str]) -> str:
    """A polynomial with ascending coefficients as one C expression."""
    text = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        text = f"({text}) * {x} + {coefficient}"
    return text


def _integer(node: Call) -> int | None:
    """The exponent of an integer power that is worth multiplying out, else None."""
    if node.operation == "pow" and isinstance(node.arguments[1], Number):
        exponent = node.arguments[1].value
        if exponent.denominator == 1 and 0 < abs(exponent) <= _LARGEST_POWER:
            return int(exponent)
    return None


def _varying(root: Node) -> set[int]:
    """Nodes that depend on an input or a coefficient: the only ones that need a slope."""
    found: set[int] = set()
    for node in walk(root):
        if isinstance(node, Input | Parameter) or any(id(c) in found for c in node.children):
            found.add(id(node))
    return found
