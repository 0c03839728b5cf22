"""Shrinkage: values near 0 become 0."""

from torch.nn.functional import hardshrink, softshrink

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

register(
    "softshrink",
    formula="max(x - lambd, 0) - max(-x - lambd, 0)",
    lambd=Fixed(0.5),
    native=softshrink,
    summary="Moves every value towards 0 by lambd: the proximal map of the absolute value.",
    source=Source(
        authors="Donoho",
        title="De-noising by soft-thresholding",
        year=1995,
        url="https://doi.org/10.1109/18.382009",
    ),
    tags=("torch.nn",),
)
register(
    "hardshrink",
    formula="where(abs(x) <= lambd, 0, x)",
    lambd=Fixed(0.5),
    native=hardshrink,
    summary="Keeps values larger than lambd in magnitude and zeroes the rest.",
    source=Source(
        authors="Donoho and Johnstone",
        title="Ideal spatial adaptation by wavelet shrinkage",
        year=1994,
        url="https://doi.org/10.1093/biomet/81.3.425",
    ),
    tags=("torch.nn",),
)
