"""Products that are one function: u sigmoid(u) is silu, u erfc(-u/sqrt(2))/2 is gelu.

An array kernel of its own reads and writes memory once where the product as written does so for
every factor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from camber.formula.build import call
from camber.formula.parts import argument, as_float, factors, is_call, product, ratio
from camber.formula.tree import Call, Node, walk

_CUBIC: Final = 0.044715
_TANH_SCALE: Final = math.sqrt(2 / math.pi)


def _near(a: Fraction | float, b: Fraction | float) -> bool:
    return a == b or math.isclose(a, b, rel_tol=1e-15, abs_tol=0.0)


def fuse(node: Node) -> Node | None:
    """The product ``node`` with a logistic or an erfc and its own argument made one function."""
    if not is_call(node, "mul"):
        return None
    number, above, below = factors(node)
    for gate in above:
        if not is_call(gate, "sigmoid", "erfc"):
            continue
        rest = list(above)
        rest.remove(gate)
        inner = argument(gate)
        for value in rest:
            scale = ratio(inner, value)
            found: tuple[int, Node] | None = None
            if is_call(gate, "sigmoid"):
                if scale == 1:
                    found = 1, call("silu", value)
                elif scale is None and _is_gelu_cubic(inner, value):
                    found = 1, call("gelu_tanh", value)
            elif scale is not None and _near(scale, -math.sqrt(0.5)):
                found = 2, call("gelu", value)
            if found is not None:
                rest.remove(value)
                return product(number * found[0], [found[1], *rest], below)
    return None


def _is_gelu_cubic(inner: Node, value: Node) -> bool:
    """Whether ``inner`` is 2 sqrt(2/pi) (v + 0.044715 v^3), tried at points that decide a cubic."""
    for point in (0.5, -0.75, 1.25, 2.0, -3.0):
        found = _evaluate(inner, value, point)
        wanted = 2 * _TANH_SCALE * (point + _CUBIC * point**3)
        if found is None or not math.isclose(found, wanted, rel_tol=4e-15):
            return False
    return True


def _evaluate(root: Node, value: Node, point: float) -> float | None:
    """``root`` as a polynomial of ``value``, at a point; None where it is anything else."""
    results: dict[int, float | None] = {}
    for node in walk(root):
        below = [results[id(child)] for child in node.children]
        result: float | None = None
        if node == value:
            result = point
        elif as_float(node) is not None:
            result = as_float(node)
        elif isinstance(node, Call) and node.operation in _ARITHMETIC and None not in below:
            operands = [part for part in below if part is not None]
            if node.operation != "pow" or operands[1] in (2.0, 3.0):
                result = _ARITHMETIC[node.operation](*operands)
        results[id(node)] = result
    return results[id(root)]


_ARITHMETIC: Final[Mapping[str, Callable[..., float]]] = MappingProxyType(
    {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b if b else math.nan,
        "neg": lambda a: -a,
        "pow": lambda a, b: a**b,
    }
)
