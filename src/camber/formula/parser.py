"""Text to tree: Python expression syntax through ``ast``, with a list of what is allowed.

Nothing is ever evaluated: the text is measured (:mod:`camber.formula.tokens`), Python parses it to
its syntax tree, and the few node types listed here are translated one by one; all others are
refused at their place. Numbers are read from the source text, exactly, as rationals.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from typing import Final, NoReturn

from camber.errors import FormulaError, nearest
from camber.formula.check import check_call, check_name, check_options
from camber.formula.limits import MAX_DEPTH, MAX_INDEX, MAX_NODES, number_fits
from camber.formula.operations import ALIASES, MACROS, OPERATIONS
from camber.formula.tokens import fail, scan
from camber.formula.tree import CONSTANTS, Call, Constant, Input, Node, Number, Parameter, fold

_BINARY: Final = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
}
_COMPARE: Final = {
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}
_CALLABLE: Final = (
    *(name for name, entry in OPERATIONS.items() if entry.infix is None and name != "amax"),
    *ALIASES,
    *MACROS,
)

Build = Callable[[tuple[Node, ...]], Node]


def parse(text: str, inputs: tuple[str, ...]) -> Node:
    """Return the tree of ``text``, in which the names ``inputs`` are the inputs.

    Raises:
        FormulaError: with a caret under the place that is wrong.

    Example:
        >>> parse("2*x", ("x",))
        Call(operation='mul', arguments=(Number(value=Fraction(2, 1)), Input(name='x')), options=())
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text, not {type(text).__name__}")
    text = text.strip(" \t\n\r")
    scan(text)
    try:
        body = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        # Python gives offset 0 where the text ends too early: the caret belongs at the end.
        place = error.offset - 1 if error.offset else len(text.rstrip())
        fail(text, place, f"this is not an expression: {error.msg}")
    except (RecursionError, MemoryError, ValueError) as error:
        # The limits of `scan` keep Python's parser far from its own; this is the second fence.
        raise FormulaError(f"the formula is too deep to read: {error}") from None
    return _Reader(text, inputs).read(body)


