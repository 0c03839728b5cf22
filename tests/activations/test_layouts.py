"""Learnable parameters per layer, channel and group; sites; sharding and optimiser rules."""

import pytest
import torch

from camber.activations import Fixed, Initial, activation
from camber.activations.parameters import Layout
from camber.errors import CamberError, UnknownNameError


class Site:
    def __init__(self, channels=None, channel_dim=None):
        self.channels, self.channel_dim = channels, channel_dim


@pytest.mark.parametrize("backend", ["auto", "reference", "fused"])
@pytest.mark.parametrize("channel_dim", [-1, 1, -2])
@pytest.mark.parametrize("spec", ["prelu", "x*sigmoid(weight[0]*x) + weight[1]"])
def test_channels_and_groups(spec, channel_dim, backend):
    x = torch.randn(2, 6, 5, 6, dtype=torch.float64)
    if channel_dim == -2:
        x = x.transpose(2, 3)
    for settings, size in (
        ({"granularity": "channel", "channels": 6}, 1),
        ({"granularity": "group", "groups": 3}, 2),
        ({"granularity": "group", "groups": 3, "channels": 6}, 2),
    ):
        module = activation(spec, channel_dim=channel_dim, backend=backend, **settings).double()
        assert module.weight.shape[-1] == 6 // size
        with torch.no_grad():
            module.weight.normal_()
        y = module(x)
        assert y.shape == x.shape
        for c in range(6):
            alone = activation(spec, backend=backend).double()
            with torch.no_grad():
                alone.weight.copy_(module.weight[..., c // size].reshape(alone.weight.shape))
            torch.testing.assert_close(
                y.select(channel_dim, c), alone(x.select(channel_dim, c)), rtol=1e-13, atol=1e-13
            )


def test_gated_channels():
    x, g = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    module = activation("x*sigmoid(beta*g)", granularity="channel", channels=4, backend="fused")
    with torch.no_grad():
        module.beta.copy_(torch.arange(4.0))
    torch.testing.assert_close(module(x, g), x * torch.sigmoid(torch.arange(4.0) * g))


@pytest.mark.parametrize("dim", [-1, 1, 0])
def test_along_any_axis_with_channels_on_another(dim):
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    module = activation(
        "softmax(t*x)", granularity="channel", channels=x.shape[2 if dim != -1 else 1],
        channel_dim=2 if dim != -1 else 1, dim=dim,
    ).double()  # fmt: skip
    with torch.no_grad():
        module.t.normal_()
    shape = [1, 1, 1]
    shape[module.layout.channel_dim] = -1
    expected = torch.softmax(module.t.reshape(shape) * x, dim)
    torch.testing.assert_close(module(x), expected, rtol=1e-13, atol=1e-13)
    per_feature = activation(
        "softmax(t*x)", granularity="channel", channels=x.shape[dim], channel_dim=dim, dim=dim
    ).double()
    assert per_feature(x).shape == x.shape


def test_stored_values_are_never_scalars_and_half_input_is_not_promoted():
    for settings in ({}, {"granularity": "channel", "channels": 4}):
        module = activation("x*sigmoid(beta*x)", **settings)
        assert module.beta.ndim == 1
        assert module.beta.dtype == torch.float32
        for dtype in (torch.bfloat16, torch.float16):
            assert module(torch.randn(2, 4, dtype=dtype)).dtype == dtype


def test_parameter_values():
    shared = activation("a*x + w[0] + w[1]*x", w=(2.0, 3.0))
    assert shared.parameter_values()["a"] == 1.0
    assert shared.parameter_values()["w"].tolist() == [2.0, 3.0]
    per_channel = activation("a*x + w[0] + w[1]*x", granularity="channel", channels=4)
    assert per_channel.parameter_values()["a"].shape == (4,)
    assert per_channel.parameter_values()["w"].shape == (2, 4)
    assert per_channel.params["a"] == Initial(1.0, None, "channel")
    with torch.device("meta"):
        module = activation("prelu")
    with pytest.raises(CamberError, match="meta"):
        module.parameter_values()


class TestSites:
    def test_a_shared_activation_is_copied(self):
        module = activation("prelu", weight=0.5)
        made = module.for_site(Site(8, 1))
        assert made is not module
        assert made.weight is not module.weight
        assert made.weight.tolist() == [0.5]
        with torch.no_grad():
            module.weight.fill_(3.0)
        assert module.for_site(Site()).weight.tolist() == [0.5]

    def test_a_feature_axis_becomes_the_sites_channel_axis(self):
        images = torch.randn(2, 6, 4, 4)
        for name in ("polynorm", "maxmin", "softmax", "householder"):
            made = activation(name).for_site(Site(6, 1))
            expected = activation(name)(images.movedim(1, -1)).movedim(-1, 1)
            torch.testing.assert_close(made(images), expected)

    def test_a_channel_activation_takes_the_sites_channels(self):
        module = activation("prelu", granularity="channel")
        with pytest.raises(CamberError, match="does not know how many"):
            module(torch.zeros(2, 8))
        made = module.for_site(Site(8, 1))
        assert made.weight.shape == (8,)
        assert made(torch.randn(2, 8, 3)).shape == (2, 8, 3)
        frozen = activation("prelu", granularity="channel").double()
        frozen.weight.requires_grad_(False)
        made = frozen.for_site(Site(8))
        assert made.weight.dtype == torch.float64
        assert not made.weight.requires_grad

    def test_groups_must_divide_the_sites_channels(self):
        module = activation("prelu", granularity="group", groups=3)
        assert module.for_site(Site(6)).weight.shape == (3,)
        with pytest.raises(CamberError, match="8 channels do not divide into 3 groups"):
            module.for_site(Site(8))


class TestBadLayouts:
    def test_settings(self):
        with pytest.raises(UnknownNameError, match="unknown granularity 'chanel'"):
            activation("prelu", granularity="chanel")
        with pytest.raises(CamberError, match="10 channels do not divide into 4 groups"):
            activation("prelu", granularity="group", groups=4, channels=10)
        with pytest.raises(TypeError, match="groups must be a positive integer, not None"):
            activation("prelu", granularity="group")
        with pytest.raises(CamberError, match="groups=2 has a meaning only"):
            activation("prelu", groups=2)
        with pytest.raises(TypeError, match="channel_dim must be an integer"):
            Layout(channel_dim=1.5)

    def test_inputs(self):
        module = activation("prelu", granularity="channel", channels=4, channel_dim=1)
        with pytest.raises(CamberError, match=r"4 channels on axis 1, .*\(2, 3\) has 3"):
            module(torch.zeros(2, 3))
        with pytest.raises(CamberError, match=r"axis 1, which an input of shape \(4,\) does not"):
            module(torch.zeros(4))
        grouped = activation("prelu", granularity="group", groups=3)
        with pytest.raises(CamberError, match="3 groups, which do not divide the 4 channels"):
            grouped(torch.zeros(2, 4))

    def test_gates(self):
        unit = activation("swiglu")
        with pytest.raises(CamberError, match=r"halves the last axis.*\(2, 5\)"):
            unit(torch.zeros(2, 5))
        with pytest.raises(CamberError, match="one shape"):
            unit(torch.zeros(2, 4), torch.zeros(2, 3))
        with pytest.raises(CamberError, match="agree"):
            unit(torch.zeros(2, 4), torch.zeros(2, 4, dtype=torch.float64))


def test_reset_returns_to_the_initial_values():
    module = activation("x*a + w[0]*x**2", a=0.5, w=(2.0,), granularity="channel", channels=3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()
    module.reset_parameters()
    assert module.a.tolist() == [0.5] * 3
    assert module.w.tolist() == [[2.0] * 3]


def test_a_constant_that_is_not_finite_is_named():
    with pytest.raises(CamberError, match="negative_slope must be finite, not nan"):
        activation("leaky_relu", negative_slope=float("nan"))


def test_an_unknown_parameter_is_told_the_own_ones():
    # none of leaky_relu's own names is spelt like 'bogus'
    with pytest.raises(UnknownNameError, match=r"'bogus'.*the function's own: 'negative_slope'"):
        activation("leaky_relu", bogus=1)
    with pytest.raises(UnknownNameError) as caught:
        activation("leaky_relu", negative_slop=1)
    assert str(caught.value).count("negative_slope") == 1


def test_fixed_needs_a_finite_number():
    with pytest.raises(TypeError, match="Fixed must be a number"):
        Fixed("1")
    with pytest.raises(CamberError, match="finite"):
        Fixed(float("inf"))
