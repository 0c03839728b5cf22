"""ResNet: its formula, axes, exact counts and refusals."""

import pytest
import torch
from torch.nn import functional as F

from camber.activations import PolyNorm
from camber.errors import CamberError, DtypeError
from camber.models import ResNet, ResNetConfig


def net(
    act: object = "gelu", image: tuple[int, int, int] = (1, 8, 8), **settings: object
) -> ResNet:
    config = ResNetConfig(image=image, outputs=3, activation=act, **settings)  # type: ignore[arg-type]
    return ResNet(config).double()


def images(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def test_a_block_is_its_formula() -> None:
    for act, by_hand in (
        ("relu", lambda value, gate: F.relu(value)),
        ("swiglu", lambda value, gate: value * F.silu(gate)),
    ):
        block, x = net(act, width=6).blocks[0], images(2, 6, 5, 5)
        n = F.group_norm(x, 1)  # gain 1 and bias 0 at the start
        value = F.conv2d(n, block.up.weight, padding=1)
        gate = None if block.gate is None else F.conv2d(n, block.gate.weight, padding=1)
        assert (gate is None) == (act == "relu")
        expected = x + F.conv2d(by_hand(value, gate), block.down.weight, padding=1)
        torch.testing.assert_close(block(x), expected)


def test_along_kinds_run_over_the_channels() -> None:
    # independent of for_site: the published layer has its features last
    block, x = net("polynorm", width=6).blocks[0], images(2, 6, 5, 5)
    given, reference = [], PolyNorm().double()
    block.activation.register_forward_hook(lambda _m, inputs, out: given.append((inputs[0], out)))
    block(x)
    value, out = given[0]
    torch.testing.assert_close(out, reference(value.movedim(1, -1)).movedim(-1, 1))
    pairs = net("maxmin", width=6).blocks[0].activation(value)
    assert torch.equal(pairs[:, 0], value[:, :2].amin(1))
    assert torch.equal(pairs[:, 1], value[:, :2].amax(1))


def test_the_count_by_closed_form() -> None:
    C, D, O, N = 3, 12, 5, 2  # noqa: E741  # the letters of the shape legend
    for act, maps, own in (("relu", 1, 0), ("swiglu", 2, 0), ("polynorm", 1, 4)):
        config = ResNetConfig(image=(C, 9, 9), outputs=O, width=D, blocks=N, activation=act)
        model = ResNet(config)
        k = model.width_match.hidden
        block = 2 * D + maps * (9 * D + 1) * k + 9 * k * D + own
        total = (9 * C + 1) * D + N * block + 2 * D + (4 * D + 1) * O
        assert sum(p.numel() for p in model.parameters()) == total
        assert model.describe()["parameters"] == total
    assert ResNet(ResNetConfig(image=(1, 8, 8), outputs=10, activation="swiglu")).describe()["fair"]
    # 2/3 of 24, as in a feed-forward network
    assert net("swiglu", width=24).width_match.hidden == 16


@pytest.mark.parametrize(
    ("side", "before", "behind"), [(8, 8, 4), (16, 16, 8), (17, 9, 5), (28, 14, 7), (32, 16, 8)]
)
def test_images_are_halved(side: int, before: int, behind: int) -> None:
    model, seen = net(image=(1, side, side), blocks=2, width=4), []
    for block in model.blocks:
        block.register_forward_hook(lambda _m, _i, out: seen.append(out.shape[-1]))
    assert model(images(1, 1, side, side)).shape == (1, 3)
    assert seen == [before, behind]


@pytest.mark.parametrize("image", [(1, 1, 1), (2, 3, 40), (3, 8, 5)])
def test_any_shape_of_image(image: tuple[int, int, int]) -> None:
    assert net(image=image, width=4, blocks=3)(images(2, *image)).shape == (2, 3)


@pytest.mark.parametrize("act", ["relu", "swiglu", "polynorm", "polyrelu"])
@pytest.mark.parametrize("blocks", [2, 12])
def test_the_stream_keeps_its_scale_over_any_depth(act: str, blocks: int) -> None:
    model = net(act, blocks=blocks, width=24, normalise=False)
    growth = 1.0

    def grow(_module: torch.nn.Module, given: tuple[torch.Tensor], out: torch.Tensor) -> None:
        nonlocal growth
        growth *= float(out.var() / given[0].var())

    for block in model.blocks:
        block.register_forward_hook(grow)
    with torch.no_grad():
        model(images(8, 1, 8, 8))
    # blocks of 1/blocks each: independent ones add 1/blocks to the variance, aligned ones double
    # the amplitude at most
    assert 0.5 < growth < 4


def test_refusals() -> None:
    with pytest.raises(CamberError, match=r"image must be \(channels, height, width\)"):
        net(image=(8, 8))  # type: ignore[arg-type]  # a user's slip
    with pytest.raises(CamberError, match="height of the image must be at least 1, but got 0"):
        net(image=(1, 0, 8))
    with pytest.raises(DtypeError, match="width must be a whole number"):
        net(width="24")
    with pytest.raises(CamberError, match=r"\(batch, 1, 8, 8\), but got \(2, 8, 8\)"):
        net()(images(2, 8, 8))
