"""GELU and the functions that are mistaken for it: five names, five functions.

They differ by up to 4.7e-4 (tanh form) and 2.0e-2 (sigmoid form), enough to break a checkpoint.
"""

import torch.nn.functional as F
from torch import Tensor

from camber.activations.registry import register
from camber.activations.source import Source

_GELU = Source(
    authors="Hendrycks and Gimpel",
    title="Gaussian Error Linear Units (GELUs)",
    year=2016,
    arxiv="1606.08415",
)


def _gelu_tanh(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


register(
    "gelu",
    formula="0.5*x*(1 + erf(x/sqrt(2)))",
    native=F.gelu,
    aliases=("gelu_python",),
    summary="x times the Gaussian distribution function, exactly (erf).",
    source=_GELU,
    tags=("torch.nn", "transformers"),
)
register(
    "gelu_tanh",
    formula="0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))",
    native=_gelu_tanh,
    aliases=("gelu_new", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh"),
    summary="The tanh approximation of GELU.",
    source=_GELU,
    tags=("torch.nn", "transformers"),
)
register(
    "gelu_fast",
    formula="0.5*x*(1 + tanh(0.7978845608*x*(1 + 0.044715*x*x)))",
    summary="The tanh approximation of GELU with sqrt(2/pi) cut to ten digits.",
    source=_GELU,
    tags=("transformers",),
)
register(
    "quick_gelu",
    formula="x*sigmoid(1.702*x)",
    summary="The sigmoid approximation of GELU.",
    source=_GELU,
    tags=("transformers",),
)
register(
    "gelu_10",
    formula="min(max(0.5*x*(1 + erf(x/sqrt(2))), -10), 10)",
    summary="GELU cut off at 10, for quantisation.",
    source=Source(
        authors="Wu, Judd, Zhang, Isaev and Micikevicius",
        title="Integer Quantization for Deep Learning Inference: Principles and Empirical "
        "Evaluation",
        year=2020,
        arxiv="2004.09602",
    ),
    tags=("transformers",),
)
