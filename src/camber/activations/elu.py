"""Exponential linear units: ELU, CELU, SELU, and SELU with learnable constants.

Written with exp(min(x, 0)): the same function, and the branch that is not taken cannot overflow.
"""

from torch.nn.functional import celu, elu, selu

from camber.activations.parameters import Fixed, Initial
from camber.activations.registry import register
from camber.activations.source import Source

_SELF_NORMALIZING = Source(
    authors="Klambauer, Unterthiner, Mayr and Hochreiter",
    title="Self-Normalizing Neural Networks",
    year=2017,
    arxiv="1706.02515",
)
# The fixed point (mean 0, variance 1) of the paper's moment map, to float64.
_SCALE = 1.0507009873554805
_ALPHA = 1.6732632423543772

register(
    "elu",
    formula="where(x > 0, x, alpha*(exp(min(x, 0)) - 1))",
    alpha=Fixed(1),
    native=elu,
    summary="The line on the right, a saturating exponential on the left.",
    source=Source(
        authors="Clevert, Unterthiner and Hochreiter",
        title="Fast and Accurate Deep Network Learning by Exponential Linear Units (ELUs)",
        year=2015,
        arxiv="1511.07289",
    ),
    tags=("torch.nn",),
)
register(
    "celu",
    formula="where(x > 0, x, alpha*(exp(min(x, 0)/alpha) - 1))",
    alpha=Fixed(1),
    native=celu,
    summary="ELU whose slope is continuous for every alpha.",
    source=Source(
        authors="Barron",
        title="Continuously Differentiable Exponential Linear Units",
        year=2017,
        arxiv="1704.07483",
    ),
    tags=("torch.nn",),
)
register(
    "selu",
    formula=f"{_SCALE}*where(x > 0, x, {_ALPHA}*(exp(min(x, 0)) - 1))",
    native=selu,
    summary="ELU scaled so that mean 0 and variance 1 are a fixed point.",
    source=_SELF_NORMALIZING,
    tags=("torch.nn",),
)
register(
    "selu_learnable",
    formula="scale*where(x > 0, x, alpha*(exp(min(x, 0)) - 1))",
    scale=Initial(_SCALE),
    alpha=Initial(_ALPHA),
    summary="SELU with both of its constants learnable; starts as SELU.",
    source=_SELF_NORMALIZING,
)
