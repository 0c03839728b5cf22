"""The functions behind the modules that carry published checkpoints, and top-k."""

from camber.activations.groupsort import sort_groups
from camber.activations.topk import top_k
from camber.fast import poly_norm, poly_relu

__all__ = ["poly_norm", "poly_relu", "sort_groups", "top_k"]
