"""Smooth functions of the form x times a gate of x: Mish, TeLU, SERF, GoLU, ELiSH, GCU."""

from torch.nn.functional import mish

from camber.activations.registry import register
from camber.activations.source import Source

register(
    "mish",
    formula="x*tanh(softplus(x))",
    native=mish,
    summary="x times tanh of softplus.",
    source=Source(
        authors="Misra",
        title="Mish: A Self Regularized Non-Monotonic Activation Function",
        year=2019,
        arxiv="1908.08681",
    ),
    tags=("torch.nn", "transformers"),
)
# The same function was published before as TanhExp (Liu and Di, 2020, arXiv:2003.09855).
register(
    "telu",
    formula="x*tanh(exp(x))",
    aliases=("tanhexp",),
    summary="Linear on the right, x exp(x) on the left; published in 2020 as TanhExp.",
    source=Source(
        authors="Fernandez and Mali",
        title="TeLU Activation Function for Fast and Stable Deep Learning",
        year=2024,
        arxiv="2412.20269",
    ),
)
register(
    "serf",
    formula="x*erf(softplus(x))",
    summary="Mish with erf in place of tanh.",
    source=Source(
        authors="Nag and Bhattacharyya",
        title="SERF: Towards better training of deep neural networks using log-Softplus ERror "
        "activation Function",
        year=2021,
        arxiv="2108.09598",
    ),
)
register(
    "elish",
    formula="where(x >= 0, x, exp(min(x, 0)) - 1)*sigmoid(x)",
    summary="ELU times the sigmoid; found by a genetic algorithm.",
    source=Source(
        authors="Basirat and Roth",
        title="The Quest for the Golden Activation Function",
        year=2018,
        arxiv="1808.00783",
    ),
)
register(
    "gcu",
    formula="x*cos(x)",
    summary="Growing cosine unit: oscillates with growing amplitude.",
    source=Source(
        authors="Noel, Arunkumar, Trivedi and Dutta",
        title="Growing Cosine Unit: A Novel Oscillatory Activation Function That Can Speedup "
        "Training and Reduce Parameters in Convolutional Neural Networks",
        year=2021,
        arxiv="2108.12943",
    ),
)
