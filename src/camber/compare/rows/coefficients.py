"""What the activation's own coefficients became in training, per site."""

from collections.abc import Mapping
from statistics import fmean

from torch import nn

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.sites import sites
from camber.tasks import Task

#: Longer families (one number per channel) are described by their size alone.
SHOWN = 6


def _probe(model: nn.Module, task: Task) -> Mapping[str, object]:
    del task  # the coefficients are the model's own
    found: dict[str, object] = {}
    for site in sites(model):
        own = {
            name: parameter.detach().double().flatten().tolist()
            for name, parameter in site.module.named_parameters()
        }
        if own:
            found[site.path] = own
    return {"sites": found}


def _measure(subject: Subject) -> Cell:
    """Per site and coefficient the mean over seeds."""
    per_run = []
    for run in subject.runs:
        found = run.probes.get("coefficients", {}).get("sites")
        if isinstance(found, dict) and found and not run.failed:
            per_run.append(found)
    if not per_run:
        return None
    return {
        path: {
            name: [
                fmean(column) for column in zip(*(run[path][name] for run in per_run), strict=True)
            ]
            for name in names
        }
        for path, names in per_run[0].items()
    }


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    layers = list(cell.values())
    lines = []
    for name in layers[0]:
        columns = list(zip(*(layer[name] for layer in layers), strict=True))
        if len(columns) > SHOWN:
            lines.append(f"{name}: {len(columns)} numbers")
        else:
            lines.append(f"{name} {' '.join(f'{fmean(column):.2f}' for column in columns)}")
    return "\n".join(lines)


ROW = Row(
    key="coefficients",
    title="learned coefficients\nmean over layers and seeds",
    order=95,
    explain="in the order of the module's parameters; weight[0] multiplies the highest power",
    measure=_measure,
    show=_show,
    probe=_probe,
)
