"""Coefficients as one matrix (S, G): S coefficients for each of G groups of channels.

A parameter of length n along a channel axis of size C is shared by contiguous runs of C / n
channels: n = 1 for the whole layer, n = C for every channel its own. All of it is plain
differentiable PyTorch, so gradients return to the parameters in their own shapes and dtypes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from camber.errors import CamberError


def stack(rows: Sequence[Tensor], like: Tensor, dtype: torch.dtype) -> Tensor:
    """Stack parameter rows (k, n_i) into one matrix (S, G), G = max n_i, in ``dtype``.

    Raises:
        CamberError: where a length does not divide the largest one.
    """
    # A list, not a generator with a default: torch.compile traces only the former.
    groups = max([1, *[row.shape[1] for row in rows]])
    spread = []
    for row in rows:
        if groups % row.shape[1]:
            raise CamberError(
                f"parameters for {row.shape[1]} and {groups} groups of channels do not fit "
                "together; one count must divide the other"
            )
        wide = row.to(dtype)
        if row.shape[1] != groups:
            repeats = groups // row.shape[1]
            wide = wide[:, :, None].expand(-1, -1, repeats).reshape(row.shape[0], groups)
        spread.append(wide)
    if not spread:
        return torch.zeros((0, 1), dtype=dtype, device=like.device)
    return spread[0] if len(spread) == 1 else torch.cat(spread)


def rows_of(
    parameters: Mapping[str, Tensor],
    families: Sequence[tuple[str, int | None]],
    operation: str,
) -> list[Tensor]:
    """Each parameter as (k, n): k entries of a family (1 for a single value), n groups.

    Raises:
        CamberError: for missing or unknown names, or a shape that is neither of the documented.
    """
    names = [name for name, _ in families]
    if len(parameters) != len(names) or any(name not in parameters for name in names):
        raise CamberError(f"{operation} needs the parameters {names}, not {list(parameters)}")
    rows = []
    for name, size in families:
        value = parameters[name]
        entries = value[None] if size is None else value
        if entries.ndim == 0 or entries.ndim > 2 or entries.shape[0] != (size or 1):
            wanted = "() or (groups,)" if size is None else f"({size},) or ({size}, groups)"
            raise CamberError(
                f"parameter {name!r} of {operation} has shape {tuple(value.shape)}; "
                f"it must be {wanted}"
            )
        row = entries[:, None] if entries.ndim == 1 else entries
        if row.shape[1] == 0:
            raise CamberError(f"parameter {name!r} of {operation} is empty")
        rows.append(row)
    return rows


def split_channels(x: Tensor, groups: int, channel_dim: int, operation: str) -> Tensor:
    """View ``x`` as (O, G, I) with the channels of each group together; (..., ) for one group.

    Raises:
        CamberError: where the channel axis does not exist or does not divide into ``groups``.
    """
    if groups == 1:
        return x
    if x.ndim == 0 or not -x.ndim <= channel_dim < x.ndim:
        raise CamberError(
            f"{operation} has {groups} groups of channels, but an input of shape "
            f"{tuple(x.shape)} has no axis {channel_dim}"
        )
    axis = channel_dim % x.ndim
    channels = x.shape[axis]
    if channels % groups:
        raise CamberError(
            f"{operation} cannot divide the {channels} channels on axis {channel_dim} of an "
            f"input of shape {tuple(x.shape)} into {groups} groups"
        )
    outer, inner = 1, channels // groups
    for size in x.shape[:axis]:
        outer = outer * size
    for size in x.shape[axis + 1 :]:
        inner = inner * size
    return x.reshape(outer, groups, inner)
