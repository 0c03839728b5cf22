"""Bound an exponential whose growth cannot be seen: tanh(exp(u)), 1/(1 + exp(u)**2).

The value of a saturating function is settled long before its argument overflows, but its slope is
0 times the argument's inf: nan. An ``exp`` (or sinh, cosh, expm1) that reaches the result only
through functions that saturate is computed with its argument held at a limit; one that min, max or
where may select is only kept from overflowing, which ends no gradient that is not selected.

The same holds in a product with a factor that such an ``exp`` has driven to zero, as in the
derivative (1 - tanh(exp(x))**2) exp(x).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from camber.formula.guard import Probe
from camber.formula.parts import factors, is_call
from camber.formula.tree import (
    Call,
    Input,
    Node,
    Number,
    Parameter,
    fold,
    rebuild,
    substitute,
    walk,
)

#: Largest argument, in (float32, float64). ``held``: exp of it is far above 1 / epsilon, so every
#: saturating function of it has settled, and its square does not overflow. ``capped``: exp of it
#: just fits the type.
LIMITS: Final = {"held": (40.0, 340.0), "capped": (88.0, 709.0)}

_GROWING: Final = ("exp", "expm1", "sinh", "cosh")
_SATURATING: Final = ("tanh", "sigmoid", "erf", "erfc", "atan", "sign", "exp", "expm1")
_SELECTING: Final = ("min", "max", "where")
_MOST: Final = 4_000


Names = frozenset[Node]
Below = dict[Node, Names]


def saturate(root: Node, probe: Probe) -> Node:
    """Return ``root`` with the exponentials that only settled functions see held at a limit."""
    order = list(dict.fromkeys(walk(root)))
    count = sum(is_call(node, *_GROWING) for node in order)
    if not count:
        return root
    # Trying every product against every exponential is worth it for formulas people write.
    thorough = count * len(order) <= _MOST
    below: Below = {}
    for node in order:
        own = frozenset((node,)) if is_call(node, *_GROWING) else frozenset()
        below[node] = own.union(*(below[child] for child in node.children))
    shown = {node: _shown(node, below, probe if thorough else None) for node in order}
    plain = _exposed(order, below, shown, through_selection=False)
    selected = _exposed(order, below, shown, through_selection=True)

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        rebuilt = rebuild(node, children)
        if not isinstance(rebuilt, Call) or node not in below[node] or node in plain:
            return rebuilt
        how = "capped" if node in selected else "held"
        return Call(f"{how}_{rebuilt.operation}", rebuilt.arguments)

    return fold(root, combine)


def _exposed(
    order: list[Node], below: Below, shown: dict[Node, list[Names]], *, through_selection: bool
) -> Names:
    """The exponentials that reach the result by a path on which nothing settles them."""
    exposed: Below = {node: frozenset() for node in order}
    exposed[order[-1]] = below[order[-1]]
    for node in reversed(order):
        if through_selection or not is_call(node, *_SELECTING):
            for child, part in zip(node.children, shown[node], strict=True):
                exposed[child] |= part & exposed[node]
    return frozenset(node for node in order if node in exposed[node])


def _shown(node: Node, below: Below, probe: Probe | None) -> list[Names]:
    """For each child, the exponentials below it that ``node`` lets through unsettled."""
    shown = [below[child] for child in node.children]
    if is_call(node, *_SATURATING):
        return [frozenset() for _ in shown]
    if is_call(node, "div"):
        above, under = node.children
        # exp(u) / (... exp(u) ...): a single exp(u) above is settled by the one below
        _, parts, _ = factors(above)
        settled = {
            part
            for part in parts
            if part in below[under] and sum(part in below[other] for other in parts) == 1
        }
        return [shown[0] - settled, frozenset()]
    if is_call(node, "mul") and probe is not None:
        first, second = node.children
        return [
            frozenset(e for e in shown[0] if not _vanishes(second, e, below, probe)),
            frozenset(e for e in shown[1] if not _vanishes(first, e, below, probe)),
        ]
    return shown


def _vanishes(factor: Node, exponential: Node, below: Below, probe: Probe) -> bool:
    """Whether ``factor`` is exactly 0 in float64 once ``exponential`` is large."""
    if exponential not in below[factor]:
        return False
    settled = substitute(factor, {exponential: Number(Fraction(10**18))})
    leaves = {node for node in walk(settled) if isinstance(node, Input | Parameter)}
    return all(probe(settled, dict.fromkeys(leaves, at)) == 0 for at in (0.75, -0.6, 0.1))
