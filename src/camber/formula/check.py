"""What every tree of a Formula satisfies: known operations, their arity and options, sane numbers.

:func:`checked` also brings literal constants to one form, so that a tree and its text are the same
thing: the negative of a number and the quotient of two numbers are numbers.
"""

from __future__ import annotations

import keyword
import re
from fractions import Fraction
from itertools import pairwise
from typing import Final

from camber.errors import FormulaError, unknown_name
from camber.formula.limits import MAX_INDEX, MAX_NAME, number_fits
from camber.formula.operations import ALIASES, MACROS, OPERATIONS, OVER
from camber.formula.tree import (
    CONSTANTS,
    Call,
    Constant,
    Input,
    Node,
    Number,
    Parameter,
    fold,
    walk,
)

#: Names with a meaning of their own; no parameter or input may carry one.
RESERVED: Final = frozenset({*OPERATIONS, *ALIASES, *MACROS, *CONSTANTS})

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


def check_name(name: str, what: str) -> None:
    """Raise unless ``name`` may name a parameter or an input."""
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise FormulaError(
            f"{what} {name!r:.80} is not a name: use at most {MAX_NAME} letters, digits and "
            "underscores, a letter first"
        )
    if keyword.iskeyword(name):
        raise FormulaError(f"{what} {name!r} is a word of Python; choose another name")
    if name in RESERVED:
        raise FormulaError(
            f"{what} {name!r} is the name of an operation or constant; choose another"
        )


def checked(root: Node, inputs: tuple[str, ...]) -> Node:
    """Return ``root`` with its literal constants in their one form.

    Raises:
        FormulaError: for a tree that no text could have produced, with what is wrong and where.
    """
    root = fold(root, lambda node, children: _check_node(node, children, inputs))
    if _is_condition(root):
        raise FormulaError("a comparison is not a value; use it as where(condition, a, b)")
    indexed: dict[str, bool] = {}
    for node in walk(root):
        if isinstance(node, Parameter):
            with_index = node.index is not None
            if indexed.setdefault(node.name, with_index) != with_index:
                raise FormulaError(
                    f"{node.name!r} is written both alone and with an index; use one of the two"
                )
    return root


def _is_condition(node: Node) -> bool:
    return (
        isinstance(node, Call)
        and node.operation in OPERATIONS
        and OPERATIONS[node.operation].condition
    )


def _check_node(node: Node, children: tuple[Node, ...], inputs: tuple[str, ...]) -> Node:
    if isinstance(node, Number):
        if not number_fits(node.value):
            raise FormulaError("a number of a formula has too many digits; 1000 are allowed")
        return node
    if isinstance(node, Constant):
        return node
    if isinstance(node, Input):
        if node.name not in inputs:
            raise FormulaError(f"input {node.name!r} is not among the inputs {inputs}")
        return node
    if isinstance(node, Parameter):
        check_name(node.name, "parameter")
        if node.name in inputs:
            raise FormulaError(f"{node.name!r} is both a parameter and an input; rename one")
        if node.index is not None and not 0 <= node.index < MAX_INDEX:
            raise FormulaError(
                f"index {node.index} of {node.name!r} is outside 0 ... {MAX_INDEX - 1}"
            )
        return node
    if not isinstance(node, Call):
        raise FormulaError(f"a tree holds a {type(node).__name__}, which is not a node")
    return check_call(node, children)


def check_call(node: Call, children: tuple[Node, ...]) -> Node:
    """Return ``node`` on checked ``children``, its own arity, options and constants in order."""
    operation = OPERATIONS.get(node.operation)
    if operation is None:
        raise FormulaError(str(unknown_name("operation", node.operation, OPERATIONS)))
    fewest, most = operation.arity
    if len(children) < fewest or (most is not None and len(children) > most):
        wanted = str(fewest) if most == fewest else f"{fewest} to {most}"
        wanted = f"at least {fewest}" if most is None else wanted
        raise FormulaError(
            f"{node.operation} takes {wanted} argument{'' if wanted == '1' else 's'}, "
            f"not {len(children)}"
        )
    for place, child in enumerate(children):
        if _is_condition(child) != (node.operation == "where" and place == 0):
            raise FormulaError(
                "where takes a comparison first: where(x > 0, a, b)"
                if node.operation == "where" and place == 0
                else "a comparison may stand only as the first argument of where"
            )
    options = check_options(node.operation, dict(node.options))
    if node.operation == "topk":
        count = children[1]
        if not (isinstance(count, Number) and count.value.denominator == 1 and count.value >= 1):
            raise FormulaError("topk(z, k) needs a whole number k of at least 1")
    if node.operation == "spline":
        _check_spline(children, options)
    first = children[0]
    if node.operation == "neg" and isinstance(first, Number):
        return Number(-first.value)
    if node.operation == "div" and isinstance(first, Number):
        second = children[1]
        if isinstance(second, Number) and second.value != 0:
            quotient = Fraction(first.value, second.value)
            if number_fits(quotient):
                return Number(quotient)
    if options == node.options and all(
        a is b for a, b in zip(children, node.arguments, strict=True)
    ):
        return node
    return Call(node.operation, children, options)


def check_options(operation: str, given: dict[str, str | int]) -> tuple[tuple[str, str | int], ...]:
    """Return the complete, sorted options of a call, defaults filled in."""
    entry = OPERATIONS[operation]
    for name in given:
        if name not in entry.options:
            allowed = f"it takes {', '.join(entry.options)}" if entry.options else "it takes none"
            raise FormulaError(f"{operation} has no option {name!r}; {allowed}")
    options = dict(given)
    if entry.statistic:
        over = options.setdefault("over", "feature")
        if over not in OVER:
            raise FormulaError(f"over={over!r:.40} is not an axis; choose one of {', '.join(OVER)}")
        size = options.get("size")
        if over == "group" and size is None:
            raise FormulaError(f"{operation} over=group needs size=, the channels of one group")
        if size is not None and over not in ("group", "feature"):
            raise FormulaError(f"size= goes with over=group or over=feature, not over={over}")
        if size is not None and not (type(size) is int and 1 <= size <= 10**6):
            raise FormulaError(f"size={size!r:.40} is not a whole number from 1 to 1000000")
    if operation == "spline":
        degree = options.setdefault("degree", 3)
        if not (type(degree) is int and 0 <= degree <= 8):
            raise FormulaError(f"degree={degree!r:.40} is not a whole number from 0 to 8")
    return tuple(sorted(options.items()))


def _check_spline(children: tuple[Node, ...], options: tuple[tuple[str, str | int], ...]) -> None:
    degree = int(dict(options)["degree"])
    rest = len(children) - 1
    # m + 1 knots and n + 1 coefficients with m = n + degree + 1
    if (rest - degree - 1) % 2 or rest < 2 * (degree + 1) - degree + 1:
        raise FormulaError(
            f"spline of degree {degree} takes x, then c + {degree + 1} knots, then c coefficients"
        )
    count = (rest + degree + 1) // 2
    knots = [child.value for child in children[1 : 1 + count] if isinstance(child, Number)]
    if len(knots) != count:
        raise FormulaError("the knots of a spline are numbers, not expressions")
    if any(a > b for a, b in pairwise(knots)) or knots[0] == knots[-1]:
        raise FormulaError("the knots of a spline ascend")
