"""Meters as a callback: what the nonlinearities of a model do while it learns."""

from collections.abc import Callable, Sequence

from camber.errors import CamberError
from camber.sites import DEFAULT_METERS, Meter, Watch, watch
from camber.train.fit_loop import Fit


class Metering:
    """Watch one step in every ``every``, and add what was seen to the log.

    The next log record gets ``"sites"``: path -> what the meters say (range, zeros, dead units,
    see :func:`camber.sites.watch`). A step that is watched takes a few per cent longer; the others
    cost nothing.

    Args:
        every: steps between two looks, >= 1.
        match: which sites, by a pattern on their paths.
        meters: factories of meters.

    Raises:
        CamberError: ``every`` below 1.

    Example:
        >>> import camber
        >>> from camber.train import FitConfig, Metering, fit
        >>> task = camber.tasks.CharLM("quick", steps=4, layers=1, width=8, batch=2, context=8)
        >>> model = task.build_model("relu", seed=0)
        >>> config = FitConfig(**task.recommended, log_every=2)
        >>> result = fit(model, task, config, seed=0, callbacks=[Metering(every=2)])
        >>> seen = result.log[0]["sites"]["blocks.0.feed_forward.activation"]
        >>> 0.3 < seen["zero_fraction"] < 0.7
        True
    """

    def __init__(
        self,
        every: int = 50,
        *,
        match: str = "*",
        meters: Sequence[Callable[[], Meter]] = DEFAULT_METERS,
    ) -> None:
        if every < 1:
            raise CamberError(f"Metering: every is {every}: give at least 1")
        self._every = every
        self._match = match
        self._meters = meters
        self._watch: Watch | None = None

    def start(self, run: Fit) -> None:
        """Watch the first step if it is one of those."""
        self._look_at_next(run)

    def step(self, run: Fit) -> None:
        """Note what the step that was watched has shown; watch the next one if it is due."""
        if self._watch is not None:
            self._close()
            report = self._watch.report()
            run.note(sites={site.path: dict(site.values) for site in report.sites})
            self._watch = None
        self._look_at_next(run)

    def end(self, run: Fit) -> None:
        """Leave no hook in the model."""
        self._close()
        self._watch = None

    def _look_at_next(self, run: Fit) -> None:
        if (run.step + 1) % self._every == 0:
            self._watch = watch(run.model, match=self._match, meters=self._meters).__enter__()

    def _close(self) -> None:
        if self._watch is not None:
            self._watch.__exit__(None, None, None)
