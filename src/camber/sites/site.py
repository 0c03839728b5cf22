"""Where the nonlinearities of a model stand.

Found are modules: camber activations, those of torch.nn, and those of Hugging Face models
(``act_fn`` and its like). A nonlinearity written as a function call, such as ``F.relu(x)`` inside a
``forward``, is no module and cannot be found this way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn

from camber.activations import Activation
from camber.errors import CamberError, nearest
from camber.sites.known import Kind, identify
from camber.sites.surroundings import surroundings


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One nonlinearity of a model.

    Args:
        path: dotted path in the model, the first where there are several.
        module: the nonlinearity itself.
        activation: its catalogue name, or None where the catalogue has no exact equal.
        kind: what it sees.
        settings: constructor settings that belong to the function, such as ``negative_slope``.
        paths: every path that leads to this one module, for a module may stand in several places.
        owner: class name of the module that holds it.
        channels, channel_dim: how many channels it sees and on which axis; None where the modules
            around it do not tell.
        product_path: in a gated feed-forward network, the projection that the product of value and
            activated gate enters; else None.
        product_inside: whether that product is made where no module sees it.
    """

    path: str
    module: nn.Module
    activation: str | None
    kind: Kind
    settings: dict[str, float]
    paths: tuple[str, ...]
    owner: str
    channels: int | None
    channel_dim: int | None
    product_path: str | None
    product_inside: bool

    @property
    def shared(self) -> bool:
        """Whether the module stands in more than one place."""
        return len(self.paths) > 1

    @property
    def gated_by_model(self) -> bool:
        """Whether the model multiplies this scalar function's output by a value of its own."""
        return self.product_path is not None or self.product_inside

    @property
    def measured(self) -> str:
        """Which values a meter sees here."""
        if self.product_path is not None:
            return f"input of {self.product_path}"
        if self.product_inside:
            return f"output, before {self.owner} multiplies it"
        return "output"

    @property
    def label(self) -> str:
        """Name and settings, or the formula, for a table: ``leaky_relu(negative_slope=0.2)``."""
        if isinstance(self.module, Activation):
            return self.module.label
        name = self.activation or type(self.module).__name__
        if not self.settings:
            return name
        return f"{name}({', '.join(f'{key}={value:g}' for key, value in self.settings.items())})"


def sites(model: nn.Module) -> list[Site]:
    """Return every nonlinearity of ``model`` that is a module, in the order of its modules.

    Args:
        model: any module; a nonlinearity that stands in several places gives one site.

    Raises:
        CamberError: for anything but a module.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.GELU(), nn.Linear(2, 2), nn.LeakyReLU(0.2))
        >>> [(site.path, site.label) for site in sites(model)]
        [('1', 'gelu'), ('3', 'leaky_relu(negative_slope=0.2)')]
    """
    if not isinstance(model, nn.Module):
        raise CamberError(f"sites: a model is a torch.nn.Module, but got {type(model).__name__}")
    places: dict[nn.Module, list[tuple[str, nn.Module]]] = {}
    for path, module, owner in _walk("", model, model):
        places.setdefault(module, []).append((path, owner))
    return [_site(module, where) for module, where in places.items()]


def _site(module: nn.Module, where: list[tuple[str, nn.Module]]) -> Site:
    identity = identify(module)
    if identity is None:
        raise CamberError(f"{type(module).__name__} is not a nonlinearity that camber knows")
    path, owner = where[0]
    prefix, _, name = path.rpartition(".")
    around = surroundings(name, owner)
    product = around.product if len(where) == 1 else None
    return Site(
        path=path,
        module=module,
        activation=identity.name,
        kind=identity.kind,
        settings=identity.settings,
        paths=tuple(place for place, _ in where),
        owner=type(owner).__name__,
        channels=around.channels if len(where) == 1 else None,
        channel_dim=around.channel_dim,
        product_path=f"{prefix}.{product}" if product and prefix else product,
        product_inside=around.product_inside,
    )


def _walk(
    path: str, module: nn.Module, owner: nn.Module
) -> Iterator[tuple[str, nn.Module, nn.Module]]:
    """Yield (path, module, owner) for all nonlinearities, once per path that leads to them."""
    if identify(module) is not None:
        # Not deeper: a nonlinearity inside a nonlinearity (PolyCom's inner one) is a part of it.
        yield path, module, owner
        return
    # _modules, because named_children() leaves out a child that stands in two places
    for name, child in module._modules.items():
        if child is not None:
            yield from _walk(f"{path}.{name}" if path else name, child, module)


def matching(found: list[Site], pattern: str, purpose: str) -> list[Site]:
    """Return the sites one of whose paths matches the glob ``pattern``.

    Raises:
        CamberError: where none does; it names the nearest paths, or says that there are none.
    """
    matched = [s for s in found if any(fnmatchcase(path, pattern) for path in s.paths)]
    if matched:
        return matched
    known = [path for site in found for path in site.paths]
    if not known:
        raise CamberError(
            f"{purpose}: the model holds no activation module; a function call such as F.relu(x) "
            f"is no module: write nn.ReLU() or camber.activation('relu') in its place"
        )
    near = ", ".join(repr(path) for path in nearest(pattern, known))
    raise CamberError(f"{purpose}: no activation matches {pattern!r}; the nearest paths are {near}")
