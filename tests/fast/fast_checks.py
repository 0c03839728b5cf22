"""What the tests of the fused back ends share: bodies, dtypes, tolerances, one comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from camber.fast.native.toolchain import BuildError, build


def has_compiler() -> bool:
    try:
        build("void camber_probe(void) {}")
    except BuildError:
        return False
    return True


needs_compiler = pytest.mark.skipif(not has_compiler(), reason="no C compiler on this machine")

#: Every body that is not the definition.
BODIES = ["fused", pytest.param("compile", marks=needs_compiler)]
ALL = ["reference", *BODIES]

#: (dtype, largest difference as a share of the largest value).
PRECISIONS = [
    # both sides round a few dozen operations in double
    pytest.param(torch.float64, 1e-12, id="float64"),
    # the same in single, and sums of a few thousand terms in different orders
    pytest.param(torch.float32, 2e-5, id="float32"),
    # one rounding of the result to 8 bits, where the two float32 values straddle a boundary
    pytest.param(torch.bfloat16, 2**-7, id="bfloat16"),
    # the same to 11 bits
    pytest.param(torch.float16, 2**-10, id="float16"),
]

Call = Callable[..., Tensor]


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def results(call: Call, tensors: Sequence[Tensor], backend: str) -> list[Tensor]:
    """Value and gradients of ``call(backend, *tensors)`` for one fixed incoming slope."""
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    value = call(backend, *leaves)
    slope = randn(*value.shape, seed=99, dtype=value.dtype)
    gradients = torch.autograd.grad(value, leaves, slope, allow_unused=True, materialize_grads=True)
    return [value.detach(), *gradients]


def agree(call: Call, tensors: Sequence[Tensor], backend: str, tolerance: float) -> None:
    """Hold a body to the definition: value, every gradient, shapes and dtypes."""
    wanted = results(call, tensors, "reference")
    found = results(call, tensors, backend)
    for place, (a, b) in enumerate(zip(wanted, found, strict=True)):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        if a.numel():
            size = 1 + a.double().abs().max().item()
            gap = (a.double() - b.double()).abs().max().item()
            assert gap <= tolerance * size, f"result {place}: {gap} of {size}"
