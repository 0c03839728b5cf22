"""Text of a tree as the parser reads it: exact numbers, and brackets only where they are needed.

``parse(text(tree))`` gives the identical tree. Three rules make that possible: a number with a
finite decimal expansion prints as that decimal, any other as ``p/q``, which the parser reads back
as one number; a negative number carries its sign in the same way; and every statistic prints the
axis it is taken over.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from camber.errors import FormulaError
from camber.formula.operations import OPERATIONS
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter, fold

# How tightly text binds, loosest first, as in Python.
COMPARISON: Final = 0
SUM: Final = 1
PRODUCT: Final = 2
SIGN: Final = 3
POWER: Final = 4
ATOM: Final = 5

_BINDING: Final = {
    "add": SUM, "sub": SUM, "mul": PRODUCT, "div": PRODUCT, "neg": SIGN, "pow": POWER,
}  # fmt: skip
_MAX_MANTISSA: Final = 60
_MAX_PRINTED_NODES: Final = 200_000


def print_tree(root: Node) -> str:
    """Return the text of ``root``.

    Raises:
        FormulaError: where the tree shares so many parts that its text would not fit in memory.

    Example:
        >>> from camber.formula.tree import Call, Input, Number
        >>> print_tree(Call("mul", (Number(2), Call("add", (Input("x"), Number(1))))))
        '2*(x + 1)'
    """
    size = expanded_size(root)
    if size > _MAX_PRINTED_NODES:
        raise FormulaError(
            f"this formula would print as {size:.1e} terms because its parts are shared; "
            "use it through an interpreter instead of as text"
        )
    text, _ = fold(root, _print_node)
    return text


def expanded_size(root: Node) -> int:
    """The number of nodes of ``root`` as written out, shared parts counted at each place."""
    return fold(root, lambda node, sizes: 1 + sum(sizes))


def print_number(value: Fraction) -> tuple[str, int]:
    """Return the text of an exact number and how tightly it binds."""
    decimal = _decimal(abs(value))
    if decimal is None:
        return f"{value.numerator}/{value.denominator}", PRODUCT
    return ("-" + decimal, SIGN) if value < 0 else (decimal, ATOM)


def _decimal(value: Fraction) -> str | None:
    """The exact decimal expansion of ``value`` >= 0, or None where it is infinite or too long."""
    rest, places = value.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1:
        return None
    mantissa = str(value.numerator * 10**places // value.denominator)
    stripped = mantissa.rstrip("0") or "0"
    exponent = len(mantissa) - len(stripped) - places if value else 0
    if len(stripped) > _MAX_MANTISSA:
        return None
    if 0 <= exponent <= 12:
        return stripped + "0" * exponent
    if -18 <= exponent < 0 and len(stripped) + exponent > -7:
        padded = stripped.rjust(1 - exponent, "0")
        return f"{padded[:exponent]}.{padded[exponent:]}"
    return f"{stripped}e{exponent}"


def _bracket(part: tuple[str, int], least: int) -> str:
    text, binding = part
    return text if binding >= least else f"({text})"


def _print_node(node: Node, parts: tuple[tuple[str, int], ...]) -> tuple[str, int]:
    if isinstance(node, Number):
        return print_number(node.value)
    if isinstance(node, Constant | Input):
        return node.name, ATOM
    if isinstance(node, Parameter):
        return (node.name if node.index is None else f"{node.name}[{node.index}]"), ATOM
    if not isinstance(node, Call):
        raise FormulaError(f"a tree holds a {type(node).__name__}, which is not a node")
    operation = OPERATIONS[node.operation]
    if operation.condition:
        left, right = (_bracket(part, SUM) for part in parts)
        return f"{left} {operation.infix} {right}", COMPARISON
    if node.operation == "neg":
        return "-" + _bracket(parts[0], SIGN), SIGN
    if node.operation == "pow":
        # As in Python, an exponent may carry a sign without brackets: x**-2.
        return f"{_bracket(parts[0], ATOM)}**{_bracket(parts[1], SIGN)}", POWER
    if operation.infix is not None:
        binding = _BINDING[node.operation]
        left = _bracket(parts[0], binding)
        right = _bracket(parts[1], binding + 1)
        space = " " if binding == SUM else ""
        return f"{left}{space}{operation.infix}{space}{right}", binding
    words = [text for text, _ in parts]
    words += [f"{name}={value}" for name, value in node.options]
    name = "max" if node.operation == "amax" else node.operation
    return f"{name}({', '.join(words)})", ATOM
