"""Put other nonlinearities into a model, in place, and report what could not be changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from torch import Tensor, nn

from camber.activations import Activation, Along, Normed
from camber.errors import CamberError
from camber.formula import Formula
from camber.layers import MoELayer, fresh
from camber.sites.known import identify
from camber.sites.site import Site, matching, sites
from camber.sites.tables import table

#: What may be put in: a name or formula, a factory called once per place, or one module.
Replacement: TypeAlias = str | Formula | nn.Module | Callable[[], nn.Module]


@dataclass(frozen=True, slots=True)
class Change:
    """One place that got another nonlinearity.

    Args:
        path: dotted path of the place. before, after: what stood there and what stands there now.
        also: other paths that lead to the same place, because the module around it is shared.
    """

    path: str
    before: str
    after: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """One place that a pattern named and that could not be changed, with the reason."""

    path: str
    before: str
    reason: str


@dataclass(frozen=True, slots=True)
class SwapReport:
    """What :func:`swap` did.

    Args:
        changed: places with a new nonlinearity.
        could_not: places that stay as they were although a pattern named them.
        unchanged: paths that no pattern named.
    """

    changed: tuple[Change, ...]
    could_not: tuple[Refusal, ...]
    unchanged: tuple[str, ...]

    def __str__(self) -> str:
        rows = [(change.path, change.before, change.after) for change in self.changed]
        rows += [
            (place.path, place.before, f"unchanged: {place.reason}") for place in self.could_not
        ]
        summary = (
            f"{len(self.changed)} changed, {len(self.could_not)} could not be changed, "
            f"{len(self.unchanged)} not named"
        )
        return f"{table(('path', 'before', 'after'), rows)}\n{summary}" if rows else summary

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Place:
    """One child of one module; several paths lead to it where the module around it is shared."""

    site: Site
    owner: nn.Module
    name: str
    paths: tuple[str, ...]


def swap(
    model: nn.Module, replacements: Mapping[str, Replacement], *, share: bool = False
) -> SwapReport:
    """Replace nonlinearities of ``model`` in place.

    Each place gets a fresh module on the device, in the dtype and in the training mode of what
    stands around it. Where patterns overlap, the later one holds.

    Args:
        model: any module.
        replacements: glob pattern over the paths of :func:`camber.sites.sites` to what is put
            there: a name, a formula, a factory called once per place, or a module.
        share: let one module given as such stand in several places, sharing its coefficients.

    Returns:
        What changed, and what could not be changed and why. A gated nonlinearity cannot replace a
        scalar one, which is given one tensor only, nor the other way round.

    Raises:
        CamberError: for a pattern that matches nothing, with the nearest paths; for a module that
            would stand in several places without ``share``; for an unknown name. The model is
            then as it was.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.GELU(), nn.Linear(2, 2), nn.GELU())
        >>> print(swap(model, {"*": "silu", "3": nn.Tanh}))
        path  before  after
        1     gelu    silu
        3     gelu    tanh
        2 changed, 0 could not be changed, 0 not named
    """
    found = sites(model)
    for pattern in replacements:
        if not isinstance(pattern, str):
            raise CamberError(f"swap: a pattern over paths is text, but got {pattern!r:.60}")
        matching(found, pattern, "swap")
    planned: list[tuple[_Place, Replacement]] = []
    unchanged: list[str] = []
    for place in _places(model, found):
        chosen = [
            replacement
            for pattern, replacement in replacements.items()
            if any(fnmatchcase(path, pattern) for path in place.paths)
        ]
        if chosen:
            planned.append((place, chosen[-1]))
        else:
            unchanged.extend(place.paths)
    ready: list[tuple[_Place, nn.Module]] = []
    could_not: list[Refusal] = []
    for place, replacement in planned:
        outcome = _prepare(place, replacement, model)
        if isinstance(outcome, str):
            could_not.append(Refusal(place.paths[0], place.site.label, outcome))
        else:
            ready.append((place, outcome))
    if not share:
        _refuse_sharing(ready, model)
    # Nothing is touched before everything is ready, so an error above leaves the model as it was.
    changed = [_install(place, module, model) for place, module in ready]
    return SwapReport(tuple(changed), tuple(could_not), tuple(unchanged))


def _places(model: nn.Module, found: list[Site]) -> list[_Place]:
    places: list[_Place] = []
    for site in found:
        where: dict[tuple[nn.Module, str], list[str]] = {}
        for path in site.paths:
            prefix, _, name = path.rpartition(".")
            where.setdefault((model.get_submodule(prefix), name), []).append(path)
        places += [
            _Place(site, owner, name, tuple(paths)) for (owner, name), paths in where.items()
        ]
    return places


def _refuse_sharing(ready: list[tuple[_Place, nn.Module]], model: nn.Module) -> None:
    standing = {id(module): path for path, module in model.named_modules()}
    paths: dict[int, list[str]] = {}
    for place, module in ready:
        if module is not place.site.module:
            before = [standing[id(module)]] if id(module) in standing else []
            paths.setdefault(id(module), before).append(place.paths[0])
    for _, module in ready:
        where = paths.get(id(module), [])
        if len(where) > 1:
            raise CamberError(
                f"swap: one {_label(module)} module would stand in {len(where)} places "
                f"({', '.join(where[:3])}{', ...' if len(where) > 3 else ''}) and share its "
                f"coefficients; give a name or a factory for a fresh one each, or pass share=True"
            )


def _prepare(place: _Place, replacement: Replacement, model: nn.Module) -> nn.Module | str:
    """The module for a place, ready to be set; or the reason why there can be none."""
    site = place.site
    if place.name == "":
        return "the model itself is this nonlinearity; put the new one in its place yourself"
    if isinstance(replacement, Formula):
        new = fresh(str(replacement))
    else:
        new = replacement if isinstance(replacement, nn.Module) else fresh(replacement)
    if isinstance(new, Normed) and isinstance(place.owner, MoELayer):
        return f"{new.label} takes statistics over a batch, of which an expert sees a part only"
    reason = _unfit(site, new)
    if reason is not None:
        return reason
    made_here = new is not replacement
    if made_here and isinstance(new, Along) and new.dim == -1 and site.channel_dim is not None:
        # what works along the features must know which axis they are: 1 after a convolution
        new = new.for_site(site)
    if isinstance(new, Activation) and new.layout.granularity != "shared":
        if new.layout.channels is None and site.channels is not None:
            new = new.for_site(site)
        if new.layout.copies is None:
            return (
                f"{new.label} has coefficients per channel, and how many channels there are "
                f"here is not known; pass channels="
            )
        made_for = new.layout.channels
        if site.channels is not None and made_for not in (None, site.channels):
            return f"{new.label} was made for {made_for} channels, but here are {site.channels}"
    like = _tensor_like(place.owner, model)
    if like is not None:
        new = new.to(device=like.device, dtype=like.dtype)
    return new.train(site.module.training)


def _unfit(site: Site, new: nn.Module) -> str | None:
    identity = identify(new)
    gated = identity is not None and identity.kind == "gated"
    if gated and site.kind != "gated":
        if site.gated_by_model:
            return (
                f"{_label(new)} takes a value and a gate, but here the model multiplies by the "
                f"gate itself; give the scalar function only"
            )
        return f"{_label(new)} takes a value and a gate, but this place passes one tensor"
    if site.kind == "gated" and not gated:
        return f"this place passes a value and a gate, but {_label(new)} takes one tensor"
    if isinstance(site.module, nn.GLU) and site.module.dim != -1:
        return f"nn.GLU halves axis {site.module.dim} here, and {_label(new)} halves the last"
    return None


def _tensor_like(owner: nn.Module, model: nn.Module) -> Tensor | None:
    for module in (owner, model):
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                return tensor
    return None


def _install(place: _Place, new: nn.Module, model: nn.Module) -> Change:
    setattr(place.owner, place.name, new)
    if isinstance(place.owner, nn.TransformerEncoderLayer):
        # Its fused inference path computes ReLU or GELU by this flag, whatever module stands there.
        place.owner.activation_relu_or_gelu = 0
        for encoder in model.modules():
            if isinstance(encoder, nn.TransformerEncoder) and place.owner in encoder.layers:
                encoder.use_nested_tensor = False
    return Change(place.paths[0], place.site.label, _label(new), place.paths[1:])


def _label(module: nn.Module) -> str:
    identity = identify(module)
    if isinstance(module, Activation):
        return module.label
    return identity.name if identity and identity.name else type(module).__name__
