"""MoELayer: against a loop over tokens, in values and gradients, and its promises."""

import copy
import math
import warnings
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, distributed, nn

from camber.activations import activation
from camber.errors import CamberError, DtypeError, UnknownNameError
from camber.layers import FeedForward, MoEAuxiliary, MoELayer, fresh, match_activation

ACTIVATIONS = ["gelu", "swiglu", "polynorm", "maxmin"]


def layer(
    act: object = "gelu", experts: int = 4, top_k: int | None = 2, **settings: object
) -> MoELayer:
    torch.manual_seed(0)
    made = MoELayer(6, 5, experts, hidden=8, activation=act, top_k=top_k, **settings)  # type: ignore[arg-type]
    return made.double()


def tokens(count: int = 9, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 6, dtype=torch.float64, generator=generator)


def by_loop(made: MoELayer, x: Tensor) -> Tensor:
    """The oracle: one token and one expert at a time, straight from the definition."""
    bank, rows = made.experts, []
    for token in x:
        logits = made.gate(token[None])[0]
        chances = torch.exp(logits - logits.logsumexp(0))
        best = sorted(range(len(chances)), key=lambda e: -float(chances[e].detach()))
        best = best[: made.top_k]
        total = sum(chances[e] for e in best) if made.renormalise else 1.0
        y = torch.zeros(5, dtype=torch.float64)
        for e in best:
            value = bank.up[e] @ token
            if bank.gate is None:
                hidden = made.activation(value[None])[0]
            else:
                hidden = made.activation(value[None], (bank.gate[e] @ token)[None])[0]
            y = y + chances[e] / total * (bank.down[e] @ hidden)
        rows.append(y)
    return torch.stack(rows)


def gradients(made: MoELayer, y: Tensor, x: Tensor) -> list[Tensor]:
    weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).view_as(y)
    return list(torch.autograd.grad((y * weights).sum(), [x, *made.parameters()]))


@pytest.mark.parametrize("dispatch", ["sorted", "dense"])
@pytest.mark.parametrize(("experts", "top_k"), [(4, 2), (4, 1), (4, 4), (3, None), (1, 1), (16, 3)])
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_it_is_a_loop_over_tokens(act: str, experts: int, top_k: int | None, dispatch: str) -> None:
    made, x = layer(act, experts, top_k, dispatch=dispatch), tokens().requires_grad_()
    y, _ = made(x)
    expected = by_loop(made, x)
    torch.testing.assert_close(y, expected, atol=1e-13, rtol=1e-12)  # rounding of sums in float64
    for ours, theirs in zip(gradients(made, y, x), gradients(made, expected, x), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-11)  # the same


@given(
    count=st.integers(0, 12),
    experts=st.integers(1, 6),
    data=st.data(),
    seed=st.integers(0, 1000),
    renormalise=st.booleans(),
)
def test_both_ways_are_one(
    count: int, experts: int, data: st.DataObject, seed: int, renormalise: bool
) -> None:
    top_k = data.draw(st.integers(1, experts))
    made = layer("swiglu", experts, top_k, renormalise=renormalise)
    x = tokens(count, seed).requires_grad_()
    results = {}
    for dispatch in ("sorted", "dense"):
        made.dispatch = dispatch  # type: ignore[assignment]  # one of the two
        y, aux = made(x)
        assert y.shape == (count, 5)
        results[dispatch] = [y, *aux, *gradients(made, y, x)]
    for ours, theirs in zip(results["sorted"], results["dense"], strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-11)  # rounding of sums
    if count:
        torch.testing.assert_close(results["sorted"][0], by_loop(made, x), atol=1e-12, rtol=1e-11)


def test_experts_without_a_token_and_with_one() -> None:
    made, x = layer(experts=4, top_k=1, dispatch="sorted"), tokens(5).requires_grad_()
    with torch.no_grad():  # the first feature decides: expert 2 for one token, expert 0 for others
        made.gate.project.weight.zero_()
        made.gate.project.weight[0, 0], made.gate.project.weight[2, 0] = 20.0, -20.0
        x[:, 0] = torch.tensor([1.0, 1.0, -1.0, 1.0, 1.0])
    y, aux = made(x)
    assert aux.load.tolist() == [0.8, 0, 0.2, 0]
    torch.testing.assert_close(y, by_loop(made, x))
    y.sum().backward()
    grad = made.experts.up.grad
    assert grad is not None
    assert [bool(part.any()) for part in grad] == [True, False, True, False]


