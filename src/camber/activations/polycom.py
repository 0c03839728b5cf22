"""PolyCom: polynomial compositions with any inner function rho.

    Type I:   y = bias + sum_k weight[r-k] rho(x)^k
    Type II:  y = bias + sum_k weight[r-k] rho(x^k)          k = 1 .. r

PolyReLU is Type I of ReLU, PolyNorm is Type II of the RMS normalisation (``rho="rms_norm"``).
``weight[0]`` multiplies the highest power, as in the official checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import numpy as np
from torch import Tensor, nn

from camber.activations.base import Activation, Kind
from camber.activations.build import activation
from camber.activations.by_formula import widened
from camber.activations.definition import Definition
from camber.activations.parameters import LARGEST_POWER, Initial, positive_integer
from camber.activations.polynorm import checked_epsilon
from camber.activations.polyrelu import POLYCOM, descending
from camber.activations.registry import known_names, register
from camber.errors import CamberError, DtypeError, UnknownNameError, unknown_name
from camber.fast import Backend, poly_norm
from camber.formula import Formula

Rho: TypeAlias = str | nn.Module | Callable[[Tensor], Tensor]
#: The inner function of PolyNorm; no activation of the catalogue, because it has its own eps.
RMS_NORM: Final = "rms_norm"


@register("polycom")
class PolyCom(Activation):
    """A learnable polynomial composed with an inner function rho.

    Type I: ``y = bias + sum_k weight[r-k] rho(x)^k``. Type II: ``y = bias + sum_k weight[r-k]
    rho(x^k)``, k = 1 .. r, r = order.

    Args:
        rho: ``"rms_norm"``, a registered name, formula text in x, a module, or a function from
            tensors to tensors of the same shape. A module keeps its own parameters, learnable too.
        order: r, at least 1.
        type: ``"I"`` or ``"II"``.
        bias: whether there is a constant term.
        eps: of ``"rms_norm"``.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Parameters: ``weight`` (order,), each 1/order at first, ``weight[0]`` for the highest power;
    ``bias`` (1,), 0 at first; those of ``rho`` under ``rho.``.

    Shape: any that rho takes; the output has the shape and dtype of the input. Half precision is
    computed in float32 inside. The formula calls rho's parameters ``rho_<name>``; a Python function
    has no formula, so neither has the composition.

    Raises:
        UnknownNameError: for an unknown rho or type, with the known ones.
        CamberError: for an order below 1 or above 64 or a gated rho.
        DtypeError: for an order that is no integer; for integer or complex input.

    Example:
        >>> import torch
        >>> print(PolyCom("tanh", order=2).formula)
        poly(tanh(x), bias, weight[1], weight[0])
        >>> PolyCom("rms_norm", type="II")(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        tensor([0.1667, 0.4614, 0.9415, 1.6639], grad_fn=...)

    References:
        Z. Zhuo et al., "Polynomial Composition Activations: Unleashing the Dynamics of Large
        Language Models", 2024, arXiv:2411.03884.
    """

    source = POLYCOM
    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        rho: Rho = "silu",
        order: int = 3,
        type: Literal["I", "II"] = "I",
        bias: bool = True,
        *,
        eps: float = 1e-6,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(backend=backend)
        self.order = positive_integer(order, "order", LARGEST_POWER)
        if type not in ("I", "II"):
            raise unknown_name("PolyCom type", str(type), ("I", "II"))
        self.composition: Literal["I", "II"] = type
        self.eps = checked_epsilon(eps)
        self.rho_name = rho if isinstance(rho, str) else None
        self.rho = None if rho == RMS_NORM else _inner(rho)
        self.kind: Kind = "along" if rho == RMS_NORM else getattr(self.rho, "kind", "pointwise")  # type: ignore[misc]  # the kind of a composition is that of its inner function
        self._learn("weight", 1.0 / order, order)
        if bias:
            self._learn("bias", 0.0, None)
        else:
            self.register_parameter("bias", None)
        if self.rho is None:
            self._formula = self._compose(Formula.parse(f"x/rms(x, {self.eps!r})"))
        elif isinstance(self.rho, Activation) and self.rho._formula is not None:
            self._formula = self._compose(_renamed(self.rho.formula))
            self._program = Definition(self._compose(_renamed(self.rho.program)))

    def _compose(self, inner: Formula) -> Formula:
        """The composition with ``inner`` as one formula."""
        bias = self.bias is not None
        if self.composition == "I":
            weights = ", ".join(f"weight[{self.order - k}]" for k in range(1, self.order + 1))
            text = f"poly(RHO, {'bias' if bias else '0'}, {weights})"
            return Formula.parse(text).substitute({"RHO": inner})
        powers = {
            f"RHO{k}": inner.substitute({"x": f"x**{k}" if k > 1 else "x"})
            for k in range(1, self.order + 1)
        }
        return Formula.parse(descending(self.order, bias, "RHO{k}")).substitute(powers)

    @property
    def params(self) -> dict[str, Initial]:
        """Learnable parameters, those of rho as ``rho_<name>``."""
        own = dict(self._initial)
        if isinstance(self.rho, Activation):
            own |= {f"rho_{name}": initial for name, initial in self.rho.params.items()}
        return own

    def parameter_values(self) -> dict[str, float | np.ndarray]:
        """Current values, those of rho as ``rho_<name>``."""
        own = super().parameter_values()
        if isinstance(self.rho, Activation):
            own |= {f"rho_{name}": value for name, value in self.rho.parameter_values().items()}
        return own

    def forward(self, x: Tensor) -> Tensor:
        """Apply to ``x``; same shape, dtype and device.

        Raises:
            DtypeError: for integer or complex input.
            CamberError: where rho needs a feature axis and it is empty.
        """
        self._check_input(x)
        constant = self.weight.new_zeros(1) if self.bias is None else self.bias
        if self.rho is None and self.composition == "II":
            if x.ndim == 0 or x.shape[-1] == 0:
                raise CamberError(
                    f"{self.label} works along axis -1, which is missing or empty in an input of "
                    f"shape {tuple(x.shape)}"
                )
            return poly_norm(x, self.weight, constant, self.eps, backend=self.backend)
        if self.kind == "pointwise" and self._program is not None:
            return self._pointwise(x)
        return self._generic(x, constant)

    def _stored(self) -> dict[str, Tensor]:
        own = super()._stored()
        if isinstance(self.rho, Activation):
            own |= {f"rho_{name}": value for name, value in self.rho._stored().items()}
        return own

    def _arguments(self, x: Tensor, channel_dim: int | None = None) -> dict[str, Tensor]:
        own = super()._arguments(x, channel_dim)
        if isinstance(self.rho, Activation):
            inner = self.rho._arguments(x, channel_dim)
            own |= {f"rho_{name}": value for name, value in inner.items()}
        return own

    def _generic(self, x: Tensor, constant: Tensor) -> Tensor:
        """The composition by its definition, for an inner function without a pointwise formula."""
        wide = widened(x)
        weights = self.weight.to(wide.dtype).unbind()
        total = constant.to(wide.dtype).unbind()[0]
        inner = self._rho(wide) if self.composition == "I" else wide
        power = inner
        for k in range(1, self.order + 1):
            term = power if self.composition == "I" else self._rho(power)
            total = total + weights[self.order - k] * term
            if k < self.order:
                power = power * inner
        return total.to(x.dtype)

    def _rho(self, u: Tensor) -> Tensor:
        if self.rho is None:
            return u * (u.square().mean(-1, keepdim=True) + self.eps).rsqrt()
        return self.rho(u)

    def extra_repr(self) -> str:
        inner = self.rho_name if self.rho_name is not None else getattr(self.rho, "label", "rho")
        return f"rho={inner!r}, order={self.order}, type={self.composition!r}"


class _Function(nn.Module):
    """A Python function in the place of a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def _inner(rho: Rho) -> nn.Module:
    made: nn.Module
    if isinstance(rho, str):
        try:
            made = activation(rho)
        except UnknownNameError:
            known = ", ".join([RMS_NORM, *known_names()])
            raise UnknownNameError(
                f"unknown rho {rho!r}; the known ones are {known}, or any formula in x"
            ) from None
    elif isinstance(rho, nn.Module):
        made = rho
    elif callable(rho):
        return _Function(rho)
    else:
        raise DtypeError(
            f"rho is a name, a formula, a module or a function, not {type(rho).__name__}"
        )
    if isinstance(made, Activation) and made.kind == "gated":
        raise CamberError(f"rho must take one input, but {made.label} takes a value and a gate")
    return made


def _renamed(formula: Formula) -> Formula:
    """Prefix every parameter by ``rho_``, so that none meets ``weight`` or ``bias``."""
    names: dict[str, str | list[str]] = {}
    for name, count in formula.parameters.items():
        new = f"rho_{name}"
        names[name] = new if count is None else [f"{new}[{i}]" for i in range(count)]
    return formula.substitute(names) if names else formula
