"""Smooth rectifiers: softplus, its root and shift, squareplus, SmeLU."""

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

# PyTorch's softplus returns x above a threshold of 20, which is off by up to 2.1e-9; ours is the
# function itself.
register(
    "softplus",
    formula="softplus(beta*x)/beta",
    beta=Fixed(1),
    summary="log(1 + exp(x)): the integral of the sigmoid.",
    source=Source(
        authors="Dugas, Bengio, Bélisle, Nadeau and Garcia",
        title="Incorporating Second-Order Functional Knowledge for Better Option Pricing",
        year=2000,
        url="https://papers.nips.cc/paper/1920",
    ),
    tags=("torch.nn",),
)
# Below -40 softplus(x) and exp(x) are the same float64; the root of an underflowed 0 has an
# infinite slope.
register(
    "sqrt_softplus",
    aliases=("sqrtsoftplus",),
    formula="sqrt(softplus(x))",
    program="where(x < -40, exp(x/2), sqrt(softplus(max(x, -40))))",
    summary="Square root of softplus, a router's scoring function.",
    source=Source(
        authors="Hugging Face",
        title="transformers.activations.SqrtSoftplusActivation (router of DeepSeek V4)",
        year=2026,
        url="https://github.com/huggingface/transformers",
    ),
    tags=("transformers",),
)
register(
    "shifted_softplus",
    formula="softplus(x) - log(2)",
    summary="Softplus through the origin.",
    source=Source(
        authors="Schütt et al.",
        title="SchNet: A continuous-filter convolutional neural network for modeling quantum "
        "interactions",
        year=2017,
        arxiv="1706.08566",
    ),
)
register(
    "squareplus",
    formula="(x + sqrt(x**2 + b))/2",
    b=Fixed(4),
    summary="A rectifier smoothed by a hyperbola: no exponential needed.",
    source=Source(
        authors="Barron",
        title="Squareplus: A Softplus-Like Algebraic Rectifier",
        year=2021,
        arxiv="2112.11687",
    ),
)
register(
    "smelu",
    formula="where(x <= -beta, 0, where(x >= beta, x, (x + beta)**2/(4*beta)))",
    beta=Fixed(1),
    summary="ReLU with its corner replaced by a parabola.",
    source=Source(
        authors="Shamir, Lin and Coviello",
        title="Smooth activations and reproducibility in deep networks",
        year=2020,
        arxiv="2010.09931",
    ),
)
