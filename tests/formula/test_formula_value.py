"""Formula as a value: immutable, hashable, picklable, with parameters, kind and substitution."""

import copy
import doctest
import importlib
import pickle
import pkgutil
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import camber.formula
from camber.formula import (
    Call,
    Constant,
    Formula,
    FormulaError,
    Input,
    Number,
    Parameter,
    differentiate,
    to_latex,
    to_numpy,
)


def test_formulas_do_not_change():
    formula = Formula.parse("a*x")
    for name in ("root", "inputs", "other"):
        with pytest.raises(AttributeError, match="does not change"):
            setattr(formula, name, None)
        with pytest.raises(AttributeError, match="does not change"):
            delattr(formula, name)
    formula.parameters["b"] = None
    assert formula.parameters == {"a": None}


def test_copies_and_pickles():
    formula = Formula.parse("where(x > 0, w[1]*x, mean(x, over=group, size=2)) + 1/3", ("x", "g"))
    assert copy.copy(formula) is formula
    assert copy.deepcopy([formula])[0] is formula
    again = pickle.loads(pickle.dumps(formula))
    assert again == formula
    assert again.root == formula.root
    assert again.inputs == formula.inputs
    assert hash(again) == hash(formula)


def test_pickles_cross_processes():
    # string hashes differ between processes, so no stored hash may travel
    formula = Formula.parse("x*sigmoid(beta*x)")
    code = (
        "import pickle, sys; from camber.formula import Formula; "
        "f = pickle.loads(bytes.fromhex(sys.argv[1])); g = Formula.parse('beta*x'); "
        "assert f == Formula.parse('x*sigmoid(beta*x)') and hash(f) == "
        "hash(Formula.parse('x*sigmoid(beta*x)')); print(f.digest())"
    )
    environment = {"PYTHONHASHSEED": "7", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code, pickle.dumps(formula).hex()],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.strip() == formula.digest()


def test_deep_shared_trees_pickle():
    formula = Formula.parse("x*tanh(x)")
    for _ in range(4):
        formula = formula.derivative()
    assert pickle.loads(pickle.dumps(formula)).root == formula.root


@pytest.mark.parametrize(
    ("text", "inputs", "parameters", "kind"),
    [
        ("x", None, {}, "pointwise"),
        ("b*x + a*b", None, {"b": None, "a": None}, "pointwise"),
        ("w[2]*x + w[0] + v", None, {"w": 3, "v": None}, "pointwise"),
        ("x*g", None, {"g": None}, "pointwise"),
        ("x*g", ("x", "g"), {}, "gated"),
        ("x*a", ("x", "g"), {"a": None}, "pointwise"),
        ("x/rms(x, epsilon)", None, {"epsilon": None}, "along"),
        ("sort(x, size=2)", None, {}, "along"),
        ("x/std(x, over=instance)", None, {}, "normed"),
        ("x/std(x, over=layer) + mean(x)", None, {}, "normed"),
    ],
)
def test_parameters_and_kind(text, inputs, parameters, kind):
    formula = Formula.parse(text, inputs)
    assert formula.parameters == parameters
    assert list(formula.parameters) == list(parameters)
    assert formula.kind == kind


def test_substitution():
    formula = Formula.parse("x*sigmoid(beta*x) + w[0]*w[1]")
    assert str(formula.substitute({"beta": 1.702})) == "x*sigmoid(1.702*x) + w[0]*w[1]"
    assert str(formula.substitute({"beta": "c**2"})) == "x*sigmoid(c**2*x) + w[0]*w[1]"
    assert str(formula.substitute({"w": [1, Fraction(1, 3)]})) == "x*sigmoid(beta*x) + 1*(1/3)"
    assert str(formula.substitute({"w[1]": np.float64(0.5)})) == "x*sigmoid(beta*x) + w[0]*0.5"
    inner = Formula.parse("x + 1")
    assert str(inner.substitute({"x": inner})) == "x + 1 + 1"
    assert formula.substitute({}) == formula
    assert str(Formula.parse("a*x").substitute({"a": -float("inf")})) == "-inf*x"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gamma": 1.0}, "no input or parameter"),
        ({"w": 1.0}, "takes a sequence of 2 values"),
        ({"w": [1.0]}, "takes a sequence of 2 values"),
        ({"w[2]": 1.0}, "no input or parameter"),
        ({"beta": float("nan")}, "nan"),
        ({"beta": None}, "not a number or a formula"),
        ({"beta": "x +"}, "not an expression"),
    ],
)
def test_bad_substitution(values, words):
    with pytest.raises(FormulaError, match=words.replace("(", r"\(")):
        Formula.parse("beta*x + w[1]").substitute(values)


