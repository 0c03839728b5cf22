"""DRA, the dynamic range activation: a line with learnable periodic and saturating parts.

Three different formulas go by this name; each has its own name here:

    dra        ("package": the released torch-dra)   x + (b/a) sin(a x)^2 + c cos(a x) + d tanh(b x)
    dra_model  ("model": the code of the paper)      x + (a/b) sin(a x)^2 + c cos(b x) + d tanh(b x)
    dra_paper  ("paper": as quoted from the paper)   x + a sin(x/b)^2 + c cos(b x) + d tanh(b x)

Dividing by a parameter that training may bring to 0: sin(a x)^2 / a tends to a x^2, so "package"
takes that limit below |a| = 1e-8 and stays finite with a finite gradient (b x^2 in a, at a = 0).
In the other two the limit b -> 0 does not exist: there |b| is kept at 1e-6 or more, with its sign.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor

from camber.activations.kinds import Pointwise
from camber.activations.parameters import Fixed, Initial, per_channel
from camber.activations.registry import register
from camber.activations.source import Source
from camber.errors import unknown_name
from camber.fast import Backend
from camber.formula import Formula

DRAForm: TypeAlias = Literal["package", "model", "paper"]

_SAFE_B: Final = "where(abs(b) < 1e-6, where(b >= 0, 1e-6, -1e-6), b)"
_FORMULAS: Final = {
    "package": "x + b*where(abs(a) < 1e-8, a*x**2, sin(a*x)**2/a) + c*cos(a*x) + d*tanh(b*x)",
    "model": f"x + a/{_SAFE_B}*sin(a*x)**2 + c*cos(b*x) + d*tanh(b*x)",
    "paper": f"x + a*sin(x/{_SAFE_B})**2 + c*cos(b*x) + d*tanh(b*x)",
}
# The branch that is not taken is still differentiated: it must not divide by 0 either.
_PROGRAMS: Final = {
    "package": "x + b*where(abs(a) < 1e-8, a*x**2, sin(a*x)**2/where(abs(a) < 1e-8, 1, a)) "
    "+ c*cos(a*x) + d*tanh(b*x)",
}
_NAMES: Final = {"package": "dra", "model": "dra_model", "paper": "dra_paper"}


class DRA(Pointwise):
    """A line plus learnable squared sine, cosine and tanh parts; three published forms.

    ``form="package"``: ``x + (b/a) sin(a x)^2 + c cos(a x) + d tanh(b x)``; for the others see
    the module's text.

    Args:
        form: ``"package"``, ``"model"`` or ``"paper"``.
        num_parameters: 1 for one set (a, b, c, d), or the number of channels for one set each.
        a, b, c, d: initial values, or ``Fixed(value)``; None draws from N(0, 1), as published.
        generator: source of the random initial values; None is PyTorch's default one.
        channel_dim: the axis of the channels.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Shape: any; with ``num_parameters`` = C the axis ``channel_dim`` has C entries. The output has
    the shape and dtype of the input.

    Raises:
        UnknownNameError: for another form.
        CamberError: where the number of channels is not ``num_parameters``.
        DtypeError: for integer or complex input.

    Example:
        >>> DRA(a=1.0, b=1.0, c=1.0, d=1.0)(torch.tensor([0.0, 1.0, -1.0])).tolist()
        [1.0, 3.0099..., -0.5132...]

    References:
        B. Hashemi, R. G. Corominas, A. Giacchetto, "Can Transformers Do Enumerative Geometry?",
        2024, arXiv:2408.14915.
    """

    source = Source(
        authors="Hashemi, Corominas and Giacchetto",
        title="Can Transformers Do Enumerative Geometry?",
        year=2024,
        arxiv="2408.14915",
    )

    def __init__(
        self,
        form: DRAForm = "package",
        num_parameters: int = 1,
        *,
        a: float | Fixed | Initial | None = None,
        b: float | Fixed | Initial | None = None,
        c: float | Fixed | Initial | None = None,
        d: float | Fixed | Initial | None = None,
        generator: torch.Generator | None = None,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(**per_channel(num_parameters, channel_dim), backend=backend)
        if form not in _FORMULAS:
            raise unknown_name("DRA form", str(form), _FORMULAS)
        self.form: DRAForm = form
        self.name = _NAMES[form]
        given = {"a": a, "b": b, "c": c, "d": d}
        self._drawn = tuple(name for name, value in given.items() if value is None)
        values = {name: 0.0 if value is None else value for name, value in given.items()}
        program = Formula.parse(_PROGRAMS.get(form, _FORMULAS[form]))
        self._define(Formula.parse(_FORMULAS[form]), values, program=program)
        self.reset_parameters(generator)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Set given values again and draw the others anew from N(0, 1)."""
        super().reset_parameters()
        for name in self._drawn:
            self.get_parameter(name).normal_(generator=generator)

    def _values(self, x: Tensor) -> Tensor:
        return self._pointwise(x)


register("dra", DRA, form="package")
register(
    "dra_model",
    DRA,
    form="model",
    summary="DRA as in the code that trained the paper's model: (a/b) sin(a x)^2, cos(b x).",
)
register(
    "dra_paper",
    DRA,
    form="paper",
    summary="DRA as quoted from the paper: a sin(x/b)^2, cos(b x).",
)
