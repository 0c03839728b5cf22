"""The registry: names, formulas, parameters, errors."""

import numpy as np
import pytest
import torch
from torch import nn

import camber
from camber.activations import (
    Activation,
    Fixed,
    FormulaPointwise,
    Gated,
    Initial,
    Pointwise,
    PolyNorm,
    Source,
    activation,
    describe,
    lookup,
    names,
    register,
    unregister,
)
from camber.errors import CamberError, DtypeError, FormulaError, UnknownNameError
from camber.formula import Formula

ANYONE = Source(authors="Anyone", title="Anything", year=2020, url="https://example.org")


@pytest.fixture
def temporary():
    """Names registered by a test disappear with it."""
    before = set(names())
    yield
    for name in set(names()) - before:
        unregister(name)


def test_public_names_are_those_of_the_top_package():
    assert camber.activation is activation
    assert camber.register is register
    assert camber.names is names
    assert camber.Fixed is Fixed


def test_the_catalogue_has_what_it_promises():
    promised = (
        "identity relu leaky_relu prelu relu6 elu selu celu gelu gelu_tanh quick_gelu silu mish "
        "sigmoid tanh hardtanh hardsigmoid hardswish softplus softsign tanhshrink softshrink "
        "hardshrink logsigmoid threshold softmax softmin log_softmax relu_squared abs snake pelu "
        "xielu telu star_relu laplace crrelu dra dra_model dra_paper rational rational_abs_sum "
        "polynomial hermite glu reglu geglu swiglu maxmin groupsort householder topk polyrelu "
        "polynorm polycom selu_learnable swish_beta"
    )
    assert set(promised.split()) <= set(names())
    assert names() == sorted(names())


@pytest.mark.parametrize("spec", ["gelu", "x*sigmoid(beta*x)", "x*tanh(g)", "x/rms(x, 1e-6)"])
def test_every_call_is_fresh(spec):
    first, second = activation(spec), activation(spec)
    assert first is not second
    assert {id(p) for p in first.parameters()}.isdisjoint(id(p) for p in second.parameters())


class TestFormulas:
    def test_kinds_follow_from_the_formula(self):
        kinds = {
            "x**2": "pointwise",
            "x*exp(g)": "gated",
            "x - mean(x)": "along",
            "x - mean(x, over=batch)": "normed",
        }
        for text, kind in kinds.items():
            module = activation(text)
            assert module.kind == kind
            assert module.name is None
            assert module.label == str(module.formula)
        assert isinstance(activation("x*exp(g)"), Gated)
        assert isinstance(activation("x**2"), Pointwise)

    def test_parameters_start_at_one_or_where_told(self):
        module = activation("a*x + b*weight[1] + weight[0]", b=2.0, weight=[3.0, 4.0])
        assert module.parameter_values()["a"] == 1.0
        assert module.parameter_values()["b"] == 2.0
        np.testing.assert_array_equal(module.parameter_values()["weight"], [3.0, 4.0])
        assert module(torch.tensor(5.0)).item() == 5 + 8 + 3
        assert module.weight.shape == (2,)
        assert module.a.shape == (1,)

    def test_a_bare_g_is_the_gate_unless_given_a_value(self):
        assert activation("x*g").kind == "gated"
        module = activation("x*g", g=3.0)
        assert module.kind == "pointwise"
        assert module(torch.tensor(2.0)).item() == 6.0

    def test_fixed_writes_the_constant_into_the_formula(self):
        module = activation("x*sigmoid(beta*x)", beta=Fixed(1.702))
        assert list(module.parameters()) == []
        assert module.formula == activation("quick_gelu").formula
        assert str(module.formula) == "x*sigmoid(1.702*x)"

    def test_a_formula_object_and_a_module(self):
        formula = Formula.parse("x**3")
        assert activation(formula).formula == formula
        original = activation("prelu", weight=0.5)
        copied = activation(original)
        assert copied is not original
        assert copied.weight is not original.weight
        assert copied.weight.item() == 0.5
        assert activation(original, backend="fused").backend == "fused"
        with pytest.raises(CamberError, match="copied as it is"):
            activation(original, weight=0.1)

    def test_a_formula_without_x_is_refused(self):
        for text in ("2", "pi*beta", "exp(1)"):
            with pytest.raises(CamberError, match="does not use x"):
                activation(text)
        # as a Formula it may be meant: the shape is that of the input
        assert activation(Formula.parse("pi"))(torch.zeros(2, 3)).shape == (2, 3)


