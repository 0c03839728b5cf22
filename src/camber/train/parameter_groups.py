"""Optimiser groups: what weight decay may shrink and what it may not.

Decay pulls a parameter towards zero. For a weight matrix that is a mild prior; for the coefficients
of an activation it pulls the *shape* of the nonlinearity towards the zero function (for a PReLU,
towards ReLU: He et al., "Delving Deep into Rectifiers", 2015, arXiv 1502.01852, section 2.1 leave
them undecayed for this reason), and for gains and biases of norms towards silence. So by default
matrices decay, and activation coefficients and everything one-dimensional do not.

Published set-ups differ: the dense models of PolyCom (arXiv 2411.03884) leave one-dimensional
parameters undecayed, its mixture-of-experts configuration decays them; ``decay_coefficients`` and
``decay_vectors`` reproduce the latter.
"""

from typing import Any

from torch import nn

from camber.activations.base import Activation
from camber.errors import CamberError


def optimizer_groups(
    model: nn.Module,
    *,
    weight_decay: float = 0.1,
    learning_rate: float | None = None,
    coefficient_learning_rate: float | None = None,
    decay_coefficients: bool = False,
    decay_vectors: bool = False,
) -> list[dict[str, Any]]:
    """Return parameter groups for any ``torch.optim`` optimiser.

    Args:
        model: any module; parameters that need no gradient are left out.
        weight_decay: of the group that decays, >= 0.
        learning_rate: of all groups; None leaves it to the optimiser's default.
        coefficient_learning_rate: of the activation coefficients; None for ``learning_rate``.
        decay_coefficients: True to decay the coefficients of activations too.
        decay_vectors: True to decay the other parameters of fewer than two axes (biases, norms).

    Returns:
        Up to three non-empty groups, named "matrices", "vectors" and "coefficients": dicts with
        ``name``, ``params``, ``param_names``, ``weight_decay`` and, where given, ``lr``. Each
        parameter stands in exactly one, in the order of ``model.named_parameters()``.

    Raises:
        CamberError: a negative weight decay or learning rate, or a model with nothing to train.

    Example:
        >>> from torch import nn
        >>> import camber
        >>> model = nn.Sequential(nn.Linear(2, 3), camber.activation("polynorm"))
        >>> for group in optimizer_groups(model, weight_decay=0.1):
        ...     print(group["name"], sorted(group["param_names"]), group["weight_decay"])
        matrices ['0.weight'] 0.1
        vectors ['0.bias'] 0.0
        coefficients ['1.bias', '1.weight'] 0.0
    """
    for name, value in (
        ("weight_decay", weight_decay),
        ("learning_rate", learning_rate),
        ("coefficient_learning_rate", coefficient_learning_rate),
    ):
        if value is not None and not 0 <= value < float("inf"):
            raise CamberError(f"{name} is {value}: give a finite number >= 0")
    coefficients = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, Activation)
        for parameter in module.parameters()
    }
    decays = {
        "matrices": weight_decay,
        "vectors": weight_decay if decay_vectors else 0.0,
        "coefficients": weight_decay if decay_coefficients else 0.0,
    }
    members: dict[str, list[tuple[str, nn.Parameter]]] = {kind: [] for kind in decays}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            coefficient = id(parameter) in coefficients
            kind = (
                "coefficients" if coefficient else "vectors" if parameter.ndim < 2 else "matrices"
            )
            members[kind].append((name, parameter))
    groups: list[dict[str, Any]] = []
    for kind, named in members.items():
        if not named:
            continue
        group: dict[str, Any] = {
            "name": kind,
            "params": [parameter for _, parameter in named],
            "param_names": [name for name, _ in named],
            "weight_decay": decays[kind],
        }
        rate = learning_rate
        if kind == "coefficients" and coefficient_learning_rate is not None:
            rate = coefficient_learning_rate
        if rate is not None:
            group["lr"] = rate
        groups.append(group)
    if not groups:
        raise CamberError(f"{type(model).__name__} has no parameter that wants a gradient")
    return groups
