"""The cost of one activation: what is counted, and that the sums are right. No time is asserted."""

import json
import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F

from camber.activations import activation
from camber.compare.allocator import memories, memory
from camber.compare.cost import Contender, Cost, Spread, cost, measure, saved_bytes
from camber.compare.machine import machine, versions
from camber.errors import CamberError


def test_every_contender_takes_its_turns_beside_the_references():
    calls, seen = [], []

    def double(x):
        calls.append(tuple(x.shape))
        return 2 * x

    costs = measure(
        {"double": Contender(double)},
        shape=(3, 4),
        rounds=5,
        progress=lambda label, done, total: seen.append((done, total)),
    )
    kinds = memories()
    assert [found.label for found in costs] == ["F.gelu", "F.silu", "copy", "double"] * len(kinds)
    assert {found.memory for found in costs} == set(kinds)
    # preparation: one turn and one look at what is saved; then a warm turn and the rounds
    assert calls == [(3, 4)] * (2 + len(kinds) * 6)
    assert seen[-1] == (seen[-1][1], 4 * (5 * len(kinds) + 1))
    for found in costs:
        assert found.total.best <= found.total.low <= found.total.median <= found.total.high
        assert found.forward.best > 0
        assert found.to_dict()["memory"] in kinds
    gelu = costs[0]
    assert (gelu.to_gelu.median, gelu.to_gelu.low, gelu.to_gelu.high) == (1, 1, 1)


def test_ratios_are_taken_within_rounds(monkeypatch):
    # A clock under which F.gelu takes 1 s, copy 2 s and the contender 3 s, each round 10 times
    # slower than the last: ratios within rounds do not see it.
    import camber.compare.cost as module

    speed = {"F.gelu": 1.0, "F.silu": 0.5, "copy": 2.0, "slow": 3.0}
    turns = dict.fromkeys(speed, 0)

    def turn(self, label):
        turns[label] += 1
        seconds = speed[label] * 10.0 ** turns[label]
        return 0.25 * seconds, 0.75 * seconds

    monkeypatch.setattr(module._Table, "turn", turn)
    found = measure({"slow": Contender(torch.abs)}, shape=(2,), rounds=4)[3]
    assert found.label == "slow"
    assert found.to_gelu.median == pytest.approx(3.0)
    assert found.to_silu.median == pytest.approx(6.0)
    assert found.to_copy.median == pytest.approx(1.5)
    assert found.backward.median == pytest.approx(3 * found.forward.median)


def test_spread():
    spread = Spread.of([4.0, 1.0, 2.0, 3.0, 5.0])
    assert (spread.median, spread.best) == (3.0, 1.0)
    assert spread.low < 3.0 < spread.high
    assert Spread.of([2.0]) == Spread(2.0, 2.0, 2.0, 2.0)


def test_what_is_saved():
    x = torch.randn(16, 16, requires_grad=True)
    assert saved_bytes(lambda: F.gelu(x)) == x.nbytes
    assert saved_bytes(lambda: x + 1) == 0
    # one storage counts once, however many tensors look at it
    assert saved_bytes(lambda: x[:8] * x[8:]) == x.nbytes
    assert saved_bytes(lambda: torch.exp(x)) == x.nbytes


@pytest.mark.parametrize(("name", "inputs"), [("polynorm", 1), ("rational", 1), ("swiglu", 2)])
def test_an_activation_saves_its_inputs_only(name, inputs):
    module = activation(name)
    found = cost(
        module, inputs=inputs, parameters=list(module.parameters()), shape=(64, 256), rounds=2
    )
    assert isinstance(found, Cost)
    assert 1.0 <= found.saved <= 1.02
    assert all(parameter.grad is None for parameter in module.parameters())


def test_threads_are_put_back():
    before, inside = torch.get_num_threads(), []

    def watch(x):
        inside.append(torch.get_num_threads())
        return x + 1

    measure({"watch": Contender(watch)}, shape=(2,), rounds=1, threads=2)
    assert set(inside) == {2}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"rounds": 0}, "at least one round"),
        ({"threads": 0}, "at least one thread"),
        ({"shape": ()}, "nothing to measure"),
        ({"shape": (3, 0)}, r"\(3, 0\)"),
    ],
)
def test_bad_input(arguments, says):
    with pytest.raises(CamberError, match=says):
        measure({}, **arguments)
    with pytest.raises(CamberError, match=r"'F\.gelu' is taken"):
        measure({"F.gelu": Contender(F.gelu)}, shape=(2,))


@pytest.mark.skipif("fresh" not in memories(), reason="the C library does not let us choose")
def test_fresh_memory_is_fresh_and_reused_memory_is_not():
    # In a process of its own: which free block a heap with a history hands out is anybody's guess.
    done = subprocess.run(
        [sys.executable, "-c", RESIDENCY], capture_output=True, text=True, check=True, timeout=120
    )
    reused, fresh = json.loads(done.stdout)
    assert reused[4:] == [1, 1, 1, 1]  # once the heap has grown to what it needs
    assert fresh == [0] * 8


RESIDENCY = """
import ctypes, json, torch
from camber.compare.allocator import memory

size = 1 << 20

def residency(renew):
    found = []
    for _ in range(8):
        renew()
        block = torch.empty(size)
        # The kernel counts pages that are already there.
        page = (block.data_ptr() + 8192) // 4096 * 4096
        there = (ctypes.c_ubyte * 1)()
        outcome = ctypes.CDLL(None).mincore(ctypes.c_void_p(page), ctypes.c_size_t(4096), there)
        found.append(int(outcome == 0 and there[0] & 1))
        block.fill_(1.0)
        del block
    return found

with memory("reused", size) as renew:
    reused = residency(renew)
with memory("fresh", size) as renew:
    fresh = residency(renew)
print(json.dumps([reused, fresh]))
"""


def test_any_system_has_some_memory(monkeypatch):
    import camber.compare.allocator as module

    monkeypatch.setattr(sys, "platform", "win32")
    module._library.cache_clear()
    try:
        assert memories() == ("default",)
        with memory("fresh", 1) as renew:
            renew()
            assert torch.ones(3).sum() == 3
    finally:
        module._library.cache_clear()


def test_machine_and_versions(monkeypatch):
    assert machine()["cores"] >= 1
    assert versions()["torch"] == torch.__version__
    monkeypatch.setenv("CAMBER_CC", "none")
    assert versions()["compiler"].startswith("none: ")
    assert not math.isnan(float(versions()["python"].split(".")[0]))
