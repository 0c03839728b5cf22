"""Zeros in the trained model: the share of exactly 0 and the units that are always 0."""

from collections.abc import Mapping

from torch import nn

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.sites import ZeroMeter, watch
from camber.tasks import Task


def _probe(model: nn.Module, task: Task) -> Mapping[str, object]:
    with watch(model, meters=(ZeroMeter,)) as seen:
        task.evaluate(model)
    sites = [site for site in seen.report().sites if site.values]
    values = sum(site.tokens * site.neurons for site in sites)
    zeros = sum(site.values["zero_fraction"] * site.tokens * site.neurons for site in sites)
    return {
        "zero_fraction": zeros / values if values else 0.0,
        "dead_units": sum(int(site.values["dead_units"]) for site in sites),
        "units": sum(site.neurons for site in sites),
        "sites": [site.path for site in sites],
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
)
