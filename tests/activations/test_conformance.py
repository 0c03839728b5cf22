"""One suite for every registered activation: what any nonlinearity of the catalogue must satisfy.

The oracle of the first part is the entry's own formula, evaluated by another code path; later
parts hold laws (dtype, shape, NaN, transforms) that need no numbers.
"""

import copy
import math
import pickle
import shutil

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, jacrev, vmap

from camber.activations import Activation, activation, lookup, names
from camber.activations.registry import known_names
from camber.errors import CamberError, DtypeError
from camber.formula import to_torch

#: Settings that make an entry small, deterministic or generic; all others are built as they are.
SETTINGS = {
    "dra": {"a": 0.7, "b": -1.2, "c": 0.5, "d": 0.3},
    "dra_model": {"a": 0.7, "b": -1.2, "c": 0.5, "d": 0.3},
    "dra_paper": {"a": 0.7, "b": -1.2, "c": 0.5, "d": 0.3},
    "groupsort": {"group_size": 3},
    "topk": {"k": 4},
}
NAMES = names()
FEATURES = 12


def build(name, dtype=torch.float64, **settings):
    module = activation(name, **{**SETTINGS.get(name, {}), **settings}).to(dtype)
    if name.startswith("rational"):
        # The stored starts hold exact zeros, where |b| has a kink in b.
        with torch.no_grad():
            module.denominator += 0.05
    return module


def inputs(module, *shape, dtype=torch.float64, scale=2.0):
    """Random points; the chance that one falls within 1e-6 of a kink is negligible, and fixed."""
    generator = torch.Generator().manual_seed(7)
    count = 2 if module.kind == "gated" else 1
    return [
        (scale * torch.randn(*shape, generator=generator, dtype=torch.float64)).to(dtype)
        for _ in range(count)
    ]


def with_gradient(tensors):
    return [tensor.clone().requires_grad_() for tensor in tensors]


def by_formula(module, *given):
    return to_torch(module.formula)(*given, **module._arguments(given[0]))


def gradients(output, module, given):
    wanted = [*given, *module.parameters()]
    weight = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
    return torch.autograd.grad((output * weight).sum(), wanted, allow_unused=True)


