"""What nonlinearities a model holds, as plain data for a checkpoint's metadata."""

from __future__ import annotations

from torch import nn

from camber.activations.base import Activation
from camber.errors import CamberError


def describe(model: nn.Module) -> dict[str, dict[str, object]]:
    """List every camber activation of ``model`` with its formula.

    A checkpoint that carries this says what function its coefficients belong to; names alone do
    not (a different denominator or power order under the same shapes loads without an error).

    Args:
        model: any module; an activation itself has the path ``""``.

    Returns:
        Path to ``{"name", "kind", "formula", "parameters"}``: the registered name or None, the
        kind, the formula's text (None for one built from a Python function), and the granularity
        of each learnable parameter. Only strings and None: ready for JSON.

    Example:
        >>> import camber
        >>> describe(nn.Sequential(nn.Linear(2, 2), camber.activation("prelu")))["1"]["formula"]
        'where(x > 0, x, weight*x)'
    """
    found: dict[str, dict[str, object]] = {}
    for path, module in model.named_modules():
        if not isinstance(module, Activation):
            continue
        try:
            text: str | None = str(module.formula)
        except CamberError:
            text = None
        found[path] = {
            "name": module.name,
            "kind": module.kind,
            "formula": text,
            "parameters": {name: initial.granularity for name, initial in module.params.items()},
        }
    return found
