"""Softmax, softmin and log-softmax along the feature axis."""

from camber.activations.registry import register
from camber.activations.source import Source

_SOFTMAX = Source(
    authors="Bridle",
    title="Probabilistic Interpretation of Feedforward Classification Network Outputs, with "
    "Relationships to Statistical Pattern Recognition",
    year=1990,
    url="https://doi.org/10.1007/978-3-642-76153-9_28",
)

register(
    "softmax",
    formula="softmax(x)",
    summary="Exponentials normalised to sum 1 along the features.",
    source=_SOFTMAX,
    tags=("torch.nn",),
)
register(
    "softmin",
    formula="softmax(-x)",
    summary="Softmax of the negative.",
    source=_SOFTMAX,
    tags=("torch.nn",),
)
register(
    "log_softmax",
    formula="x - max(x, over=feature) - log(sum(exp(x - max(x, over=feature))))",
    summary="Logarithm of softmax.",
    source=_SOFTMAX,
    tags=("torch.nn",),
)
