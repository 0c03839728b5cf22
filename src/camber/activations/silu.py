"""SiLU x sigmoid(x), its learnable form, and its piecewise polynomial stand-in."""

from torch.nn.functional import hardswish, silu

from camber.activations.registry import register
from camber.activations.source import Source

register(
    "silu",
    formula="x*sigmoid(x)",
    native=silu,
    aliases=("swish",),
    summary="x times its sigmoid.",
    source=Source(
        authors="Elfwing, Uchibe and Doya",
        title="Sigmoid-Weighted Linear Units for Neural Network Function Approximation in "
        "Reinforcement Learning",
        year=2017,
        arxiv="1702.03118",
    ),
    tags=("torch.nn", "transformers"),
)
register(
    "swish_beta",
    formula="x*sigmoid(beta*x)",
    beta=1.0,
    summary="Swish with learnable sharpness: the half-line x/2 at beta = 0, ReLU at infinity.",
    source=Source(
        authors="Ramachandran, Zoph and Le",
        title="Searching for Activation Functions",
        year=2017,
        arxiv="1710.05941",
    ),
)
register(
    "hardswish",
    formula="x*min(max(x + 3, 0), 6)/6",
    native=hardswish,
    summary="SiLU with the sigmoid replaced by a clipped line.",
    source=Source(
        authors="Howard et al.",
        title="Searching for MobileNetV3",
        year=2019,
        arxiv="1905.02244",
    ),
    tags=("torch.nn", "transformers"),
)
