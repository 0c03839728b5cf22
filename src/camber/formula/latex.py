r"""Formulas as LaTeX, for documents: ``x \sigma(\beta x)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from camber.errors import FormulaError
from camber.formula.build import ONE, ZERO
from camber.formula.derivative import spline_parts
from camber.formula.formula import Formula
from camber.formula.operations import OPERATIONS
from camber.formula.printer import ATOM, POWER, PRODUCT, SIGN, SUM, expanded_size, print_number
from camber.formula.tree import Call, Constant, Input, Node, Number, Parameter, fold

Part = tuple[str, int]

_GREEK: Final = frozenset(
    ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu",
     "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega", "lam")
)  # fmt: skip
_MOST: Final = 20_000


def to_latex(formula: Formula) -> str:
    r"""Return the formula as LaTeX mathematics, without delimiters.

    Raises:
        FormulaError: where the formula is too large to be read by anyone.

    Example:
        >>> print(to_latex(Formula.parse("x / (1 + exp(-beta*x))")))
        \frac{x}{1 + e^{-\beta x}}
    """
    size = expanded_size(formula.root)
    if size > _MOST:
        raise FormulaError(f"a formula of {size:.1e} terms is too large for LaTeX")
    text, _ = fold(formula.root, _write)
    return text


def _write(node: Node, parts: tuple[Part, ...]) -> Part:
    if isinstance(node, Number):
        return _number(node)
    if isinstance(node, Constant):
        return {"pi": r"\pi", "e": "e", "inf": r"\infty"}[node.name], ATOM
    if isinstance(node, Input):
        return name_latex(node.name), ATOM
    if isinstance(node, Parameter):
        return name_latex(node.name, node.index), ATOM
    if not isinstance(node, Call):
        raise FormulaError(f"a tree holds a {type(node).__name__}, which is not a node")
    return LATEX[node.operation](node, parts)


def name_latex(name: str, index: int | None = None) -> str:
    r"""``beta`` as ``\beta``, ``alpha_p`` as ``\alpha_{p}``, ``weight[0]`` as ``w``-like text."""
    stem, _, rest = name.partition("_")
    digits = re.fullmatch(r"([A-Za-z]+?)(\d+)", stem)
    if digits:
        stem, rest = digits[1], f"{digits[2]},{rest}" if rest else digits[2]
    marks = [mark for mark in (rest.replace("_", ","), "" if index is None else str(index)) if mark]
    if stem in _GREEK:
        body = r"\lambda" if stem == "lam" else "\\" + stem
    else:
        body = stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    return body + (f"_{{{','.join(marks)}}}" if marks else "")


def _number(node: Number) -> Part:
    text, binding = print_number(node.value)
    if "/" in text:
        sign = "-" if node.value < 0 else ""
        body = rf"\frac{{{abs(node.value.numerator)}}}{{{node.value.denominator}}}"
        return sign + body, SIGN if sign else PRODUCT
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return rf"{mantissa} \cdot 10^{{{exponent}}}", PRODUCT
    return text, binding


def _bracket(part: Part, least: int) -> str:
    text, binding = part
    return text if binding >= least else rf"\left({text}\right)"


def _sum(sign: str) -> Callable[[Call, tuple[Part, ...]], Part]:
    def write(node: Call, parts: tuple[Part, ...]) -> Part:
        right = _bracket(parts[1], SUM if sign == "+" else PRODUCT)
        if right.startswith("-"):
            right = rf"\left({right}\right)"
        return f"{parts[0][0]} {sign} {right}", SUM

    return write


def _mul(node: Call, parts: tuple[Part, ...]) -> Part:
    left, right = _bracket(parts[0], PRODUCT), _bracket(parts[1], PRODUCT)
    if right.startswith("-"):
        right = rf"\left({right}\right)"
    # Two numbers side by side would read as one.
    dot = r" \cdot " if right[:1].isdigit() or right.startswith(r"\frac") else r" "
    return f"{left}{dot}{right}", PRODUCT


def _div(node: Call, parts: tuple[Part, ...]) -> Part:
    return rf"\frac{{{parts[0][0]}}}{{{parts[1][0]}}}", PRODUCT


def _pow(node: Call, parts: tuple[Part, ...]) -> Part:
    base = _bracket(parts[0], ATOM)
    return f"{base}^{{{parts[1][0]}}}", POWER


def _neg(node: Call, parts: tuple[Part, ...]) -> Part:
    return "-" + _bracket(parts[0], PRODUCT), SIGN


def _compare(sign: str) -> Callable[[Call, tuple[Part, ...]], Part]:
    return lambda node, parts: (f"{parts[0][0]} {sign} {parts[1][0]}", SUM - 1)


def _named(command: str) -> Callable[[Call, tuple[Part, ...]], Part]:
    def write(node: Call, parts: tuple[Part, ...]) -> Part:
        inside = ", ".join(text for text, _ in parts)
        return rf"{command}\left({inside}\right)", ATOM

    return write


def _exp(node: Call, parts: tuple[Part, ...]) -> Part:
    return f"e^{{{parts[0][0]}}}", POWER


def _around(left: str, right: str) -> Callable[[Call, tuple[Part, ...]], Part]:
    return lambda node, parts: (f"{left}{parts[0][0]}{right}", ATOM)


def _where(node: Call, parts: tuple[Part, ...]) -> Part:
    condition, a, b = (text for text, _ in parts)
    rows = rf"{a} & \text{{if }} {condition} \\ {b} & \text{{otherwise}}"
    return rf"\begin{{cases}} {rows} \end{{cases}}", PRODUCT


def _poly(node: Call, parts: tuple[Part, ...]) -> Part:
    x = _bracket(parts[0], ATOM)
    words = []
    for exponent, (part, coefficient) in enumerate(zip(parts[1:], node.arguments[1:], strict=True)):
        if coefficient == ZERO and len(parts) > 2:
            continue
        power = "" if exponent == 0 else x if exponent == 1 else f"{x}^{{{exponent}}}"
        factor = "" if coefficient == ONE and power else _bracket(part, PRODUCT)
        words.append(" ".join(word for word in (factor, power) if word))
    return " + ".join(words) or "0", SUM


def _spline(node: Call, parts: tuple[Part, ...]) -> Part:
    degree, _, coefficients = spline_parts(node)
    values = parts[len(parts) - len(coefficients) :]
    terms = [
        rf"{_bracket(value, PRODUCT)} B_{{{place},{degree}}}\left({parts[0][0]}\right)"
        for place, value in enumerate(values)
    ]
    return " + ".join(terms), SUM


def _statistic(node: Call, parts: tuple[Part, ...]) -> Part:
    size = node.option("size")
    over = f"{node.option('over')}" + (f",{size}" if size is not None else "")
    name = "max" if node.operation == "amax" else node.operation
    inside = ", ".join(text for text, _ in parts)
    return rf"\operatorname{{{name}}}_{{\mathrm{{{over}}}}}\left({inside}\right)", ATOM


def _operator(name: str) -> Callable[[Call, tuple[Part, ...]], Part]:
    return _named(rf"\operatorname{{{name}}}")


LATEX: Final[Mapping[str, Callable[[Call, tuple[Part, ...]], Part]]] = MappingProxyType(
    {
        "add": _sum("+"),
        "sub": _sum("-"),
        "mul": _mul,
        "div": _div,
        "pow": _pow,
        "neg": _neg,
        "lt": _compare("<"),
        "le": _compare(r"\le"),
        "gt": _compare(">"),
        "ge": _compare(r"\ge"),
        "eq": _compare("="),
        "ne": _compare(r"\ne"),
        "exp": _exp,
        "sqrt": _around(r"\sqrt{", "}"),
        "abs": _around(r"\left|", r"\right|"),
        "sigmoid": _named(r"\sigma"),
        **{name: _named("\\" + name) for name in ("log", "tanh", "sin", "cos", "tan", "sinh")},
        "cosh": _named(r"\cosh"),
        "asin": _named(r"\arcsin"),
        "acos": _named(r"\arccos"),
        "atan": _named(r"\arctan"),
        "min": _named(r"\min"),
        "max": _named(r"\max"),
        "erf": _operator("erf"),
        "softplus": _operator("softplus"),
        "sign": _operator("sign"),
        "signed_log": _operator("slog"),
        "signed_sqrt": _operator("ssqrt"),
        "guarded_div": _operator("gdiv"),
        "where": _where,
        "poly": _poly,
        "spline": _spline,
        **{name: _statistic for name, entry in OPERATIONS.items() if entry.statistic},
    }
)
