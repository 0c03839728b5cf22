"""Clipped lines and cut-off values: hardtanh and threshold."""

from torch.nn.functional import hardtanh, threshold

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

register(
    "hardtanh",
    formula="min(max(x, min_val), max_val)",
    min_val=Fixed(-1),
    max_val=Fixed(1),
    native=hardtanh,
    summary="The line, cut off at both ends.",
    source=Source(
        authors="Collobert",
        title="Large Scale Machine Learning",
        year=2004,
        url="https://ronan.collobert.com/pub/2004_phdthesis_lip6.pdf",
    ),
    tags=("torch.nn",),
)
# PyTorch gives its Threshold no defaults; ours keep values above 0.1 and zero the rest.
register(
    "threshold",
    formula="where(x <= threshold, value, x)",
    threshold=Fixed(0.1),
    value=Fixed(0),
    native=threshold,
    summary="Keeps values above a threshold and replaces the rest by a constant.",
    source=Source(
        authors="PyTorch contributors",
        title="torch.nn.Threshold",
        year=2017,
        url="https://docs.pytorch.org/docs/stable/generated/torch.nn.Threshold.html",
    ),
    tags=("torch.nn",),
)
