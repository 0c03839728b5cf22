"""The gated linear units: a value times a function of a gate.

``unit(value, gate)``, or ``unit(both)`` with value and gate side by side on the last axis, in the
order of ``torch.nn.functional.glu``. Any formula in ``x`` (value) and ``g`` (gate) is one.
"""

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

_VARIANTS = Source(
    authors="Shazeer", title="GLU Variants Improve Transformer", year=2020, arxiv="2002.05202"
)

register(
    "glu",
    formula="x*sigmoid(g)",
    summary="Value times the sigmoid of the gate.",
    source=Source(
        authors="Dauphin, Fan, Auli and Grangier",
        title="Language Modeling with Gated Convolutional Networks",
        year=2016,
        arxiv="1612.08083",
    ),
    tags=("torch.nn",),
)
register(
    "bilinear",
    formula="x*g",
    summary="Value times gate.",
    source=_VARIANTS,
)
register(
    "reglu",
    formula="x*max(g, 0)",
    summary="Value times ReLU of the gate.",
    source=_VARIANTS,
)
register(
    "geglu",
    formula="x*(0.5*g*(1 + erf(g/sqrt(2))))",
    summary="Value times GELU (erf) of the gate.",
    source=_VARIANTS,
)
register(
    "geglu_tanh",
    formula="x*(0.5*g*(1 + tanh(sqrt(2/pi)*(g + 0.044715*g**3))))",
    summary="Value times the tanh form of GELU of the gate.",
    source=_VARIANTS,
)
register(
    "swiglu",
    formula="x*(g*sigmoid(g))",
    summary="Value times SiLU of the gate.",
    source=_VARIANTS,
)
register(
    "swiglu_oai",
    formula="(min(max(x, -limit), limit) + 1)*min(g, limit)*sigmoid(alpha*min(g, limit))",
    alpha=Fixed(1.702),
    limit=Fixed(7),
    summary="SwiGLU with clipped value and gate and the value shifted by 1.",
    source=Source(
        authors="OpenAI",
        title="gpt-oss-120b & gpt-oss-20b Model Card",
        year=2025,
        arxiv="2508.10925",
    ),
)
