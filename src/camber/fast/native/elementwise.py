"""The C text around an elementwise body: loops over rows, threads, and sums of coefficient slopes.

A body is a few lines of C for one element. Two loops can carry it:

- *rows*: coefficients are constant along a row of ``I`` elements and live in registers; their
  slopes are summed in registers along the row and in double across rows;
- *lanes*: every column has coefficients of its own; their slopes are summed down a chunk of rows.

Work is divided in chunks that depend on the shape only, and the chunks' sums are added in order
afterwards: results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Loop = Literal["rows", "lanes"]


@dataclass(frozen=True)
class Body:
    """One element's computation as C.

    In the text ``x0, x1`` are the inputs, ``p0, p1, ...`` the coefficients, ``g`` the incoming
    slope, all of type ``A``. ``narrow`` is a condition on ``largest``, the largest |x0| of a row,
    and the coefficients, under which the type of ``A`` suffices; elsewhere double is used.
    """

    inputs: int
    slots: int
    forward: Sequence[str]
    result: str
    backward: Sequence[str]
    slopes: Sequence[str]
    shares: Sequence[str]
    narrow: str | None = None
    helpers: str = field(default="")


def source(body: Body, loop: Loop) -> str:
    """The C text of ``camber_forward`` and ``camber_backward`` for one body."""
    rows = loop == "rows"
    wide = body.narrow is not None
    parts = [body.helpers]
    kinds = [("narrow", "A")] if not wide else [("narrow", "A"), ("wide", "double")]
    if wide and not rows:
        # Columns with coefficients of their own have no common limit: always double.
        kinds = [("wide", "double")]
    for name, accumulator in kinds:
        parts.append(_forward_row(body, name, accumulator, rows))
        parts.append(_backward_row(body, name, accumulator, rows))
    parts.append(_drivers(body, rows, [name for name, _ in kinds]))
    return "\n".join(parts)


def _loads(body: Body, accumulator: str) -> str:
    return " ".join(f"const {accumulator} x{k} = LOAD(in{k}[j]);" for k in range(body.inputs))


def _coefficients(body: Body, rows: bool, accumulator: str) -> str:
    place = "0" if rows else "j"
    return " ".join(f"const {accumulator} p{s} = c[{s} * G + {place}];" for s in range(body.slots))


def _typed(lines: Sequence[str], accumulator: str) -> str:
    text = "\n        ".join(lines)
    return (
        text
        if accumulator == "A"
        else text.replace("(A)", "(double)").replace("const A ", "const double ")
    )


def _forward_row(body: Body, name: str, accumulator: str, rows: bool) -> str:
    inputs = ", ".join(f"const T *restrict in{k}" for k in range(body.inputs))
    outside, inside = _coefficients(body, rows, accumulator), ""
    if not rows:
        outside, inside = inside, outside
    return f"""
static void forward_{name}({inputs}, T *restrict out, const A *restrict c, i64 G, i64 n) {{
    {outside}
    #pragma omp simd
    for (i64 j = 0; j < n; j++) {{
        {inside} {_loads(body, accumulator)}
        {_typed(body.forward, accumulator)}
        out[j] = STORE({_typed([body.result], accumulator)});
    }}
}}"""


def _backward_row(body: Body, name: str, accumulator: str, rows: bool) -> str:
    inputs = ", ".join(f"const T *restrict in{k}" for k in range(body.inputs))
    outputs = ", ".join(f"T *restrict out{k}" for k in range(body.inputs))
    stores = " ".join(
        f"out{k}[j] = STORE({_typed([slope], accumulator)});" for k, slope in enumerate(body.slopes)
    )
    slots = range(body.slots)
    outside, inside = _coefficients(body, rows, accumulator), ""
    if rows:
        start = " ".join(f"{accumulator} s{s} = 0;" for s in slots)
        clause = f" reduction(+:{','.join(f's{s}' for s in slots)})" if slots else ""
        add = " ".join(
            f"s{s} += {_typed([share], accumulator)};" for s, share in enumerate(body.shares)
        )
        finish = " ".join(f"total[{s} * G] += s{s};" for s in slots)
        total = "double *restrict total"
    else:
        outside, inside = inside, outside
        start, clause, finish = "", "", ""
        add = " ".join(
            f"total[{s} * G + j] += {_typed([share], accumulator)};"
            for s, share in enumerate(body.shares)
        )
        total = "A *restrict total"
    return f"""
