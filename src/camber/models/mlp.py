"""A multilayer perceptron with any activation, gated or not, with or without normalisation.

Plain: h_l = act(up(norm(h_(l-1)))); gated: h_l = act(up(n), gate(n)) with n = norm(h_(l-1)).
The first layer sees the inputs as they are; a last norm and a linear head follow.

Shape legend: B batch, I inputs, K hidden width, O outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from camber.errors import CamberError
from camber.layers import (
    ActivationChoice,
    WidthMatch,
    fitted,
    fresh,
    is_gated,
    match_by_count,
)
from camber.layers.sizes import check_sizes
from camber.models.initial_weights import draw_weights, seeded, unit_gain
from camber.models.parameter_count import describe_parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class MLPConfig:
    """The shape of an :class:`MLP`.

    Args:
        inputs: I, numbers per example.
        outputs: O, numbers per prediction.
        hidden: hidden width of a *plain* network; gated networks and those with many coefficients
            get the width K of equal parameters.
        depth: number of hidden layers, >= 1.
        activation: a name, formula text, or a factory; each layer gets a fresh module.
        normalise: whether an RMS norm stands before each linear map but the first. Without, what
            grows faster than its input (polynomials, gated units) amplifies deviations of scale
            from layer to layer: two or three layers are enough then.

    Raises:
        DtypeError: for sizes that are no integers.
        CamberError: for sizes below 1.
    """

    inputs: int
    outputs: int
    hidden: int = 120
    depth: int = 2
    activation: ActivationChoice = "gelu"
    normalise: bool = True

    def __post_init__(self) -> None:
        check_sizes(
            "MLPConfig",
            inputs=self.inputs,
            outputs=self.outputs,
            hidden=self.hidden,
            depth=self.depth,
        )


class HiddenLayer(nn.Module):
    """One hidden layer: norm, one linear map or two where gated, activation."""

    def __init__(self, inputs: int, hidden: int, choice: ActivationChoice, *, norm: bool) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(inputs, eps=1e-6) if norm else nn.Identity()
        self.activation = fitted(fresh(choice), hidden)
        self.up = nn.Linear(inputs, hidden)
        self.gate = nn.Linear(inputs, hidden) if is_gated(self.activation) else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs) to (B, K)."""
        x = self.norm(x.to(self.up.weight.dtype))  # autocast left halves: norms have full precision
        if self.gate is None:
            return self.activation(self.up(x))  # (B, K)
        return self.activation(self.up(x), self.gate(x))  # (B, K)


class MLP(nn.Module):
    """A multilayer perceptron.

    Args:
        config: its shape.
        seed: fixes the initial weights: N(0, 1 / fan_in), biases 0. Without norms the weights
            behind an activation are multiplied by its gain E[act(z)^2]^(-1/2), so that inputs of
            unit variance give sums of unit variance. Each matrix draws from its own stream, so
            models that differ in the activation alone start equal wherever their shapes agree. The
            global generator is neither read nor moved.

    Attributes:
        width_match: the hidden width chosen, and the counts of the whole model.

    Example:
        >>> import torch
        >>> model = MLP(MLPConfig(inputs=64, outputs=10, activation="swiglu"), seed=1)
        >>> model(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
        >>> model.width_match.hidden, round(model.width_match.mismatch, 4)
        (79, 0.0041)
    """

    def __init__(self, config: MLPConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with seeded(seed):
            self.width_match = _match(config)
            K = self.width_match.hidden
            self.layers = nn.ModuleList(
                HiddenLayer(
                    config.inputs if index == 0 else K,
                    K,
                    config.activation,
                    norm=config.normalise and index > 0,
                )
                for index in range(config.depth)
            )
            self.norm = nn.RMSNorm(K, eps=1e-6) if config.normalise else nn.Identity()
            self.head = nn.Linear(K, config.outputs)
            self._initialise(seed)

    def _initialise(self, seed: int) -> None:
        gains = [1.0] * (self.config.depth + 1)  # of the activation in front of each layer
        if not self.config.normalise:
            for index, layer in enumerate(self.layers):
                act = layer.get_submodule("activation")
                gains[index + 1] = unit_gain(act, self.width_match.hidden)

        def std(path: str, fan_in: int) -> float:
            index = -1 if path == "head" else int(path.split(".")[1])
            return gains[index] / math.sqrt(fan_in)

        draw_weights(self, std, seed=seed)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the predictions (B, O) for ``inputs`` (B, I), or (B, ...) of I numbers each.

        Raises:
            CamberError: where an example does not have I numbers.
        """
        if inputs.ndim < 2 or math.prod(inputs.shape[1:]) != self.config.inputs:
            raise CamberError(
                f"MLP: an example has {self.config.inputs} numbers, but the input has the shape "
                f"{tuple(inputs.shape)}"
            )
        x = inputs.flatten(1)  # (B, I)
        for layer in self.layers:
            x = layer(x)  # (B, K)
        return self.head(self.norm(x.to(self.head.weight.dtype)))  # (B, O)

    def describe(self) -> dict[str, Any]:
        """Exact parameter counts, for a report; see :func:`describe_parameters`."""
        return {"model": "mlp", **describe_parameters(self, self.width_match)}


def _match(config: MLPConfig) -> WidthMatch:
    # The maps between hidden layers are square: the count is quadratic in the width.
    def count(maps: int, k: int) -> int:
        between = (config.depth - 1) * maps * (k + 1) * k
        norms = config.depth * k if config.normalise else 0
        return maps * (config.inputs + 1) * k + between + norms + (k + 1) * config.outputs

    return match_by_count(config.hidden, config.activation, count, places=config.depth)
