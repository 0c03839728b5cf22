"""Random expression trees for property-based tests."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from camber.formula import OPERATIONS, Call, Constant, Formula, Input, Number, Parameter

SMALL = st.one_of(
    st.integers(-6, 6).map(Fraction),
    st.sampled_from([Fraction(1, 2), Fraction(-1, 3), Fraction(17, 10), Fraction(44715, 10**6)]),
    st.fractions(min_value=-5, max_value=5, max_denominator=12),
)
#: Anything a literal may be: also tiny, huge and with long expansions.
ANY = st.one_of(
    SMALL,
    st.fractions(),
    st.floats(allow_nan=False, allow_infinity=False).map(Fraction),
    st.builds(lambda m, e: m * Fraction(10) ** e, st.integers(-999, 999), st.integers(-300, 300)),
)
LEAVES = [
    st.just(Input("x")),
    st.just(Input("x")),
    st.just(Input("x")),
    st.just(Parameter("a")),
    st.builds(Parameter, st.just("w"), st.integers(0, 1)),
    st.sampled_from([Constant("pi"), Constant("e")]),
]
ELEMENTWISE = [
    name
    for name, entry in OPERATIONS.items()
    if not entry.statistic and not entry.condition and name != "spline"
]
CONDITIONS = [name for name, entry in OPERATIONS.items() if entry.condition]
STATISTICS = [name for name, entry in OPERATIONS.items() if entry.statistic]
#: One value for every name that these trees use.
NAMES = ("a", "w[0]", "w[1]")


@st.composite
def _spline(draw, inner):
    degree = draw(st.integers(0, 3))
    count = draw(st.integers(1, 3))
    knots = sorted(draw(st.lists(SMALL, min_size=count + degree + 1, max_size=count + degree + 1)))
    if knots[0] == knots[-1]:
        knots[-1] += 1
    values = [draw(inner) for _ in range(count)]
    return Call("spline", (draw(inner), *map(Number, knots), *values), (("degree", degree),))


def _compound(inner, names, statistics):
    def arguments(name):
        fewest, most = OPERATIONS[name].arity
        counts = st.integers(fewest, fewest + 2 if most is None else most)
        return counts.flatmap(lambda n: st.tuples(*[inner] * n)).map(lambda a: Call(name, a))

    choices = [
        st.sampled_from([n for n in names if n not in ("where", "topk")]).flatmap(arguments),
        st.builds(
            lambda c, p, q, a, b: Call("where", (Call(c, (p, q)), a, b)),
            *(st.sampled_from(CONDITIONS), inner, inner, inner, inner),
        ),
        _spline(inner),
    ]
    if statistics:
        over = st.sampled_from(
            [
                (("over", "feature"),),
                (("over", "feature"), ("size", 2)),
                (("over", "layer"),),
                (("over", "instance"),),
                (("over", "batch"),),
                (("over", "group"), ("size", 2)),
            ]
        )
        choices.append(
            st.builds(
                lambda name, z, o: Call(name, (z, Number(2)) if name == "topk" else (z,), o),
                *(st.sampled_from(STATISTICS), inner, over),
            )
        )
    return st.one_of(choices)


def trees(numbers=SMALL, names=tuple(ELEMENTWISE), statistics=False, size=12):
    """A strategy for the roots of formulas in x with parameters a and w."""
    leaves = st.one_of(*LEAVES, numbers.map(Number), numbers.map(Number))
    return st.recursive(
        leaves, lambda inner: _compound(inner, list(names), statistics), max_leaves=size
    )


def formulas(**settings):
    """A strategy for whole formulas."""
    return trees(**settings).map(Formula)


def parameters(formula, point):
    """The keyword arguments of an interpreter, from values by name."""
    return {
        name: point[name] if size is None else [point[f"{name}[{i}]"] for i in range(size)]
        for name, size in formula.parameters.items()
    }
