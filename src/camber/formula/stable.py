"""From the tree as written to the tree that array code computes: same function, no accidents.

Four steps, one file each: constants are folded, expressions that overflow or cancel become the
functions that do not (:mod:`~camber.formula.recognise`), ratios of polynomials are scaled
(:mod:`~camber.formula.scaled`), branches of ``where`` are guarded (:mod:`~camber.formula.guard`)
and exponentials behind saturating functions are held (:mod:`~camber.formula.saturate`). What a
formula *is* never depends on this: equality, hashing and printing see the tree as written.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from camber.formula.guard import guard, is_statistic
from camber.formula.numpy_operations import NUMPY, constant_value
from camber.formula.parts import from_float
from camber.formula.recognise import recognise
from camber.formula.saturate import saturate
from camber.formula.scaled import scale_ratios
from camber.formula.tree import Call, Constant, Node, Number, fold, rebuild, walk


@lru_cache(maxsize=2048)
def stable(root: Node) -> Node:
    """Return the tree that the torch and NumPy interpreters run instead of ``root``.

    Example:
        >>> from camber.formula.parser import parse
        >>> stable(parse("log(1 + exp(x))", ("x",))).operation
        'softplus'
    """
    root = recognise(fold_constants(root))
    return saturate(guard(scale_ratios(root), probe), probe)


def fold_constants(root: Node) -> Node:
    """Replace every operation on constants by its float64 value; undefined ones stay."""

    def combine(node: Node, children: tuple[Node, ...]) -> Node:
        node = rebuild(node, children)
        if not isinstance(node, Call) or is_statistic(node):
            return node
        if node.operation == "where" and isinstance(children[0], Call):
            chosen = _decided(children[0])
            if chosen is not None:
                return children[1] if chosen else children[2]
        if not all(isinstance(child, Number | Constant) for child in children):
            return node
        with np.errstate(all="ignore"):
            value = NUMPY[node.operation](node, *(np.float64(constant_value(c)) for c in children))
        if isinstance(value, bool | np.bool_) or math.isnan(value):
            return node
        return from_float(float(value))

    return fold(root, combine)


def _decided(condition: Call) -> bool | None:
    """The truth of a comparison of constants."""
    if not all(isinstance(part, Number | Constant) for part in condition.arguments):
        return None
    operands = (np.float64(constant_value(part)) for part in condition.arguments)
    return bool(NUMPY[condition.operation](condition, *operands))


def probe(root: Node, point: dict[Node, float]) -> float:
    """The float64 value of ``root`` with its leaves at ``point``; nan for what has no one value."""
    values: dict[int, np.float64] = {}
    with np.errstate(all="ignore"):
        for node in walk(root):
            if isinstance(node, Call):
                if is_statistic(node):
                    return math.nan
                below = (values[id(child)] for child in node.children)
                values[id(node)] = NUMPY[node.operation](node, *below)
            elif isinstance(node, Number | Constant):
                values[id(node)] = np.float64(constant_value(node))
            else:
                values[id(node)] = np.float64(point[node])
    return float(values[id(root)])