class TestSettings:
    def test_a_number_moves_a_constant_and_a_constant_stays_one(self):
        module = activation("leaky_relu", negative_slope=0.2)
        assert list(module.parameters()) == []
        assert module(torch.tensor(-1.0)).item() == pytest.approx(-0.2)
        assert str(module.formula) == "where(x > 0, x, 0.2*x)"

    def test_initial_makes_a_constant_learnable(self):
        module = activation("leaky_relu", negative_slope=Initial(0.2))
        assert [name for name, _ in module.named_parameters()] == ["negative_slope"]
        module(torch.tensor(-1.0)).backward()
        assert module.negative_slope.grad.item() == -1.0

    def test_constraints_stay_stated(self):
        assert activation("pelu", a=2.0).params["a"] == Initial(2.0, "positive")

    def test_settings_of_a_class(self):
        assert activation("polynorm", order=5).weight.shape == (5,)
        assert activation("topk", k=2)(torch.tensor([3.0, 1.0, 2.0])).tolist() == [3.0, 0.0, 2.0]
        assert activation("crrelu", eps=Fixed(0.5)).parameter_values() == {}

    def test_backend_is_kept_and_checked(self):
        assert activation("silu", backend="reference").backend == "reference"
        with pytest.raises(UnknownNameError, match="unknown backend 'fast'"):
            activation("silu", backend="fast")


class TestErrors:
    def test_unknown_names_list_the_three_nearest(self):
        with pytest.raises(UnknownNameError, match=r"'gleu'; the nearest.*'gelu'") as caught:
            activation("gleu")
        assert str(caught.value).count("'") == 2 + 6
        assert isinstance(caught.value, KeyError)
        for text in ("GELU", "my activation", "swi-glu", "beta", "pi2"):
            with pytest.raises(UnknownNameError, match="unknown activation"):
                activation(text)
        with pytest.raises(UnknownNameError, match="relu"):
            lookup("rleu")

    def test_looking_up_what_is_no_text(self):
        with pytest.raises(DtypeError, match="not by NoneType"):
            lookup(None)

    def test_malformed_formulas_get_the_caret(self):
        for text in ("x**", "x + (1", "sigmoid(x", "x @ x", "", "__import__('os')"):
            with pytest.raises(FormulaError) as caught:
                activation(text)
            assert not isinstance(caught.value, UnknownNameError)
        with pytest.raises(FormulaError, match=r"\^"):
            activation("x*sigmod(x)")

    def test_unknown_parameters_get_near_names(self):
        with pytest.raises(UnknownNameError, match=r"'bta'.*'beta'"):
            activation("x*sigmoid(beta*x)", bta=1.0)
        with pytest.raises(UnknownNameError, match=r"'oder'.*'order'"):
            activation("polynorm", oder=2)
        with pytest.raises(CamberError, match="silu has no parameters, but 'beta' was given"):
            activation("silu", beta=1.0)
        with pytest.raises(CamberError, match=r"x\*\*2 has no parameters"):
            activation("x**2", alpha=1.0)

    def test_bad_values(self):
        for value in ("one", None, True, [1.0]):
            with pytest.raises(TypeError, match="beta must be a number"):
                activation("x*beta", beta=value)
        with pytest.raises(CamberError, match="beta must be finite"):
            activation("x*beta", beta=float("nan"))
        with pytest.raises(CamberError, match="weight has 2 entries, but 3 were given"):
            activation("weight[0]*x + weight[1]", weight=[1.0, 2.0, 3.0])
        with pytest.raises(CamberError, match="family"):
            activation("weight[0]*x + weight[1]", weight=Fixed(1.0))

    def test_other_objects(self):
        for spec in (3, None, nn.ReLU(), torch.relu):
            with pytest.raises(DtypeError, match="a name, a formula or an activation module"):
                activation(spec)

    def test_a_formula_of_another_kind(self):
        with pytest.raises(CamberError, match="along formula, not a pointwise one"):
            FormulaPointwise("x/rms(x, 1e-6)")


