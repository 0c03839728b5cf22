"""What a layer accepts as its activation, and how it makes a fresh one.

A layer is handed a *choice* (a name, formula text, or a factory), never a module: one module put
into two places would share its coefficients, which is rarely meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import nn

from camber.activations import Activation, Gated, activation
from camber.errors import CamberError, DtypeError

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
    """The place of an activation on the last axis, of ``channels`` channels."""

    channels: int
    channel_dim: int = -1


def fitted(module: nn.Module, channels: int) -> nn.Module:
    """Return ``module``, or where its coefficients go by channel, a copy made for ``channels``."""
    if isinstance(module, Activation) and module.layout.granularity != "shared":
        return module.for_site(Hidden(channels))
    return module


def is_gated(module: nn.Module) -> bool:
    """Whether ``module`` takes a value and a gate, so that it needs two input projections."""
    return isinstance(module, Gated)
