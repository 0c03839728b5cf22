"""The identity: no nonlinearity at all, the baseline of every comparison."""

from camber.activations.registry import register
from camber.activations.source import Source

register(
    "identity",
    formula="x",
    aliases=("linear",),
    summary="No nonlinearity: returns its input.",
    source=Source(
        authors="PyTorch contributors",
        title="torch.nn.Identity",
        year=2019,
        url="https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html",
    ),
    tags=("torch.nn", "transformers"),
)