@pytest.mark.parametrize("dispatch", ["sorted", "dense"])
def test_ties_leave_k_different_experts(dispatch: str) -> None:
    made, x = layer(experts=5, top_k=3, dispatch=dispatch), tokens(4)
    with torch.no_grad():
        made.gate.project.weight.zero_()
    y, aux = made(x)
    # every weight is 1/5: the output is a fifth of the sum over the three experts that were chosen
    used = [e for e in range(5) if aux.load[e] > 0]
    assert len(used) == 3
    assert aux.load.sum().item() == pytest.approx(1)
    single = [made.activation(x @ made.experts.up[e].T) @ made.experts.down[e].T / 5 for e in used]
    torch.testing.assert_close(y, torch.stack(single).sum(0))


def test_no_token_is_dropped() -> None:
    # all tokens want the same two experts: with a capacity, most of them would be dropped
    made, x = layer(experts=8, top_k=2), tokens(1).expand(50, 6)
    y, aux = made(x)
    assert sorted(Counter(aux.load.tolist())) == [0.0, 0.5]
    torch.testing.assert_close(y, by_loop(made, x[:1]).expand(50, 5))


def test_one_expert_is_a_feed_forward_network() -> None:
    # independent code: FeedForward with the expert's matrices
    made, plain = layer("swiglu", 1, 1), FeedForward(6, 8, "swiglu").double()
    with torch.no_grad():
        plain.down = nn.Linear(8, 5, bias=False).double()
        for mine, theirs in (("up", plain.up), ("gate", plain.gate), ("down", plain.down)):
            theirs.weight.copy_(getattr(made.experts, mine)[0])  # type: ignore[union-attr]  # gated
    x = tokens().view(3, 3, 6)
    torch.testing.assert_close(made(x)[0], plain(x))


def test_derivatives_of_second_order() -> None:
    made, x = layer("swiglu", 3, 2, dispatch="sorted"), tokens(3).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda z: made(z)[0], (x,))


@pytest.mark.parametrize("act", ["polynorm", "swiglu"])
def test_it_compiles_and_exports_and_maps(act: str) -> None:
    made, x = layer(act), tokens()
    made.dispatch = "sorted"
    expected, expected_aux = made(x)
    made.dispatch = "auto"
    compiled = torch.compile(made, backend="aot_eager", fullgraph=True)
    exported = torch.export.export(made, (x,)).module()
    for y, aux in (compiled(x), exported(x)):
        torch.testing.assert_close(y, expected)
        torch.testing.assert_close(tuple(aux), tuple(expected_aux))
    mapped = torch.func.vmap(lambda z: made(z)[0])(torch.stack((x, x)))
    torch.testing.assert_close(mapped, torch.stack((expected, expected)))
    slope = torch.func.jacrev(lambda z: made(z)[0])(x[0])
    assert slope.shape == (5, 6)


def test_one_graph_serves_any_number_of_tokens() -> None:
    made = layer("swiglu")
    count = torch.export.Dim("tokens", min=2)
    exported = torch.export.export(made, (tokens(),), dynamic_shapes=({0: count},)).module()
    for some in (tokens(4), tokens(30)):
        torch.testing.assert_close(exported(some), made(some))


def test_without_data() -> None:
    with torch.device("meta"):
        made = MoELayer(6, 5, 4, hidden=8, activation="swiglu")
        y, aux = made(torch.empty(2, 3, 6))
    assert (y.shape, y.device.type, aux.load.shape) == ((2, 3, 5), "meta", (4,))


