"""Fully sharded training (FSDP2) of every activation, in one process on the CPU."""

import warnings

import pytest
import torch
from torch import distributed, nn

from camber.activations import activation, names

fsdp = pytest.importorskip("torch.distributed.fsdp")


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(12, 12)
        settings = {"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5}
        self.each = nn.ModuleList(
            activation(name, **(settings if name.startswith("dra") else {})) for name in names()
        )

    def forward(self, x):
        h = self.project(x)
        results = [m(h, h) if m.kind == "gated" else m(h) for m in self.each]
        assert all(result.dtype == h.dtype for result in results)
        return sum(result.float().mean() for result in results)


@pytest.fixture
def mesh():
    if not distributed.is_available() or not distributed.is_gloo_available():
        pytest.skip("needs torch.distributed with gloo")
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    yield distributed.device_mesh.init_device_mesh("cpu", (1,))
    distributed.destroy_process_group()


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_every_activation_can_be_sharded(mesh, dtype):
    model = Everything()
    policy = fsdp.MixedPrecisionPolicy(param_dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gloo on one process warns about its own set-up
        fsdp.fully_shard(model, mesh=mesh, mp_policy=policy)
        model(torch.randn(4, 12)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad.full_tensor()).all(), name
