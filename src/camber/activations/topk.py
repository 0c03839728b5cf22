"""Top-k: the k largest features stay, all others become 0."""

from __future__ import annotations

import torch
from torch import Tensor

from camber.activations.kinds import Along
from camber.activations.parameters import positive_integer
from camber.activations.registry import register
from camber.activations.source import Source
from camber.fast import Backend
from camber.formula import Formula


def top_k(x: Tensor, k: int, dim: int = -1) -> Tensor:
    """Keep the k largest values along ``dim`` and set the rest to 0; exactly k stay on ties.

    Args:
        x: floating point, any shape with the axis ``dim``.
        k: how many stay; at the length of the axis or more nothing changes.
        dim: the axis.

    Returns:
        A tensor of the shape and dtype of ``x``; gradients flow to the survivors only.

    Example:
        >>> top_k(torch.tensor([0.1, 3.0, 2.0, 0.5]), 2)
        tensor([0., 3., 2., 0.])
    """
    if x.ndim == 0 or k >= x.shape[dim]:
        return x
    values, places = torch.topk(x, k, dim=dim)
    # Scatter, not a comparison with the k-th value: that would keep too many on ties.
    return torch.zeros_like(x).scatter(dim, places, values)


@register("topk", k=16)
class TopK(Along):
    """Keep the k largest features of each row and set the rest to 0.

    ``y = x`` where x is among the k largest values along ``dim``, else 0. Values, not magnitudes:
    after ReLU the two are the same.

    Args:
        k: how many stay; with ``k`` at least the number of features this is the identity.
        dim: the axis of the features.
        backend: one body serves all; kept for uniformity.

    Shape: any with a non-empty axis ``dim``; same shape and dtype out.

    Raises:
        CamberError: for k < 1.
        DtypeError: for a k that is no integer; for integer or complex input.

    Example:
        >>> TopK(1)(torch.tensor([-1.0, -2.0, -3.0]))
        tensor([-1.,  0.,  0.])

    References:
        Z. Li et al., "The Lazy Neuron Phenomenon: On Emergence of Activation Sparsity in
        Transformers", 2022, arXiv:2210.06313.
    """

    source = Source(
        authors="Li et al.",
        title="The Lazy Neuron Phenomenon: On Emergence of Activation Sparsity in Transformers",
        year=2022,
        arxiv="2210.06313",
    )

    def __init__(self, k: int, dim: int = -1, *, backend: Backend = "auto") -> None:
        super().__init__(dim=dim, backend=backend)
        self.k = positive_integer(k, "k")
        self._define(Formula.parse(f"topk(x, {k})"), {})

    def _values(self, x: Tensor) -> Tensor:
        return top_k(x, self.k, self.dim)
