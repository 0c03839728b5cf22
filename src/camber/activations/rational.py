"""Rational units: a learnable ratio of polynomials without poles, per layer or group of channels.

    y = P(x) / Q(x),   P(x) = a_0 + a_1 x + ... + a_m x^m

    sum_abs:  Q(x) = 1 + |b_1| |x| + ... + |b_n| |x|^n       what the released GPU kernels compute
    abs_sum:  Q(x) = 1 + |b_1 x + ... + b_n x^n|             what the paper writes

Both give Q >= 1. They are different functions: coefficients of one are wrong in the other, so the
form travels in the state dict and a mismatch is an error. Slopes where they are not unique:
d|b|/db is +1 at b = 0 (a denominator that starts at 0 must be able to train), d|x|/dx is 0 at
x = 0; in abs_sum the sign of the inner sum is 0 at an isolated root, and +1 where all b are 0.

For large |x| the unit grows like |x|^(m - k), k the last power with b_k != 0: linearly for (5, 4),
faster once b_4 trains to 0. Weight decay drags the shape towards that: see ``no_weight_decay``.
Nothing warns when it happens, because to look would read coefficients back from the device at
every call, and nothing is clamped, because b_4 = 0 is a function one may want; a comparison logs
the coefficients of every run.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from camber.activations.base import Place, StateError
from camber.activations.kinds import Pointwise
from camber.activations.parameters import Initial, Layout, positive_integer
from camber.activations.rational_fits import FITTED_ON
from camber.activations.rational_start import DEGREES, Start, checked_degrees, starting_point
from camber.activations.registry import register
from camber.activations.source import Source
from camber.algebra import FORMS, RationalFit, RationalForm
from camber.errors import CamberError, unknown_name
from camber.fast import Backend, rational
from camber.formula import Formula


def rational_formula(m: int, n: int, form: RationalForm) -> Formula:
    """The unit as a formula in ``numerator[0..m]`` and ``denominator[0..n-1]``."""
    top = f"poly(x, {', '.join(f'numerator[{i}]' for i in range(m + 1))})"
    b = [f"denominator[{i}]" for i in range(n)]
    if n == 0:
        return Formula.parse(top)
    if form == "abs_sum":
        return Formula.parse(f"{top}/(1 + abs(poly(x, 0, {', '.join(b)})))")
    # where(b >= 0, ...) and not abs(b): the slope at b = 0 is +1 by definition
    size = ", ".join(f"where({name} >= 0, {name}, -{name})" for name in b)
    return Formula.parse(f"{top}/poly(abs(x), 1, {size})")


@register("rational")
class GroupRational(Pointwise):
    """A learnable ratio of polynomials without poles, one per group of channels.

    ``y = P(x) / Q(x)``; ``Q = 1 + sum |b_i| |x|^i`` (``sum_abs``) or ``1 + |sum b_i x^i|``
    (``abs_sum``).

    Args:
        num_channels: length of the channel axis; may be None with one group.
        groups: number of groups of neighbouring channels; must divide ``num_channels``.
        degrees: (m, n), m >= 1, n >= 0; n = 0 is a polynomial.
        init: a starting function by name (``identity``, ``gelu``, ``leaky_relu``, ``relu``,
            ``sigmoid``, ``silu``, ``tanh``, or any pointwise activation or formula, which is
            fitted on [-3, 3]), or a :class:`~camber.algebra.RationalFit` of the same form.
        form: ``"sum_abs"`` or ``"abs_sum"``.
        share_numerator: one numerator for all groups (True) or one each.
        share_denominator: one denominator for all groups or one each (False).
        channel_dim: the axis of the channels.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.

    Parameters: ``numerator`` (1 or groups, m + 1) and ``denominator`` (1 or groups, n), ascending,
    b_1 first; and the buffer ``form_code`` (1,).

    Shape: any; with several groups the axis ``channel_dim`` has ``num_channels`` entries. The
    output has the shape and dtype of the input. Half precision is computed in float32 inside.

    Raises:
        CamberError: for groups that do not divide the channels, impossible degrees, a wrong axis.
        UnknownNameError: for an unknown form or starting function.
        DtypeError: for integer or complex input.

    Example:
        >>> unit = GroupRational(4, groups=2, init="silu")
        >>> unit(torch.tensor([-1.0, 0.0, 1.0, 2.0]))
        tensor([-2.6894e-01,  4.5577e-07,  7.3106e-01,  1.7616e+00], grad_fn=...)

    References:
        X. Yang, X. Wang, "Kolmogorov-Arnold Transformer", 2024, arXiv:2409.10594; before that
        A. Molina, P. Schramowski, K. Kersting, "Padé Activation Units: End-to-end Learning of
        Flexible Activation Functions in Deep Networks", 2019, arXiv:1907.06732.
    """

    source = Source(
        authors="Yang and Wang",
        title="Kolmogorov-Arnold Transformer",
        year=2024,
        arxiv="2409.10594",
    )
    numerator: nn.Parameter
    denominator: nn.Parameter
    form_code: nn.Buffer

    def __init__(
        self,
        num_channels: int | None = None,
        groups: int = 1,
        degrees: tuple[int, int] = DEGREES,
        init: Start = "silu",
        form: RationalForm = "sum_abs",
        share_numerator: bool = True,
        *,
        share_denominator: bool = False,
        channel_dim: int = -1,
        backend: Backend = "auto",
    ) -> None:
        super().__init__(channel_dim=channel_dim, backend=backend)
        if form not in FORMS:
            raise unknown_name("rational form", str(form), FORMS)
        self.groups = positive_integer(groups, "groups")
        if num_channels is not None:
            positive_integer(num_channels, "num_channels")
        elif groups > 1:
            raise CamberError(f"{groups} groups need num_channels=, the length of the channel axis")
        if groups > 1:
            # Layout checks that the groups divide the channels, here and at every call.
            self.layout = Layout("group", num_channels, groups, channel_dim)
        self.num_channels = num_channels
        self.form: RationalForm = form
        if form == "abs_sum":
            self.name = "rational_abs_sum"
        self.degrees = checked_degrees(degrees)
        m, n = self.degrees
        self._formula = rational_formula(m, n, form)
        self._begin: dict[str, tuple[float, ...]] = {}
        numerator, denominator = starting_point(init, self.degrees, form)
        self._start("numerator", numerator, 1 if share_numerator else groups)
        if n > 0:
            self._start("denominator", denominator, 1 if share_denominator else groups)
        self.form_code = nn.Buffer(torch.empty(1, dtype=torch.uint8))
        self.reset_parameters()

    def _start(self, name: str, start: tuple[float, ...], rows: int) -> None:
        self._begin[name] = start
        self._initial[name] = Initial(start, None, "shared" if rows == 1 else "group")
        self.register_parameter(name, nn.Parameter(torch.empty(rows, len(start))))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the coefficients to their starting function again."""
        for name, initial in self._initial.items():
            stored = self.get_parameter(name)
            stored.copy_(torch.tensor(initial.value, dtype=torch.float64).expand_as(stored))
        self.form_code.fill_(FORMS.index(self.form))

    def for_site(self, site: Place) -> GroupRational:
        """A fresh copy for the channels and the channel axis of a site."""
        numerator, denominator = self._begin["numerator"], self._begin.get("denominator", ())
        return GroupRational(
            self.num_channels if site.channels is None else site.channels,
            self.groups,
            self.degrees,
            RationalFit(numerator, denominator, self.form, FITTED_ON, 0.0, 0.0, 0.0, 0),
            self.form,
            self.numerator.shape[0] == 1,
            share_denominator=self.degrees[1] > 0 and self.denominator.shape[0] == 1,
            channel_dim=self.layout.channel_dim if site.channel_dim is None else site.channel_dim,
            backend=self.backend,
        )

    def parameter_values(self) -> dict[str, float | np.ndarray]:
        """Coefficients in float64: the power on the first axis, groups, if any, on the last."""
        values: dict[str, float | np.ndarray] = {}
        for name in self._initial:
            array = self.get_parameter(name).detach().double().cpu().numpy()
            if self.groups > 1:
                values[name] = np.broadcast_to(array, (self.groups, array.shape[1])).T.copy()
            else:
                values[name] = array[0]
        return values

    def _stored(self) -> dict[str, Tensor]:
        if self.groups == 1:
            return {name: getattr(self, name)[0] for name in self._initial}
        tables = {name: getattr(self, name) for name in self._initial}
        # (power, groups)
        return {name: t.expand(self.groups, t.shape[1]).mT for name, t in tables.items()}

    def _arguments(self, x: Tensor, channel_dim: int | None = None) -> dict[str, Tensor]:
        layout = self.layout if channel_dim is None else self.layout.resized(None, channel_dim)
        layout.check(x, self.label)
        return {name: layout.spread(stored, x) for name, stored in self._stored().items()}

    def _values(self, x: Tensor) -> Tensor:
        if self.num_channels is not None:
            self._check_channels(x)
        n = self.degrees[1]
        return rational(
            x,
            self.numerator,
            self._divisor() if n else self.numerator.new_zeros(1, 0),
            groups=self.groups,
            form=self.form,
            channel_dim=self.layout.channel_dim,
            backend=self.backend,
        )

    def _divisor(self) -> Tensor:
        """The denominator as the back ends take it.

        In abs_sum a denominator of zeros would have sign 0 and never train. A square term of 1e-30
        makes the sign +1 and is lost against the 1 of Q for |x| < 1e7.
        """
        if self.form == "sum_abs":
            return self.denominator
        flat = (self.denominator == 0).all(-1, keepdim=True)
        n = self.degrees[1]
        square = torch.arange(n, device=self.denominator.device) == min(1, n - 1)
        return self.denominator + 1e-30 * (flat & square)

    def _check_channels(self, x: Tensor) -> None:
        axis = self.layout.channel_dim
        found = x.shape[axis] if -x.ndim <= axis < x.ndim else None
        if found != self.num_channels:
            raise CamberError(
                f"{self.label} was built for {self.num_channels} channels on axis {axis}, but the "
                f"input has shape {tuple(x.shape)}"
            )

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *others: object
    ) -> None:
        code = state_dict.get(prefix + "form_code")
        if code is None:
            # Checkpoints of other programs do not say; the user's form= does.
            state_dict[prefix + "form_code"] = torch.tensor(
                [FORMS.index(self.form)], dtype=torch.uint8, device=self.form_code.device
            )
        elif not code.is_meta and int(code.reshape(-1)[0]) != FORMS.index(self.form):
            raise StateError(
                f"the saved {prefix or 'rational unit '}was trained with the other denominator; "
                f"this one has form={self.form!r}, build it with "
                f"form={FORMS[1 - FORMS.index(self.form)]!r}"
            )
        super()._load_from_state_dict(state_dict, prefix, *others)

    def extra_repr(self) -> str:
        return (
            f"{self.num_channels}, groups={self.groups}, degrees={self.degrees}, form={self.form!r}"
        )


register(
    "rational_abs_sum",
    GroupRational,
    form="abs_sum",
    summary="The rational unit with the paper's denominator 1 + |sum b_i x^i|.",
)
