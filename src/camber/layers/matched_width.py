"""The width rule: hidden widths at which feed-forward networks have equal parameter counts.

A plain feed-forward network of width d and hidden width h holds two d x h matrices, a gated one
three d x k matrices; equal counts ask for k = 2h/3, to the nearest integer. With biases and with
the activation's own coefficients counted, the same equation is solved for k exactly.

Source: N. Shazeer, "GLU Variants Improve Transformer" (2020), arXiv 2002.05202.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

from torch import nn

from camber.activations import Activation
from camber.errors import CamberError
from camber.layers.choice import ActivationChoice, channel_multiple, fitted, fresh, is_gated

#: Counts that differ by more than this share are not called equal.
TOLERANCE = 0.005


@dataclass(frozen=True, slots=True)
class WidthMatch:
    """A hidden width, and how well its parameter count meets that of the plain network.

    Args:
        hidden: the width to use.
        parameters: exact count of one feed-forward network at that width, coefficients included.
        coefficients: how many of them belong to the activation.
        reference_hidden: hidden width of the plain network without coefficients.
        reference_parameters: its exact count.
    """

    hidden: int
    parameters: int
    coefficients: int
    reference_hidden: int
    reference_parameters: int

    @property
    def mismatch(self) -> float:
        """Relative difference of the counts, signed: positive where this network is larger."""
        return self.parameters / self.reference_parameters - 1

    @property
    def fair(self) -> bool:
        """Whether the counts agree to 0.5 %."""
        return abs(self.mismatch) <= TOLERANCE

    def to_dict(self) -> dict[str, int | float | bool]:
        """All of it as plain values for a report."""
        return {**asdict(self), "mismatch": self.mismatch, "fair": self.fair}


def matched_hidden(
    width: int,
    hidden: int,
    *,
    gated: bool,
    bias: bool = False,
    coefficients: int = 0,
    coefficients_per_channel: int = 0,
    multiple_of: int = 1,
) -> WidthMatch:
    """Return the hidden width k at which a feed-forward network matches a plain one of ``hidden``.

    Solves ``(m d + m' + c) k + d' + C = 2 d h + h' + d'`` for k and rounds to the nearest multiple:
    m is 3 where gated, else 2; m' = m - 1, h' = h, d' = d with ``bias``, else 0; c coefficients per
    channel and C others. Without biases and coefficients this is ``round(2h/3)`` where gated and h
    itself where not.

    Args:
        width: model width d >= 1.
        hidden: hidden width h >= 1 of the plain (not gated) network.
        gated: whether the network has a second input projection.
        bias: whether its linear layers have biases.
        coefficients: learnable numbers of the activation that do not grow with the hidden width.
        coefficients_per_channel: learnable numbers per hidden channel.
        multiple_of: hidden widths are multiples of this (hardware, or paired channels).

    Returns:
        The width and the exact counts. A small network can miss the 0.5 % (``fair`` is False):
        integers are coarse there, and the report says so.

    Raises:
        CamberError: for sizes below 1, or where no positive width can match.

    Example:
        >>> match = matched_hidden(2048, 8256, gated=True)
        >>> match.hidden, match.mismatch                 # PolyCom, arXiv 2411.03884: 5504
        (5504, 0.0)
        >>> matched_hidden(64, 256, gated=True).hidden   # 3 * 64 * 171 = 32832 against 32768
        171
    """
    for label, value in (("width", width), ("hidden", hidden), ("multiple_of", multiple_of)):
        if value < 1:
            raise CamberError(f"{label} must be at least 1, but got {value}")
    if coefficients < 0 or coefficients_per_channel < 0:
        raise CamberError("counts of coefficients cannot be negative")
    output_bias = width if bias else 0
    reference = 2 * width * hidden + (hidden if bias else 0) + output_bias
    inputs = 2 if gated else 1
    per_channel = (inputs + 1) * width + (inputs if bias else 0) + coefficients_per_channel
    ideal = (reference - output_bias - coefficients) / per_channel
    matched = round(ideal / multiple_of) * multiple_of
    if matched < 1:
        raise CamberError(
            f"no hidden width that is a multiple of {multiple_of} matches the {reference} "
            f"parameters of a plain network of width {width} and hidden width {hidden}; "
            f"make hidden larger"
        )
    own = coefficients + coefficients_per_channel * matched
    return WidthMatch(
        hidden=matched,
        parameters=per_channel * matched + output_bias + coefficients,
        coefficients=own,
        reference_hidden=hidden,
        reference_parameters=reference,
    )


def match_activation(
    width: int, hidden: int, choice: ActivationChoice, *, bias: bool = False, multiple_of: int = 1
) -> WidthMatch:
    """Return :func:`matched_hidden` for the activation ``choice``, whose coefficients are counted.

    Example:
        >>> match_activation(64, 256, nn.PReLU).parameters   # one shared slope
        32769
    """
    probe = fresh(choice)
    shared, per_channel = coefficient_counts(probe)
    return matched_hidden(
        width,
        hidden,
        gated=is_gated(probe),
        bias=bias,
        coefficients=shared,
        coefficients_per_channel=per_channel,
        multiple_of=math.lcm(multiple_of, channel_multiple(probe)),
    )


def coefficient_counts(probe: nn.Module) -> tuple[int, int]:
    """Return how many learnable numbers ``probe`` holds: those of the layer, and per channel.

    Example:
        >>> coefficient_counts(nn.PReLU())
        (1, 0)
    """
    # Counted where one channel and two channels are held: the difference grows with the width.
    one, two = (_coefficients(probe, channels) for channels in (1, 2))
    return 2 * one - two, two - one


def match_by_count(
    hidden: int, choice: ActivationChoice, count: Callable[[int, int], int], *, places: int = 1
) -> WidthMatch:
    """Return the width of equal parameters for a network whose count is no straight line in it.

    Args:
        hidden: hidden width of the plain network.
        choice: the activation; its own coefficients are counted here.
        count: ``count(maps, k)`` is the exact number of the network's other parameters at hidden
            width k with ``maps`` input projections (2 where gated, else 1); it grows with k.
        places: how many fresh activations the network holds, each of hidden width k.

    Returns:
        The width whose count is nearest to that of the plain network, the smaller of two equally
        near; a multiple of what the activation's groups ask for.

    Example:
        >>> square = match_by_count(10, "swiglu", lambda maps, k: maps * k * k)
        >>> square.hidden, square.parameters, square.reference_parameters
        (7, 98, 100)
    """
    probe = fresh(choice)
    shared, per_channel = coefficient_counts(probe)
    maps, step = 2 if is_gated(probe) else 1, channel_multiple(probe)

    def own(k: int) -> int:
        return count(maps, k) + places * (shared + per_channel * k)

    reference = count(1, hidden)
    low, high = 0, 1  # in steps; own(low) < reference <= own(high) once the loops are done
    while own(high * step) < reference:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if own(middle * step) < reference else (low, middle)
    near = [k * step for k in (low, high) if k > 0]
    best = min(near, key=lambda k: abs(own(k) - reference))
    return WidthMatch(
        hidden=best,
        parameters=own(best),
        coefficients=places * (shared + per_channel * best),
        reference_hidden=hidden,
        reference_parameters=reference,
    )


def _coefficients(probe: nn.Module, channels: int) -> int:
    if isinstance(probe, Activation) and probe.layout.granularity == "channel":
        probe = fitted(probe, channels)
    return sum(parameter.numel() for parameter in probe.parameters())