@pytest.mark.parametrize("name", NAMES)
def test_forward_and_gradient_are_those_of_the_formula(name):
    module = build(name)
    given = with_gradient(inputs(module, 5, FEATURES))
    mine, theirs = module(*given), by_formula(module, *given)
    # 1e-12: rounding of some ten float64 operations, relative to the size of the value
    torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    for a, b in zip(gradients(mine, module, given), gradients(theirs, module, given), strict=True):
        # gradients of a sum of 60 terms: two digits fewer
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_typing_its_formula_builds_the_same_function(name):
    module = build(name)
    if "direction" in module.params:
        pytest.skip("one number per feature, which a typed formula cannot hold")
    values = {
        key: float(value) if np.ndim(value) == 0 else value.tolist()
        for key, value in module.parameter_values().items()
    }
    typed = activation(str(module.formula), **values).double()
    typed.load_state_dict(
        {key: torch.tensor(value, dtype=torch.float64).reshape(-1) for key, value in values.items()}
    )
    given = inputs(module, 3, FEATURES)
    torch.testing.assert_close(typed(*given), module(*given), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_every_backend_computes_the_same(name):
    reference = build(name, backend="reference")
    given = inputs(reference, 3, FEATURES)
    expected = reference(*given)
    for backend in ("auto", "fused"):
        module = build(name, backend=backend)
        torch.testing.assert_close(module(*given), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_first_and_second_derivatives(name):
    module = build(name)
    given = with_gradient(inputs(module, 2, 6))
    parameters = {key: value.detach().clone() for key, value in module.named_parameters()}
    keys = list(parameters)

    def call(*tensors):
        count = len(given)
        return functional_call(
            module, dict(zip(keys, tensors[count:], strict=True)), tensors[:count]
        )

    points = [*given, *(parameters[key].requires_grad_() for key in keys)]
    assert torch.autograd.gradcheck(call, points, fast_mode=True)
    assert torch.autograd.gradgradcheck(call, points, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_kept_and_accurate(name, dtype):
    module = build(name, torch.float32)
    given = with_gradient(inputs(module, 5, FEATURES, dtype=dtype, scale=1.0))
    result = module(*given)
    assert result.dtype == dtype
    wide = with_gradient([tensor.detach().double() for tensor in given])
    truth = copy.deepcopy(module).double()(*wide)
    # The output is rounded once: half a unit in the last place, and the float32 inside.
    unit = torch.finfo(dtype).eps
    torch.testing.assert_close(result.double(), truth, rtol=unit, atol=1e-6)
    result.sum().backward()
    truth.sum().backward()
    for narrow, exact in zip(given, wide, strict=True):
        assert narrow.grad.dtype == dtype
        torch.testing.assert_close(narrow.grad.double(), exact.grad, rtol=3 * unit, atol=3 * unit)
    for parameter in module.parameters():
        assert parameter.grad is None or parameter.grad.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_module(name):
    module = build(name, torch.bfloat16)
    result = module(*inputs(module, 2, FEATURES, dtype=torch.bfloat16))
    assert result.dtype == torch.bfloat16
    assert torch.isfinite(result).all()


@pytest.mark.parametrize("name", NAMES)
def test_shapes_empty_scalar_and_many_axes(name):
    module = build(name, torch.float32)
    for shape in ((0, FEATURES), (2, 3, 2, FEATURES)):
        assert module(*inputs(module, *shape, dtype=torch.float32)).shape == shape
    scalar = [torch.tensor(0.7)] * (2 if module.kind == "gated" else 1)
    if module.kind in ("pointwise", "gated"):
        assert module(*scalar).shape == ()
        assert module(*inputs(module, 3, 0, dtype=torch.float32)).shape == (3, 0)
    else:
        with pytest.raises(CamberError, match="does not have"):
            module(*scalar)
        with pytest.raises(CamberError, match="empty"):
            module(*inputs(module, 3, 0, dtype=torch.float32))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_far_from_zero_value_and_gradient_stay_finite(name, dtype):
    module = build(name, dtype)
    row = torch.tensor([-1e4, 1e4, -1e3, 1e3, -100.0, 100.0, -30.0, 30.0, -1.0, 1.0, 0.0, 2.0])
    given = with_gradient([row.to(dtype)] * (2 if module.kind == "gated" else 1))
    result = module(*given)
    assert torch.isfinite(result).all(), result
    for gradient in gradients(result, module, given):
        assert gradient is None or torch.isfinite(gradient).all(), gradient


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_never_swallowed(name):
    module = build(name, torch.float32)
    given = inputs(module, 3, FEATURES, dtype=torch.float32)
    given[0][1, 4] = math.nan
    result = module(*given)
    assert torch.isnan(result[1]).any()
    assert not torch.isnan(result[[0, 2]]).any()
    if module.kind in ("pointwise", "gated"):
        assert torch.isnan(result[1, 4])
        assert torch.isnan(result).sum() == 1


@pytest.mark.parametrize("name", NAMES)
def test_memory_layout_does_not_matter(name):
    module = build(name)
    given = inputs(module, 4, FEATURES)
    expected = module(*given)
    strided = [torch.stack([t, t], dim=-1)[..., 0] for t in given]
    transposed = [t.t().contiguous().t() for t in given]
    assert not strided[0].is_contiguous()
    # Blocks may divide elsewhere, so a statistic may be summed in another order.
    for variant in (strided, transposed):
        torch.testing.assert_close(module(*variant), expected, rtol=1e-13, atol=1e-13)
    expanded = [t[:1].expand(4, FEATURES) for t in given]
    torch.testing.assert_close(module(*expanded)[3], expected[0], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_function_transforms(name):
    module = build(name)
    given = inputs(module, 3, 6)
    torch.testing.assert_close(vmap(module)(*given), module(*given), rtol=1e-13, atol=1e-13)
    first = tuple(t[0] for t in given)
    jacobian = jacrev(module)(*first)
    asked = first[0].clone().requires_grad_()
    result = module(asked, *first[1:])
    rows = [torch.autograd.grad(y, asked, retain_graph=True)[0] for y in result]
    torch.testing.assert_close(jacobian, torch.stack(rows), rtol=1e-10, atol=1e-12)
    tangent = torch.ones_like(first[0])
    _, pushed = torch.func.jvp(lambda x: module(x, *first[1:]), (first[0],), (tangent,))
    torch.testing.assert_close(pushed, jacobian @ tangent, rtol=1e-10, atol=1e-12)


class Together(nn.Module):
    """Several activations on one input, so that one trace serves them all."""

    def __init__(self, chosen):
        super().__init__()
        self.each = nn.ModuleList(build(name, torch.float32) for name in chosen)

    def forward(self, x, g):
        return [m(x, g) if m.kind == "gated" else m(x) for m in self.each]


GROUPS = [NAMES[start::4] for start in range(4)]


@pytest.mark.parametrize("chosen", GROUPS, ids=lambda chosen: chosen[0])
def test_compiles_as_one_graph(chosen):
    together = Together(chosen)
    x = torch.randn(3, FEATURES, requires_grad=True)
    g = torch.randn(3, FEATURES)
    compiled = torch.compile(together, fullgraph=True, backend="aot_eager", dynamic=False)
    for name, a, b in zip(chosen, compiled(x, g), together(x, g), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5, msg=lambda text, n=name: n + text)
        mine, theirs = (torch.autograd.grad(y.sum(), x, retain_graph=True)[0] for y in (a, b))
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
    torch._dynamo.reset()


@pytest.mark.parametrize("chosen", GROUPS, ids=lambda chosen: chosen[0])
def test_exports(chosen):
    together = Together(chosen).eval()
    x, g = torch.randn(3, FEATURES), torch.randn(3, FEATURES)
    batch = torch.export.Dim("batch", min=2)
    program = torch.export.export(
        together, (x, g), dynamic_shapes=({0: batch}, {0: batch}), strict=False
    )
    x, g = torch.randn(5, FEATURES), torch.randn(5, FEATURES)
    for a, b in zip(program.module()(x, g), together(x, g), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="builds kernels with a C compiler")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_compiled_kernels_compute_the_same(name, dtype):
    results = []
    for backend in ("reference", "compile"):
        module = build(name, dtype, backend=backend)
        given = with_gradient(inputs(module, 40, FEATURES, dtype=dtype))
        output = module(*given)
        results.append((output, *(g for g in gradients(output, module, given) if g is not None)))
    for mine, theirs in zip(*results, strict=True):
        tolerance = 1e-10 if dtype == torch.float64 else 1e-4
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gelu", "polynorm", "rational", "swiglu", "snake"])
def test_inductor(name):
    module = build(name, torch.float32)
    given = inputs(module, 64, FEATURES, dtype=torch.float32)
    compiled = torch.compile(module, fullgraph=True)
    torch.testing.assert_close(compiled(*given), module(*given), rtol=1e-5, atol=1e-5)
    torch._dynamo.reset()


@pytest.mark.parametrize("name", NAMES)
def test_saving_copying_and_moving(name):
    module = build(name, torch.float32)
    given = inputs(module, 2, FEATURES, dtype=torch.float32)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.25)
    expected = module(*given)
    fresh = build(name, torch.float32)
    assert fresh.load_state_dict(module.state_dict()).missing_keys == []
    for other in (fresh, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(*given), expected)
        assert other.formula == module.formula
        mine = {id(p) for p in module.parameters()}
        assert mine.isdisjoint(id(p) for p in other.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_meta_device_and_reset(name):
    with torch.device("meta"):
        module = activation(name, **SETTINGS.get(name, {}))
    assert all(parameter.is_meta for parameter in module.parameters())
    given = [t.to("meta") for t in inputs(module, 2, FEATURES, dtype=torch.float32)]
    assert module(*given).shape == (2, FEATURES)
    module.to_empty(device="cpu")
    torch.manual_seed(0)
    module.reset_parameters()
    torch.manual_seed(0)
    fresh = activation(name, **SETTINGS.get(name, {}))
    for key, value in fresh.state_dict().items():
        torch.testing.assert_close(module.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_refuses_integers_complex_numbers_and_other_objects(name):
    module = build(name, torch.float32)
    count = 2 if module.kind == "gated" else 1
    for dtype in (torch.int64, torch.bool, torch.complex64):
        with pytest.raises(DtypeError, match=str(dtype).replace(".", r"\.")):
            module(*[torch.zeros(2, FEATURES, dtype=dtype)] * count)
    with pytest.raises(TypeError, match="tensor"):
        module(*[1.0] * count)


@pytest.mark.parametrize("name", NAMES)
def test_entry_is_complete(name):
    entry = lookup(name)
    module, other = activation(name), activation(name)
    assert module is not other
    assert {id(p) for p in module.parameters()}.isdisjoint(id(p) for p in other.parameters())
    # sharded training refuses 0-dimensional parameters
    assert all(parameter.ndim >= 1 for parameter in module.parameters())
    assert isinstance(module, Activation)
    assert module.name == entry.name == name
    assert entry.kind == module.kind == entry.formula.kind
    assert entry.summary.endswith(".")
    assert len(entry.summary) <= 100
    assert entry.source is not None
    assert entry.source.arxiv or entry.source.url
    assert str(entry.source)
    assert repr(module)
    assert set(module.params) == set(module.parameter_values()) == set(module.formula.parameters)
    for key, value in module.parameter_values().items():
        count = module.formula.parameters[key]
        # one number; or its index on the first axis; or (householder) one number per feature
        assert np.ndim(value) <= 1 if count is None else np.shape(value)[0] == count
    assert module.no_weight_decay() == {key for key, _ in module.named_parameters()}


def test_names_and_aliases_do_not_meet():
    known = known_names()
    assert len(known) == len(set(known))
    for name in known:
        assert str(activation(name, **SETTINGS.get(name, {})).formula) == str(
            activation(lookup(name).name, **SETTINGS.get(name, {})).formula
        )


@pytest.mark.parametrize("name", NAMES)
def test_training_keeps_no_more_than_its_inputs(name):
    """Saved for backward: the inputs, or the output alone; statistics and parameters are small."""
    module = build(name, torch.float32)
    if module.kind in ("along", "normed") and name != "polynorm":
        pytest.skip("formulas with statistics run on their definition")
    given = with_gradient(inputs(module, 64, 96, dtype=torch.float32))
    sizes = {}

    def pack(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(*given)
    kept = sum(sizes.values())
    assert kept <= 1.02 * sum(t.numel() * t.element_size() for t in given)
