"""CRReLU and DRA: published answers, safe limits, infinities, bad input."""

import math

import mpmath
import pytest
import torch

from camber.activations import DRA, CRReLU, Fixed, activation
from camber.errors import CamberError, UnknownNameError

FORMS = ["package", "model", "paper"]


class TestCRReLU:
    def test_published_values(self):
        x = torch.tensor([-3, -1, -0.5, 0, 0.5, 1, 2, 6], dtype=torch.float64)
        expected = [
            -3.3326989614726915e-4,
            -6.065306597126334e-3,
            -4.412484512922977e-3,
            0,
            0.504412484512923,
            1.0060653065971263,
            2.0027067056647323,
            6.000000000913799,
        ]
        module = CRReLU(eps=Fixed(0.01)).double()
        assert module(x).tolist() == pytest.approx(expected, rel=1e-14, abs=1e-17)

    def test_published_slopes(self):
        x = torch.linspace(-4, 4, 80, dtype=torch.float64, requires_grad=True)
        module = CRReLU(0.3).double()
        dx, de = torch.autograd.grad(module(x).sum(), (x, module.eps))
        bell = torch.exp(-x.square() / 2)
        eps = module.eps.item()
        torch.testing.assert_close(dx, (x > 0) + eps * (1 - x.square()) * bell, rtol=0, atol=1e-15)
        torch.testing.assert_close(de, (x * bell).sum()[None], rtol=0, atol=1e-14)

    @pytest.mark.parametrize("backend", ["auto", "reference", "fused"])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
    def test_infinities(self, dtype, backend):
        x = torch.tensor([math.inf, -math.inf, math.nan, 1e20, -1e20], dtype=dtype)
        x.requires_grad_()
        y = CRReLU(backend=backend).to(dtype)(x)
        assert y[0] == math.inf
        assert y[1] == 0
        assert torch.isnan(y[2])
        assert y[3] == x[3]
        assert y[4] == 0
        (dx,) = torch.autograd.grad(y[[0, 1, 3, 4]].sum(), x)
        assert dx[[0, 1, 3, 4]].tolist() == [1, 0, 1, 0]

    def test_monotone_up_to_the_stated_coefficient(self):
        x = torch.linspace(1e-6, 8, 20001, dtype=torch.float64)
        limit = math.exp(1.5) / 2
        for eps, rising in ((-1.0, True), (limit, True), (limit + 0.01, False), (-1.01, False)):
            steps = CRReLU(Fixed(eps)).double()(x).diff()
            assert bool((steps >= -1e-15).all()) is rising

    def test_channels(self):
        module = CRReLU(num_parameters=3, channel_dim=1)
        assert module.eps.shape == (3,)
        with torch.no_grad():
            module.eps.copy_(torch.tensor([0.0, 0.5, -0.5]))
        x = torch.randn(2, 3, 4)
        for channel, eps in enumerate((0.0, 0.5, -0.5)):
            torch.testing.assert_close(module(x)[:, channel], CRReLU(eps)(x[:, channel]))

    def test_bad_input(self):
        with pytest.raises(CamberError, match=r"3 channels on axis -1.*has 5"):
            CRReLU(num_parameters=3)(torch.zeros(2, 5))
        with pytest.raises(CamberError, match="num_parameters must be a positive integer"):
            CRReLU(num_parameters=0)
        with pytest.raises(TypeError, match="int32"):
            CRReLU()(torch.zeros(2, dtype=torch.int32))


def truth(form, x, a, b, c, d):
    with mpmath.workdps(40):
        x, a, b, c, d = map(mpmath.mpf, (x, a, b, c, d))
        sin, cos, tanh = mpmath.sin, mpmath.cos, mpmath.tanh
        if form == "package":
            wave = b / a * sin(a * x) ** 2 + c * cos(a * x)
        elif form == "model":
            wave = a / b * sin(a * x) ** 2 + c * cos(b * x)
        else:
            wave = a * sin(x / b) ** 2 + c * cos(b * x)
        return float(x + wave + d * tanh(b * x))


