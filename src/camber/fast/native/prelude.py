"""The part of a kernel's C text that depends on the dtype alone: loads, stores and names.

``T`` is the type in memory and ``A`` the accumulator's. Half types convert on load and store,
rounding to nearest even; a NaN stays a NaN.
"""

from __future__ import annotations

from typing import Final

import torch

from camber.fast.native.toolchain import BuildError

_BFLOAT16: Final = """
typedef uint16_t T;
static inline float LOAD(T h) { return from_bits((int32_t)((uint32_t)h << 16)); }
static inline T STORE(float v) {
    const uint32_t bits = (uint32_t)to_bits(v);
    const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    return (T)(v == v ? rounded : 0x7FC0u);
}
"""
_PLAIN: Final = """
typedef {type} T;
#define LOAD(v) ((A)(v))
#define STORE(v) ((T)(v))
"""

#: dtype -> (accumulator type, declaration of T)
_TYPES: Final = {
    torch.float32: ("float", _PLAIN.format(type="float")),
    torch.float64: ("double", _PLAIN.format(type="double")),
    torch.float16: ("float", _PLAIN.format(type="_Float16")),
    torch.bfloat16: ("float", _BFLOAT16),
}

# _Generic picks the function by the argument's type, so one body serves both accumulators.
_FITTED: Final = (
    "exp", "expm1", "log", "log1p", "sigmoid", "softplus", "tanh", "erf", "erfc",
    "atan", "logsigmoid", "logcosh",
)  # fmt: skip
_LIBRARY: Final = ("sqrt", "sin", "cos", "tan", "asin", "acos", "sinh", "cosh")
_FUNCTIONS: Final = "".join(
    f"#define {name.upper()}(x) _Generic((x), float: {single}, double: {double})(x)\n"
    for name, single, double in (
        *((name, f"camber_{name}f", f"camber_{name}") for name in _FITTED),
        *((name, f"{name}f", name) for name in _LIBRARY),
        ("abs", "fabsf", "fabs"),
    )
)
_HELPERS: Final = """
#define POW(x, y) _Generic((x), float: powf, double: pow)(x, y)
#define COPYSIGN(x, y) _Generic((x), float: copysignf, double: copysign)(x, y)
/* Vectorised, and sets ``far`` where the argument is too large for it. */
#define NEAR_SIN(x) (far |= !(ABS(x) <= NEAR), camber_near_sinf(x))
#define NEAR_COS(x) (far |= !(ABS(x) <= NEAR), camber_near_cosf(x))
#define SIGN(x) ((A)((x) > 0) - (A)((x) < 0)) /* 0 at NaN, as torch.sign */
/* A zero slope stays zero beside an overflowing factor: tanh(exp(x)) has slope 0 at x = 1e4. */
#define TIMES(d, l) ((d) == 0 ? (A)0 : (d) * (l))
#define OVER(d, l) ((d) == 0 ? (A)0 : (d) / (l))
/* A NaN on either side stays. One selection after the other: conditions joined by || are more
 * than some compilers can vectorise. */
#define MAXIMUM(a, b) ((b) != (b) ? (b) : (a) < (b) ? (b) : (a))
#define MINIMUM(a, b) ((b) != (b) ? (b) : (a) > (b) ? (b) : (a))
typedef int64_t i64;
"""


def prelude(dtype: torch.dtype) -> str:
    """C declarations for inputs of ``dtype``.

    Raises:
        BuildError: for a dtype that kernels do not know.
    """
    if dtype not in _TYPES:
        raise BuildError(f"compiled kernels do not know {dtype}")
    accumulator, declaration = _TYPES[dtype]
    return f"typedef {accumulator} A;\n{declaration}{_FUNCTIONS}{_HELPERS}"
