"""Where a formula may lose smoothness, and which smooth formula it is on each side.

A node such as ``max(a, b)`` changes its branch, and one such as ``log(u)`` its smoothness, only
where a break function h, here a − b or u, is zero. The signs of all h on a stretch of the axis
pick one branch of every node and leave a smooth formula. Breaks are listed inner ones first, so
each h can itself be resolved by the signs before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final

from camber.facts.rewrite import depends_on, prepare, tidy
from camber.formula.build import ONE, ZERO, add, call, negative, subtract
from camber.formula.tree import Call, Node, Number, fold, rebuild, walk

#: Signs of a break function on a stretch; zero where it vanishes on all of it.
Sign = int
#: The sign of a break function where it is not a number: every comparison but != is false there.
UNDEFINED: Final = 3


class Skeleton:
    """The breaks of one tree and the smooth trees between them.

    Args:
        root: the tree of a pointwise formula.
        name: the input whose axis is looked at; other inputs count as parameters.

    >>> from camber.formula.parser import parse
    >>> from camber.formula.printer import print_tree
    >>> skeleton = Skeleton(parse("max(x, 0)", ("x",)), "x")
    >>> [print_tree(function) for function in skeleton.breaks]
    ['x']
    >>> [print_tree(skeleton.smooth({0: sign})) for sign in (-1, 1)]
    ['0', 'x']
    """

    def __init__(self, root: Node, name: str) -> None:
        self.root = prepare(root)
        self.name = name
        #: The distinct functions at whose zeros the formula may break, inner ones first.
        self.breaks: list[Node] = []
        self._owners: dict[Node, int] = {}
        places: dict[Node, int] = {}
        for node in walk(self.root):
            if not isinstance(node, Call):
                continue
            for function, branches in _break_functions(node):
                tidied = tidy(function)
                # A condition on parameters alone picks a branch too, channel by channel.
                if not depends_on(tidied, name) and node.operation != "where":
                    continue
                if tidied not in places:
                    places[tidied] = len(self.breaks)
                    self.breaks.append(tidied)
                if branches:
                    self._owners[node] = places[tidied]
        self._needs = [self._below(function) for function in self.breaks]
        self._resolved: dict[tuple[int, tuple[object, ...]], Node] = {}

    def _below(self, root: Node) -> tuple[int, ...]:
        """Places of the breaks whose branch a tree depends on."""
        return tuple(sorted({self._owners[part] for part in walk(root) if part in self._owners}))

    def needs(self, place: int) -> tuple[int, ...]:
        """Places of the earlier breaks that the function of the break at ``place`` depends on."""
        return self._needs[place]

    def function(self, place: int, signs: Sequence[Sign]) -> Node:
        """The break function at ``place`` where the breaks it needs have these ``signs``."""
        key = (place, tuple(signs))
        if key not in self._resolved:
            known = dict(zip(self._needs[place], signs, strict=True))
            self._resolved[key] = self._resolve(self.breaks[place], known)
        return self._resolved[key]

    def smooth(self, signs: Mapping[int, Sign]) -> Node:
        """The tree of the formula where the breaks have these ``signs``, by their places.

        A break whose sign is not given keeps its branches open.
        """
        key = (-1, tuple(signs.items()))
        if key not in self._resolved:
            self._resolved[key] = self._resolve(self.root, signs)
        return self._resolved[key]

    def _resolve(self, root: Node, signs: Mapping[int, Sign]) -> Node:
        def combine(node: Node, children: tuple[Node, ...]) -> Node:
            # ``node`` is the node as written; its children are replaced on the way up.
            place = self._owners.get(node)
            if place is None or place not in signs or not isinstance(node, Call):
                return rebuild(node, children)
            return _branch(node, children, signs[place])

        return tidy(fold(root, combine))


@lru_cache(maxsize=256)
def skeleton(root: Node, name: str) -> Skeleton:
    """Return the skeleton of a tree, cached."""
    return Skeleton(root, name)


def _break_functions(node: Call) -> list[tuple[Node, bool]]:
    """The functions at whose zeros a node may break, and whether their sign picks a branch."""
    match node.operation, node.arguments:
        case (("abs" | "sign"), (u,)):
            return [(u, True)]
        case (("max" | "min"), (a, b)):
            return [(subtract(a, b), True)]
        case "where", (Call(_, (a, b)), _, _):
            return [(subtract(a, b), True)]
        case (("log" | "sqrt"), (u,)):
            return [(u, False)]
        case "div", (_, b):
            return [(b, False)]
        case "pow", (u, exponent):
            whole = isinstance(exponent, Number) and exponent.value.denominator == 1
            smooth = whole and isinstance(exponent, Number) and exponent.value >= 0
            return [] if smooth else [(u, False)]
        case "tan", (u,):
            return [(call("cos", u), False)]
        case (("asin" | "acos"), (u,)):
            return [(add(u, ONE), False), (subtract(u, ONE), False)]
        case _:
            return []


def _branch(node: Call, children: tuple[Node, ...], sign: Sign) -> Node:
    if sign == UNDEFINED and node.operation != "where":
        return rebuild(node, children)
    match node.operation, children:
        case "abs", (u,):
            return ZERO if sign == 0 else (u if sign > 0 else negative(u))
        case "sign", _:
            return Number(Fraction(sign))
        case "max", (a, b):
            return b if sign < 0 else a
        case "min", (a, b):
            return a if sign <= 0 else b
        case "where", (condition, a, b) if isinstance(condition, Call):
            return a if sign in _HOLDS[condition.operation] else b
        case _:
            return rebuild(node, children)


#: The signs of a − b at which ``where(a ? b, ...)`` takes its first branch.
_HOLDS: Final = {
    "lt": (-1,),
    "le": (-1, 0),
    "gt": (1,),
    "ge": (0, 1),
    "eq": (0,),
    "ne": (-1, 1, UNDEFINED),
}
