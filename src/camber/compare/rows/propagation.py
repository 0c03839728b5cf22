"""Signal propagation: how the size of signals and gradients changes from site to site.

Per site, in depth order, at the first and at the last training step: the mean square of what
enters the nonlinearity (pre-activations), of what leaves it, and of the loss's gradient with
respect to what leaves it. Near-constant sizes over depth are what makes deep networks trainable.

Source: S. S. Schoenholz, J. Gilmer, S. Ganguli, J. Sohl-Dickstein, "Deep Information Propagation",
ICLR 2017, arXiv 1611.01232.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from camber.compare.rows.row import Cell, Row
from camber.compare.subject import Subject
from camber.compare.taps import Ear, TapCallback
from camber.train import Fit, FitConfig

#: The notes of the log, by the moment they speak of.
NOTES: Final = {"start": "propagation_start", "end": "propagation_end"}

#: What is known of each site.
SIZES: Final = ("before", "after", "gradient")


class SizeEar:
    """Mean squares of what enters and leaves one site, and of the gradient that comes back."""

    def __init__(self) -> None:
        self._sums = dict.fromkeys(SIZES, 0.0)
        self._counts = dict.fromkeys(SIZES, 0)

    def before(self, values: tuple[Tensor, ...]) -> None:
        for tensor in values:
            self._take("before", tensor)

    def after(self, values: Tensor, channel_dim: int) -> None:
        del channel_dim
        self._take("after", values.detach())
        if values.requires_grad:
            values.register_hook(self._returned)

    def _returned(self, gradient: Tensor) -> None:
        if isinstance(gradient, Tensor):
            self._take("gradient", gradient.detach())

    @torch.no_grad()
    def _take(self, name: str, values: Tensor) -> None:
        # float64 in the final square only: some devices have none, and a float32 norm is exact
        # to 1e-6 here
        self._sums[name] += float(torch.linalg.vector_norm(values.float())) ** 2
        self._counts[name] += values.numel()

    def found(self) -> dict[str, float]:
        """``before``, ``after`` and ``gradient``: mean squares, NaN where nothing was seen."""
        return {
            name: self._sums[name] / count if (count := self._counts[name]) else math.nan
            for name in SIZES
        }


def _due(step: int, config: FitConfig) -> bool:
    return step in (1, config.steps)


def _tell(ears: dict[str, Ear], run: Fit) -> dict[str, object]:
    found = [
        {"path": path, **ear.found()} for path, ear in ears.items() if isinstance(ear, SizeEar)
    ]
    moments = {1: "start", run.config.steps: "end"} if run.config.steps > 1 else {1: "start"}
    return {NOTES[moments[run.step]]: found} if found else {}


def _recall(log: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    """The notes of start and end, where the log has them."""
    return {
        moment: record[note]
        for record in log
        for moment, note in NOTES.items()
        if isinstance(record.get(note), list)
    }


def last_over_first(noted: object, size: str) -> float | None:
    """Return ``size`` at the last site over that at the first; None for fewer than two sites.

    Example:
        >>> last_over_first([{"path": "a", "after": 4.0}, {"path": "b", "after": 1.0}], "after")
        0.25
    """
    if not isinstance(noted, list) or len(noted) < 2:
        return None
    first, last = noted[0].get(size), noted[-1].get(size)
    if not isinstance(first, int | float) or not isinstance(last, int | float):
        return None
    return last / first if math.isfinite(first) and math.isfinite(last) and first > 0 else None


def _measure(subject: Subject) -> Cell:
    """Geometric means over seeds: ratios multiply."""
    cell: dict[str, object] = {}
    for moment in NOTES:
        for size in SIZES:
            ratios = [
                ratio
                for run in subject.runs
                if (ratio := last_over_first(run.probes.get("propagation", {}).get(moment), size))
            ]
            if ratios:
                cell.setdefault(moment, {})[size] = math.exp(  # type: ignore[index]  # a dict
                    math.fsum(map(math.log, ratios)) / len(ratios)
                )
    return cell or None


def _show(cell: Cell) -> str:
    if not isinstance(cell, dict):
        return "—"
    shown = [f"{cell[moment]['after']:.3g}" for moment in NOTES if "after" in cell.get(moment, {})]
    return " → ".join(shown) or "—"


ROW = Row(
    key="propagation",
    title="signal, last site over first\nstart → end of training",
    order=98,
    explain="mean square of the activations' outputs at the last site over that at the first",
    measure=_measure,
    show=_show,
    callback=lambda: TapCallback(_due, SizeEar, _tell),
    recall=_recall,
)
