"""Attention and rotary positions against their definitions."""

import math

import pytest
import torch

from camber.errors import CamberError, DtypeError
from camber.layers import KeyValueCache, SelfAttention, rotary_table, rotate


def test_rotation_is_a_complex_product() -> None:
    # independent numerics: pair (i, i + H/2) is the complex number turned by exp(i t base^(-2i/H))
    T, H = 7, 6
    x = torch.randn(2, T, H, dtype=torch.float64)
    turned = torch.complex(x[..., : H // 2], x[..., H // 2 :]) * torch.exp(
        1j * torch.arange(T)[:, None] * 10_000.0 ** (-2 * torch.arange(H // 2) / H)
    )
    expected = torch.cat((turned.real, turned.imag), dim=-1)
    # the table is stored in float32
    torch.testing.assert_close(rotate(x, *rotary_table(T, H)), expected, atol=1e-6, rtol=0)


def test_scores_depend_on_the_distance_only() -> None:
    cosines, sines = (part.double() for part in rotary_table(32, 8))
    q, k = torch.randn(2, 1, 8, dtype=torch.float64)

    def score(at: int, to: int) -> float:
        turned_q = rotate(q, cosines[at : at + 1], sines[at : at + 1])
        turned_k = rotate(k, cosines[to : to + 1], sines[to : to + 1])
        return float((turned_q * turned_k).sum())

    # float32 table
    assert math.isclose(score(5, 2), score(25, 22), abs_tol=1e-5)
    assert not math.isclose(score(5, 2), score(5, 3), abs_tol=1e-3)


def test_attention_is_its_definition() -> None:
    B, T, D, N = 2, 5, 12, 3
    attention = SelfAttention(D, N).double()
    x = torch.randn(B, T, D, dtype=torch.float64)
    table = rotary_table(T, D // N)
    weights = attention.project.weight.view(3, N, D // N, D)
    expected = torch.zeros(B, T, D, dtype=torch.float64)
    for n in range(N):
        q, k, v = (x @ weights[part, n].T for part in range(3))
        q, k = rotate(q, *table), rotate(k, *table)
        scores = q @ k.transpose(-1, -2) / math.sqrt(D // N)
        scores = scores.masked_fill(torch.ones(T, T).triu(1).bool(), -math.inf)
        head = scores.softmax(-1) @ v
        expected += head @ attention.output.weight[:, n * (D // N) : (n + 1) * (D // N)].T
    torch.testing.assert_close(attention(x, table), expected)


def test_the_cache_grows() -> None:
    cache = KeyValueCache()
    keys, _ = cache.append(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 3, 4))
    keys, values = cache.append(torch.ones(1, 2, 1, 4), torch.ones(1, 2, 1, 4))
    assert cache.length == 4
    assert keys.shape == values.shape == (1, 2, 4, 4)
    assert keys[0, 0, :, 0].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(("width", "heads"), [(8, 0), (8, 3), (8, -2)])
def test_bad_heads(width: int, heads: int) -> None:
    with pytest.raises(CamberError, match="heads"):
        SelfAttention(width, heads)


def test_bad_sizes_and_shapes() -> None:
    with pytest.raises(DtypeError, match=r"heads must be a whole number, but got 2\.0"):
        SelfAttention(8, 2.0)  # type: ignore[arg-type]  # what a user might pass
    with pytest.raises(CamberError, match=r"\(batch, tokens, 8\), but got \(1, 5, 7\)"):
        SelfAttention(8, 2)(torch.zeros(1, 5, 7))
    with pytest.raises(CamberError, match=r"but got \(5, 8\)"):
        SelfAttention(8, 2)(torch.zeros(5, 8))


def test_odd_head_size() -> None:
    with pytest.raises(CamberError, match="even head size"):
        rotary_table(4, 5)


def test_attention_to_both_sides_without_positions() -> None:
    # independent code: torch.nn.MultiheadAttention with the same matrices
    ours, x = SelfAttention(12, 3, causal=False).double(), torch.randn(2, 5, 12).double()
    theirs = torch.nn.MultiheadAttention(12, 3, bias=False, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.project.weight)
        theirs.out_proj.weight.copy_(ours.output.weight)
    torch.testing.assert_close(ours(x), theirs(x, x, x)[0])
    order = torch.randperm(5)
    torch.testing.assert_close(ours(x[:, order]), ours(x)[:, order])  # no position, no order
