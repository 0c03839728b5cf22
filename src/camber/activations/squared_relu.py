"""The square of ReLU, plain and with learnable scale and shift (StarReLU)."""

from camber.activations.registry import register
from camber.activations.source import Source

register(
    "relu_squared",
    formula="max(x, 0)**2",
    aliases=("relu2", "squared_relu"),
    summary="The square of ReLU: smooth at 0, exact zeros, quadratic growth.",
    source=Source(
        authors="So et al.",
        title="Primer: Searching for Efficient Transformers for Language Modeling",
        year=2021,
        arxiv="2109.08668",
    ),
    tags=("transformers",),
)
# 0.8944 = 2/sqrt(5) and -0.4472 = -1/sqrt(5): unit variance and mean 0 for Gaussian input.
register(
    "star_relu",
    formula="scale*max(x, 0)**2 + bias",
    scale=0.8944,
    bias=-0.4472,
    summary="Squared ReLU with learnable scale and shift, starting at mean 0 and variance 1.",
    source=Source(
        authors="Yu et al.",
        title="MetaFormer Baselines for Vision",
        year=2022,
        arxiv="2210.13452",
    ),
)
