"""The large-width limit of formulas along an axis: statistics replaced by Gaussian expectations.

Over many features with independent N(mean, variance) entries, mean(h(x), over=feature) tends to
E[h(z)], rms(h, eps) to sqrt(E[h²] + eps), std(h, eps) to sqrt(Var[h] + eps). What is left acts on
each entry alone. Sorting only moves values about, so averages over positions are those of its
argument. softmax, topk, sums and maxima have no such limit.

Shapes: C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError
from camber.facts.rewrite import depends_on
from camber.facts.subject import Subject
from camber.formula.operations import OPERATIONS
from camber.formula.tree import Call, Node, Parameter, substitute, walk

Array = npt.NDArray[np.float64]
#: (subject of a pointwise tree) -> its mean and second moment, (C,) each.
TwoMoments = Callable[[Subject], tuple[Array, Array]]

LABEL: Final = "large-width limit"
SORT_LABEL: Final = "averaged over the positions of the sort"


def statistics(root: Node) -> list[Call]:
    """The statistics of a tree, inner ones first."""
    return [
        node
        for node in walk(root)
        if isinstance(node, Call) and OPERATIONS[node.operation].statistic
    ]


def unsorted(root: Node, name: str) -> Node | None:
    """The argument of a sort that is all a formula sees of its input, in place; else None."""
    sorts = [node for node in statistics(root) if node.operation == "sort"]
    if not sorts:
        return None
    if len(statistics(root)) > len(sorts):
        return None
    marks: dict[Node, Node] = {node: Parameter("sorted_values") for node in sorts[-1:]}
    outside = substitute(root, marks)
    if depends_on(outside, name) or statistics(outside):
        return None
    return substitute(root, {sorts[-1]: sorts[-1].arguments[0]})


def large_width(subject: Subject, two_moments: TwoMoments) -> Subject:
    """Replace every statistic by its limit; ``two_moments`` knows the distribution of the input.

    Raises:
        CamberError: for a statistic without a limit.
    """
    root, values = subject.root, dict(subject.values)
    place = 0
    while found := statistics(root):
        node = found[0]
        if node.operation not in ("mean", "rms", "std") or node.option("over") != "feature":
            raise CamberError(_sentence(subject, node))
        if node.option("size") is not None:
            raise CamberError(_sentence(subject, node))
        inner = Subject(
            node.arguments[0], values, subject.shape, name=subject.name, text=subject.text
        )
        mean, second = two_moments(inner)
        epsilon = np.zeros(subject.channels)
        if len(node.arguments) > 1:
            if depends_on(node.arguments[1], subject.name):
                raise CamberError(_sentence(subject, node))
            field = subject.field(node.arguments[1])
            epsilon = field(np.zeros(subject.channels), np.arange(subject.channels))
        limits = {
            "mean": mean,
            "rms": np.sqrt(second + epsilon),
            "std": np.sqrt(np.maximum(second - mean * mean, 0.0) + epsilon),
        }
        leaf = Parameter(f"statistic_{place}")
        values[leaf] = limits[node.operation]
        root = substitute(root, {node: leaf})
        place += 1
    return Subject(root, values, subject.shape, name=subject.name, text=subject.text)


def _sentence(subject: Subject, node: Call) -> str:
    return (
        f"{node.operation} over {node.option('over')} in {subject.text} has no large-width limit;"
        " only mean, rms and std over the whole feature axis have one"
    )
