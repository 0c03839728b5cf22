"""Adaptive Gauss–Kronrod quadrature of many integrals at once, with an error that is honoured.

One call integrates k functionals for C channels. Every panel belongs to a piece, every piece to a
channel; each round evaluates all new panels together (10-point Gauss inside 21-point Kronrod),
then halves the panels whose error estimate is too large for their channel. The result either meets
the tolerance or the call raises: no answer is returned that its own estimate does not support.

Shapes: P panels, K 21 nodes, k functionals, S pieces, C channels.

Source: R. Piessens, E. de Doncker-Kapenga, C. Überhuber, D. Kahaner, QUADPACK (1983): the nodes,
the weights and the scaling of |Kronrod − Gauss| into an error estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camber.errors import CamberError

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Integrand = Callable[[Array, Index], Array]

_HALF_NODES = [
    0.995657163025808080735527280689003,
    0.973906528517171720077964012084452,
    0.930157491355708226001207180059508,
    0.865063366688984510732096688423493,
    0.780817726586416897063717578345042,
    0.679409568299024406234327365114874,
    0.562757134668604683339000099272694,
    0.433395394129247190799265943165784,
    0.294392862701460198131126603103866,
    0.148874338981631210884826001129720,
]
_HALF_KRONROD = [
    0.011694638867371874278064396062192,
    0.032558162307964727478818972459390,
    0.054755896574351996031381300244580,
    0.075039674810919952767043140916190,
    0.093125454583697605535065465083366,
    0.109387158802297641899210590325805,
    0.123491976262065851077958109831074,
    0.134709217311473325928054001771707,
    0.142775938577060080797094273138717,
    0.147739104901338491374841515972068,
]
_HALF_GAUSS = [
    0.066671344308688137593568809893332,
    0.149451349150580593145776339657697,
    0.219086362515982043995534934228163,
    0.269266719309996355091226921569469,
    0.295524224714752870173892994651338,
]
NODES: Array = np.array([-node for node in _HALF_NODES] + [0.0] + _HALF_NODES[::-1])
KRONROD: Array = np.array(
    [*_HALF_KRONROD, 0.149445554002916905664936468389821, *_HALF_KRONROD[::-1]]
)
GAUSS: Array = np.zeros(21)
GAUSS[1::2] = _HALF_GAUSS + _HALF_GAUSS[::-1]

ROUNDS = 100
#: A panel this much smaller than its piece's first panels may not hold this share of an integral.
_DEEP = 2.0**-30
_HEAVY = 1e-3
PANEL_LIMIT = 200_000
#: Panels of about a million nodes at a time keep memory flat however many panels there are.
_BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Integral:
    """Integrals (k, C), their error bounds (k, C), integrals of absolute values (k, C)."""

    value: Array
    error: Array
    magnitude: Array


class NotConvergedError(CamberError):
    """A quadrature that could not meet its tolerance; ``piece`` and ``position`` say where."""

    def __init__(self, message: str, piece: int, position: float) -> None:
        super().__init__(message)
        self.piece = piece
        self.position = position


def _rule(integrand: Integrand, lo: Array, hi: Array, piece: Index) -> tuple[Array, Array, Array]:
    """Apply the rule to panels; return value, error, magnitude, each (k, P)."""
    half = 0.5 * (hi - lo)
    nodes = 0.5 * (hi + lo)[:, None] + half[:, None] * NODES  # (P, K)
    # Rounding must not carry a node over the end of its panel: another branch may begin there.
    nodes = np.clip(nodes, lo[:, None], hi[:, None])
    values = integrand(nodes, piece)  # (k, P, K)
    bad = ~np.isfinite(values).all(axis=0)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise NotConvergedError(
            "the integrand is not finite", int(piece[row]), float(nodes[row, column])
        )
    kronrod = values @ KRONROD
    magnitude = (np.abs(values) @ KRONROD) * half
    spread = (np.abs(values - 0.5 * kronrod[..., None]) @ KRONROD) * half
    difference = np.abs(kronrod - values @ GAUSS) * half
    ratio = np.divide(difference, spread, out=np.zeros_like(spread), where=spread > 0)
    error = spread * np.minimum(1.0, (200.0 * ratio) ** 1.5)
    floor = 50.0 * np.finfo(np.float64).eps * magnitude
    return kronrod * half, np.maximum(error, floor), magnitude


def _blocks(integrand: Integrand, lo: Array, hi: Array, piece: Index) -> tuple[Array, Array, Array]:
    if len(lo) <= _BLOCK:
        return _rule(integrand, lo, hi, piece)
    parts = [
        _rule(integrand, lo[i : i + _BLOCK], hi[i : i + _BLOCK], piece[i : i + _BLOCK])
        for i in range(0, len(lo), _BLOCK)
    ]
    value, error, magnitude = (
        np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)
    )
    return value, error, magnitude


def _total(values: Array, channel: Index, channels: int) -> Array:
    """Sum the panels of each channel: (k, P) -> (k, C)."""
    if channels == 1:
        single: Array = values.sum(axis=1, keepdims=True)
        return single
    totals: Array = np.stack([np.bincount(channel, row, channels) for row in values])
    return totals


def integrate(
    integrand: Integrand,
    lo: Array,
    hi: Array,
    piece: Index,
    channel_of: Index,
    channels: int,
    *,
    rtol: float = 1e-12,
    limit: int = PANEL_LIMIT,
) -> Integral:
    """Integrate k functionals over the panels of C channels.

    Args:
        integrand: maps nodes (P, 21) and the piece of each panel (P,) to values (k, P, 21).
        lo, hi: ends of the starting panels, (P,); no panel may cross a kink or a jump.
        piece: the piece of each panel, (P,).
        channel_of: the channel of each piece, (S,).
        channels: C.
        rtol: each integral's error is brought below rtol times the integral of the absolute value.
        limit: the most panels to use.

    Returns:
        values, errors and magnitudes, each (k, C), float64.

    Raises:
        NotConvergedError: the tolerance was not met, or the integrand is not finite at a node.

    >>> panels = np.linspace(0.0, 3.0, 4)
    >>> square = integrate(
    ...     lambda z, piece: z[None] ** 2,
    ...     *(panels[:-1], panels[1:], np.zeros(3, int)),
    ...     *(np.zeros(1, int), 1),
    ... )
    >>> round(float(square.value[0, 0]), 12)
    9.0
    """
    first = np.full(len(channel_of), np.inf)
    np.minimum.at(first, piece, hi - lo)
    value, error, magnitude = _blocks(integrand, lo, hi, piece)
    for _ in range(ROUNDS):
        channel = channel_of[piece]
        total_error = _total(error, channel, channels)
        allowed = rtol * _total(magnitude, channel, channels)
        missed = total_error > allowed  # (k, C)
        if not missed.any():
            break
        count = np.bincount(channel, minlength=channels)
        share = np.where(missed, allowed / np.maximum(count, 1), np.inf)  # (k, C)
        excess = error - share[:, channel]  # (k, P)
        middle = 0.5 * (lo + hi)
        split = (excess > 0).any(axis=0) & (middle > lo) & (middle < hi)
        if not split.any() or len(lo) + int(split.sum()) > limit:
            raise _refusal(lo, hi, piece, channel, excess, total_error, allowed)
        keep = ~split
        new_lo = np.concatenate([lo[split], middle[split]])
        new_hi = np.concatenate([middle[split], hi[split]])
        new_piece = np.concatenate([piece[split]] * 2)
        new = _blocks(integrand, new_lo, new_hi, new_piece)
        lo, hi = np.concatenate([lo[keep], new_lo]), np.concatenate([hi[keep], new_hi])
        piece = np.concatenate([piece[keep], new_piece])
        value, error, magnitude = (
            np.concatenate([old[:, keep], fresh], axis=1)
            for old, fresh in zip((value, error, magnitude), new, strict=True)
        )
    else:
        raise _refusal(lo, hi, piece, channel_of[piece], error, total_error, allowed)
    channel = channel_of[piece]
    _check_concentration(lo, hi, piece, channel, magnitude, first, channels)
    return Integral(
        _total(value, channel, channels),
        total_error,
        _total(magnitude, channel, channels),
    )


def _check_concentration(
    lo: Array,
    hi: Array,
    piece: Index,
    channel: Index,
    magnitude: Array,
    first: Array,
    channels: int,
) -> None:
    """Refuse an integral that lives on panels halved beyond all features: a pole cut off."""
    tiny = np.flatnonzero(hi - lo < _DEEP * first[piece])
    if not len(tiny):
        return
    share = (
        magnitude[:, tiny]
        / np.maximum(_total(magnitude, channel, channels), 1e-300)[:, channel[tiny]]
    )
    worst = int(np.argmax(share.max(axis=0)))
    if share[:, worst].max() > _HEAVY:
        at = int(tiny[worst])
        raise NotConvergedError(
            "the integral is concentrated at a point, as at a pole",
            int(piece[at]),
            float(0.5 * (lo[at] + hi[at])),
        )


def _refusal(
    lo: Array,
    hi: Array,
    piece: Index,
    channel: Index,
    excess: Array,
    total: Array,
    allowed: Array,
) -> NotConvergedError:
    worst = int(np.argmax(excess.max(axis=0)))
    where = int(channel[worst])
    functional = int(np.argmax(total[:, where] - allowed[:, where]))
    return NotConvergedError(
        f"the error estimate stays at {total[functional, where]:.1e}, above the"
        f" {allowed[functional, where]:.1e} asked for",
        int(piece[worst]),
        float(0.5 * (lo[worst] + hi[worst])),
    )
