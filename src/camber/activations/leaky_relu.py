"""Rectifiers with a slope on the left: fixed (leaky ReLU) or learned (PReLU)."""

from torch.nn.functional import leaky_relu

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

# Both take the left slope at 0, as PyTorch does: hence where(x > 0, ...) and not max(x, a*x),
# which would also be another function for slopes above 1.
register(
    "leaky_relu",
    formula="where(x > 0, x, negative_slope*x)",
    negative_slope=Fixed(0.01),
    native=leaky_relu,
    summary="ReLU with a small constant slope on the left.",
    source=Source(
        authors="Maas, Hannun and Ng",
        title="Rectifier Nonlinearities Improve Neural Network Acoustic Models",
        year=2013,
        url="https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf",
    ),
    tags=("torch.nn", "transformers"),
)
register(
    "prelu",
    formula="where(x > 0, x, weight*x)",
    weight=0.25,
    summary="ReLU with a learnable slope on the left.",
    source=Source(
        authors="He, Zhang, Ren and Sun",
        title="Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet "
        "Classification",
        year=2015,
        arxiv="1502.01852",
    ),
    tags=("torch.nn", "transformers"),
)
