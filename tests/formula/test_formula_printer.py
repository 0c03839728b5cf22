"""Printing and parsing are inverse: for any tree, parse(str(f)) is the identical tree."""

from fractions import Fraction

import pytest
from formula_trees import ANY, formulas
from hypothesis import given, settings

from camber.formula import Call, Formula, FormulaError, Input, Number
from camber.formula.printer import print_tree


@settings(deadline=None, max_examples=250)
@given(formulas(numbers=ANY, statistics=True, size=20))
def test_parse_of_print_is_the_identical_tree(formula):
    text = str(formula)
    again = Formula.parse(text)
    assert again.root == formula.root
    assert str(again) == text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("x+(1*2)", "x + 1*2"),
        ("(x+1)*2", "(x + 1)*2"),
        ("x-(y-z)", "x - (y - z)"),
        ("x-y-z", "x - y - z"),
        ("x/(y*z)", "x/(y*z)"),
        ("x/y*z", "x/y*z"),
        ("-x**2", "-x**2"),
        ("(-x)**2", "(-x)**2"),
        ("x**(-2)", "x**-2"),
        ("x**y**z", "x**y**z"),
        ("(x**y)**z", "(x**y)**z"),
        ("2**(-x)", "2**-x"),
        ("x*(-y)", "x*-y"),
        ("-(-x)", "--x"),
        ("+x", "x"),
        ("x-(-2)", "x - -2"),
        ("1/3*x", "1/3*x"),
        ("x*(1/3)", "x*(1/3)"),
        ("0.1*x", "0.1*x"),
        ("1e-12", "1e-12"),
        ("1.50e2", "150"),
        (".5", "0.5"),
        ("4/2", "2"),
        ("ln(x)", "log(x)"),
        ("x if x > 0 else 0", "where(x > 0, x, 0)"),
        ("relu(x)", "max(x, 0)"),
        ("gelu(x)", "0.5*x*(1 + erf(x/sqrt(2)))"),
        ("max(x, over=feature)", "max(x, over=feature)"),
        ("mean(x)", "mean(x, over=feature)"),
        ("spline(x,0,1,2,3,4,c[0])", "spline(x, 0, 1, 2, 3, 4, c[0], degree=3)"),
        ("sort(x,size=2,over=group)", "sort(x, over=group, size=2)"),
    ],
)
def test_text_is_minimal(text, printed):
    formula = Formula.parse(text)
    assert str(formula) == printed
    assert Formula.parse(printed).root == formula.root


def test_numbers_are_exact():
    # closed form: a decimal literal is the rational it spells, not the float beside it
    assert Formula.parse("0.1").root == Number(Fraction(1, 10))
    assert Formula.parse("1.7e-3").root == Number(Fraction(17, 10_000))
    assert Formula.parse("1/3").root == Number(Fraction(1, 3))
    assert str(Formula(Number(Fraction(1, 3)))) == "1/3"
    assert str(Formula(Number(Fraction(-1, 3)))) == "-1/3"


def test_a_tree_that_shares_parts_beyond_memory_refuses_to_print():
    root = Input("x")
    for _ in range(80):
        root = Call("mul", (root, root))
    with pytest.raises(FormulaError, match="would print as"):
        print_tree(root)
    formula = Formula(root)
    assert "terms" in repr(formula)
    assert len(formula.digest()) == 24
    assert formula == Formula(root)