@pytest.mark.parametrize("text", ["x +", "x +   "])
def test_a_text_that_ends_too_early_has_its_caret_at_the_end(text):
    with pytest.raises(FormulaError) as caught:
        Formula.parse(text)
    assert str(caught.value).splitlines()[-1] == "     ^"


@pytest.mark.parametrize(
    ("root", "words"),
    [
        (Call("exp", (Input("x"), Input("x"))), "exp takes 1 argument, not 2"),
        (Call("expp", (Input("x"),)), "unknown operation"),
        (Call("lt", (Input("x"), Input("x"))), "comparison is not a value"),
        (Call("add", (Call("lt", (Input("x"),) * 2), Input("x"))), "only as the first argument"),
        (Call("exp", (Input("x"),), (("over", "feature"),)), "no option"),
        (Input("g"), "not among the inputs"),
        (Parameter("x"), "both a parameter and an input"),
        (Parameter("exp"), "name of an operation"),
        (Parameter("1a"), "is not a name"),
        (Parameter("lambda"), "word of Python"),
        (Parameter("w", -1), "outside 0"),
        (Number(Fraction(10) ** 1000), "too many digits"),
        (Call("topk", (Input("x"), Input("x"))), "whole number"),
        (Call("spline", (Input("x"),) * 5), "knots"),
    ],
)
def test_trees_that_no_text_could_produce_are_refused(root, words):
    with pytest.raises(FormulaError, match=words):
        Formula(root)


def test_inputs_must_be_names():
    for inputs in ((), ("x", "x"), ("exp",), ("1",), ("pi",), ("",)):
        with pytest.raises(FormulaError):
            Formula.parse("1", inputs)


def test_unknown_constant_is_refused():
    with pytest.raises(ValueError, match="unknown constant"):
        Constant("tau")


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        # closed forms
        ("x**3", "x", "3*x**2"),
        ("a*x**2", "a", "x**2"),
        ("w[0]*x + w[1]*x**2", "w[1]", "x**2"),
        ("log(1 + exp(x))", "x", "sigmoid(x)"),
        ("poly(x, 1, 2, 3)", "x", "poly(x, 2, 6)"),
        ("poly(x, a, b)", "b", "poly(x, 0, 1)"),
        ("x/(1 + exp(-x))", "x", None),
        ("2**x", "x", "2**x*log(2)"),
        ("x**p", "p", "x**p*log(x)"),
        ("where(x > 0, x**2, a)", "x", "where(x > 0, 2*x, 0)"),
        ("spline(x, 0, 1, 2, 1, degree=1)", "x", "spline(x, 0, 1, 2, 1, -1, degree=0)"),
        ("x*mean(a)", "x", "mean(a, over=feature)"),
        ("where(mean(x) > 0, x, 2*x)", "x", "where(mean(x, over=feature) > 0, 1, 2)"),
        ("sin(a)", "x", "0"),
    ],
)
def test_derivatives_by_rule(text, name, expected):
    slope = differentiate(Formula.parse(text), name)
    if expected is not None:
        assert slope == Formula.parse(expected)


def test_derivative_of_a_statistic_is_refused():
    with pytest.raises(FormulaError, match=r"rms of the variable.*torch\.func\.jacrev"):
        Formula.parse("x/rms(x)").derivative()


def test_high_derivatives_stay_small_in_memory():
    formula = Formula.parse("x*tanh(log(1 + exp(x)))")
    for _ in range(6):
        formula = formula.derivative()
    # oracle: the sixth derivative of Mish at 0 by mpmath.taylor, 6! times the coefficient
    import mpmath

    coefficients = mpmath.taylor(lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))), 0, 6)
    assert float(to_numpy(formula)(0.0)) == pytest.approx(float(coefficients[6] * 720), rel=1e-10)


def test_interpreters_keep_to_the_tree_as_written():
    # equal canonical forms may differ at kinks: caching by equality would mix them up
    first, second = Formula.parse("where(x > 0, 1, 0)"), Formula.parse("where(x <= 0, 0, 1)")
    assert first == second
    assert to_latex(first) != to_latex(second)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x*sigmoid(beta*x)", r"x \sigma\left(\beta x\right)"),
        ("weight[0]*x", r"\mathrm{weight}_{0} x"),
        ("alpha_p*x**2", r"\alpha_{p} x^{2}"),
        ("-(x + 1)*2", r"-\left(x + 1\right) \cdot 2"),
        ("1e-12/3", r"\frac{1}{3000000000000}"),
        ("poly(x, 1, 0, a)", r"1 + a x^{2}"),
        ("max(x, over=feature)", r"\operatorname{max}_{\mathrm{feature}}\left(x\right)"),
    ],
)
def test_latex(text, latex):
    assert to_latex(Formula.parse(text)) == latex


MODULES = [module.name for module in pkgutil.iter_modules(camber.formula.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(f"camber.formula.{name}")
    assert doctest.testmod(module).failed == 0
