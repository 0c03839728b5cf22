"""The PolyNorm kernel: a row is read three times from cache, written once.

First pass: the largest |x|, which gives a power of two s close to it; dividing by a power of two is
exact. Second: the means of z^{2k} (and, backwards, the sums of g z^k). Third: Horner. A row of
ordinary width stays in the first or second level of cache between the passes.
"""

from __future__ import annotations

import torch

from camber.fast.native.kernel import Kernel, kernel


def poly_norm_kernel(order: int, eps: float, dtype: torch.dtype) -> Kernel:
    """Build or find the kernel for one order, eps and dtype; coefficients (a_0, w_1, ..., w_r)."""
    key = ("poly_norm", order, eps, dtype)
    return kernel(key, lambda: Kernel(_source(order, eps), dtype, order + 1))


def _source(order: int, eps: float) -> str:
    powers = range(1, order + 1)
    square = "const A u = z * z;"
    raised = " ".join(f"const A u{k} = {'u' if k == 1 else f'u{k - 1} * u'};" for k in powers)
    sums = " ".join(f"m{k} += u{k};" for k in powers)
    means = ",".join(f"m{k}" for k in powers)
    zero_means = ", ".join(f"m{k} = 0" for k in powers)
    factors = " ".join(f"const A q{k} = (A)1 / SQRT(m{k} / n + e); e *= i * i;" for k in powers)
    slopes = " ".join(
        f"const A h{k} = {'h0' if k == 1 else f'h{k - 1}'} * z; t{k} += h{k};" for k in powers
    )
    rises = " ".join(f"const A a{k} = {k} * w{k} * q{k} * i;" for k in powers)
    falls = " ".join(f"const A b{k} = a{k} * q{k} * q{k} * (t{k} / n);" for k in powers)
    value = _horner([f"c{k}" for k in powers], "z")
    rise = _horner([f"a{k}" for k in powers], "z")
    fall = _horner([f"b{k}" for k in powers], "u")
    weights = " ".join(f"const A w{k} = c[{k}];" for k in powers)
    scale = """
        A most = 0;
        #pragma omp simd reduction(max:most)
        for (i64 j = 0; j < n; j++) { const A a = ABS(LOAD(x[j])); most = a > most ? a : most; }
        const A i = inverse_scale(most);"""
    return f"""
/* 2^-k with 2^k <= max(1, most) < 2^(k+1): exact, and z = x i lies in (-2, 2). An infinite entry
 * makes its row NaN, as it does in the definition; a NaN entry does so by itself. */
static inline A inverse_scale(A most) {{
    int exponent = 0;
    if (!(most < (A)INFINITY)) return (A)NAN;
    if (most > 1) {{ (void)frexp((double)most, &exponent); exponent--; }}
    return (A)ldexp(1.0, -exponent);
}}

static void forward_row(const T *restrict x, T *restrict y, const A *restrict c, i64 n) {{
    {weights} {scale}
    A {zero_means};
    #pragma omp simd reduction(+:{means})
    for (i64 j = 0; j < n; j++) {{ const A z = LOAD(x[j]) * i; {square} {raised} {sums} }}
    A e = (A){eps.hex()} * i * i; const A c0 = c[0];
    {factors} (void)e;
    {" ".join(f"const A c{k} = w{k} * q{k};" for k in powers)}
    #pragma omp simd
    for (i64 j = 0; j < n; j++) {{
        const A z = LOAD(x[j]) * i;
        y[j] = STORE(c0 + z * ({value}));
    }}
}}

static void backward_row(const T *restrict x, const T *restrict up, T *restrict dx,
                         const A *restrict c, double *restrict total, i64 n) {{
    {weights} {scale}
    A {zero_means}; A t0 = 0, {", ".join(f"t{k} = 0" for k in powers)};
    #pragma omp simd reduction(+:{means},t0,{",".join(f"t{k}" for k in powers)})
    for (i64 j = 0; j < n; j++) {{
        const A z = LOAD(x[j]) * i, h0 = LOAD(up[j]); {square} {raised} {sums}
        t0 += h0; {slopes}
    }}
    A e = (A){eps.hex()} * i * i;
    {factors} (void)e; {rises} {falls}
    total[0] += t0; {" ".join(f"total[{k}] += q{k} * t{k};" for k in powers)}
    #pragma omp simd
    for (i64 j = 0; j < n; j++) {{
        const A z = LOAD(x[j]) * i; {square}
        dx[j] = STORE(LOAD(up[j]) * ({rise}) - z * ({fall}));
    }}
}}

void camber_forward(const T *const *in, const i64 *ld, T *out, const A *c,
                    i64 O, i64 G, i64 I, i64 N, i64 parts, int threads) {{
    #pragma omp parallel for schedule(static) num_threads(threads)
    for (i64 o = 0; o < O; o++) forward_row(in[0] + o * ld[0], out + o * I, c, I);
}}

void camber_backward(const T *const *in, const i64 *ld, const T *up, T *const *out, const A *c,
                     double *partial, i64 O, i64 G, i64 I, i64 N, i64 chunks, i64 parts,
                     int threads) {{
    #pragma omp parallel for schedule(static) num_threads(threads)
    for (i64 chunk = 0; chunk < chunks; chunk++)
        for (i64 o = chunk * O / chunks; o < (chunk + 1) * O / chunks; o++)
            backward_row(in[0] + o * ld[0], up + o * ld[1], out[0] + o * I, c,
                         partial + chunk * {order + 1}, I);
}}
"""


def _horner(coefficients: list[str], z: str) -> str:
    text = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        text = f"{coefficient} + {z} * ({text})"
    return text
