"""The first look at a text: its characters, words and bracket depth, before Python parses it.

Python's own parser recurses on brackets, signs and powers, converts numbers of any length and
warns about odd spellings. Nothing reaches it that this file has not measured.
"""

from __future__ import annotations

import keyword
import re
from typing import Final, NoReturn

from camber.errors import FormulaError
from camber.formula.limits import (
    MAX_DIGITS,
    MAX_LENGTH,
    MAX_NAME,
    MAX_NESTING,
    MAX_NODES,
    MAX_RECURSIVE,
)

_TOKEN: Final = re.compile(
    r"(?P<space>[ \t]+)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/<>()\[\],=])"
)
_HINTS: Final = {
    "^": "powers are written **",
    "\n": "a formula stands on one line",
    "\r": "a formula stands on one line",
    "{": "use round brackets",
    "}": "use round brackets",
    "!": "'not equal' is written !=",
    "−": "write the minus sign as -",
    "×": "write the product as *",
    "·": "write the product as *",
    "π": "write pi",
}
_WINDOW: Final = 70


def fail(text: str, position: int, sentence: str) -> NoReturn:
    """Raise a FormulaError with ``sentence`` and a caret under ``text[position]``."""
    position = max(0, min(position, len(text)))
    start = max(0, position - _WINDOW // 2)
    window = text[start : start + _WINDOW]
    shown = "".join(c if " " <= c <= "~" else "?" for c in window)
    lead = "... " if start else ""
    tail = " ..." if start + _WINDOW < len(text) else ""
    caret = " " * (len(lead) + position - start) + "^"
    # from None: the inner error that led here says the same with less.
    raise FormulaError(f"{sentence}\n  {lead}{shown}{tail}\n  {caret}") from None


def scan(text: str) -> None:
    """Raise unless ``text`` is made of the words of the language and within all limits.

    Raises:
        FormulaError: with a caret under the first character that is wrong.
    """
    if len(text) > MAX_LENGTH:
        fail(text, MAX_LENGTH, f"the formula has {len(text)} characters; {MAX_LENGTH} are allowed")
    depth = recursive = choices = words = position = 0
    previous = ""  # kind of the token just before, or "" at the start and after a space
    operand_before = False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            character = text[position]
            hint = _HINTS.get(character, "use letters, digits and the operators + - * / ** < >")
            fail(text, position, f"character {character!a} has no meaning here; {hint}")
        kind, token = str(match.lastgroup), match.group()
        if kind == "space":
            previous = ""
            position = match.end()
            continue
        words += 1
        if words > 4 * MAX_NODES:
            fail(text, position, f"the formula has more than {4 * MAX_NODES} words and signs")
        if kind == "number":
            _scan_number(text, position, token)
        elif kind == "name":
            if previous == "number":
                fail(text, position, "a number and a name need an operator between: write 2*x")
            _scan_name(text, position, token)
            choices += token == "if"
        elif token in "([":
            depth += 1
        elif token in ")]":
            depth -= 1
        # Choices nest without brackets, and print as where(...) with them.
        if depth + choices > MAX_NESTING:
            fail(text, position, f"brackets and choices stand more than {MAX_NESTING} deep")
        recursive += token == "**" or (token in "+-" and not operand_before)
        if recursive > MAX_RECURSIVE:
            fail(text, position, f"more than {MAX_RECURSIVE} signs and powers")
        operand_before = kind in ("number", "name") or token in ")]"
        previous = kind
        position = match.end()
    if not words:
        raise FormulaError(
            "the formula is empty: give a name such as 'gelu' or a formula such as 'x*sigmoid(x)'"
        )


def _scan_name(text: str, position: int, token: str) -> None:
    if len(token) > MAX_NAME:
        fail(text, position, f"a name has at most {MAX_NAME} characters")
    if token.startswith("_"):
        fail(text, position, "a name starts with a letter")
    if keyword.iskeyword(token) and token not in ("if", "else"):
        fail(text, position, f"{token!r} is a word of Python, not of formulas; choose another name")


def _scan_number(text: str, position: int, token: str) -> None:
    mantissa, _, exponent = token.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    if len(whole) > 1 and whole.startswith("0") and token == whole and whole.strip("0"):
        fail(text, position, "a whole number does not start with 0")
    # len first: int() of a long text is itself slow
    power = int(exponent) if len(exponent) <= 6 and exponent else 0
    if len(exponent) > 6 or len(mantissa) > MAX_DIGITS:
        fail(text, position, f"the number is too long; {MAX_DIGITS} digits are allowed")
    if len(whole) + max(power, 0) > MAX_DIGITS or len(decimals) - min(power, 0) >= MAX_DIGITS:
        fail(text, position, f"the number has more than {MAX_DIGITS} digits when written out")
