"""Learnable polynomials in two bases: powers, and orthonormal Hermite polynomials.

    polynomial:  y = a_0 + a_1 x + ... + a_n x^n
    hermite:     y = c_0 h_0(x) + ... + c_n h_n(x),   h_k = He_k / sqrt(k!)

He_k are the probabilists' Hermite polynomials: He_0 = 1, He_1 = x, He_{k+1} = x He_k - k He_{k-1}.
For z ~ N(0, 1) the h_k are orthonormal, so c_k = E[f(z) h_k(z)] expands f, and E[y(z)^2] is the sum
of c_k^2: the scale of the output can be read off the coefficients.

Both start as the Gaussian least-squares fit of ReLU, whose coefficients are known in closed form:
c_0 = 1/sqrt(2 pi), c_1 = 1/2, c_k = He_{k-2}(0) / sqrt(2 pi k!) for k >= 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from camber.activations.definition import Definition
from camber.activations.kinds import Pointwise
from camber.activations.parameters import Granularity, Value, positive_integer
from camber.activations.registry import register
from camber.activations.source import Source
from camber.fast import Backend, pointwise
from camber.formula import Formula

#: Beyond this order float32 has no correct digit left at |x| = 4.
LARGEST_ORDER: Final = 20


def hermite_powers(order: int) -> list[list[float]]:
    """Row k holds the coefficients of h_k = He_k / sqrt(k!) on 1, x, ..., x^order.

    Example:
        >>> hermite_powers(2)[2]
        [-0.7071..., 0.0, 0.7071...]
    """
    rows = _he_integers(order)
    return [[c / math.sqrt(math.factorial(k)) for c in row] for k, row in enumerate(rows)]


def relu_hermite(order: int) -> tuple[float, ...]:
    """The orthonormal Hermite coefficients of ReLU up to ``order``, in closed form.

    Example:
        >>> [round(c, 6) for c in relu_hermite(4)]
        [0.398942, 0.5, 0.282095, 0.0, -0.081434]
    """
    at_zero = [row[0] for row in _he_integers(order)]
    values = [1 / math.sqrt(2 * math.pi), 0.5]
    values += [
        at_zero[k - 2] / math.sqrt(2 * math.pi * math.factorial(k)) for k in range(2, order + 1)
    ]
    return tuple(values[: order + 1])


def _he_integers(order: int) -> list[list[int]]:
    rows = [[1] + [0] * order, [0, 1] + [0] * (order - 1)]
    for k in range(1, order):
        shifted = [0, *rows[k][:-1]]
        rows.append([s - k * p for s, p in zip(shifted, rows[k - 1], strict=True)])
    return rows[: order + 1]


@register("polynomial")
class Polynomial(Pointwise):
    """A learnable polynomial in powers of x.

    ``y = coefficient[0] + coefficient[1] x + ... + coefficient[order] x^order``

    Args:
        order: the degree, 1 to 20.
        coefficient: initial values, ascending; None for the Gaussian least-squares fit of ReLU.
        granularity, channels, groups, channel_dim: one polynomial for the layer, per channel or
            per group of channels.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Shape: any; the output has the shape and dtype of the input. Half precision is computed in
    float32 inside. Grows like x^order: unbounded, and far from 0 it soon leaves any float.

    Raises:
        CamberError: for an order out of range or coefficients of another number.
        DtypeError: for integer or complex input.

    Example:
        >>> Polynomial(2, (1.0, 0.0, 0.5))(torch.tensor([0.0, 2.0])).tolist()
        [1.0, 3.0]

    References:
        M. Goyal, R. Goyal, B. Lall, "Learning Activation Functions: A new paradigm for
        understanding Neural Networks", 2019, arXiv:1906.09529.
    """

    source = Source(
        authors="Goyal, Goyal and Lall",
        title="Learning Activation Functions: A new paradigm for understanding Neural Networks",
        year=2019,
        arxiv="1906.09529",
    )

    def __init__(
        self,
        order: int = 3,
        coefficient: Sequence[float] | None = None,
        *,
        granularity: Granularity = "shared",
        channels: int | None = None,
        groups: int | None = None,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            granularity=granularity,
            channels=channels,
            groups=groups,
            channel_dim=channel_dim,
            backend=backend,
        )
        self.order = positive_integer(order, "order", LARGEST_ORDER)
        names = ", ".join(f"coefficient[{k}]" for k in range(order + 1))
        values: dict[str, Value] = {"coefficient": coefficient or _relu_powers(order)}
        self._define(Formula.parse(f"poly(x, {names})"), values)

    def _values(self, x: Tensor) -> Tensor:
        return self._pointwise(x)


def _relu_powers(order: int) -> tuple[float, ...]:
    rows, weights = hermite_powers(order), relu_hermite(order)
    return tuple(
        math.fsum(c * row[j] for c, row in zip(weights, rows, strict=True))
        for j in range(order + 1)
    )


@register("hermite")
class Hermite(Pointwise):
    """A learnable sum of orthonormal Hermite polynomials.

    ``y = sum_k coefficient[k] He_k(x) / sqrt(k!)``, k = 0 .. order

    Args:
        order: the degree, 1 to 20.
        coefficient: initial values, from degree 0 up; None for those of ReLU.
        granularity, channels, groups, channel_dim: one sum for the layer, per channel or per group
            of channels.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Shape: any; the output has the shape and dtype of the input. Half precision is computed in
    float32 inside.

    Raises:
        CamberError: for an order out of range or coefficients of another number.
        DtypeError: for integer or complex input.

    Example:
        >>> Hermite(2, (0.0, 0.0, 1.0))(torch.tensor([1.0, 2.0]))
        tensor([0.0000, 2.1213], grad_fn=...)

    References:
        V. S. Lokhande et al., "Generating Accurate Pseudo-labels in Semi-Supervised Learning and
        Avoiding Overconfident Predictions via Hermite Polynomial Activations", 2019,
        arXiv:1909.05479.
    """

    source = Source(
        authors="Lokhande, Tasneeyapant, Venkatesh, Ravi and Singh",
        title="Generating Accurate Pseudo-labels in Semi-Supervised Learning and Avoiding "
        "Overconfident Predictions via Hermite Polynomial Activations",
        year=2019,
        arxiv="1909.05479",
    )
    coefficient: nn.Parameter

    def __init__(
        self,
        order: int = 4,
        coefficient: Sequence[float] | None = None,
        *,
        granularity: Granularity = "shared",
        channels: int | None = None,
        groups: int | None = None,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            granularity=granularity,
            channels=channels,
            groups=groups,
            channel_dim=channel_dim,
            backend=backend,
        )
        self.order = positive_integer(order, "order", LARGEST_ORDER)
        terms = [
            f"coefficient[{k}]*poly(x, {', '.join(map(str, [*row[: k + 1], 0][: max(k + 1, 2)]))})"
            f"/sqrt({math.factorial(k)})"
            for k, row in enumerate(_he_integers(order))
        ]
        self._define(
            Formula.parse(" + ".join(terms)), {"coefficient": coefficient or relu_hermite(order)}
        )
        names = ", ".join(f"power[{k}]" for k in range(order + 1))
        self._powers = Definition(Formula.parse(f"poly(x, {names})"))
        self._basis = hermite_powers(order)

    def _values(self, x: Tensor) -> Tensor:
        # One small product turns the sum into powers, so that each element costs one Horner run.
        self.layout.check(x, self.label)
        wide = torch.float64 if x.dtype == torch.float64 else torch.float32
        basis = torch.tensor(self._basis, dtype=wide, device=x.device)
        power = torch.tensordot(basis.mT, self.coefficient.to(wide), dims=1)  # (order + 1, ...)
        if torch.compiler.is_compiling():
            spread = power if power.ndim == 1 else self.layout.spread(power, x)
            return self._powers(x, power=spread)
        return pointwise(
            self._powers.formula,
            x,
            {"power": power},
            channel_dim=self.layout.channel_dim,
            backend=self.backend,
        )
