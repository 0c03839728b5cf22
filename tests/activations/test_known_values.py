"""Values of catalogue entries against arbitrary precision, written a second time by hand.

Oracle: mpmath at 40 digits, from the definitions in the cited sources, not from our formula text.
"""

import mpmath
import pytest
import torch
from mpmath import mp, mpf

from camber.activations import Fixed, activation, lookup, names

mp.dps = 40


def relu(x):
    return max(x, mpf(0))


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def softplus(x):
    return mpmath.log(1 + mpmath.exp(x))


def phi(x):
    return mpmath.ncdf(x)


def clip(x, low, high):
    return min(max(x, mpf(low)), mpf(high))


def elu(x, alpha=1):
    return x if x > 0 else alpha * mpmath.expm1(x)


def selu(x):
    # the fixed point of the moment map, in closed form (Klambauer et al. 2017, eq. 14)
    e, pi, root2 = mpmath.e, mpmath.pi, mpmath.sqrt(2)
    alpha = -mpmath.sqrt(2 / pi) / (mpmath.erfc(1 / root2) * mpmath.exp(mpf(1) / 2) - 1)
    scale = (
        (1 - mpmath.erfc(1 / root2) * mpmath.sqrt(e))
        * mpmath.sqrt(2 * pi)
        * (
            2 * mpmath.erfc(root2) * e**2
            + pi * mpmath.erfc(1 / root2) ** 2 * e
            - 2 * (2 + pi) * mpmath.erfc(1 / root2) * mpmath.sqrt(e)
            + pi
            + 2
        )
        ** (mpf(-1) / 2)
    )
    return scale * elu(x, alpha)


def tanh_gelu(x):
    inner = mpmath.sqrt(2 / mpmath.pi) * (x + mpf("0.044715") * x**3)
    return x / 2 * (1 + mpmath.tanh(inner))


def xielu(x):
    beta = mpf("0.5")
    if x > 0:
        return mpf("0.8") * x**2 + beta * x
    return mpf("0.8") * (mpmath.exp(min(x, mpf("-1e-6"))) - 1 - x) + beta * x


TRUTH = {
    "abs": abs,
    "celu": elu,
    "crrelu": lambda x: relu(x) + mpf("0.01") * x * mpmath.exp(-(x**2) / 2),
    "elish": lambda x: elu(x) * sigmoid(x),
    "elu": elu,
    "gaussian": lambda x: mpmath.exp(-(x**2) / 2),
    "gcu": lambda x: x * mpmath.cos(x),
    "gelu": lambda x: x * phi(x),
    "gelu_10": lambda x: clip(x * phi(x), -10, 10),
    "gelu_tanh": tanh_gelu,
    "hardshrink": lambda x: x if abs(x) > 0.5 else mpf(0),
    "hardsigmoid": lambda x: clip(x + 3, 0, 6) / 6,
    "hardswish": lambda x: x * clip(x + 3, 0, 6) / 6,
    "hardtanh": lambda x: clip(x, -1, 1),
    "identity": lambda x: x,
    "isru": lambda x: x / mpmath.sqrt(1 + x**2),
    "laplace": lambda x: phi((x - mpf("0.707107")) / mpf("0.282095")),
    "leaky_relu": lambda x: x if x > 0 else x / 100,
    "lecun_tanh": lambda x: mpf("1.7159") * mpmath.tanh(2 * x / 3),
    "logsigmoid": lambda x: mpmath.log(sigmoid(x)),
    "mish": lambda x: x * mpmath.tanh(softplus(x)),
    "mpelu": elu,
    "pelu": elu,
    "penalized_tanh": lambda x: mpmath.tanh(x) if x > 0 else mpmath.tanh(x) / 4,
    "prelu": lambda x: x if x > 0 else x / 4,
    "quick_gelu": lambda x: x * sigmoid(mpf("1.702") * x),
    "relu": relu,
    "relu6": lambda x: clip(x, 0, 6),
    "relu_squared": lambda x: relu(x) ** 2,
    "selu": selu,
    "serf": lambda x: x * mpmath.erf(softplus(x)),
    "shifted_softplus": lambda x: softplus(x) - mpmath.log(2),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "siren": lambda x: mpmath.sin(30 * x),
    "smelu": lambda x: mpf(0) if x <= -1 else (x if x >= 1 else (x + 1) ** 2 / 4),
    "snake": lambda x: x + mpmath.sin(x) ** 2,
    "softplus": softplus,
    "softshrink": lambda x: mpmath.sign(x) * relu(abs(x) - mpf("0.5")),
    "softsign": lambda x: x / (1 + abs(x)),
    "sqrt_softplus": lambda x: mpmath.sqrt(softplus(x)),
    "squareplus": lambda x: (x + mpmath.sqrt(x**2 + 4)) / 2,
    "swish_beta": lambda x: x * sigmoid(x),
    "tanh": mpmath.tanh,
    "tanhshrink": lambda x: x - mpmath.tanh(x),
    "telu": lambda x: x * mpmath.tanh(mpmath.exp(x)),
    "threshold": lambda x: x if x > mpf("0.1") else mpf(0),
    "xatlu": lambda x: x * (mpmath.atan(x) / mpmath.pi + mpf("0.5")),
    "xgelu": lambda x: x * phi(x),
    "xsilu": lambda x: x * sigmoid(x),
    "gelu_fast": lambda x: (
        x / 2 * (1 + mpmath.tanh(mpf("0.7978845608") * x * (1 + mpf("0.044715") * x**2)))
    ),
}
#: Pointwise entries whose values are tested in files of their own, where they have parameters.
ELSEWHERE = {
    "dra",
    "dra_model",
    "dra_paper",
    "hermite",
    "polycom",
    "polynomial",
    "polyrelu",
    "rational",
    "rational_abs_sum",
    "selu_learnable",
    "star_relu",
    "xielu",
}
#: 0.01 is no float32, which is what learnable parameters start in.
EXACT = {"crrelu": {"eps": Fixed(0.01)}}
POINTS = [-300.0, -41.0, -12.5, -6.03, -2.0, -0.51, -1e-3, 0.07, 0.3, 0.77, 1.0, 3.2, 7.0, 25.0]


