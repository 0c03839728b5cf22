"""Which body runs: the choice, its reasons, and everything that only the definition can serve."""

import warnings

import pytest
import torch
from fast_checks import needs_compiler, randn
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.utils.checkpoint import checkpoint

from camber.errors import CamberError
from camber.fast import choose, gated, pointwise, poly_norm, poly_relu, rational
from camber.fast.dispatch import COMPILE_THRESHOLD
from camber.formula import Formula

SWISH = Formula.parse("x*sigmoid(beta*x)")
GATE = Formula.parse("x*g*sigmoid(g)", ("x", "g"))
WEIGHT, BIAS = randn(3, seed=1), randn(1, seed=2)
A, B = randn(1, 6, seed=3), randn(2, 4, seed=4)

#: Every public function as a function of x alone, at the default back end.
CALLS = {
    "poly_norm": lambda x: poly_norm(x, WEIGHT, BIAS),
    "poly_relu": lambda x: poly_relu(x, WEIGHT, BIAS),
    "rational": lambda x: rational(x, A, B),
    "pointwise": lambda x: pointwise(SWISH, x, {"beta": BIAS}),
    "gated": lambda x: gated(GATE, *x.chunk(2, -1), {}),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@every_call
def test_function_transforms_take_the_definition(call):
    x = randn(2, 3, 4)
    torch.testing.assert_close(torch.func.vmap(call)(x), call(x))
    forward, reverse = torch.func.jacfwd(call)(x), torch.func.jacrev(call)(x)
    torch.testing.assert_close(forward, reverse)
    batched = torch.func.vmap(torch.func.jacrev(call))(x[:, None])
    torch.testing.assert_close(batched[0].flatten(), reverse[:1, :, :, :1].flatten())


@every_call
def test_forward_mode(call):
    x, direction = randn(3, 4), randn(3, 4, seed=5)
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(call(forward_ad.make_dual(x, direction))).tangent
    torch.testing.assert_close(tangent, torch.func.jvp(call, (x,), (direction,))[1])


@every_call
def test_compiles_without_a_break(call):
    torch._dynamo.reset()
    x = randn(3, 4).requires_grad_()
    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    y = compiled(x)
    torch.testing.assert_close(y, call(x))
    (found,) = torch.autograd.grad(y.sum(), x)
    (wanted,) = torch.autograd.grad(call(x).sum(), x)
    torch.testing.assert_close(found, wanted)


@every_call
def test_exports_with_a_free_batch(call):
    class Module(torch.nn.Module):
        def forward(self, x):
            return call(x)

    batch = torch.export.Dim("batch")
    program = torch.export.export(Module(), (randn(3, 4),), dynamic_shapes={"x": {0: batch}})
    x = randn(7, 4)
    torch.testing.assert_close(program.module()(x), call(x))


@every_call
def test_batched_and_higher_gradients(call):
    x = randn(2, 4).requires_grad_()
    y = call(x)
    basis = torch.eye(y.numel(), dtype=y.dtype).reshape(-1, *y.shape)
    (rows,) = torch.autograd.grad(y, x, basis, is_grads_batched=True, retain_graph=True)
    jacobian = torch.func.jacrev(call)(x.detach())
    torch.testing.assert_close(rows.flatten(), jacobian.flatten())
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), x)

    def penalty(v):
        return torch.func.grad(lambda u: call(u).sum())(v).square().sum()

    torch.testing.assert_close(second, torch.func.grad(penalty)(x.detach()))


@every_call
def test_odd_company(call):
    x = randn(3, 4).requires_grad_()
    (wanted,) = torch.autograd.grad(call(x).sum(), x)
    (found,) = torch.autograd.grad(checkpoint(call, x, use_reentrant=False).sum(), x)
    torch.testing.assert_close(found, wanted)
    with torch.inference_mode():
        call(x)
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert call(torch.empty(3, 4, dtype=torch.float64)).shape[0] == 3
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert call(randn(3, 4, dtype=torch.float32)).dtype == torch.float32


def test_frozen_inputs_and_coefficients():
    x, weight = randn(3, 4), WEIGHT.clone().requires_grad_()
    (share,) = torch.autograd.grad(poly_norm(x, weight, BIAS).sum(), weight)
    assert share.shape == weight.shape
    assert not poly_norm(x, WEIGHT, BIAS).requires_grad


def test_choices_and_their_reasons():
    small, large = torch.zeros(8), torch.zeros(COMPILE_THRESHOLD)
    assert choose("auto", small).backend == "fused"
    assert choose("auto", large).backend == "compile"
    assert choose("auto", large, obstacle=lambda: "no compiler").reason == "no compiler"
    assert choose("reference", large).reason == "asked for"
    assert choose("fused", large).backend == "fused"
    assert choose("fused", torch.zeros(3, device="meta")).backend == "reference"
    buffer = torch.nn.Buffer(torch.zeros(3))
    assert choose("fused", buffer).backend == "fused"
    with pytest.raises(CamberError, match="'reference'"):
        choose("fastest", small)


def test_the_environment_replaces_auto_only(monkeypatch):
    monkeypatch.setenv("CAMBER_BACKEND", "reference")
    assert choose("auto", torch.zeros(3)).backend == "reference"
    assert choose("fused", torch.zeros(3)).backend == "fused"
    monkeypatch.setenv("CAMBER_BACKEND", "quick")
    with pytest.raises(CamberError, match="quick"):
        choose("auto", torch.zeros(3))


def test_without_a_compiler_auto_is_silent_and_compile_says_it_once(monkeypatch):
    monkeypatch.setenv("CAMBER_CC", "none")
    monkeypatch.setattr("camber.fast.dispatch._said", set())
    x = randn(32, 4096, dtype=torch.float32)
    wanted = poly_norm(x, WEIGHT, BIAS, backend="reference")
    tolerance = {"rtol": 1e-5, "atol": 1e-5}  # float32 means of 4096 terms in another order
    torch.testing.assert_close(poly_norm(x, WEIGHT, BIAS), wanted, **tolerance)
    with pytest.warns(RuntimeWarning, match=r"CAMBER_CC=none.*Install a C compiler"):
        found = poly_norm(x, WEIGHT, BIAS, backend="compile")
    torch.testing.assert_close(found, wanted, **tolerance)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        poly_norm(x, WEIGHT, BIAS, backend="compile")


@needs_compiler
def test_auto_takes_the_kernel_for_large_tensors():
    x = randn(16, 4096, dtype=torch.float32)
    found = poly_norm(x, WEIGHT, BIAS)
    assert torch.equal(found, poly_norm(x, WEIGHT, BIAS, backend="compile"))
