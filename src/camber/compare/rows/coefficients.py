"""What the activation's own coefficients become in training, per site."""

from collections.abc import Mapping
from statistics import fmean

from torch import Tensor, nn

from camber.activations import Activation
from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.compare.watched_steps import is_watched
from camber.sites import sites
from camber.tasks import Task
from camber.train import Fit

#: Longer families (one number per channel) are described by their size alone.
SHOWN = 6

#: The log holds families up to this length; longer ones would outweigh the losses beside them.
LOGGED = 64


class CoefficientNotes:
    """Note the coefficients of every site at the steps that are watched: a callback.

    The note ``coefficients`` is path -> name -> numbers. A coefficient with one value per channel
    or group is told by its median over them (of a family, one median per member); a family longer
    than 64 is left out.
    """

    def start(self, run: Fit) -> None:
        """Nothing to prepare."""

    def step(self, run: Fit) -> None:
        """Read the coefficients after the update of a step that is watched."""
        if is_watched(run.step, run.config):
            noted = noted_coefficients(run.model)
            if noted:
                run.note(coefficients=noted)

    def end(self, run: Fit) -> None:
        """Nothing to leave behind."""


def noted_coefficients(model: nn.Module) -> dict[str, dict[str, list[float]]]:
    """Return path -> name -> at most 64 numbers, medians over channels or groups.

    Example:
        >>> import camber
        >>> noted_coefficients(nn.Sequential(camber.activation("x*sigmoid(beta*x)", beta=2.0)))
        {'0': {'beta': [2.0]}}
    """
    found: dict[str, dict[str, list[float]]] = {}
    for site in sites(model):
        own = {
            name: numbers
            for name, parameter in site.module.named_parameters()
            if len(numbers := _summary(site.module, parameter)) <= LOGGED
        }
        if own:
            found[site.path] = own
    return found


def _summary(module: nn.Module, parameter: Tensor) -> list[float]:
    values = parameter.detach().double()
    shared = isinstance(module, Activation) and module.layout.granularity == "shared"
    if not shared and values.ndim and (isinstance(module, Activation) or values.numel() > LOGGED):
        values = values.median(-1).values  # stored (n, channels) or (channels,)
    numbers: list[float] = values.flatten().tolist()
    return numbers


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
    callback=CoefficientNotes,
)
