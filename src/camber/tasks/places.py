"""The places of the activation in a user's model: filled by a factory, found again, and checked."""

from __future__ import annotations

from typing import Final

from torch import nn

from camber.activations import Activation, Gated
from camber.errors import CamberError, DtypeError
from camber.layers import ActivationChoice, fitted, fresh
from camber.sites import Site, sites
from camber.tasks.foreign_code import random_numbers, seed_from

GATED_REMEDY: Final = (
    "; it takes a value and a gate, so its place needs two projections: use "
    "camber.layers.FeedForward(width, hidden, activation), which has them where they are needed"
)


class Factory:
    """What a builder is handed as ``activation``: each call returns a fresh module.

    Args:
        choice: name, formula or factory of the activation.
        seed: of initial coefficients that are random. They are drawn apart from the builder's own
            numbers, so that the other weights do not depend on which activation stands between.

    Attributes:
        gated: whether the activation takes a value and a gate.
        calls: how often it was called.

    Example:
        >>> activation = Factory("swiglu", seed=0)
        >>> activation.gated, activation().label
        (True, 'swiglu')
    """

    def __init__(self, choice: ActivationChoice, seed: int) -> None:
        self._choice = choice
        self._seed = seed
        self.calls = 0
        self.sample = self()
        self.calls = 0
        self.gated = isinstance(self.sample, Gated)

    def __call__(self, channels: int | None = None, channel_dim: int = -1) -> nn.Module:
        """Return a fresh module, made for ``channels`` channels on axis ``channel_dim`` if given.

        Both may be left out: where they matter, they are taken from the layers around the place.
        """
        if channels is not None and (isinstance(channels, bool) or not isinstance(channels, int)):
            raise DtypeError(
                f"activation() takes the number of channels, or nothing, but got {channels!r:.60}"
            )
        with random_numbers(seed_from("activation", self._seed, self.calls)):
            module = fresh(self._choice)
            self.calls += 1
            return module if channels is None else fitted(module, channels, channel_dim)

    @property
    def label(self) -> str:
        """What a sentence calls the activation."""
        return self.sample.label if isinstance(self.sample, Activation) else repr(self.sample)

    @property
    def remedy(self) -> str:
        """What to add to the sentence of an error that a gated activation may have caused."""
        return GATED_REMEDY.replace("it takes", f"{self.label} takes") if self.gated else ""

    def made(self, module: nn.Module) -> bool:
        """Whether ``module`` is of the kind that is made here (or a copy of one)."""
        if type(module) is not type(self.sample):
            return False
        return not isinstance(module, Activation) or module.label == self.label


def own_sites(model: nn.Module, factory: Factory) -> list[Site]:
    """Return the sites of ``model`` at which an activation of ``factory`` stands."""
    return [site for site in sites(model) if factory.made(site.module)]


def check_model(model: nn.Module, factory: Factory, name: str) -> None:
    """Raise unless a comparison of activations makes sense with ``model``.

    Raises:
        CamberError: nothing can be trained, weights have no values, the model is compiled, the
            activation stands nowhere, or one instance stands in two places.
    """
    if hasattr(model, "_orig_mod"):
        raise CamberError(f"the model of {name} is compiled; return it as it is before that")
    if unmade := [path for path, parameter in model.named_parameters() if parameter.is_meta]:
        raise CamberError(
            f"the weight {unmade[0]} in the model of {name} has no values: it is on the device "
            f"'meta'; make the model on the CPU"
        )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise CamberError(
            f"the model of {name} ({type(model).__name__}) has no parameter that wants a gradient"
        )
    if not factory.calls:
        raise CamberError(
            f"{name} never calls activation(): put activation() where the nonlinearities of the "
            f"model stand, in the place of nn.ReLU() and its like"
        )
    found = own_sites(model, factory)
    if not found:
        raise CamberError(
            f"{name} calls activation(), but the model holds none of what it returns: keep it in "
            f"the model, as in self.act = activation() or nn.Sequential(..., activation(), ...)"
        )
    for site in found:
        owners = {id(model.get_submodule(path.rpartition(".")[0])) for path in site.paths}
        names = {path.rpartition(".")[2] for path in site.paths}
        if max(len(owners), len(names)) > 1:
            raise CamberError(
                f"in the model of {name} one activation stands in {len(site.paths)} places "
                f"({', '.join(site.paths[:3])}) and would share its coefficients; call "
                f"activation() once for each place"
            )


def check_own_weights(model: nn.Module, other: nn.Module, name: str) -> None:
    """Raise where ``model`` trains weights that ``other``, of an earlier call, holds too.

    Raises:
        CamberError: a run would begin where another has ended; the sentence names the weight.
    """
    known = {id(parameter) for parameter in other.parameters()}
    for path, parameter in model.named_parameters():
        if parameter.requires_grad and id(parameter) in known:
            raise CamberError(
                f"{name} returned a model whose weight {path} is that of the model it returned "
                f"before, so that one run would go on where another has ended: make every layer "
                f"inside the builder, or use copy.deepcopy(...) of one made outside"
            )


def settle_places(model: nn.Module, factory: Factory, name: str) -> None:
    """Make activations whose place matters to them for the channels that stand before them.

    Raises:
        CamberError: an activation has coefficients per channel, and the number is not known.
    """
    for number, site in enumerate(own_sites(model, factory)):
        module, placed = site.module, site.module
        if site.channels is not None:
            with random_numbers(seed_from("place", factory._seed, number)):
                placed = fitted(module, site.channels, site.channel_dim or -1)
        if placed is not module:
            owner, _, child = site.path.rpartition(".")
            setattr(model.get_submodule(owner), child, placed.train(module.training))
        elif isinstance(module, Activation) and module.layout.copies is None:
            raise CamberError(
                f"{module.label} at {site.path} in the model of {name} has coefficients per "
                f"channel, and how many channels there are cannot be told; call "
                f"activation(channels=...)"
            )
