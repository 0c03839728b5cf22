"""Exponential linear units with learnable shape: PELU and MPELU."""

from camber.activations.parameters import Initial
from camber.activations.registry import register
from camber.activations.source import Source

# The paper keeps a and b positive; they start there, and the slope at 0 stays continuous.
register(
    "pelu",
    formula="where(x >= 0, a/b*x, a*(exp(min(x, 0)/b) - 1))",
    a=Initial(1.0, "positive"),
    b=Initial(1.0, "positive"),
    summary="ELU with learnable height a and width b, smooth at 0.",
    source=Source(
        authors="Trottier, Giguère and Chaib-draa",
        title="Parametric Exponential Linear Unit for Deep Convolutional Neural Networks",
        year=2016,
        arxiv="1605.09332",
    ),
)
register(
    "mpelu",
    formula="where(x > 0, x, alpha*(exp(beta*min(x, 0)) - 1))",
    alpha=Initial(1.0),
    beta=Initial(1.0, "positive"),
    summary="ELU with learnable height and rate; contains ReLU, PReLU (as a limit) and ELU.",
    source=Source(
        authors="Li, Fan, Li, Wu and Ming",
        title="Improving Deep Neural Network with Multiple Parametric Exponential Linear Units",
        year=2016,
        arxiv="1606.00305",
    ),
)