class _Reader:
    """Translates one syntax tree without recursion, children before parents."""

    def __init__(self, text: str, inputs: tuple[str, ...]) -> None:
        self.text = text
        self.inputs = inputs

    def read(self, body: ast.expr) -> Node:
        results: list[Node] = []
        pending: list[tuple[ast.expr, int, Build | None]] = [(body, 0, None)]
        count = 0
        while pending:
            expression, arity, build = pending.pop()
            if build is None:
                count += 1
                if count > MAX_NODES:
                    self.fail(expression, f"the formula has more than {MAX_NODES} terms")
                children, build = self.expand(expression)
                pending.append((expression, len(children), build))
                pending.extend((child, 0, None) for child in reversed(children))
                continue
            arguments = tuple(results[len(results) - arity :])
            del results[len(results) - arity :]
            results.append(build(arguments))
        root = results[0]
        size, depth = fold(root, _measure)
        if size > MAX_NODES:
            self.fail(body, f"the formula has more than {MAX_NODES} terms once written out")
        if depth > MAX_DEPTH:
            self.fail(body, f"the formula is more than {MAX_DEPTH} operations deep")
        return root

    def fail(self, place: ast.AST, sentence: str) -> NoReturn:
        fail(self.text, getattr(place, "col_offset", 0), sentence)

    def source(self, place: ast.expr) -> str:
        # scan() admits ASCII only, so byte offsets are character offsets.
        return self.text[place.col_offset : place.end_col_offset]

    def expand(self, expression: ast.expr) -> tuple[list[ast.expr], Build]:
        """The parts of an expression, and how to build its node from theirs."""
        if isinstance(expression, ast.Constant):
            leaf = self.number(expression)
            return [], lambda _: leaf
        if isinstance(expression, ast.Name):
            leaf = self.name(expression)
            return [], lambda _: leaf
        if isinstance(expression, ast.Subscript):
            leaf = self.indexed(expression)
            return [], lambda _: leaf
        if isinstance(expression, ast.UnaryOp):
            if isinstance(expression.op, ast.UAdd):
                return [expression.operand], lambda parts: self.values(expression, parts)[0]
            if isinstance(expression.op, ast.USub):
                return [expression.operand], self.build(expression, "neg")
        if isinstance(expression, ast.BinOp) and type(expression.op) in _BINARY:
            operands = [expression.left, expression.right]
            return operands, self.build(expression, _BINARY[type(expression.op)])
        if isinstance(expression, ast.Compare):
            if len(expression.ops) > 1:
                place = expression.comparators[1]
                self.fail(place, "a chain of comparisons is not allowed; nest two where()")
            if type(expression.ops[0]) in _COMPARE:
                operands = [expression.left, expression.comparators[0]]
                return operands, self.build(expression, _COMPARE[type(expression.ops[0])])
        if isinstance(expression, ast.IfExp):
            choice = [expression.test, expression.body, expression.orelse]
            return choice, self.build(expression, "where")
        if isinstance(expression, ast.Call):
            return self.call(expression)
        return self.fail(
            expression, f"{_spoken(expression)} is not part of the language of formulas"
        )

    def number(self, place: ast.Constant) -> Node:
        source = self.source(place)
        if type(place.value) not in (int, float):
            self.fail(place, f"{source[:40]} is not a number")
        value = Fraction(source)
        if not number_fits(value):
            self.fail(place, "the number has too many digits when written out")
        return Number(value)

    def name(self, place: ast.Name) -> Node:
        if place.id in self.inputs:
            return Input(place.id)
        if place.id in CONSTANTS:
            return Constant(place.id)
        if place.id in _CALLABLE:
            self.fail(place, f"{place.id!r} is a function; write {place.id}(x)")
        self.check(place, place.id)
        return Parameter(place.id)

    def indexed(self, place: ast.Subscript) -> Node:
        family, index = place.value, place.slice
        if not isinstance(family, ast.Name) or family.id in self.inputs:
            self.fail(place, "only a parameter takes an index: weight[0]")
        self.check(family, family.id)
        if not (isinstance(index, ast.Constant) and type(index.value) is int):
            self.fail(index, "an index is a whole number: weight[0]")
        if not 0 <= index.value < MAX_INDEX:
            self.fail(index, f"an index is at most {MAX_INDEX - 1}")
        return Parameter(family.id, index.value)

    def check(self, place: ast.expr, name: str) -> None:
        try:
            check_name(name, "parameter")
        except FormulaError as error:
            self.fail(place, str(error))

    def call(self, place: ast.Call) -> tuple[list[ast.expr], Build]:
        if not isinstance(place.func, ast.Name):
            self.fail(place, "only a named function can be called: exp(x)")
        name = ALIASES.get(place.func.id, place.func.id)
        if name not in _CALLABLE:
            if name in self.inputs:
                self.fail(place.func, f"{name!r} is an input; write a product as {name}*(...)")
            near = ", ".join(repr(known) for known in nearest(name, _CALLABLE))
            self.fail(place.func, f"unknown function {name!r}; the nearest known names are {near}")
        for argument in place.args:
            if isinstance(argument, ast.Starred):
                self.fail(argument, "arguments are written out, without *")
        options = self.options(place, name)
        if name == "max" and options:
            name = "amax"
        if name in ("max", "min") and len(place.args) == 1:
            instead = "max(z, over=feature)" if name == "max" else "-max(-z, over=feature)"
            self.fail(place, f"{name} of one value needs an axis: {instead}")
        return list(place.args), self.build(place, name, options)

    def options(self, place: ast.Call, name: str) -> dict[str, str | int]:
        given: dict[str, str | int] = {}
        for option in place.keywords:
            value = option.value
            if option.arg is None:
                self.fail(value, "options are written out, without **")
            if isinstance(value, ast.Name):
                given[option.arg] = value.id
            elif isinstance(value, ast.Constant) and type(value.value) is int:
                given[option.arg] = value.value
            else:
                self.fail(value, f"{option.arg}= takes a word or a whole number")
        if name in MACROS:
            if given:
                self.fail(place, f"{name} takes no options")
            return {}
        operation = "amax" if name == "max" and given else name
        try:
            check_options(operation, given)
        except FormulaError as error:
            self.fail(place, str(error))
        return given

    def values(self, place: ast.expr, parts: tuple[Node, ...]) -> tuple[Node, ...]:
        """Refuse comparisons where a value is wanted."""
        for part in parts:
            if isinstance(part, Call) and OPERATIONS[part.operation].condition:
                self.fail(place, "a comparison may stand only as the first argument of where")
        return parts

    def build(
        self, place: ast.expr, name: str, options: dict[str, str | int] | None = None
    ) -> Build:
        """The function that makes the node of ``name`` from its arguments."""

        def make(parts: tuple[Node, ...]) -> Node:
            if name in MACROS:
                if len(parts) != 1:
                    self.fail(place, f"{name} takes 1 argument, not {len(parts)}")
                return _macro(name, self.values(place, parts)[0])
            try:
                return check_call(Call(name, parts, tuple(sorted((options or {}).items()))), parts)
            except FormulaError as error:
                self.fail(place, str(error))

        return make


def _macro(name: str, z: Node) -> Node:
    """What ``relu(z)``, ``silu(z)`` and ``gelu(z)`` stand for."""
    one, two = Number(Fraction(1)), Number(Fraction(2))
    if name == "relu":
        return Call("max", (z, Number(Fraction(0))))
    if name == "silu":
        return Call("mul", (z, Call("sigmoid", (z,))))
    scaled = Call("div", (z, Call("sqrt", (two,))))
    half = Call("mul", (Number(Fraction(1, 2)), z))
    return Call("mul", (half, Call("add", (one, Call("erf", (scaled,))))))


def _measure(node: Node, below: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    return 1 + sum(size for size, _ in below), 1 + max((depth for _, depth in below), default=0)


def _spoken(expression: ast.expr) -> str:
    """What a person calls a piece of Python syntax that formulas do not have."""
    if isinstance(expression, ast.BinOp):
        return "this operator"
    if isinstance(expression, ast.Tuple | ast.List):
        return "a list of values"
    return f"this piece of Python ({type(expression).__name__})"
