"""Facts over channels equal the facts of each channel alone; inputs of every form; refusals."""

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

from camber import facts
from camber.errors import CamberError, UnknownNameError
from camber.facts import Facts, HasFormula, Interval
from camber.formula import Formula

RANDOM = np.random.default_rng(0)
FAMILIES = {
    "where(x > 0, x, a*x)": {"a": RANDOM.normal(size=5)},
    "x*sigmoid(b*x)": {"b": np.array([0.3, 1.0, 2.5])},
    "max(abs(x - a) - b, 0)": {"a": RANDOM.normal(size=4), "b": RANDOM.uniform(0.1, 1.0, 4)},
    "w[0] + w[1]*x + w[2]*max(x, 0)**2": {"w": [RANDOM.normal(size=3) for _ in range(3)]},
    "where(x > a, x**2, b)": {"a": np.array([-1.0, 0.0, 2.0]), "b": np.array([1.0, 0.0, 4.0])},
}


def single(values, channel):
    return {
        name: [float(entry[channel]) for entry in value]
        if isinstance(value, list)
        else float(value[channel])
        for name, value in values.items()
    }


@pytest.mark.parametrize("text", FAMILIES)
def test_channels_equal_a_loop(text):
    values = FAMILIES[text]
    whole = facts.of(text, **values)
    count = len(next(iter(whole._given.values.values())))
    for channel in range(count):
        alone = facts.of(text, **single(values, channel))
        for name in facts.NAMES:
            together, own = whole.get(name), alone.get(name)
            assert (together is None) == (own is None), name
            if own is None:
                continue
            if isinstance(own.value, Interval):
                assert together.value.lo[channel] == pytest.approx(
                    own.value.lo, rel=1e-9, abs=1e-12
                )
                assert together.value.hi[channel] == pytest.approx(
                    own.value.hi, rel=1e-9, abs=1e-12
                )
            elif isinstance(own.value, float):
                assert together.value[channel] == pytest.approx(own.value, rel=1e-9, abs=1e-12)
            else:
                assert str(together.value[channel]) == str(own.value), name


def test_lists_are_ragged_tuples_per_channel():
    found = facts.of("max(x**2 - a, 0)", a=np.array([1.0, -1.0]))
    assert found.kinks.value == ((-1.0, 1.0), ())


def test_shapes_of_channels_are_kept():
    slopes = np.array([[0.1], [0.2]])
    found = facts.of("where(x > 0, x, a*x)", a=slopes)
    assert found.slope.value.lo.shape == (2, 1)
    assert found.gain.value.shape == (2, 1)
    assert found.kinks.value == (((0.0,),), ((0.0,),))


def test_variance_broadcasts_with_channels():
    found = facts.gaussian_moment("max(x, 0)", 2, variance=np.array([1.0, 4.0]))
    assert found == pytest.approx([0.5, 2.0], rel=1e-12)
    found = facts.gaussian_moment(
        "where(x > 0, x, a*x)", 2, variance=np.array([1.0, 4.0]), a=np.array([0.0, 1.0])
    )
    assert found == pytest.approx([0.5, 4.0], rel=1e-12)
    assert facts.hermite_coefficients("x*a", 2, a=np.ones(3)).shape == (3, 3)


def test_many_channels_stay_affordable():
    slopes = np.linspace(-1.0, 1.0, 512)
    found = facts.gain("where(x > 0, x, a*x)", a=slopes)
    # closed form sqrt(2 / (1 + a²))
    assert found == pytest.approx(np.sqrt(2 / (1 + slopes**2)), rel=1e-12)


@dataclass
class Module:
    formula: Formula
    values: dict

    def parameter_values(self):
        return self.values


def test_any_object_with_a_formula_will_do():
    module = Module(Formula.parse("x*sigmoid(beta*x)"), {"beta": 1.702})
    assert isinstance(module, HasFormula)
    assert isinstance(facts.of(module), Facts)
    assert facts.of(module).slope.value.hi == pytest.approx(1.09983932012887, abs=1e-10)
    # values given by name win
    assert facts.gain(module, beta=1.0) == pytest.approx(1.676532, abs=1e-6)


def test_equal_formulas_share_their_facts():
    assert facts.of("x*sigmoid(beta*x)", beta=2) is facts.of("x*sigmoid(beta*x)", beta=2.0)
    assert facts.of("max(x, 0)") is facts.of(Formula.parse("max(x, 0)"))
    assert facts.of("x*sigmoid(beta*x)", beta=2) is not facts.of("x*sigmoid(beta*x)", beta=3)


def test_to_dict_is_json():
    data = json.loads(json.dumps(facts.of("min(max(x, 0), 6)").to_dict()))
    assert data["kinks"] == {"value": [0.0, 6.0], "provenance": "exact", "error": 0.0, "note": ""}
    assert data["range"]["value"]["hi"] == 6.0
    assert data["monotone_pieces"]["value"][0] == {"lo": "-inf", "hi": 0.0, "shape": "constant"}
    assert set(data) == set(facts.NAMES)
    json.dumps(facts.of("where(x > 0, x, a*x)", a=np.ones(3)).to_dict())


def test_text_shows_every_fact_with_its_provenance():
    text = str(facts.of("gelu(x)"))
    assert len(text.splitlines()) == len(facts.NAMES)
    assert "slope                 [-0.12890415, 1.12890415]  (certified)" in text


@pytest.mark.parametrize(
    ("spec", "values", "sentence"),
    [
        ("x*sigmoid(beta*x)", {}, "need a value for its parameter 'beta'"),
        ("x*sigmoid(beta*x)", {"bet": 1.0}, "unknown parameter"),
        ("x", {"beta": 1.0}, "has no parameters"),
        ("beta*x", {"beta": math.nan}, "not finite"),
        ("beta*x", {"beta": np.array([1.0, math.inf])}, "not finite"),
        ("beta*x", {"beta": "large"}, "not numbers"),
        ("beta*x", {"beta": np.ones(0)}, "no channel"),
        ("a*x + b", {"a": np.ones(2), "b": np.ones(3)}, "do not share one shape"),
        ("w[0] + w[1]*x", {"w": [1.0]}, "takes 2 values"),
        ("w[0] + w[1]*x", {"w": 1.0}, "takes 2 values"),
        (3, {}, "not a int"),
    ],
)
def test_bad_specifications(spec, values, sentence):
    with pytest.raises(CamberError, match=sentence) as caught:
        facts.of(spec, **values)
    assert "\n" not in str(caught.value)


def test_unknown_fact_names_offer_near_ones():
    with pytest.raises(UnknownNameError, match="'kinks'"):
        facts.of("x").get("kink")


def test_variance_of_another_shape_is_refused():
    with pytest.raises(CamberError, match="do not broadcast"):
        facts.gaussian_moment("a*x", variance=np.ones(3), a=np.ones(2))
