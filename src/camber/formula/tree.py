"""The expression tree: immutable, hashable nodes that say what a nonlinearity *is*.

Five kinds of node and nothing else: ``Number`` (an exact rational), ``Constant`` (pi, e, inf),
``Input`` (``x``, or the gate ``g``), ``Parameter`` (learnable, maybe indexed: ``weight[0]``) and
``Call`` (an operation of :mod:`camber.formula.operations` applied to nodes).

Trees share subtrees (a derivative repeats its function many times), so a tree may be far larger
than the graph behind it: hashes are computed once, at construction, and every walk here visits a
distinct node once and uses no recursion, however deep the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from camber.errors import CamberError

Result = TypeVar("Result")

CONSTANTS = ("pi", "e", "inf")


class Node:
    """A node of an expression; one of the five final classes below."""

    __slots__ = ()

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes this node is applied to, in order; empty for a leaf."""
        return ()


@dataclass(frozen=True, slots=True)
class Number(Node):
    """An exact rational constant."""

    value: Fraction

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", Fraction(self.value))


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A reserved constant: ``pi``, ``e`` or ``inf``."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in CONSTANTS:
            raise CamberError(f"unknown constant {self.name!r}; the constants are {CONSTANTS}")


@dataclass(frozen=True, slots=True)
class Input(Node):
    """An input of the nonlinearity: ``x``, or the gate ``g``."""

    name: str


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A named parameter; ``index`` picks one entry of an indexed family such as ``weight[0]``."""

    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """An operation applied to arguments; ``options`` are its keyword settings, sorted by name.

    ``options`` holds strings and integers only: ``over="feature"``, ``size=2``.
    """

    operation: str
    arguments: tuple[Node, ...]
    options: tuple[tuple[str, str | int], ...] = ()
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.operation, self.arguments, self.options)))

    @property
    def children(self) -> tuple[Node, ...]:
        return self.arguments

    def __reduce__(self) -> tuple[type[Call], tuple[object, ...]]:
        # String hashes are salted per process, so the stored hash must not travel in a pickle.
        return Call, (self.operation, self.arguments, self.options)

    def option(self, name: str) -> str | int | None:
        """The value of one option, or None where it was not given."""
        return dict(self.options).get(name)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Call):
            return NotImplemented
        # A set of pairs already under comparison keeps shared subtrees linear and deep ones flat.
        pending: list[tuple[Node, Node]] = [(self, other)]
        seen: set[tuple[int, int]] = set()
        while pending:
            a, b = pending.pop()
            if a is b or (id(a), id(b)) in seen:
                continue
            seen.add((id(a), id(b)))
            if isinstance(a, Call) and isinstance(b, Call):
                if (
                    a._hash != b._hash
                    or a.operation != b.operation
                    or a.options != b.options
                    or len(a.arguments) != len(b.arguments)
                ):
                    return False
                pending.extend(zip(a.arguments, b.arguments, strict=True))
            elif a != b:
                return False
        return True


def walk(root: Node) -> Iterator[Node]:
    """Yield each distinct node below and including ``root`` once, children before parents."""
    done: set[int] = set()
    # The tree holds every node alive for the whole walk, so identities cannot be reused.
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, expanded = stack.pop()
        if id(node) in done:
            continue
        if expanded or not node.children:
            done.add(id(node))
            yield node
            continue
        stack.append((node, True))
        stack.extend((child, False) for child in reversed(node.children) if id(child) not in done)


def fold(root: Node, combine: Callable[[Node, tuple[Result, ...]], Result]) -> Result:
    """Compute a value bottom-up: ``combine(node, results of its children)`` once per node."""
    results: dict[int, Result] = {}
    for node in walk(root):
        results[id(node)] = combine(node, tuple(results[id(child)] for child in node.children))
    return results[id(root)]


def rebuild(node: Node, children: tuple[Node, ...]) -> Node:
    """Return ``node`` with other children, or ``node`` itself where nothing changed."""
    if not isinstance(node, Call) or all(
        a is b for a, b in zip(node.arguments, children, strict=True)
    ):
        return node
    return Call(node.operation, children, node.options)


def substitute(root: Node, replacements: Mapping[Node, Node]) -> Node:
    """Replace each node that is a key of ``replacements`` by its value, everywhere at once."""

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        replacement = replacements.get(node)
        return rebuild(node, children) if replacement is None else replacement

    return fold(root, combine)
