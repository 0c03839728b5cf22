"""The table of identities: every class computes the function whose name it is given."""

import pytest
import torch
from torch import nn

from camber.activations import activation, names
from camber.sites import identify

GRID = torch.linspace(-12, 12, 4001, dtype=torch.float64)

TORCH = [
    nn.ReLU(),
    nn.ReLU6(),
    nn.SELU(),
    nn.SiLU(),
    nn.Mish(),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.Hardsigmoid(),
    nn.Hardswish(),
    nn.Softsign(),
    nn.Tanhshrink(),
    nn.LogSigmoid(),
    nn.PReLU(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.LeakyReLU(0.2),
    nn.ELU(0.7),
    nn.CELU(0.7),
    nn.Hardtanh(-2.0, 3.0),
    nn.Softplus(),
    nn.Hardshrink(0.3),
    nn.Softshrink(0.3),
    nn.Threshold(0.5, -2.0),
    nn.Softmax(-1),
    nn.Softmin(-1),
    nn.LogSoftmax(-1),
]


def check(module: nn.Module, tolerance: float) -> None:
    identity = identify(module)
    assert identity is not None
    if identity.name is None:
        return
    assert identity.name in names()
    ours = activation(identity.name, **identity.settings).double()
    torch.testing.assert_close(
        ours(GRID), module.double()(GRID), atol=tolerance, rtol=tolerance, msg=identity.name
    )


@pytest.mark.parametrize("module", TORCH, ids=repr)
def test_torch_modules_are_what_they_are_called(module: nn.Module) -> None:
    assert identify(module).name is not None  # type: ignore[union-attr]  # checked next
    # float64, another order of the same operations; torch's softplus stops at a threshold
    check(module, 3e-9 if isinstance(module, nn.Softplus) else 1e-12)


def test_gates() -> None:
    identity = identify(nn.GLU())
    assert identity is not None
    assert (identity.name, identity.kind) == ("glu", "gated")
    torch.testing.assert_close(activation("glu").double()(GRID[:-1]), nn.GLU()(GRID[:-1]))
    assert identify(nn.GLU(0)).name is None  # type: ignore[union-attr]


def test_what_has_no_exact_name() -> None:
    for module in (nn.RReLU(), nn.Softmax(0), nn.Softmax2d(), nn.Softplus(threshold=2)):
        identity = identify(module)
        assert identity is not None
        assert identity.name is None
    assert identify(nn.Linear(2, 2)) is None
    assert identify(nn.MultiheadAttention(2, 1)) is None


def test_every_deterministic_torch_activation_is_in_the_table() -> None:
    every = set(torch.nn.modules.activation.__all__)
    shown = {type(module).__name__ for module in TORCH}
    assert every - shown == {"RReLU", "GLU", "MultiheadAttention", "Softmax2d"}


def test_every_name_of_transformers() -> None:
    activations = pytest.importorskip("transformers.activations", reason="needs transformers")
    for name in activations.ACT2FN:
        module = activations.ACT2FN[name]
        identity = identify(module)
        assert identity is not None, name
        if name == "xielu":  # its coefficients are stored rounded to bfloat16
            assert identity.name == "xielu"
            continue
        assert identity.name is not None, name
        check(module, 1e-8 if name == "sqrtsoftplus" else 1e-12)  # torch's threshold again


def test_our_own() -> None:
    identity = identify(activation("polynorm"))
    assert identity is not None
    assert (identity.name, identity.kind) == ("polynorm", "along")
    typed = identify(activation("x*tanh(g)"))
    assert typed is not None
    assert (typed.name, typed.kind) == (None, "gated")
