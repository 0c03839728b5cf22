"""Watch the values at a model's nonlinearities while it runs: ranges, zeros, dead units, NaNs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from camber.errors import CamberError, DtypeError
from camber.layers import MoELayer
from camber.sites.meters import DEFAULT_METERS, Meter
from camber.sites.site import Site, matching, sites
from camber.sites.watch_report import SiteReport, WatchReport


class Watch:
    """The context manager that :func:`watch` returns.

    Attributes:
        sites: what is watched.
        padding_mask: (B, T), True or 1 at real tokens; set it before a batch to leave padding out.
            None counts every token.
    """

    def __init__(
        self,
        model: nn.Module,
        watched: Sequence[Site],
        meters: Sequence[Callable[[], Meter]],
        channel_dim: int | None,
        mask_argument: str | None,
    ) -> None:
        self.sites = tuple(watched)
        self.padding_mask: Tensor | None = None
        self._model = model
        self._channel_dim = channel_dim
        self._mask_argument = mask_argument
        self._meters = {site.path: tuple(make() for make in meters) for site in self.sites}
        self._rows = dict.fromkeys(self._meters, 0)
        self._neurons: dict[str, int] = {}
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        if self._handles:
            raise CamberError("watch: this watch is running already")
        if self._mask_argument is not None:
            self._handles.append(
                self._model.register_forward_pre_hook(self._read_mask, with_kwargs=True)
            )
        for site in self.sites:
            self._handles.append(self._attach(site))
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

    def meters(self, path: str) -> tuple[Meter, ...]:
        """The meters at one watched path, for what they know per neuron."""
        if path not in self._meters:
            matching(list(self.sites), path, "watch")
        return self._meters[path]

    def report(self) -> WatchReport:
        """Return what has been seen so far.

        Raises:
            CamberError: where nothing has been seen.
        """
        if not any(self._rows.values()):
            raise CamberError(
                "watch: no values were seen; run the model between `with` and report(). If it was "
                "called through torch.compile, its hooks do not run: call the original module, "
                "or torch._dynamo.reset() first"
            )
        return WatchReport(tuple(self._site_report(site) for site in self.sites))

    def _site_report(self, site: Site) -> SiteReport:
        values: dict[str, float] = {}
        if self._rows[site.path]:
            for meter in self._meters[site.path]:
                values.update(meter.summary())
        return SiteReport(
            path=site.path,
            activation=site.label,
            measured=site.measured,
            tokens=self._rows[site.path],
            neurons=self._neurons.get(site.path, 0),
            values=values,
        )

    def _attach(self, site: Site) -> RemovableHandle:
        # disable: where torch.compile traces the model inside `with`, the hook stays plain Python
        take = torch.compiler.disable(self._take)
        if site.product_path is None:

            def after(module: nn.Module, arguments: object, output: object) -> None:
                take(site, output)

            return site.module.register_forward_hook(after)

        def before(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            take(site, arguments[0] if arguments else next(iter(named.values()), None))

        product = self._model.get_submodule(site.product_path)
        return product.register_forward_pre_hook(before, with_kwargs=True)

    @torch.no_grad()
    def _take(self, site: Site, values: object) -> None:
        if torch._C._current_graph_task_id() != -1:
            return  # inside backward: activation checkpointing runs the same tokens a second time
        if not isinstance(values, Tensor) or not values.is_floating_point():
            kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
            raise DtypeError(f"watch: {site.path} gives {kind}, not a floating-point tensor")
        rows = self._rows_of(site, values.detach())
        if rows.dtype in (torch.float16, torch.bfloat16):
            rows = rows.float()
        neurons = self._neurons.setdefault(site.path, rows.shape[1])
        if neurons != rows.shape[1]:
            raise CamberError(
                f"watch: {site.path} had {neurons} channels before and has {rows.shape[1]} now; "
                f"leave it out by match=, or name the channel axis by channel_dim="
            )
        if not rows.numel():
            return
        self._rows[site.path] += len(rows)
        for meter in self._meters[site.path]:
            meter.update(rows)

    def _rows_of(self, site: Site, values: Tensor) -> Tensor:
        """Values as (rows, channels), padding left out."""
        dim = self._channel_dim if self._channel_dim is not None else site.channel_dim
        if dim is None:
            if values.ndim > 3:
                raise CamberError(
                    f"watch: {site.path} gives shape {tuple(values.shape)} and the channel axis "
                    f"is not known; pass channel_dim=1 (convolutions) or channel_dim=-1"
                )
            dim = -1
        if not -values.ndim <= dim < values.ndim:
            raise CamberError(
                f"watch: {site.path} gives shape {tuple(values.shape)}, which has no axis {dim}; "
                f"pass another channel_dim="
            )
        last = values.movedim(dim, -1)  # (..., N)
        rows = last.flatten(0, -2) if last.ndim > 1 else last[None]  # (R, N)
        if self.padding_mask is None:
            return rows
        owner = self._model.get_submodule(site.path.rpartition(".")[0])
        if isinstance(owner, MoELayer):  # a row per token and expert, in the order of experts
            raise CamberError(
                f"watch: {site.path} sees tokens in the order of their experts, which a padding "
                f"mask does not fit; watch other sites (match=), or every token"
            )
        return rows[_real_tokens(self.padding_mask, last, site.path).to(rows.device)]

    def _read_mask(
        self, module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        bound = inspect.signature(module.forward).bind_partial(*arguments, **named).arguments
        given = bound.get(self._mask_argument or "", bound.get("kwargs", {}))
        if isinstance(given, dict):
            given = given.get(self._mask_argument)
        self.padding_mask = given


def _real_tokens(mask: Tensor, values: Tensor, path: str) -> Tensor:
    """Which rows of ``values`` (..., N) are real tokens by ``mask`` (B, S): boolean, (R,)."""
    if mask.ndim != 2 or mask.is_floating_point():
        raise CamberError(
            f"watch: a padding mask has the shape (batch, tokens) and holds True or 1 at real "
            f"tokens, but got {mask.dtype} of shape {tuple(mask.shape)}"
        )
    leading = values.shape[:-1]
    if len(leading) == 1 and leading[0] == mask.numel():
        return mask.bool().flatten()  # a model that flattens batch and tokens first
    # With a key-value cache the mask covers the past too, and the values only the new tokens.
    if len(leading) != 2 or leading[0] != mask.shape[0] or leading[1] > mask.shape[1]:
        raise CamberError(
            f"watch: the padding mask of shape {tuple(mask.shape)} does not fit the values of "
            f"shape {tuple(values.shape)} at {path}"
        )
    return mask[:, mask.shape[1] - leading[1] :].bool().flatten()


def watch(
    model: nn.Module,
    *,
    match: str = "*",
    meters: Sequence[Callable[[], Meter]] = DEFAULT_METERS,
    channel_dim: int | None = None,
    mask_argument: str | None = None,
) -> Watch:
    """Measure the values at the nonlinearities of ``model`` while it runs inside ``with``.

    Per site: smallest and largest value, mean and deviation, the share that is exactly zero, the
    share above zero, dead units, NaNs. Values stream through; memory is of the order of the
    neurons. The model's outputs do not change by a bit. In a gated feed-forward network the values
    are the products that enter the down-projection; where no module sees the product (experts
    stacked in one tensor) the report says so. A pass repeated by activation checkpointing counts
    once.

    Args:
        model: any module, not compiled by ``torch.compile``.
        match: glob pattern over the paths of :func:`camber.sites.sites`.
        meters: factories of meters, one fresh meter per site each.
        channel_dim: the axis of the neurons; by default taken from the modules around a site, or
            the last of up to three axes.
        mask_argument: name of the model's argument that holds a padding mask (B, T), True or 1 at
            real tokens, such as "attention_mask". It is read at each call. Without it, set
            ``padding_mask`` by hand, or every token counts.

    Returns:
        A context manager; its ``report()`` is a table, also ``to_dict()``.

    Raises:
        CamberError: where nothing matches, or the model is compiled; when it runs, where a padding
            mask does not fit the values, as in a mixture of experts.

    Example:
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        >>> with watch(model) as seen:
        ...     _ = model(torch.ones(10, 4))
        >>> seen.report().sites[0].tokens, seen.report().sites[0].neurons
        (10, 8)
    """
    for path, module in model.named_modules():
        if isinstance(module, torch._dynamo.OptimizedModule) or module._compiled_call_impl:
            raise CamberError(
                f"watch: {path or 'the model'} is compiled by torch.compile, and hooks added now "
                f"would never run; watch and call the original module, before compiling it"
            )
    known = list(inspect.signature(model.forward).parameters)
    if mask_argument is not None and mask_argument not in known and "kwargs" not in known:
        raise CamberError(
            f"watch: the model's forward has no argument {mask_argument!r}; it has {known}"
        )
    watched = matching(sites(model), match, "watch")
    return Watch(model, watched, meters, channel_dim, mask_argument)
