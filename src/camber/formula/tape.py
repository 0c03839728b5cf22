"""A tree as a flat list of steps: each distinct subexpression once, registers freed when done.

Every interpreter that runs on arrays executes such a tape; the loop over its steps is a plain
Python loop, which ``torch.compile`` and ``torch.func`` trace through.
"""

from __future__ import annotations

from dataclasses import dataclass

from camber.formula.guard import is_statistic
from camber.formula.tree import Call, Node, walk


@dataclass(frozen=True, slots=True)
class Step:
    """Apply ``call.operation`` to registers ``sources``, store in ``target``, clear ``freed``.

    ``mixes`` marks a statistic, whose argument first takes the shape of the input.
    """

    call: Call
    sources: tuple[int, ...]
    target: int
    freed: tuple[int, ...]
    mixes: bool


@dataclass(frozen=True, slots=True)
class Tape:
    """``leaves`` fill their registers first, ``steps`` run in order, ``result`` is the answer."""

    leaves: tuple[tuple[int, Node], ...]
    steps: tuple[Step, ...]
    result: int
    registers: int


def compile_tape(root: Node) -> Tape:
    """Flatten ``root``; equal subexpressions share a register, wherever they stand."""
    places: dict[Node, int] = {}
    leaves: list[tuple[int, Node]] = []
    order: list[tuple[Call, tuple[int, ...], int]] = []
    for node in walk(root):
        if node in places:
            continue
        place = places[node] = len(places)
        if isinstance(node, Call):
            order.append((node, tuple(places[child] for child in node.arguments), place))
        else:
            leaves.append((place, node))
    result = places[root]
    last: dict[int, int] = {}
    for number, (_, sources, _) in enumerate(order):
        last.update(dict.fromkeys(sources, number))
    steps = []
    for number, (call, sources, target) in enumerate(order):
        freed = tuple(s for s in dict.fromkeys(sources) if last[s] == number and s != result)
        steps.append(Step(call, sources, target, freed, is_statistic(call)))
    return Tape(tuple(leaves), tuple(steps), result, len(places))