@pytest.mark.usefixtures("temporary")
class TestRegister:
    def test_a_formula(self):
        entry = register("cube", formula="scale*x**3", scale=0.5, aliases=("third",), source=ANYONE)
        assert entry is lookup("third")
        assert "cube" in names()
        assert "third" not in names()
        module = activation("third")
        assert module.name == "cube"
        assert module(torch.tensor(2.0)).item() == 4.0
        assert module.source is ANYONE
        assert entry.kind == "pointwise"

    def test_a_class(self):
        @register("doubled", tags=("test",))
        class Doubled(Pointwise):
            """Twice the input."""

            source = ANYONE

            def __init__(self, factor=2.0, *, backend="auto"):
                super().__init__(backend=backend)
                self._define(Formula.parse("factor*x"), {"factor": factor})

            def _values(self, x):
                return self._pointwise(x)

        assert lookup("doubled").summary == "Twice the input."
        assert lookup("doubled").tags == ("test",)
        assert activation("doubled", factor=3.0)(torch.tensor(2.0)).item() == 6.0
        assert isinstance(activation("doubled"), Doubled)

    def test_a_class_under_another_name_with_other_settings(self):
        register("polynorm_2", PolyNorm, order=2)
        assert activation("polynorm_2").weight.shape == (2,)
        assert activation("polynorm_2", order=4).weight.shape == (4,)

    @pytest.mark.parametrize("taken", ["relu", "swish"])
    def test_a_taken_name_raises(self, taken):
        with pytest.raises(CamberError, match=f"'{taken}' is taken"):
            register(taken, formula="x")
        with pytest.raises(CamberError, match=f"'{taken}' is taken"):
            register("brand_new", formula="x", aliases=(taken,))
        assert "brand_new" not in names()

    @pytest.mark.parametrize("name", ["", "Big", "2x", "a b", "x", "g", "a-b"])
    def test_a_malformed_name_raises(self, name):
        with pytest.raises(CamberError, match="cannot be the name"):
            register(name, formula="x")

    def test_bad_definitions_raise_at_once(self):
        with pytest.raises(FormulaError):
            register("broken", formula="x +")
        with pytest.raises(UnknownNameError, match="parameter"):
            register("broken", formula="beta*x", bta=1.0)
        with pytest.raises(CamberError, match="choose one"):
            register("broken", PolyNorm, formula="x")
        with pytest.raises(CamberError, match="alias"):
            register("broken", formula="x", aliases=("broken",))
        with pytest.raises(DtypeError, match="class"):
            register("broken", 3)
        with pytest.raises(DtypeError, match="class of activations"):
            register("broken", nn.Linear)
        with pytest.raises(CamberError, match="does not use x"):
            register("broken", formula="a + b")
        assert "broken" not in names()

    def test_a_program_must_see_what_the_formula_sees(self):
        for program in ("x*g", "beta*x", "x/rms(x, 1)"):
            with pytest.raises(CamberError, match="the program of 'broken'"):
                register("broken", formula="alpha*x", program=program)
        with pytest.raises(CamberError, match="pointwise formulas only"):
            register("broken", formula="x*g", native=torch.mul)
        register("guarded", formula="x - mean(x)", program="x - mean(x) + 0*x")
        assert activation("guarded")(torch.tensor([1.0, 3.0])).tolist() == [-1.0, 1.0]

    def test_unregister(self):
        register("short_lived", formula="x", aliases=("brief",))
        unregister("brief")
        with pytest.raises(UnknownNameError):
            activation("short_lived")
        with pytest.raises(UnknownNameError):
            activation("brief")


def test_describe_a_model():
    model = nn.Sequential(
        nn.Linear(4, 4),
        activation("prelu", granularity="channel", channels=4),
        nn.ReLU(),
        activation("x*tanh(x)"),
        camber.activations.PolyCom(torch.sin),
    )
    found = describe(model)
    assert list(found) == ["1", "3", "4"]
    assert found["1"] == {
        "name": "prelu",
        "kind": "pointwise",
        "formula": "where(x > 0, x, weight*x)",
        "parameters": {"weight": "channel"},
    }
    assert found["3"]["name"] is None
    assert found["3"]["formula"] == "x*tanh(x)"
    assert found["4"]["formula"] is None
    assert describe(activation("relu"))[""]["name"] == "relu"


def test_facts_are_those_of_the_current_values():
    module = activation("prelu", weight=0.5)
    assert isinstance(module, Activation)
    kinks = module.facts.kinks.value
    assert [float(kink) for kink in kinks] == [0.0]


def test_source_prints_as_a_citation():
    assert str(lookup("mish").source) == (
        'Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019, '
        "arXiv:1908.08681"
    )


def test_constants_that_divide_by_zero_are_refused():
    with pytest.raises(CamberError, match="divides by the constant 0"):
        activation("celu", alpha=0)
    with pytest.raises(CamberError, match="divides by the constant 0"):
        activation("x/0")


def test_an_order_without_end_is_refused_before_its_formula_is_written():
    for name in ("polynorm", "polyrelu", "polycom"):
        with pytest.raises(CamberError, match="order must be at most 64, not 100000"):
            activation(name, order=100_000)
