"""Every registered pointwise or gated activation: its kernel and its blocks are its definition."""

import warnings

import pytest
import torch
from fast_checks import agree, needs_compiler, randn

from camber.activations import activation, lookup, names
from camber.fast import gated, pointwise

ENTRIES = [name for name in names() if lookup(name).kind in ("pointwise", "gated")]


@pytest.mark.slow  # builds two kernels for each of about eighty entries
@needs_compiler
@pytest.mark.parametrize("backend", ["compile", "fused"])
@pytest.mark.parametrize("name", ENTRIES)
def test_bodies_match_the_definition(name, backend):
    module = activation(name)
    formula, axis = module.program, module.layout.channel_dim
    values = {key: stored.detach() for key, stored in module._stored().items()}
    kinks = torch.tensor([0.0, -0.0, 1.0, -1.0, 6.0, 3.0, -3.0, 0.5], dtype=torch.float64)
    x = randn(40, 64) * 3
    x[0, :8] = kinks

    def call(body, *tensors):
        named = dict(zip(values, tensors[len(formula.inputs) :], strict=True))
        if len(formula.inputs) == 2:
            return gated(formula, *tensors[:2], named, channel_dim=axis, backend=body)
        return pointwise(formula, tensors[0], named, channel_dim=axis, backend=body)

    inputs = [x, randn(40, 64, seed=1)][: len(formula.inputs)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no entry may fall back to another body
        agree(call, [*inputs, *values.values()], backend, 1e-12)
        single = [tensor.float() for tensor in inputs]
        # gradients of steep entries lose a few more bits than values do
        agree(call, [*single, *values.values()], backend, 2e-5)
