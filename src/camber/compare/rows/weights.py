"""The feed-forward matrices after training: effective rank, and likeness between layers.

The effective rank of a matrix is exp(-Σ p log p) with p its singular values divided by their sum:
between 1 and min(rows, columns). Likeness is the mean cosine |<A, B>| / (|A| |B|) over pairs of
layers. W1 is the matrix into the activation (the one of the value in a gated network), W2 the one
out of it.

Sources: O. Roy and M. Vetterli, "The effective rank", EUSIPCO 2007; that PolyCom raises the rank
and lowers the likeness is a statement of Z. Zhuo et al., ICLR 2025, arXiv 2411.03884.
"""

from collections.abc import Mapping
from itertools import combinations
from statistics import fmean

import torch
from torch import Tensor, nn

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.layers import FeedForward
from camber.tasks import Task


def effective_rank(matrix: Tensor) -> float:
    """Return exp of the entropy of the normalised singular values of a 2-D ``matrix``.

    Example:
        >>> round(effective_rank(torch.eye(3)), 6)
        3.0
    """
    values = torch.linalg.svdvals(matrix.detach().double())
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())


def likeness(matrices: list[Tensor]) -> float | None:
    """Return the mean absolute cosine over pairs of matrices; None for fewer than two."""
    flat = [matrix.detach().double().flatten() for matrix in matrices]
    cosines = [float(a @ b / (a.norm() * b.norm())) for a, b in combinations(flat, 2)]
    return fmean(map(abs, cosines)) if cosines else None


def _probe(model: nn.Module, task: Task) -> Mapping[str, object]:
    del task  # the weights are the model's own
    layers = [module for module in model.modules() if isinstance(module, FeedForward)]
    if not layers:
        return {}
    into, out = [layer.up.weight for layer in layers], [layer.down.weight for layer in layers]
    return {
        "rank_1": fmean(effective_rank(matrix) for matrix in into),
        "rank_2": fmean(effective_rank(matrix) for matrix in out),
        "likeness_1": likeness(into),
        "likeness_2": likeness(out),
    }


def _measure(subject: Subject) -> Cell:
    found = {
        key: subject.median_of("weights", key)
        for key in ("rank_1", "rank_2", "likeness_1", "likeness_2")
    }
    return None if found["rank_1"] is None else found


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    return f"{cell['rank_1']:.1f}, {cell['rank_2']:.1f}"


ROW = Row(
    key="weights",
    title="effective rank of W1, W2",
    order=97,
    explain="exp of the entropy of the normalised singular values, mean over layers",
    measure=_measure,
    show=_show,
    probe=_probe,
)
