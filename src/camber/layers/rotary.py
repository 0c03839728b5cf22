"""Rotary position embedding: positions as rotations of pairs of channels.

Pair i of a head of size H turns by the angle t * base^(-2i/H) at position t, so the inner product
of a query and a key depends on their distance only. Pairs are channels (i, i + H/2).

Source: J. Su, Y. Lu, S. Pan, A. Murtadha, B. Wen, Y. Liu, "RoFormer" (2021), arXiv 2104.09864.

Shape legend: T positions, H head size, ... any leading axes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from camber.errors import CamberError


def rotary_table(positions: int, head_size: int, base: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Return the cosines and sines of all angles, each (T, H/2) in the default dtype.

    Raises:
        CamberError: where the head size is odd, for channels turn in pairs.

    Example:
        >>> cosines, sines = rotary_table(4, 6)
        >>> cosines.shape, cosines[0].tolist()
        (torch.Size([4, 3]), [1.0, 1.0, 1.0])
    """
    if head_size % 2:
        raise CamberError(f"rotary positions need an even head size, but got {head_size}")
    # float64: at position 10^5 a float32 angle is already off by 4e-3
    rates = base ** (-torch.arange(0, head_size, 2, dtype=torch.float64) / head_size)  # (H/2,)
    angles = torch.outer(torch.arange(positions, dtype=torch.float64), rates)  # (T, H/2)
    dtype = torch.get_default_dtype()
    return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn the channel pairs of ``x`` (..., T, H) by the angles of a table (T, H/2).

    Returns:
        A tensor like ``x``, in its dtype.

    Example:
        >>> x = torch.randn(3, 4, 6)
        >>> torch.allclose(rotate(x, *rotary_table(4, 6)).norm(dim=-1), x.norm(dim=-1))
        True
    """
    first, second = x.chunk(2, dim=-1)  # (..., T, H/2)
    cosines, sines = cosines.to(x.dtype), sines.to(x.dtype)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), dim=-1)
