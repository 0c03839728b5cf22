"""Zeros: the share of exactly 0 and the units that are always 0, while and after training."""

import math
from collections.abc import Mapping

from torch import Tensor, nn

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.compare.taps import Ear, TapCallback, Taps, rows_of
from camber.compare.watched_steps import is_watched
from camber.sites import ZeroMeter
from camber.tasks import Task
from camber.train import Fit


class ZeroEar:
    """Counts zeros of what leaves a site: a :class:`~camber.sites.ZeroMeter` behind a tap.

    Attributes:
        meter: the counts. tokens: rows seen.
    """

    def __init__(self) -> None:
        self.meter = ZeroMeter()
        self.tokens = 0

    def before(self, values: tuple[Tensor, ...]) -> None:
        """What enters is not asked."""

    def after(self, values: Tensor, channel_dim: int) -> None:
        rows = rows_of(values, channel_dim)
        if self.meter.rows.numel() not in (0, rows.shape[1]):
            return  # another number of channels than before: units have no meaning across them
        self.meter.update(rows)
        self.tokens += len(rows)

    def found(self) -> dict[str, float]:
        """``zero_fraction``, ``dead_units`` and ``units``; NaN for a share of nothing."""
        summary = self.meter.summary() if self.tokens else {"zero_fraction": math.nan}
        return {
            "zero_fraction": summary["zero_fraction"],
            "dead_units": summary.get("dead_units", 0),
            "units": self.meter.rows.numel(),
        }


def _tell(ears: dict[str, Ear], run: Fit) -> dict[str, object]:
    del run
    found = {
        path: ear.found() for path, ear in ears.items() if isinstance(ear, ZeroEar) and ear.tokens
    }
    return {"zeros": found} if found else {}


def _probe(model: nn.Module, task: Task) -> Mapping[str, object]:
    with Taps(model, ZeroEar) as taps:
        task.evaluate(model)
    heard = [
        (path, ear)
        for path, ear in taps.ears.items()
        if isinstance(ear, ZeroEar) and ear.tokens  # what the evaluation never reached is left out
    ]
    if not heard:
        return {}
    values = sum(int(ear.meter.rows.sum()) for _, ear in heard)
    zeros = sum(int(ear.meter.zeros.sum()) for _, ear in heard)
    return {
        "zero_fraction": zeros / values if values else 0.0,
        "dead_units": sum(ear.meter.dead.numel() for _, ear in heard),
        "units": sum(ear.meter.rows.numel() for _, ear in heard),
        "sites": [path for path, _ in heard],
    }


def _measure(subject: Subject) -> Cell:
    share = subject.median_of("zeros", "zero_fraction")
    if share is None:
        return None
    return {
        "zero_fraction": share,
        "dead_units": subject.median_of("zeros", "dead_units"),
        "units": subject.median_of("zeros", "units"),
    }


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    return f"{100 * cell['zero_fraction']:.1f} %\n{cell['dead_units']:.0f} of {cell['units']:.0f}"


ROW = Row(
    key="zeros",
    title="exactly 0 after training\ndead units",
    order=90,
    explain="outputs that are exactly 0, and units that are 0 on all held-out data; medians",
    measure=_measure,
    show=_show,
    probe=_probe,
    callback=lambda: TapCallback(is_watched, ZeroEar, _tell),
)