class TestDRA:
    @pytest.mark.parametrize("form", ["package", "model"])
    def test_published_values(self, form):
        module = DRA(form, a=1.0, b=1.0, c=1.0, d=1.0).double()
        x = torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64)
        # printed to seven decimals
        assert module(x).tolist() == pytest.approx([1, 3.0099699, -0.5132184], abs=6e-8)

    @pytest.mark.parametrize("form", FORMS)
    def test_against_arbitrary_precision(self, form):
        values = {"a": 0.75, "b": -1.25, "c": 0.5, "d": 0.375}  # exact in float32
        module = DRA(form, **values).double()
        points = [-20.0, -3.0, -0.5, 0.0, 0.25, 2.0, 9.0]
        expected = [truth(form, x, **values) for x in points]
        result = module(torch.tensor(points, dtype=torch.float64))
        assert result.tolist() == pytest.approx(expected, rel=1e-13, abs=1e-13)
        assert module.name == {"package": "dra"}.get(form, f"dra_{form}")

    @pytest.mark.parametrize("backend", ["auto", "reference", "fused"])
    def test_the_limit_of_a_going_to_zero(self, backend):
        # sin(a x)^2 / a at a = 1e-8, x = 3 is 9e-8, and at a = 0 its slope in a is x^2
        for a in (1e-8, 0.0, -0.0, 1e-30, -1e-9):
            module = DRA(a=a, b=1.0, c=0.0, d=0.0, backend=backend).double()
            x = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
            y = module(x)
            dx, da = torch.autograd.grad(y.sum(), (x, module.a))
            assert y.item() - 3 == pytest.approx(9 * a, abs=1e-14)
            assert dx.item() == pytest.approx(1 + 6 * a, abs=1e-14)
            assert da.item() == pytest.approx(9.0, rel=1e-6)

    @pytest.mark.parametrize("form", ["model", "paper"])
    @pytest.mark.parametrize("b", [0.0, -0.0, 1e-12, -1e-12])
    def test_b_keeps_its_distance_from_zero(self, form, b):
        module = DRA(form, a=1.0, b=b, c=1.0, d=1.0).double()
        safe = -1e-6 if b < 0 else 1e-6
        x = torch.tensor([0.5, -2.0], dtype=torch.float64, requires_grad=True)
        y = module(x)
        wave = torch.sin(x).square() / safe if form == "model" else torch.sin(x / safe).square()
        expected = x + wave + torch.cos(b * x) + torch.tanh(b * x)
        torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-9)
        grads = torch.autograd.grad(y.sum(), (x, *module.parameters()))
        assert all(torch.isfinite(g).all() for g in grads)

    def test_initial_values_are_drawn(self):
        first = DRA(generator=torch.Generator().manual_seed(3))
        again = DRA(generator=torch.Generator().manual_seed(3))
        other = DRA(generator=torch.Generator().manual_seed(4))
        assert first.parameter_values() == again.parameter_values()
        assert first.parameter_values() != other.parameter_values()
        assert len(set(first.parameter_values().values())) == 4
        many = DRA(num_parameters=4000, generator=torch.Generator().manual_seed(0))
        for parameter in many.parameters():
            # N(0, 1): four standard errors at 4000 draws
            assert abs(parameter.mean().item()) < 4 / 4000**0.5
            assert abs(parameter.var().item() - 1) < 4 * (2 / 4000) ** 0.5
        some = DRA(a=0.5, generator=torch.Generator().manual_seed(3))
        assert some.a.item() == 0.5
        some.reset_parameters(torch.Generator().manual_seed(5))
        assert some.a.item() == 0.5

    def test_for_site_draws_for_each_channel(self):
        class Site:
            channels = 6
            channel_dim = 1

        made = DRA(num_parameters=2).for_site(Site())
        assert made.b.shape == (6,)
        assert len(set(made.b.tolist())) == 6
        assert made(torch.randn(2, 6, 3)).shape == (2, 6, 3)

    def test_bad_input(self):
        with pytest.raises(UnknownNameError, match="unknown DRA form 'official'"):
            DRA("official")
        with pytest.raises(CamberError, match=r"4 channels on axis -1.*has 5"):
            DRA(num_parameters=4)(torch.zeros(2, 5))
        with pytest.raises(TypeError, match="a must be a number"):
            activation("dra", a="one")


def test_snake_has_the_safe_limit_too():
    module = activation("snake", alpha=0.0)
    x = torch.tensor([3.0], requires_grad=True)
    y = module(x)
    dx, da = torch.autograd.grad(y.sum(), (x, module.alpha))
    assert (y.item(), dx.item(), da.item()) == (3.0, 1.0, 9.0)
