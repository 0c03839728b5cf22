"""ViT: patches, attention to both sides, exact counts and refusals."""

import pytest
import torch
from torch.nn import functional as F

from camber.errors import CamberError, DtypeError
from camber.models import ViT, ViTConfig


def vit(act: object = "gelu", image: tuple[int, int, int] = (1, 8, 8), **settings: object) -> ViT:
    values = {"patch": 4, "outputs": 3, "width": 12, "heads": 2, **settings}
    return ViT(ViTConfig(image=image, activation=act, **values)).double()  # type: ignore[arg-type]


def images(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(("image", "patch"), [((1, 8, 8), 4), ((3, 6, 9), 3), ((2, 7, 10), 4)])
def test_patches_are_those_of_a_strided_convolution(
    image: tuple[int, int, int], patch: int
) -> None:
    # independent code: a convolution with stride P is the same linear map of each patch
    model, x = vit(image=image, patch=patch), images(2, *image)
    padded = F.pad(x, (0, -image[2] % patch, 0, -image[1] % patch))
    kernel = model.embedding.weight.view(12, image[0], patch, patch)
    expected = F.conv2d(padded, kernel, stride=patch).flatten(2).transpose(1, 2)
    torch.testing.assert_close(model.embedding(model._patches(x)), expected)
    assert expected.shape[1] == model.config.tokens
    assert model(x).shape == (2, 3)


def test_every_token_sees_every_token() -> None:
    model, x = vit(), images(1, 1, 8, 8)
    changed = x.clone()
    changed[..., -1] += 1  # in the last column of patches
    seen: list[torch.Tensor] = []
    model.blocks[0].attention.register_forward_hook(lambda _m, _i, out: seen.append(out))
    model(x), model(changed)
    assert (seen[0] - seen[1]).abs().amax(-1).min() > 1e-6


def test_positions_tell_patches_apart() -> None:
    model, x = vit(), images(1, 1, 8, 8)
    mirrored = x.roll(4, dims=-1)  # the two columns of patches change places
    assert not torch.allclose(model(x), model(mirrored))
    with torch.no_grad():
        model.positions.zero_()
    torch.testing.assert_close(model(x), model(mirrored))


def test_the_count_by_closed_form() -> None:
    D, P, O, L = 12, 4, 3, 2  # noqa: E741  # the letters of the shape legend
    for act, maps, own in (("relu", 1, 0), ("swiglu", 2, 0), ("polynorm", 1, 4)):
        model = vit(act)
        k = model.width_match.hidden
        block = 2 * D + 4 * D * D + maps * (D + 1) * k + (k + 1) * D + own
        total = (P * P + 1) * D + 4 * D + L * block + D + (D + 1) * O
        assert sum(p.numel() for p in model.parameters()) == total
        assert model.describe()["parameters"] == total
    for act in ("swiglu", "polynorm", "polyrelu"):
        config = ViTConfig(image=(1, 8, 8), patch=2, outputs=10, activation=act)
        assert ViT(config).describe()["fair"]


def test_refusals() -> None:
    with pytest.raises(CamberError, match=r"patch of 9 pixels a side is larger .* 8 x 8"):
        vit(patch=9)
    with pytest.raises(CamberError, match="layers must be at least 1, but got 0"):
        vit(layers=0)
    with pytest.raises(CamberError, match="heads=5"):
        vit(heads=5)
    with pytest.raises(DtypeError, match="patch must be a whole number"):
        vit(patch=2.0)
    with pytest.raises(CamberError, match=r"\(batch, 1, 8, 8\), but got \(2, 1, 8, 7\)"):
        vit()(images(2, 1, 8, 7))
