"""What the fused functions keep for the backward pass, and where they put their results."""

import pytest
import torch
from fast_checks import BODIES, randn

from camber.fast import gated, pointwise, poly_norm, poly_relu, rational
from camber.fast.memory import SMALLEST_BYTES, advised, empty_like, is_dense
from camber.formula import Formula

MISH = Formula.parse("x*tanh(softplus(beta*x))")
GATE = Formula.parse("x*g*sigmoid(g)", ("x", "g"))


def saved_bytes(call):
    """Bytes of the distinct storages that autograd keeps while ``call`` builds its graph."""
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        call()
    return sum(kept.values())


CALLS = {
    "poly_norm": lambda x, w, b, body: poly_norm(x, w, b, backend=body),
    "poly_relu": lambda x, w, b, body: poly_relu(x, w, b, backend=body),
    "rational": lambda x, w, b, body: rational(x, w[None], w[None], backend=body),
    "groups": lambda x, w, b, body: rational(x, w[None], w.expand(8, 3), backend=body),
    "pointwise": lambda x, w, b, body: pointwise(MISH, x, {"beta": b}, backend=body),
    "gated": lambda x, w, b, body: gated(GATE, *x.chunk(2, -1), {}, backend=body),
}


@pytest.mark.parametrize("body", ["auto", *BODIES])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_only_the_input_is_kept(call, body):
    x = randn(64, 1024, dtype=torch.float32).requires_grad_()
    w = randn(3, dtype=torch.float32).requires_grad_()
    b = randn(1, dtype=torch.float32).requires_grad_()
    size = x.numel() * x.element_size()
    assert size <= saved_bytes(lambda: call(x, w, b, body)) <= 1.02 * size


def test_density():
    x = torch.zeros(2, 3, 4)
    assert is_dense(x)
    assert is_dense(x.transpose(0, 2))
    assert is_dense(torch.zeros(5, 1, 4)[:, :, :])
    assert not is_dense(x[:, ::2])
    assert not is_dense(torch.zeros(1).expand(4))


def test_results_keep_dense_strides_and_large_ones_are_usable():
    x = torch.zeros(SMALLEST_BYTES // 8, 4).t()
    y = empty_like(x)
    assert y.stride() == x.stride()
    assert y.fill_(3.0).sum().item() == 3.0 * x.numel()
    assert empty_like(x[:, ::2]).is_contiguous()
    assert advised(torch.zeros(0)).numel() == 0


def test_advice_can_be_switched_off(monkeypatch):
    from camber.fast import memory

    monkeypatch.setenv("CAMBER_HUGE_PAGES", "0")
    memory._madvise.cache_clear()
    try:
        assert memory._madvise() is None
        assert memory.empty_like(torch.zeros(SMALLEST_BYTES)).shape == (SMALLEST_BYTES,)
    finally:
        memory._madvise.cache_clear()
