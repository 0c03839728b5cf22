"""The factory: a name, a formula or a module in, a fresh activation out."""

from __future__ import annotations

import copy
import re

from camber.activations.base import Activation
from camber.activations.entry import from_formula, parse_formula
from camber.activations.registry import is_known, known_names, lookup
from camber.errors import CamberError, DtypeError, FormulaError, unknown_name
from camber.fast import Backend
from camber.formula import Formula, Input
from camber.formula.tree import walk

_LIKE_A_NAME = re.compile(r"[A-Za-z_][\w\- ]*")


def activation(
    spec: str | Formula | Activation, *, backend: Backend = "auto", **params: object
) -> Activation:
    """Build a fresh activation module.

    Args:
        spec: a registered name; formula text in ``x`` (and ``g`` for a gated one); a
            :class:`~camber.formula.Formula`; or an activation, which is copied.
        backend: ``"auto"``, ``"reference"``, ``"compile"`` or ``"fused"``.
        **params: initial values of parameters, by name: a number starts a learnable parameter
            there (or moves the constant, where the entry declares a constant), :class:`Fixed`
            makes it a constant, :class:`Initial` makes it learnable. Also ``granularity=`` with
            ``channels=``, ``groups=`` and ``channel_dim=``, and settings of the entry's class.

    Returns:
        A new :class:`Activation`; two calls never share a parameter.

    Raises:
        UnknownNameError: for an unknown name or parameter, with the three nearest.
        FormulaError: for text that is no formula, with a caret under the place.

    Example:
        >>> import torch
        >>> activation("gelu")(torch.tensor([1.0]))
        tensor([0.8413])
        >>> sorted(activation("x * sigmoid(beta * x)", beta=1.5).state_dict())
        ['beta']
    """
    if isinstance(spec, Activation):
        if params:
            raise CamberError(
                f"an activation module is copied as it is; {', '.join(params)} cannot be changed "
                f"on the way; pass its name or formula instead"
            )
        copied = copy.deepcopy(spec)
        if backend != "auto":
            copied.backend = backend
        return copied
    if isinstance(spec, Formula):
        return from_formula(spec, backend, params)
    if not isinstance(spec, str):
        raise DtypeError(
            f"an activation is given by a name, a formula or an activation module, not by "
            f"{type(spec).__name__}"
        )
    text = spec.strip()
    if is_known(text):
        return lookup(text).build(backend=backend, **params)
    if text.isidentifier() and text not in ("x", "g"):
        raise unknown_name("activation", text, known_names())
    try:
        formula, _ = parse_formula(text, params)
    except FormulaError:
        if _LIKE_A_NAME.fullmatch(text):
            raise unknown_name("activation", text, known_names()) from None
        raise
    if not any(isinstance(node, Input) for node in walk(formula.root)):
        if _LIKE_A_NAME.fullmatch(text):
            # "swi-glu" reads as a difference of two parameters; nobody means that
            raise unknown_name("activation", text, known_names())
        raise CamberError(f"the formula {text!r:.80} does not use x, so it is no activation")
    return from_formula(formula, backend, params)
