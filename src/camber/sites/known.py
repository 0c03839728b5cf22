"""Which module classes are nonlinearities, and which function each one computes exactly.

A class is named by where it is defined (``torch.nn.modules.activation.ReLU``), so that reading the
table imports nothing. An entry answers with the catalogue name of *this* module, whose settings
may decide it (``nn.GELU`` is two functions), and with the settings that differ from the name's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from torch import nn

from camber.activations import Activation

#: What a nonlinearity sees: one number, value and gate, one axis, or several axes.
Kind: TypeAlias = Literal["pointwise", "gated", "along", "normed"]


@dataclass(frozen=True, slots=True)
class Identity:
    """The function a module computes.

    Args:
        name: catalogue name, or None where the catalogue has no exact equal.
        kind: what it sees.
        settings: constructor settings that make up the function, such as ``negative_slope``.
    """

    name: str | None
    kind: Kind = "pointwise"
    settings: dict[str, float] = field(default_factory=dict)


def _settings(name: str, *attributes: str) -> Callable[[Any], Identity]:
    def identify(module: Any) -> Identity:
        return Identity(name, settings={key: getattr(module, key) for key in attributes})

    return identify


def _gelu(module: Any) -> Identity:
    return Identity("gelu_tanh" if module.approximate == "tanh" else "gelu")


def _softplus(module: Any) -> Identity:
    # torch returns x itself above the threshold; at its default of 20 that is off by 2e-9
    exact = module.threshold >= 20
    return Identity("softplus" if exact else None, settings={"beta": module.beta})


def _along(name: str) -> Callable[[Any], Identity]:
    # None: torch's deprecated guess of the axis, which no catalogue entry repeats
    return lambda module: Identity(name if module.dim == -1 else None, "along")


_TORCH = "torch.nn.modules.activation."
_HUB = "transformers.activations."

#: Class path to identity. Plain strings are names of pointwise functions without settings.
_TABLE: dict[str, str | Callable[[Any], Identity]] = {
    **{
        _TORCH + cls: name
        for cls, name in {
            "ReLU": "relu",
            "ReLU6": "relu6",
            "SELU": "selu",
            "SiLU": "silu",
            "Mish": "mish",
            "Sigmoid": "sigmoid",
            "Tanh": "tanh",
            "Hardsigmoid": "hardsigmoid",
            "Hardswish": "hardswish",
            "Softsign": "softsign",
            "Tanhshrink": "tanhshrink",
            "LogSigmoid": "logsigmoid",
            "PReLU": "prelu",
        }.items()
    },
    _TORCH + "GELU": _gelu,
    _TORCH + "LeakyReLU": _settings("leaky_relu", "negative_slope"),
    _TORCH + "ELU": _settings("elu", "alpha"),
    _TORCH + "CELU": _settings("celu", "alpha"),
    _TORCH + "Hardtanh": _settings("hardtanh", "min_val", "max_val"),
    _TORCH + "Softplus": _softplus,
    _TORCH + "Hardshrink": _settings("hardshrink", "lambd"),
    _TORCH + "Softshrink": _settings("softshrink", "lambd"),
    _TORCH + "Threshold": _settings("threshold", "threshold", "value"),
    # random while it trains, so no formula equals it
    _TORCH + "RReLU": lambda module: Identity(None),
    _TORCH + "GLU": lambda module: Identity("glu" if module.dim == -1 else None, "gated"),
    _TORCH + "Softmax": _along("softmax"),
    _TORCH + "Softmin": _along("softmin"),
    _TORCH + "LogSoftmax": _along("log_softmax"),
    _TORCH + "Softmax2d": lambda module: Identity(None, "along"),
    # transformers.activations; every class behind ACT2FN that is not torch.nn's own
    _HUB + "GELUActivation": "gelu",
    _HUB + "GELUTanh": "gelu_tanh",
    _HUB + "PytorchGELUTanh": "gelu_tanh",
    _HUB + "NewGELUActivation": "gelu_tanh",
    _HUB + "AccurateGELUActivation": "gelu_tanh",
    _HUB + "FastGELUActivation": "gelu_fast",
    _HUB + "QuickGELUActivation": "quick_gelu",
    _HUB + "SiLUActivation": "silu",
    _HUB + "MishActivation": "mish",
    _HUB + "ReLUSquaredActivation": "relu_squared",
    _HUB + "LinearActivation": "identity",
    _HUB + "LaplaceActivation": "laplace",
    _HUB + "XIELUActivation": "xielu",
    _HUB + "ClippedGELUActivation": lambda module: Identity(
        "gelu_10" if (module.min, module.max) == (-10, 10) else None
    ),
    _HUB + "SqrtSoftplusActivation": "sqrt_softplus",
}


def identify(module: nn.Module) -> Identity | None:
    """Return what ``module`` computes, or None where it is not known to be a nonlinearity.

    Example:
        >>> identify(nn.GELU(approximate="tanh")).name
        'gelu_tanh'
        >>> identify(nn.LeakyReLU(0.2)).settings
        {'negative_slope': 0.2}
        >>> identify(nn.Linear(1, 1)) is None
        True
    """
    if isinstance(module, Activation):
        return Identity(module.name, module.kind)
    cls = type(module)
    entry = _TABLE.get(f"{cls.__module__}.{cls.__qualname__}")
    if entry is None:
        return None
    return Identity(entry) if isinstance(entry, str) else entry(module)
