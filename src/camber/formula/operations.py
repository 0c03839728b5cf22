"""The operations of the language as facts in one table; what they compute stands in interpreters.

Adding an operation is one line here and one entry in each interpreter's own table (a test walks
the table and names any interpreter that misses it).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

#: Where a statistic is taken. ``feature`` is the last axis of one instance.
OVER: Final = ("feature", "instance", "layer", "group", "batch")


@dataclass(frozen=True, slots=True)
class Operation:
    """What the parser and the printers must know of an operation.

    ``arity`` is (fewest, most) arguments, most None for unlimited. ``infix`` operations print and
    parse as Python operators; all others as ``name(arguments)``. A ``statistic`` reduces or
    reorders along ``over`` instead of acting on each element; ``condition`` marks comparisons,
    legal only as the first argument of ``where``.
    """

    name: str
    arity: tuple[int, int | None]
    infix: str | None = None
    statistic: bool = False
    condition: bool = False
    options: tuple[str, ...] = ()


#: Functions of one number.
FUNCTIONS: Final = (
    "exp", "log", "sqrt", "erf", "sigmoid", "tanh", "softplus", "sin", "cos", "tan", "asin", "acos",
    "atan", "sinh", "cosh", "abs", "sign",
)  # fmt: skip


def _table() -> dict[str, Operation]:
    entries = [
        Operation("add", (2, 2), infix="+"),
        Operation("sub", (2, 2), infix="-"),
        Operation("mul", (2, 2), infix="*"),
        Operation("div", (2, 2), infix="/"),
        Operation("pow", (2, 2), infix="**"),
        Operation("neg", (1, 1), infix="-"),
        *(
            Operation(name, (2, 2), infix=symbol, condition=True)
            for name, symbol in (
                ("lt", "<"),
                ("le", "<="),
                ("gt", ">"),
                ("ge", ">="),
                ("eq", "=="),
                ("ne", "!="),
            )
        ),
        *(Operation(name, (1, 1)) for name in FUNCTIONS),
        Operation("min", (2, None)),
        Operation("max", (2, None)),
        Operation("where", (3, 3)),
        # poly(x, a0, a1, ...) = a0 + a1 x + ..., coefficients ascending
        Operation("poly", (2, None)),
        # spline(x, k_0, ..., k_m, c_0, ..., c_n, degree=d), m = n + d + 1: the B-spline sum
        # c_i B_{i,d}(x) on ascending knots (numbers), zero outside [k_0, k_m]; d = 3 unless given
        Operation("spline", (4, None), options=("degree",)),
        # signed_log(x) = sign(x) log(1 + |x|), signed_sqrt(x) = sign(x) sqrt(|x|),
        # guarded_div(a, b) = a / b, and 1 where |b| < 1e-12: total functions for formula search
        Operation("signed_log", (1, 1)),
        Operation("signed_sqrt", (1, 1)),
        Operation("guarded_div", (2, 2)),
        # Statistics: biased; an epsilon is explicit and stands inside the root: rms(z, 1e-6)
        *(
            Operation(name, (1, 1), statistic=True, options=("over", "size"))
            for name in ("mean", "sum", "softmax", "sort")
        ),
        *(
            Operation(name, (1, 2), statistic=True, options=("over", "size"))
            for name in ("rms", "std")
        ),
        # written max(z, over=feature): one argument and an axis make max a statistic
        Operation("amax", (1, 1), statistic=True, options=("over", "size")),
        # topk(z, k): the k largest values stay, the others become 0
        Operation("topk", (2, 2), statistic=True, options=("over", "size")),
    ]
    return {entry.name: entry for entry in entries}


OPERATIONS: Final = MappingProxyType(_table())

#: Other spellings the parser accepts; the printer always writes the name on the right.
ALIASES: Final = MappingProxyType(
    {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
)

#: Names that stand for an expression: the parser writes out what they mean.
MACROS: Final = ("relu", "silu", "gelu")
