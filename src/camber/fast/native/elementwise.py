"""The C text around an elementwise body: loops over rows, threads, and sums of coefficient slopes.

A body is a few lines of C for one element. Two loops can carry it:

- *rows*: coefficients are constant along a row of ``I`` elements and live in registers; their
  slopes are summed in registers along the row and in double across rows;
- *lanes*: every column has coefficients of its own; their slopes are summed down a chunk of rows.

A body may have a second form for rows that its first one cannot do: in double where float32 might
overflow, or with the C library's sine where an argument is too large for the vectorised one.

Work is divided in chunks that depend on the shape only, and the chunks' sums are added in order
afterwards: results do not depend on the number of threads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Loop = Literal["rows", "lanes"]

_PERIODIC = re.compile(r"\b(SIN|COS)\(")


@dataclass(frozen=True)
class Body:
    """One element's computation as C.

    In the text ``x0, x1`` are the inputs, ``p0, p1, ...`` the coefficients, ``g`` the incoming
    slope, all of type ``A``. ``uniform`` computes what only coefficients enter, once per row where
    they are constant along it. ``narrow`` is a condition on ``largest``, the largest |x0| of a row,
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
    uniform: Sequence[str] = ()

    @property
    def periodic(self) -> bool:
        """Whether a sine or cosine is among the lines."""
        lines = (*self.backward, self.result, *self.slopes, *self.shares)
        return any(_PERIODIC.search(line) for line in lines)


def source(body: Body, loop: Loop, *, single: bool) -> str:
    """The C text of ``camber_forward`` and ``camber_backward`` for one body.

    ``single`` says that the accumulator is float.
    """
    rows = loop == "rows"
    kinds = [("plain", "A")]
    if body.narrow is not None:
        # Columns with coefficients of their own have no common limit: always double.
        kinds = [("narrow", "A"), ("wide", "double")] if rows else [("wide", "double")]
    elif rows and single and body.periodic:
        # Columns add to their sums as they go, which cannot be taken back.
        kinds = [("near", "A"), ("plain", "A")]
    forms = [_Row(body, name, accumulator, rows) for name, accumulator in kinds]
    functions = [function for form in forms for function in (form.forward(), form.backward())]
    return "\n".join([*functions, _drivers(body, rows, [name for name, _ in kinds])])


@dataclass(frozen=True)
class _Row:
    """One form of the loop over a row: its name, its accumulator's type, the kind of loop."""

    body: Body
    name: str
    accumulator: str
    rows: bool

    def write(self, lines: Sequence[str]) -> str:
        """Lines of the body in this form: with its type, and its sine."""
        text = "\n        ".join(lines)
        if self.name == "near":
            text = _PERIODIC.sub(r"NEAR_\1(", text)
        if self.accumulator != "A":
            text = text.replace("(A)", f"({self.accumulator})")
            text = text.replace("const A ", f"const {self.accumulator} ")
        return text

    def signature(self, stage: str, *more: str) -> str:
        """The head of ``forward`` or ``backward``, which say whether the row must be done again."""
        inputs = [f"const T *restrict in{k}" for k in range(self.body.inputs)]
        arguments = ", ".join([*inputs, *more, "const A *restrict c", "i64 G", "i64 n"])
        return f"static int {stage}_{self.name}({arguments})"

    def loop(self, start: str, reductions: Sequence[str], inside: str, finish: str) -> str:
        """The loop over ``inside``, with coefficients and inputs loaded."""
        place = "0" if self.rows else "j"
        kind, body = self.accumulator, self.body
        coefficients = " ".join(
            [f"const {kind} p{s} = c[{s} * G + {place}];" for s in range(body.slots)]
            + [self.write(body.uniform)]
        )
        loads = " ".join(f"const {kind} x{k} = LOAD(in{k}[j]);" for k in range(body.inputs))
        clauses = [*reductions, *(["|:far"] if self.name == "near" else [])]
        clause = "".join(f" reduction({clause})" for clause in clauses)
        return f"""{{
    int far = 0; {coefficients if self.rows else ""} {start}
    #pragma omp simd{clause}
    for (i64 j = 0; j < n; j++) {{
        {"" if self.rows else coefficients} {loads}
        {inside}
    }}
    {"if (far) return 1;" if self.name == "near" else "(void)far;"}
    {finish}
    return 0;
}}"""

    def forward(self) -> str:
        """The function that computes one row of results."""
        result = f"out[j] = STORE({self.write([self.body.result])});"
        inside = f"{self.write(self.body.forward)}\n        {result}"
        return f"{self.signature('forward', 'T *restrict out')} {self.loop('', (), inside, '')}"

    def backward(self) -> str:
        """The function that computes one row of slopes and adds up the coefficients' slopes."""
        body, kind, slots = self.body, self.accumulator, range(self.body.slots)
        outputs = [f"T *restrict out{k}" for k in range(body.inputs)]
        lines = [f"const {kind} g = LOAD(up[j]);", self.write(body.backward)]
        for k, slope in enumerate(body.slopes):
            lines.append(f"out{k}[j] = STORE({self.write([slope])});")
        target = "s{s} += {share};" if self.rows else "total[{s} * G + j] += {share};"
        for s, share in enumerate(body.shares):
            lines.append(target.format(s=s, share=self.write([share])))
        total, start, finish, reductions = "A *restrict total", "", "", []
        if self.rows:
            total = "double *restrict total"
            start = " ".join(f"{kind} s{s} = 0;" for s in slots)
            finish = " ".join(f"total[{s} * G] += s{s};" for s in slots)
            reductions = [f"+:{','.join(f's{s}' for s in slots)}"] if slots else []
        head = self.signature("backward", "const T *restrict up", *outputs, total)
        inside = "\n        ".join(lines)
        return f"{head} {self.loop(start, reductions, inside, finish)}"


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
    back = f"{', '.join(places)}, {up}, {', '.join(results)}, {total}, {column}, G, {length}"
    forward = _choice(body, kinds, "forward", arguments, places[0], length)
    backward = _choice(body, kinds, "backward", back, places[0], length)
    scalar = "double" if rows else "A"
    groups = "for (i64 g = g0; g < g1; g++)" if rows else ""
    return f"""
{_LARGEST if kinds[0] == "narrow" else ""}
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
    if kinds[0] == "near":
        return f"if ({stage}_near({arguments})) {stage}_plain({arguments});"
    coefficients = " ".join(f"const A p{s} = c[{s} * G + g];" for s in range(body.slots))
    return (
        f"{coefficients} const float largest = row_largest({place}, {length});"
        f" if ({body.narrow}) {stage}_narrow({arguments}); else {stage}_wide({arguments});"
    )


# A NaN must fail the comparison with any limit: it is turned into infinity here.
_LARGEST = """
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
