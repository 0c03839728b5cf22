"""Horner's rule into given memory, one fused multiply-add per coefficient."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def horner(x: Tensor, values: Sequence[Tensor], out: Tensor) -> Tensor:
    """Write ``values[0] + values[1] x + ...`` into ``out`` and return it.

    ``values`` broadcast against ``x``: 0-d, or constant along its last axis.
    """
    if len(values) == 1:
        return out.copy_(values[0].expand_as(x))
    torch.mul(x, values[-1], out=out)
    out.add_(values[-2])
    for value in reversed(values[:-2]):
        torch.addcmul(value, out, x, out=out)
    return out
