"""What a nonlinearity's parameters start from, and how many copies of them a module holds.

Layout of what is stored (C channels, G groups, n entries of a family such as ``weight[0..n-1]``):

    granularity   one value   family
    shared        (1,)        (n,)
    channel       (C,)        (n, C)
    group         (G,)        (n, G)

Nothing is stored 0-dimensional: sharded training (FSDP2) refuses scalars. What a formula is given
is 0-dimensional or broadcasts against the input (:meth:`Layout.spread`): a ``(1,)`` float32
parameter would promote bfloat16 input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypedDict

import torch
from torch import Tensor

from camber.errors import CamberError, DtypeError, unknown_name

Granularity: TypeAlias = Literal["shared", "channel", "group"]
GRANULARITIES: tuple[Granularity, ...] = ("shared", "channel", "group")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant where a learnable parameter would otherwise stand.

    Example:
        >>> import camber
        >>> str(camber.activation("x * sigmoid(beta * x)", beta=camber.Fixed(1.702)).formula)
        'x*sigmoid(1.702*x)'
    """

    value: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", number(self.value, "Fixed"))


@dataclass(frozen=True, slots=True)
class Initial:
    """How one learnable parameter starts.

    Attributes:
        value: the initial value; a tuple for an indexed family.
        constraint: what must hold for the function to make sense, in words ("positive"), or None.
        granularity: one value for the layer, per channel, or per group of channels.
    """

    value: float | tuple[float, ...]
    constraint: str | None = None
    granularity: Granularity = "shared"


class PerChannel(TypedDict):
    """Keyword settings of a layout that is shared or per channel."""

    granularity: Granularity
    channels: int | None
    channel_dim: int


#: What a caller may give for a parameter.
Value: TypeAlias = float | Sequence[float] | Fixed | Initial


def number(value: object, name: str) -> float:
    """Return ``value`` as a finite float or say which parameter ``name`` is not one."""
    if isinstance(value, bool | str):
        raise DtypeError(f"{name} must be a number, not {value!r}")
    try:
        result = float(value)  # type: ignore[arg-type]  # anything float() takes is a number
    except (TypeError, ValueError) as error:
        raise DtypeError(f"{name} must be a number, not {value!r}") from error
    if not math.isfinite(result):
        raise CamberError(f"{name} must be finite, not {result}")
    return result


#: Composition powers beyond this have no use, and their formulas no end.
LARGEST_POWER = 64


def positive_integer(value: object, name: str, largest: int | None = None) -> int:
    """Return ``value`` as an integer from 1 to ``largest`` or say that ``name`` is not one."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise DtypeError(f"{name} must be a positive integer, not {value!r}")
    if value < 1:
        raise CamberError(f"{name} must be a positive integer, not {value}")
    if largest is not None and value > largest:
        raise CamberError(f"{name} must be at most {largest}, not {value}")
    return value


def per_channel(num_parameters: int, channel_dim: int) -> PerChannel:
    """Layout settings for "1, or one per channel", the convention of ``torch.nn.PReLU``."""
    count = positive_integer(num_parameters, "num_parameters")
    if count == 1:
        return {"granularity": "shared", "channels": None, "channel_dim": channel_dim}
    return {"granularity": "channel", "channels": count, "channel_dim": channel_dim}


@dataclass(frozen=True, slots=True)
class Layout:
    """How many copies of each parameter there are, and along which axis they vary."""

    granularity: Granularity = "shared"
    channels: int | None = None
    groups: int | None = None
    channel_dim: int = -1

    def __post_init__(self) -> None:
        if self.granularity not in GRANULARITIES:
            raise unknown_name("granularity", str(self.granularity), GRANULARITIES)
        if isinstance(self.channel_dim, bool) or not isinstance(self.channel_dim, int):
            raise DtypeError(f"channel_dim must be an integer, not {self.channel_dim!r}")
        if self.channels is not None:
            positive_integer(self.channels, "channels")
        if self.granularity == "group":
            groups = positive_integer(self.groups, "groups")
            if self.channels is not None and self.channels % groups:
                raise CamberError(
                    f"{self.channels} channels do not divide into {groups} groups; choose a "
                    f"number of groups that divides the number of channels"
                )
        elif self.groups is not None:
            raise CamberError(
                f"groups={self.groups} has a meaning only with granularity='group', "
                f"not {self.granularity!r}"
            )

    @property
    def copies(self) -> int | None:
        """How many copies of a parameter are held; None while the channels are not known."""
        return {"shared": 1, "channel": self.channels, "group": self.groups}[self.granularity]

    def resized(self, channels: int | None, channel_dim: int | None) -> Layout:
        """The same granularity for another site."""
        return replace(
            self,
            channels=self.channels if channels is None else channels,
            channel_dim=self.channel_dim if channel_dim is None else channel_dim,
        )

    def initial(self, value: float | tuple[float, ...]) -> Tensor:
        """A new tensor that holds ``value`` in every copy."""
        copies = self.copies or 1
        start = torch.tensor(value, dtype=torch.get_default_dtype())
        if self.granularity == "shared":
            return start.reshape(-1).clone()
        return start.unsqueeze(-1).expand(*start.shape, copies).clone()

    def check(self, x: Tensor, owner: str) -> None:
        """Raise unless the input's channel axis is the one the parameters were made for."""
        if self.granularity == "shared":
            return
        if self.copies is None:
            raise CamberError(
                f"{owner} holds one set of parameters per channel and does not know how many "
                f"channels there are; pass channels= when building it"
            )
        if not -x.ndim <= self.channel_dim < x.ndim:
            raise CamberError(
                f"{owner} varies its parameters along axis {self.channel_dim}, which an input of "
                f"shape {tuple(x.shape)} does not have"
            )
        size = x.shape[self.channel_dim]
        if self.channels is not None and size != self.channels:
            raise CamberError(
                f"{owner} was built for {self.channels} channels on axis {self.channel_dim}, but "
                f"the input of shape {tuple(x.shape)} has {size} there"
            )
        if self.granularity == "group" and size % (self.groups or 1):
            raise CamberError(
                f"{owner} has {self.groups} groups, which do not divide the {size} channels on "
                f"axis {self.channel_dim} of an input of shape {tuple(x.shape)}"
            )

    def spread(self, parameter: Tensor, x: Tensor) -> Tensor:
        """View a stored parameter so that it broadcasts against ``x`` (a family: each entry)."""
        if self.granularity == "shared":
            return parameter
        if self.granularity == "group":
            each = x.shape[self.channel_dim] // parameter.shape[-1]
            parameter = parameter.unsqueeze(-1).expand(*parameter.shape, each).flatten(-2)
        behind = -self.channel_dim - 1 if self.channel_dim < 0 else x.ndim - 1 - self.channel_dim
        return parameter.reshape(*parameter.shape, *(1,) * behind)
