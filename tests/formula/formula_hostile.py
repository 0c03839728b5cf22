"""Seeded generator of hostile formula texts: code, bombs, mutations, garbage."""

from __future__ import annotations

import random

VALID = [
    "x*sigmoid(beta*x)",
    "0.5*x*(1 + erf(x/sqrt(2)))",
    "where(x > 0, x, exp(x) - 1)",
    "poly(x, w[0], w[1], w[2])/(1 + abs(poly(x, 0, v[0], v[1])))",
    "x/rms(x, 1e-6)*weight[0] + bias",
    "max(x, 0)**2 + min(x, 6)/6",
    "spline(x, 0, 1, 2, 3, 4, c[0], degree=3)",
    "sort(x, over=feature, size=2) - mean(x, over=group, size=4)",
    "x if x > 0 else a*(e**x - 1)",
    "log(1 + exp(-abs(x))) + relu(x)",
]
CODE = [
    "__import__('os').system('touch pwned')",
    "x.__class__.__mro__[1].__subclasses__()",
    "().__class__.__bases__[0]",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd').read()",
    "lambda: x",
    "(lambda x: x)(x)",
    "[x for x in (1,)]",
    "{x: 1}",
    "{*x}",
    "f'{x}'",
    "b'x'",
    "'x'*10**9",
    '"""x',
    "x := 3",
    "(x := 3)",
    "yield x",
    "await x",
    "not x",
    "x and x",
    "x or x",
    "x is x",
    "x in x",
    "x @ x",
    "x // x",
    "x % x",
    "x << 9999999999",
    "~x",
    "x & x",
    "True",
    "None",
    "...",
    "print(x)",
    "globals()",
    "getattr(x, 'y')",
    "breakpoint()",
    "x;x",
    "x\nimport os",
    "#x",
    "x #",
    "\\",
    "x\\\nx",
    "import os",
    "del x",
    "x = 1",
    "x[0]",
    "w[-1]",
    "w[1:2]",
    "w[x]",
    "w[w]",
    "w[0][0]",
    "w[10**9]",
    "w[99999999999999999999]",
    "w[1.5]",
    "1if x else 2",
    "0x10",
    "0b1",
    "0o7",
    "1_000",
    "1j",
    "1e5j",
    "007",
    "1..real",
    "1 .real",
    "1.__add__(2)",
    "exp",
    "exp()",
    "exp(x=1)",
    "exp(*x)",
    "exp(**x)",
    "where(x, 1, 2)",
    "where(x > 0 > 1, 1, 2)",
    "x > 0",
    "(x > 0) + 1",
    "max(x)",
    "max()",
    "max(x, over=9)",
    "max(x, over=nowhere)",
    "mean(x, over=group)",
    "mean(x, size=10**9)",
    "mean(x, size=99999999999999999999999)",
    "mean(x, over=layer, size=2)",
    "topk(x, x)",
    "topk(x, 0)",
    "topk(x, 1.5)",
    "spline(x, 0, 0, 0, 0, 0, 1)",
    "spline(x, 1, 0, 1)",
    "spline(x, 0, 1, 2, degree=99)",
    "spline(x, x, x, x, degree=1)",
    "feature",
    "over=feature",
    "",
    " ",
    "\t",
    "()",
    "(",
    ")",
    "[",
    "x x",
    "2x",
    "x2 x",
    "x,",
    ",x",
    "*x",
    "**x",
    "x**",
    "x^2",
    "x!",
    "!=",
    "==",
    "nan",
    "inf",
    "-inf",
    "pi*e",
]
VALID_BOMBS = [
    "9**9**9**9",
    "-9**9**9**9",
    "(9**9**9)**(9**9**9)*x",
    "2**-9**9**9",
    "exp(exp(exp(exp(exp(9)))))",
    "x**999999999",
    "x**(1/3)**99",
    "x**-1000000",
    "1/0",
    "0**-1",
    "0/0",
    "inf - inf",
    "inf*0",
    "log(-1)",
    "sqrt(-x**2)",
    "9" * 900,
    "1e999",
    "1e-999",
    "0." + "1" * 900,
    "+".join(["x"] * 150),
    "*".join(["1e300"] * 40),
    "1e-300/" + "/".join(["1e300"] * 40),
    "*".join(["(x + 1/3)**9"] * 20),
    "(" * 90 + "x" + ")" * 90,
    "-" * 150 + "x",
    "exp(" * 80 + "x" + ")" * 80,
    "silu(silu(silu(silu(x))))",
    "gelu(gelu(gelu(x)))",
    "tan(1e300*x)",
    "(x+1)**64*(x-1)**64",
    "((x**64)**64)**64",
    "max(9**9**9**9, x)",
    "where(9**9**9**9 > x, x, 9**9**9**9)",
    "poly(x, " + ", ".join(["1"] * 300) + ")",
    "sinh(1e308*x) - cosh(1e308)",
    "topk(x, 999999)",
]
_ALPHABET = (
    "x0123456789.eE+-*/()[]<>=!, \t_abcdefgwhr^%$#@&|~`'\"{};:?\\\n\r\0\x7f"
    "äλ√−\u200b\ufeff\U0001d465\ud800"
)
_TOKENS = [
    *(
        "x",
        "w",
        "[",
        "]",
        "0",
        "1",
        "1e5",
        ".",
        "(",
        ")",
        "+",
        "-",
        "*",
        "/",
        "**",
        "<",
        "<=",
        "==",
    ),
    *(",", "=", "over", "feature", "size", "if", "else", "where", "exp", "log", "max", "min", "pi"),
    *("inf", "and", "lambda", "not", "for", "in", ":=", "==", "!=", "\n", "'", "mean", "softmax"),
]


