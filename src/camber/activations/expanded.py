"""Self-gated units whose gate is stretched beyond [0, 1] by a learnable amount alpha.

x (gate(x) (1 + 2 alpha) - alpha); alpha = 0 gives back the plain unit.
"""

from camber.activations.registry import register
from camber.activations.source import Source

_EXPANDED = Source(
    authors="Huang",
    title="Expanded Gating Ranges Improve Activation Functions",
    year=2024,
    arxiv="2405.20768",
)
_GATES = {
    "xatlu": ("(atan(x) + pi/2)/pi", "an arctangent gate"),
    "xgelu": ("0.5*(1 + erf(x/sqrt(2)))", "the Gaussian gate of GELU"),
    "xsilu": ("sigmoid(x)", "the sigmoid gate of SiLU"),
}

for _name, (_gate, _words) in _GATES.items():
    register(
        _name,
        formula=f"x*({_gate}*(1 + 2*alpha) - alpha)",
        alpha=0.0,
        summary=f"x times {_words}, stretched by a learnable alpha.",
        source=_EXPANDED,
    )
