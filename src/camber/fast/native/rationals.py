"""The C body of a rational function: values and every slope from one Horner sweep each.

With h = g / Q and F = P / Q the slopes need no square of Q, which would leave float32 first:
da_i = h x^i, dx = h P' - h F Q', db_i = -h F dQ/db_i.
"""

from __future__ import annotations

from typing import Final

import torch

from camber.fast.native.elementwise import Body, source
from camber.fast.native.emit import horner
from camber.fast.native.kernel import Kernel, kernel

#: Coefficients above this size send a row to double whatever its inputs.
_LARGEST_COEFFICIENT: Final = "1e6f"


def narrow_limit(numerator: int, denominator: int) -> float:
    """The largest |x| for which float32 holds every power that a rational forms, with a margin."""
    return float(2.0 ** (90 // max(numerator, denominator, 1)))


def rational_kernel(
    numerator: int, denominator: int, form: str, dtype: torch.dtype, *, lanes: bool
) -> Kernel:
    """Build or find the kernel for degrees, form and dtype; coefficients (a_0.., b_1..)."""
    key = ("rational", numerator, denominator, form, dtype, lanes)
    slots = numerator + 1 + denominator

    def make() -> Kernel:
        body = _body(numerator, denominator, form, dtype != torch.float64)
        text = source(body, "lanes" if lanes else "rows", single=dtype != torch.float64)
        return Kernel(text, dtype, slots, lanes=lanes)

    return kernel(key, make)


def _body(m: int, n: int, form: str, limited: bool) -> Body:
    above = [f"p{k}" for k in range(m + 1)]
    below = [f"p{m + k}" for k in range(1, n + 1)]
    values = [f"const A P = {horner('x0', above)};"]
    slope = [f"const A R = {horner('x0', [f'(A){k} * {a}' for k, a in enumerate(above) if k])};"]
    if n == 0:
        forward, result = values, "P"
        backward = [*slope, "const A h = g;"]
        slopes, shares = "h * R", []
    elif form == "sum_abs":
        sizes = [f"ABS({b})" for b in below]
        forward = [
            *values,
            "const A t = ABS(x0);",
            f"const A Q = (A)1 + t * ({horner('t', sizes)});",
            "const A F = P / Q;",
        ]
        result = "F"
        inner = [f"(A){k} * {b}" for k, b in enumerate(sizes, 1)]
        backward = [
            *forward,
            *slope,
            f"const A S = SIGN(x0) * ({horner('t', inner)});",
            "const A h = g / Q; const A w = -h * F;",
            *_powers("w", "t", n),
        ]
        slopes = "h * R + w * S"
        shares = [f"({b} >= 0 ? w{k} : -w{k})" for k, b in enumerate(below, 1)]
    else:
        forward = [
            *values,
            f"const A B = x0 * ({horner('x0', below)});",
            "const A Q = (A)1 + ABS(B);",
            "const A F = P / Q;",
        ]
        result = "F"
        inner = [f"(A){k} * {b}" for k, b in enumerate(below, 1)]
        backward = [
            *forward,
            *slope,
            f"const A S = {horner('x0', inner)};",
            "const A h = g / Q; const A w = -h * F * SIGN(B);",
            *_powers("w", "x0", n),
        ]
        slopes = "h * R + w * S"
        shares = [f"w{k}" for k in range(1, n + 1)]
    backward = [*backward, *_powers("h", "x0", m)]
    return Body(
        inputs=1,
        slots=m + 1 + n,
        forward=forward,
        result=result,
        backward=backward,
        slopes=[slopes],
        shares=["h", *(f"h{k}" for k in range(1, m + 1)), *shares],
        narrow=_narrow(m, n) if limited else None,
    )


def _powers(weight: str, x: str, count: int) -> list[str]:
    return [
        f"const A {weight}{k} = {weight if k == 1 else f'{weight}{k - 1}'} * {x};"
        for k in range(1, count + 1)
    ]


def _narrow(m: int, n: int) -> str:
    small = " && ".join(f"ABS(p{s}) <= {_LARGEST_COEFFICIENT}" for s in range(m + 1 + n))
    return f"largest <= {narrow_limit(m, n).hex()}f && {small}"