@pytest.mark.skipif(
    not distributed.is_available() or not distributed.is_gloo_available(), reason="needs gloo"
)
@pytest.mark.parametrize("act", ["polynorm", "swiglu"])
def test_experts_can_be_sharded_by_themselves(act: str) -> None:
    from torch.distributed.fsdp import fully_shard

    made, x = layer(act), tokens()
    plain = copy.deepcopy(made)
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    try:
        mesh = distributed.device_mesh.init_device_mesh("cpu", (1,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # gloo on one process warns about its own set-up
            fully_shard(made.experts, mesh=mesh)
            fully_shard(made, mesh=mesh)
            y, aux = made(x)
            (y.square().mean() + aux.balance_loss).backward()
    finally:
        distributed.destroy_process_group()
    expected, aux = plain(x)
    (expected.square().mean() + aux.balance_loss).backward()
    torch.testing.assert_close(y, expected)
    for ours, theirs in zip(made.parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad.to_local(), theirs.grad)


def test_the_compiled_backward_is_the_eager_one() -> None:
    made, x = layer("swiglu"), tokens().requires_grad_()
    compiled = torch.compile(made, backend="aot_eager", fullgraph=True)
    ours, theirs = gradients(made, made(x)[0], x), gradients(made, compiled(x)[0], x)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_the_gate_stays_in_float32() -> None:
    made = MoELayer(6, 6, 4, hidden=8, activation="swiglu")
    seen: list[torch.dtype] = []
    made.gate.register_forward_hook(lambda _m, _i, out: seen.append(out.dtype))
    x = tokens().float()
    exact = made(x)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, aux = made(x)
    assert y.dtype == torch.bfloat16
    assert aux.balance_loss.dtype == aux.z_loss.dtype == torch.float32
    # bfloat16 keeps 8 bits of products of order 1
    torch.testing.assert_close(y.float(), exact, atol=2e-2, rtol=2e-2)
    y.float().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in made.parameters())
    half = made.bfloat16()
    y, aux = half(x.bfloat16())
    assert y.dtype == torch.bfloat16
    assert aux.z_loss.dtype == torch.float32
    assert seen == [torch.float32] * 3


def test_one_activation_is_called_once_for_all_experts() -> None:
    made, calls = layer("polynorm"), []
    made.activation.register_forward_hook(lambda _m, given, _out: calls.append(given[0].shape))
    made(tokens())
    assert calls == [(18, 8)]
    names = [name for name, _ in made.named_parameters() if "activation" in name]
    assert names == ["activation.weight", "activation.bias"]
    assert layer("polynorm").activation is not made.activation


def test_coefficients_per_channel_take_the_hidden_width() -> None:
    made = layer(lambda: activation("x*sigmoid(beta*x)", granularity="channel"))
    assert made.activation.beta.shape == (8,)
    for dispatch in ("sorted", "dense"):
        made.dispatch = dispatch
        torch.testing.assert_close(made(tokens())[0], by_loop(made, tokens()))


def test_the_losses_by_hand() -> None:
    made = layer(experts=3, top_k=1)
    with torch.no_grad():
        made.gate.project.weight.zero_()
        made.gate.project.weight[1, 0] = math.log(2)  # logits (0, ln 2, 0) at x_0 = 1
    x = torch.zeros(4, 6, dtype=torch.float64)
    x[:, 0] = 1
    _, aux = made(x)
    assert isinstance(aux, MoEAuxiliary)
    assert aux.load.tolist() == [0, 1, 0]
    # p = (1, 2, 1)/4 for each token; f = (0, 1, 0): E sum f P = 3/2
    assert aux.balance_loss.item() == pytest.approx(1.5)
    assert aux.z_loss.item() == pytest.approx(math.log(4) ** 2)
    assert aux.entropy.item() == pytest.approx(1.5 * math.log(2))
    # even use of all experts: every loss at its least, the balance loss at 1
    x[:, 0] = 0
    _, aux = layer(experts=3, top_k=3)(x)
    assert aux.balance_loss.item() == pytest.approx(1)


def test_a_step_on_the_balance_loss_evens_the_load() -> None:
    made, x = layer(experts=4, top_k=1), tokens(200)
    with torch.no_grad():
        made.gate.project.weight[0] += 2
        x[:, 0] += 1
    before = made(x)[1].balance_loss
    optimiser = torch.optim.SGD(made.gate.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        made(x)[1].balance_loss.backward()
        optimiser.step()
    after = made(x)[1]
    assert before > 1.5
    assert after.balance_loss < 1.1
    assert after.load.max() < 0.5


def test_another_gate() -> None:
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.tensor([0.5, 0.3, 0.2], dtype=x.dtype).log().expand(len(x), 3)

    # logarithms of weights are logits: their softmax gives the weights back
    made = layer("relu", experts=3, top_k=None, gate=Fixed())
    x = tokens()
    expected = sum(
        weight * (x @ made.experts.up[e].T).relu() @ made.experts.down[e].T
        for e, weight in enumerate((0.5, 0.3, 0.2))
    )
    torch.testing.assert_close(made(x)[0], expected)
    wrong = layer(experts=4, gate=Fixed())
    with pytest.raises(CamberError, match=r"4 logits for each of 9 tokens, .* shape \(9, 3\)"):
        wrong(x)

    class Half(nn.Linear):
        def forward(self, given: Tensor) -> Tensor:
            return super().forward(given).to(self.kind)

    half = Half(6, 3)
    made, half.kind = layer("relu", experts=3, gate=half), torch.bfloat16
    y, aux = made(x)
    assert y.dtype == torch.float64
    assert aux.balance_loss.dtype == torch.float32  # not in the gate's bfloat16
    half.kind = torch.int64
    with pytest.raises(DtypeError, match=r"floating-point logits, but they are torch\.int64"):
        made(x)


def test_the_width_rule_carries_over() -> None:
    # 8 experts of width 64: 3 * 64 k = 2 * 64 * 128 each, so k = 85.33
    match = match_activation(8 * 64, 128, "swiglu")
    assert match.hidden == 85
    made = MoELayer(64, 64, 8, hidden=match.hidden, activation="swiglu")
    experts = sum(p.numel() for p in made.experts.parameters())
    assert experts == match.parameters
    assert match.fair
    # coefficients of the one activation count once for all experts
    poly = match_activation(8 * 64, 128, "polynorm")
    assert poly.coefficients == sum(p.numel() for p in fresh("polynorm").parameters())


@pytest.mark.parametrize("shape", [(6,), (0, 6), (2, 3, 5, 6)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    y, _ = layer()(torch.zeros(shape, dtype=torch.float64))
    assert y.shape == (*shape[:-1], 5)


def test_nan_is_not_hidden() -> None:
    x = tokens(3)
    x[1, 2] = math.nan
    y, aux = layer()(x)
    assert y.isnan().any(-1).tolist() == [False, True, False]
    assert aux.z_loss.isnan()


def test_refusals() -> None:
    with pytest.raises(CamberError, match="top_k=5 experts per token, but there are 4"):
        MoELayer(6, 6, 4, top_k=5)
    with pytest.raises(CamberError, match="num_experts must be at least 1, but got 0"):
        MoELayer(6, 6, 0)
    with pytest.raises(DtypeError, match=r"hidden must be a whole number, but got 2\.5"):
        MoELayer(6, 6, 4, hidden=2.5)  # type: ignore[arg-type]  # what a user might pass
    with pytest.raises(DtypeError, match=r"the gate must be an nn\.Module, but got 'linear'"):
        MoELayer(6, 6, 4, gate="linear")  # type: ignore[arg-type]  # what a user might pass
    with pytest.raises(UnknownNameError, match="'dense'"):
        MoELayer(6, 6, 4, dispatch="dens")  # type: ignore[arg-type]  # what a user might pass
    with pytest.raises(CamberError, match="only the tokens sent to it"):
        MoELayer(6, 6, 4, activation="x / std(x, 1e-5, over=batch)")
    with pytest.raises(CamberError, match=r"width 6, but the input has the shape \(2, 7\)"):
        layer()(torch.zeros(2, 7, dtype=torch.float64))
    plain = MoELayer(6, 6, 4).experts
    assert plain.up.shape == (4, 12, 6)  # 4 * 6 / 2
    assert str(plain) == (
        "FeedForwardExperts(d_in=6, d_out=6, hidden=12, num_experts=4, gated=False)"
    )
