"""Keep the branch of ``where`` that is not selected from spoiling the one that is.

Array code computes both branches everywhere. Where a branch is not selected its value is thrown
away, but an overflow in it still ends the gradient: 0 times inf is nan. So each branch sees the
variable of its condition only where the condition selects the branch, and a harmless substitute
elsewhere. A statistic mixes elements and keeps the true values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from camber.formula.build import add, call, constant
from camber.formula.operations import OPERATIONS
from camber.formula.tree import Call, Input, Node, Number, Parameter, fold, rebuild, walk

#: Operations that stay finite, with finite slopes, at any finite argument.
_TAME: Final = (
    "add", "sub", "mul", "neg", "abs", "sign", "min", "max", "where", "lt", "le", "gt", "ge",
    "eq", "ne", "tanh", "sigmoid", "erf", "softplus", "sin", "cos", "atan", "logsigmoid", "silu",
    "gelu", "gelu_tanh", "erfc", "signed_log", "scale",
)  # fmt: skip
_OPPOSITE: Final = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt"}
_POINTS: Final = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 0.1, -0.1, 4.0, -4.0, 10.0, -10.0)

#: Value of a tree at one point: all inputs and parameters given there, nan where undefined.
Probe = Callable[[Node, dict[Node, float]], float]


def guard(root: Node, probe: Probe) -> Node:
    """Return ``root`` with the variables of risky ``where`` branches replaced by safe ones."""

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        node = rebuild(node, children)
        if not (isinstance(node, Call) and node.operation == "where"):
            return node
        condition, a, b = node.arguments
        guarded = (_branch(condition, a, True, probe), _branch(condition, b, False, probe))
        return rebuild(node, (condition, *guarded))

    return fold(root, combine)


def clamp(root: Node) -> Node:
    """Return ``root`` with each ``where`` branch restricted to where an interval may select it.

    ``where(u > c, a(u), b(u))`` becomes ``where(u > c, a(max(u, c)), b(min(u, c)))``, the same
    function, whose branches have a narrower range than over the whole interval.
    """

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        node = rebuild(node, children)
        if not (isinstance(node, Call) and node.operation == "where"):
            return node
        condition, a, b = node.arguments
        sides = _sides(condition)
        if sides is None:
            return node
        variable, bound, above = sides
        high, low = call("max", variable, bound), call("min", variable, bound)
        a = replace(a, {variable: high if above else low})
        b = replace(b, {variable: low if above else high})
        return rebuild(node, (condition, a, b))

    return fold(root, combine)


def replace(root: Node, replacements: dict[Node, Node]) -> Node:
    """Substitute outside statistics, whose elements belong together."""

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        found = replacements.get(node)
        if found is not None:
            return found
        return node if is_statistic(node) else rebuild(node, children)

    return fold(root, combine)


def is_statistic(node: Node) -> bool:
    """Whether ``node`` is a call that mixes elements."""
    entry = OPERATIONS.get(node.operation) if isinstance(node, Call) else None
    return entry is not None and entry.statistic


def _sides(condition: Node) -> tuple[Node, Node, bool] | None:
    """(u, c, True) for u > c and (u, c, False) for u < c, where u is an input and c is none."""
    if not (isinstance(condition, Call) and condition.operation in _OPPOSITE):
        return None
    left, right = condition.arguments
    above = condition.operation in ("gt", "ge")
    if isinstance(left, Input) and _fixed(right):
        return left, right, above
    return (right, left, not above) if isinstance(right, Input) and _fixed(left) else None


def _fixed(node: Node) -> bool:
    return not any(isinstance(part, Input) or is_statistic(part) for part in walk(node))


def _risky(branch: Node) -> bool:
    return any(isinstance(node, Call) and node.operation not in _TAME for node in walk(branch))


def _branch(condition: Node, branch: Node, selected: bool, probe: Probe) -> Node:
    inputs = [node for node in dict.fromkeys(walk(branch)) if isinstance(node, Input)]
    if not inputs or not _risky(branch):
        return branch
    sides = _sides(condition)
    if sides is not None:
        variable, bound, above = sides
        if above != selected:
            # where(x > 0, ..., exp(x)): the second branch sees x where x <= 0 and -1 elsewhere
            steps = (constant(-1), constant(-1, 2), constant(-1, 100))
        else:
            steps = (constant(1), constant(1, 2), constant(1, 100))
        substitutes = [add(bound, step) for step in steps]
        return _try(condition, branch, selected, [variable], substitutes, probe)
    used = {node for node in walk(condition) if isinstance(node, Input)}
    guarded = [node for node in inputs if node in used]
    substitutes = [Number(constant(round(100 * point), 100).value) for point in _POINTS]
    return _try(condition, branch, selected, guarded, substitutes, probe) if guarded else branch


def _try(
    condition: Node,
    branch: Node,
    selected: bool,
    inputs: Sequence[Node],
    substitutes: list[Node],
    probe: Probe,
) -> Node:
    """Guard ``branch`` with the first substitute at which it is finite."""
    roots = (branch, *substitutes)
    leaves: list[Node] = [n for r in roots for n in walk(r) if isinstance(n, Input | Parameter)]
    for substitute in substitutes:
        point = dict.fromkeys(leaves, 0.75)
        value = probe(substitute, point)
        point.update(dict.fromkeys(inputs, value))
        if math.isfinite(probe(branch, point)):
            choose = (
                (lambda u, s: call("where", condition, u, s))
                if selected
                else (lambda u, s: call("where", condition, s, u))
            )
            return replace(branch, {u: choose(u, substitute) for u in inputs})
    return branch
