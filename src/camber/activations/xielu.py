"""xIELU: the integral of ELU, quadratic on the right, with a trainable slope on each side.

    x > 0:   A x^2 + beta x,                      A = softplus(alpha_p)
    x <= 0:  B (exp(x) - 1 - x) + beta x,         B = beta + softplus(alpha_n)

The exponent is min(x, eps) with eps = -1e-6, as in the published code. alpha_p and alpha_n start
at log(exp(v) - 1) with v = 0.8 and 0.8 - beta, so that A = B = 0.8.
"""

import math

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

register(
    "xielu",
    formula="where(x > 0, softplus(alpha_p)*x**2, "
    "(beta + softplus(alpha_n))*(exp(min(x, eps)) - 1 - x)) + beta*x",
    alpha_p=math.log(math.expm1(0.8)),
    alpha_n=math.log(math.expm1(0.3)),
    beta=Fixed(0.5),
    eps=Fixed(-1e-6),
    summary="Integral of ELU with learnable curvature on both sides.",
    source=Source(
        authors="Huang and Schlag",
        title="Deriving Activation Functions Using Integration",
        year=2024,
        arxiv="2411.13010",
    ),
    tags=("transformers",),
)
