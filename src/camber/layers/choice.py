"""What a layer accepts as its activation, and how it makes a fresh one.

A layer is handed a *choice* (a name, formula text, or a factory), never a module: one module put
into two places would share its coefficients, which is rarely meant.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import nn

from camber.activations import Activation, Gated, activation
from camber.errors import CamberError, DtypeError
from camber.formula.tree import Call, walk

#: A registered name, formula text, or a factory such as a class or ``functools.partial``.
ActivationChoice: TypeAlias = str | Callable[[], nn.Module]


def fresh(choice: ActivationChoice) -> nn.Module:
    """Return a new activation module for ``choice``.

    Args:
        choice: a registered name or formula text, given to :func:`camber.activation`; or a
            callable without arguments that returns a new ``nn.Module`` at each call.

    Raises:
        DtypeError: for a module instance (it would be shared) or any other type.
        CamberError: where a factory returns ``nn.GLU``, which halves its input.

    Example:
        >>> fresh(nn.SiLU)
        SiLU()
    """
    if isinstance(choice, nn.Module):
        raise DtypeError(
            f"an activation is chosen by name, formula or factory, but got the module "
            f"{type(choice).__name__}: one instance would share its coefficients between layers; "
            f"pass the class, or a function that returns a new module"
        )
    if isinstance(choice, str):
        return activation(choice)
    if not callable(choice):
        raise DtypeError(
            f"an activation is a name, a formula or a factory, but got {type(choice).__name__}"
        )
    module = choice()
    if not isinstance(module, nn.Module):
        raise DtypeError(
            f"an activation factory must return an nn.Module, but "
            f"{getattr(choice, '__name__', choice)!s} returned {type(module).__name__}"
        )
    if isinstance(module, nn.GLU):
        raise CamberError("nn.GLU halves its input instead of taking a gate; use the name 'glu'")
    return module


@dataclass(frozen=True, slots=True)
class Hidden:
    """The place of an activation: how many channels, and on which axis."""

    channels: int
    channel_dim: int = -1


def fitted(module: nn.Module, channels: int, channel_dim: int = -1) -> nn.Module:
    """Return ``module``, or a copy made for its place where the place matters to it.

    The place matters where coefficients go by channel, and off the last axis also where the
    function itself runs along the channels. Modules of other libraries are returned as they are:
    only they know their axis.

    Args:
        module: an activation, fresh from :func:`fresh`.
        channels: how many channels it will see.
        channel_dim: the axis they are on: -1, or 1 for images (B, C, H, W).
    """
    if not isinstance(module, Activation):
        return module
    if module.layout.granularity == "shared" and channel_dim == -1:
        return module
    return module.for_site(Hidden(channels, channel_dim))


def channel_multiple(module: nn.Module) -> int:
    """Return the number that must divide the channels ``module`` sees; 1 where any number will do.

    Groups of coefficients divide them, and so do runs of neighbours that a formula sorts or sums.

    Example:
        >>> channel_multiple(fresh("maxmin")), channel_multiple(fresh("gelu"))
        (2, 1)
    """
    if not isinstance(module, Activation):
        return 1
    sizes = [module.layout.groups or 1]
    with contextlib.suppress(CamberError):  # built from a Python function: no formula to read
        for node in walk(module.formula.root):
            size = node.option("size") if isinstance(node, Call) else None
            if isinstance(size, int):
                sizes.append(size)
    return math.lcm(*sizes)


def is_gated(module: nn.Module) -> bool:
    """Whether ``module`` takes a value and a gate, so that it needs two input projections."""
    return isinstance(module, Gated)