static void backward_{name}({inputs}, const T *restrict up, {outputs}, const A *restrict c,
                            {total}, i64 G, i64 n) {{
    {outside} {start}
    #pragma omp simd{clause}
    for (i64 j = 0; j < n; j++) {{
        {inside} {_loads(body, accumulator)} const {accumulator} g = LOAD(up[j]);
        {_typed(body.backward, accumulator)}
        {stores}
        {add}
    }}
    {finish}
}}"""


def _drivers(body: Body, rows: bool, kinds: Sequence[str]) -> str:
    count = range(body.inputs)
    at = "o * ld[{k}] + g * I" if rows else "o * ld[{k}]"
    places = [f"in[{k}] + {at.format(k=k)}" for k in count]
    up = f"up + {at.format(k=body.inputs)}"
    result = "out + o * (G * I) + g * I" if rows else "out + o * G"
    results = [f"{result.replace('out', f'out[{k}]', 1)}" for k in count]
    column = "c + g" if rows else "c"
    length = "(I < N - (o * G + g) * I ? I : N - (o * G + g) * I)" if rows else "G"
    arguments = f"{', '.join(places)}, {result}, {column}, G, {length}"
    total = "part + g" if rows else "part"
    back = f"{', '.join(places)}, {up}, {', '.join(results)}, {column}, {total}, G, {length}"
    forward = _choice(body, kinds, "forward", arguments, places[0], length)
    backward = _choice(body, kinds, "backward", back, places[0], length)
    scalar = "double" if rows else "A"
    groups = "for (i64 g = g0; g < g1; g++)" if rows else ""
    return f"""
{_largest() if "narrow" in kinds and len(kinds) == 2 else ""}
void camber_forward(const T *const *in, const i64 *ld, T *out, const A *c,
                    i64 O, i64 G, i64 I, i64 N, i64 parts, int threads) {{
    #pragma omp parallel for schedule(static) num_threads(threads)
    for (i64 task = 0; task < O * parts; task++) {{
        const i64 o = task / parts, g0 = task % parts * G / parts;
        const i64 g1 = (task % parts + 1) * G / parts; (void)g0; (void)g1;
        {groups} {{ {forward} }}
    }}
}}

void camber_backward(const T *const *in, const i64 *ld, const T *up, T *const *out, const A *c,
                     {scalar} *partial, i64 O, i64 G, i64 I, i64 N, i64 chunks, i64 parts,
                     int threads) {{
    #pragma omp parallel for schedule(static) num_threads(threads)
    for (i64 task = 0; task < chunks * parts; task++) {{
        const i64 chunk = task / parts, g0 = task % parts * G / parts;
        const i64 g1 = (task % parts + 1) * G / parts; (void)g0; (void)g1;
        {scalar} *part = partial + chunk * {body.slots} * G; (void)part;
        for (i64 o = chunk * O / chunks; o < (chunk + 1) * O / chunks; o++)
            {groups} {{ {backward} }}
    }}
}}
"""


def _choice(
    body: Body, kinds: Sequence[str], stage: str, arguments: str, place: str, length: str
) -> str:
    if len(kinds) == 1:
        return f"{stage}_{kinds[0]}({arguments});"
    coefficients = " ".join(f"const A p{s} = c[{s} * G + g];" for s in range(body.slots))
    return (
        f"{coefficients} const float largest = row_largest({place}, {length});"
        f" if ({body.narrow}) {stage}_narrow({arguments}); else {stage}_wide({arguments});"
    )


def _largest() -> str:
    # A NaN must fail the comparison with any limit: it is turned into infinity here.
    return """
static float row_largest(const T *restrict x, i64 n) {
    float most = 0;
    #pragma omp simd reduction(max:most)
    for (i64 j = 0; j < n; j++) {
        const float a = fabsf((float)LOAD(x[j])), b = a == a ? a : INFINITY;
        most = b > most ? b : most;
    }
    return most;
}
"""