def test_every_pointwise_entry_has_an_independent_value():
    pointwise = {name for name in names() if lookup(name).kind == "pointwise"}
    assert pointwise == set(TRUTH) | ELSEWHERE


@pytest.mark.parametrize("name", TRUTH)
def test_value(name):
    module = activation(name, **EXACT.get(name, {})).double()
    result = module(torch.tensor(POINTS, dtype=torch.float64))
    expected = torch.tensor([float(TRUTH[name](mpf(x))) for x in POINTS], dtype=torch.float64)
    # SELU's constants are stored to float64; x - tanh(x) and 1 + tanh(...) cancel by a few bits
    torch.testing.assert_close(result, expected, rtol=2e-14, atol=2e-14)


@pytest.mark.parametrize("name", TRUTH)
def test_slope(name):
    """Against mpmath's numerical derivative, away from kinks."""
    module = activation(name, **EXACT.get(name, {})).double()
    x = torch.tensor([p for p in POINTS if abs(p) not in (1.0,)], dtype=torch.float64)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(module(x).sum(), x)
    expected = [float(mpmath.diff(TRUTH[name], mpf(p))) for p in x.tolist()]
    torch.testing.assert_close(
        slope, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12
    )


def test_xielu():
    module = activation("xielu").double()
    result = module(torch.tensor(POINTS, dtype=torch.float64))
    expected = torch.tensor([float(xielu(mpf(x))) for x in POINTS], dtype=torch.float64)
    # the initial coefficients were rounded to float32
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6)


def test_learnable_selu_starts_as_selu():
    x = torch.linspace(-4, 4, 101)
    torch.testing.assert_close(activation("selu_learnable")(x), activation("selu")(x))


def test_star_relu_starts_at_mean_zero_and_variance_one():
    # E[relu(z)^2] = 1/2, E[relu(z)^4] = 3/2 for z ~ N(0, 1)
    values = activation("star_relu").parameter_values()
    scale, bias = values["scale"], values["bias"]
    assert scale / 2 + bias == pytest.approx(0, abs=1e-6)
    assert scale**2 * (3 / 2 - 1 / 4) == pytest.approx(1, abs=1e-4)  # constants of four digits


def test_selu_constants_are_the_fixed_point():
    z = mpmath.quad(lambda t: selu(t) * mpmath.npdf(t), [-mpmath.inf, 0, mpmath.inf])
    square = mpmath.quad(lambda t: selu(t) ** 2 * mpmath.npdf(t), [-mpmath.inf, 0, mpmath.inf])
    assert abs(z) < 1e-20
    assert abs(square - 1) < 1e-20