def bomb(rng: random.Random) -> str:
    """One text that is long, deep or wide."""
    size = rng.choice([10, 99, 101, 200, 999, 5_000, 20_000, 100_000])
    return rng.choice(
        [
            "-" * size + "x",
            "+-" * size + "x",
            "(" * size + "x" + ")" * size,
            "(" * size,
            ")" * size,
            "w[" * size + "0" + "]" * size,
            "exp(" * size + "x" + ")" * size,
            "x" + "**x" * size,
            "x" + "+x" * size,
            "x" + " if x > 0 else x" * size,
            "x" + " < x" * size,
            "9" * size,
            "0." + "9" * size,
            "1e" + "9" * size,
            f"1e{size * 10**6}",
            f"1e-{size * 10**6}*x",
            "1" + "/3" * size,
            "9" + "**9" * size,
            "silu(" * size + "x" + ")" * size,
            "max(" + "x," * size + "x)",
            "poly(x," + "1," * size + "1)",
            "a" * size,
            " " * size + "x",
            "w[" + "9" * size + "]",
            f"mean(x, size={'9' * size})",
            f"topk(x, {'9' * size})",
            f"spline(x, {', '.join(map(str, range(size)))}, degree=1)",
            "x, " * size,
            "\0" * size,
            "\n" * size + "x",
            "x" + "\u0301" * size,
        ]
    )


def mutation(rng: random.Random) -> str:
    """A valid formula with a few characters inserted, deleted, doubled or swapped."""
    text = list(rng.choice(VALID))
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(text) + 1)
        how = rng.random()
        if how < 0.4:
            text.insert(place, rng.choice(_ALPHABET))
        elif how < 0.6 and text:
            del text[min(place, len(text) - 1)]
        elif how < 0.8:
            text[place:place] = text[place : place + rng.randint(1, 12)]
        else:
            text.insert(place, rng.choice(_TOKENS))
    return "".join(text)


def hostile(count: int, seed: int = 0):
    """Yield ``count`` hostile texts, the same ones for the same seed."""
    rng = random.Random(seed)
    fixed = [*CODE, *VALID_BOMBS, *VALID]
    for number in range(count):
        if number < len(fixed):
            yield fixed[number]
            continue
        how = rng.random()
        if how < 0.45:
            yield mutation(rng)
        elif how < 0.70:
            yield " ".join(rng.choice(_TOKENS) for _ in range(rng.randint(1, 25)))
        elif how < 0.85:
            yield "".join(rng.choice(_ALPHABET) for _ in range(rng.randint(1, 40)))
        elif how < 0.90:
            yield bomb(rng)
        else:
            outer = rng.choice(VALID)
            yield outer.replace("x", f"({rng.choice(CODE)})", rng.randint(1, 3))
