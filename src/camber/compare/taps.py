"""Taps: what flows into and out of every nonlinearity of a model during one training step.

Tensors are looked at and never changed, so a run that is tapped ends in the same bits. Where the
values cannot be read (a compiled model, a module that returns no floating-point tensor) there is
nothing to hear, and the training goes on.

Shape legend: R rows (tokens, pixels), N neurons.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self, TypeGuard

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from camber.sites import Site, sites
from camber.train import Fit, FitConfig


class Ear(Protocol):
    """What listens at one site; a fresh one stands at each."""

    def before(self, values: tuple[Tensor, ...]) -> None:
        """Take in what enters the nonlinearity: detached, floating point, not empty."""
        ...

    def after(self, values: Tensor, channel_dim: int) -> None:
        """Take in what leaves it; of a gated network that multiplies outside, the product.

        ``values`` is part of the graph: detach it, or ask it for its gradient.
        """
        ...


class Taps:
    """Ears at the sites of a model, while the context is open.

    Args:
        model: its sites are tapped.
        make: makes the ear of a site.
        training: whether to listen only while the model trains (True) or is evaluated (False);
            None for both.

    Attributes:
        ears: path -> ear, in the order of the model's modules.
    """

    def __init__(
        self, model: nn.Module, make: Callable[[], Ear], *, training: bool | None = None
    ) -> None:
        compiled = any(
            isinstance(module, torch._dynamo.OptimizedModule) or module._compiled_call_impl
            for module in model.modules()
        )
        self._model, self._training = model, training
        # hooks of a compiled model never run, or break it into pieces
        self._sites = [] if compiled else sites(model)
        self.ears = {site.path: make() for site in self._sites}
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        for site in self._sites:
            self._handles += self._attach(site, self.ears[site.path])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    @property
    def _listening(self) -> bool:
        return self._training is None or self._model.training == self._training

    def _attach(self, site: Site, ear: Ear) -> list[RemovableHandle]:
        def enter(module: nn.Module, arguments: tuple[Any, ...]) -> None:
            values = tuple(value.detach() for value in arguments if _readable(value))
            if values and self._listening:
                ear.before(values)

        def leave(module: nn.Module, arguments: tuple[Any, ...], output: object) -> None:
            if self._listening and _readable(output):
                ear.after(output, _channel_dim(site, output))

        def product(module: nn.Module, arguments: tuple[Any, ...]) -> None:
            if arguments and self._listening and _readable(arguments[0]):
                ear.after(arguments[0], _channel_dim(site, arguments[0]))

        handles = [site.module.register_forward_pre_hook(enter)]
        if site.product_path is None:
            return [*handles, site.module.register_forward_hook(leave)]
        projection = self._model.get_submodule(site.product_path)
        return [*handles, projection.register_forward_pre_hook(product)]


class TapCallback:
    """Tap the steps that are due and note what the ears heard: a callback of a fit.

    It keeps nothing beyond one step, so a run taken up after a kill goes on as if nothing was.

    Args:
        due: whether the step of that number (the first is 1) is tapped.
        make: makes the ear of a site.
        tell: puts what was heard into notes of the log, under their names.
    """

    def __init__(
        self,
        due: Callable[[int, FitConfig], bool],
        make: Callable[[], Ear],
        tell: Callable[[dict[str, Ear], Fit], dict[str, object]],
    ) -> None:
        self._due, self._make, self._tell = due, make, tell
        self._taps: Taps | None = None

    def start(self, run: Fit) -> None:
        """Tap the first step if it is due."""
        self._tap_next(run)

    def step(self, run: Fit) -> None:
        """Note what the step that was tapped has shown; tap the next one if it is due."""
        if self._taps is not None:
            self._close()
            run.note(**self._tell(self._taps.ears, run))
            self._taps = None
        self._tap_next(run)

    def end(self, run: Fit) -> None:
        """Leave no hook in the model."""
        self._close()
        self._taps = None

    def _tap_next(self, run: Fit) -> None:
        if run.step < run.config.steps and self._due(run.step + 1, run.config):
            self._taps = Taps(run.model, self._make, training=True).__enter__()

    def _close(self) -> None:
        if self._taps is not None:
            self._taps.__exit__(None, None, None)


def rows_of(values: Tensor, channel_dim: int) -> Tensor:
    """Return ``values`` as (R, N), the channel axis last, detached.

    Example:
        >>> rows_of(torch.zeros(2, 3, 4, 4), 1).shape
        torch.Size([32, 3])
    """
    last = values.detach().movedim(channel_dim, -1)
    rows = last.flatten(0, -2) if last.ndim > 1 else last[None]  # (R, N)
    return rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows


def _readable(value: object) -> TypeGuard[Tensor]:
    """Whether ``value`` holds numbers of a first pass (checkpointing repeats one in backward)."""
    return (
        isinstance(value, Tensor)
        and value.is_floating_point()
        and value.ndim > 0
        and value.numel() > 0
        and torch._C._current_graph_task_id() == -1
    )


def _channel_dim(site: Site, values: Tensor) -> int:
    """The axis of the neurons: what the site knows, else 1 of an image and the last of the rest."""
    known = site.channel_dim
    if known is not None and -values.ndim <= known < values.ndim:
        return known
    return 1 if values.ndim == 4 else -1
