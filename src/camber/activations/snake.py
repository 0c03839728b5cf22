"""Periodic shapes: Snake x + sin(a x)^2 / a with learnable frequency, and SIREN's sine.

sin(a x)^2 / a tends to a x^2 as a tends to 0; below |a| = 1e-8 the limit is used, where the two
agree to float64 for |x| up to 1e4. The program keeps the branch that is not taken from dividing by
0, so that value and gradient stay finite at a = 0.
"""

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

register(
    "snake",
    formula="x + where(abs(alpha) < 1e-8, alpha*x**2, sin(alpha*x)**2/alpha)",
    program="x + where(abs(alpha) < 1e-8, alpha*x**2, "
    "sin(alpha*x)**2/where(abs(alpha) < 1e-8, 1, alpha))",
    alpha=1.0,
    summary="The line plus a squared sine of learnable frequency: extrapolates periodic data.",
    source=Source(
        authors="Ziyin, Hartwig and Ueda",
        title="Neural Networks Fail to Learn Periodic Functions and How to Fix It",
        year=2020,
        arxiv="2006.08195",
    ),
)
register(
    "siren",
    formula="sin(omega*x)",
    omega=Fixed(30),
    summary="A sine of high frequency, for coordinate networks.",
    source=Source(
        authors="Sitzmann, Martel, Bergman, Lindell and Wetzstein",
        title="Implicit Neural Representations with Periodic Activation Functions",
        year=2020,
        arxiv="2006.09661",
    ),
)
