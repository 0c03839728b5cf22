"""Bell and step shapes from the Gaussian: the Laplace step, the Gaussian bump, erf."""

from camber.activations.parameters import Fixed
from camber.activations.registry import register
from camber.activations.source import Source

register(
    "laplace",
    formula="0.5*(1 + erf((x - mu)/(sigma*sqrt(2))))",
    mu=Fixed(0.707107),
    sigma=Fixed(0.282095),
    summary="A Gaussian distribution function placed to follow squared ReLU, but bounded.",
    source=Source(
        authors="Ma et al.",
        title="Mega: Moving Average Equipped Gated Attention",
        year=2022,
        arxiv="2209.10655",
    ),
    tags=("transformers",),
)
register(
    "gaussian",
    formula="exp(-x**2/(2*sigma**2))",
    sigma=Fixed(1),
    summary="The Gaussian bump, for coordinate networks.",
    source=Source(
        authors="Ramasinghe and Lucey",
        title="Beyond Periodicity: Towards a Unifying Framework for Activations in Coordinate-MLPs",
        year=2021,
        arxiv="2111.15135",
    ),
)
