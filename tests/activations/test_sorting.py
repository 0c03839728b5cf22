"""MaxMin, GroupSort, Householder and TopK: definitions, norms, ties, bad input."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camber.activations import GroupSort, Householder, MaxMin, TopK, activation
from camber.activations.functional import top_k
from camber.errors import CamberError


def jacobian(module, x):
    return torch.func.jacrev(module)(x)


class TestSorting:
    def test_definition(self):
        x = torch.tensor([3.0, 1.0, 2.0, 5.0, 4.0, 0.0])
        assert MaxMin()(x).tolist() == [1, 3, 2, 5, 0, 4]
        assert GroupSort(3)(x).tolist() == [1, 2, 3, 0, 4, 5]
        assert GroupSort(6)(x).tolist() == [0, 1, 2, 3, 4, 5]
        assert GroupSort(1)(x).tolist() == x.tolist()
        assert torch.equal(MaxMin()(x), GroupSort(2)(x))

    def test_maxmin_is_the_residual_relu_network(self):
        # z = H v + G relu(V v), V = [[-1, 1], [1, -1]], G = diag(-1, 1), H = [[0, 1], [0, 1]]
        v = torch.randn(50, 2, dtype=torch.float64)
        inner = torch.relu(v @ torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).double().T)
        expected = v[:, 1:] + inner * torch.tensor([-1.0, 1.0])
        torch.testing.assert_close(MaxMin()(v), expected, rtol=0, atol=1e-15)

    @pytest.mark.parametrize("size", [2, 3, 6])
    def test_jacobian_is_a_permutation_also_at_ties(self, size):
        for x in (torch.randn(6), torch.ones(6), torch.tensor([1.0, 1, 2, 2, 0, 0])):
            matrix = jacobian(GroupSort(size), x)
            torch.testing.assert_close(matrix @ matrix.T, torch.eye(6))

    @given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=6, max_size=6))
    def test_sums_and_norms_of_groups_are_preserved(self, values):
        x = torch.tensor(values)
        y = GroupSort(3)(x)
        for start in (0, 3):
            assert sorted(y[start : start + 3].tolist()) == y[start : start + 3].tolist()
            assert sorted(x[start : start + 3].tolist()) == y[start : start + 3].tolist()

    def test_any_axis(self):
        x = torch.randn(4, 6, 3)
        for module in (MaxMin(1), GroupSort(3, dim=1), GroupSort(3, dim=-2)):
            last = type(module)(**({} if isinstance(module, MaxMin) else {"group_size": 3}))
            expected = last(x.movedim(1, -1)).movedim(-1, 1)
            assert torch.equal(module(x), expected)

    def test_bad_input(self):
        with pytest.raises(CamberError, match=r"groups of 2 neighbours.*axis -1.*\(2, 5\)"):
            MaxMin()(torch.zeros(2, 5))
        with pytest.raises(CamberError, match="groups of 4 neighbours"):
            GroupSort(4)(torch.zeros(6))
        with pytest.raises(CamberError, match="group_size must be a positive integer"):
            GroupSort(0)
        with pytest.raises(TypeError, match="group_size must be a positive integer"):
            GroupSort(2.0)


class TestHouseholder:
    def test_definition(self):
        h = torch.tensor([0.6, 0.8], dtype=torch.float64)
        module = Householder().double()
        module.load_state_dict({"direction": 5 * h[None]})  # only the direction matters
        v = torch.randn(40, 2, dtype=torch.float64)
        reflect = torch.eye(2).double() - 2 * torch.outer(h, h)
        expected = torch.where((v @ h >= 0)[:, None], v, v @ reflect)
        torch.testing.assert_close(module(v), expected, rtol=1e-14, atol=1e-14)

    def test_starts_as_maxmin_in_descending_order(self):
        x = torch.randn(5, 8)
        torch.testing.assert_close(
            Householder()(x), MaxMin()(x).unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
        )

    @pytest.mark.parametrize("size", [2, 3])
    def test_jacobian_is_orthogonal(self, size):
        module = Householder(size, 2).double()
        with torch.no_grad():
            module.direction.normal_()
        matrix = jacobian(module, torch.randn(2 * size, dtype=torch.float64))
        identity = torch.eye(2 * size, dtype=torch.float64)
        torch.testing.assert_close(matrix @ matrix.T, identity, rtol=0, atol=1e-14)

    def test_one_direction_per_group(self):
        module = Householder(2, 3)
        assert module.direction.shape == (3, 2)
        assert module.params["direction"].granularity == "group"
        assert module.parameter_values()["direction"].shape == (6,)
        assert module(torch.randn(4, 6)).shape == (4, 6)
        with pytest.raises(CamberError, match=r"3 groups of 2.*has 4"):
            module(torch.randn(4, 8))

        class Site:
            channels = 8
            channel_dim = -1

        assert module.for_site(Site()).direction.shape == (4, 2)
        assert Householder().for_site(Site()).direction.shape == (1, 2)

    def test_any_axis_and_half_precision(self):
        x = torch.randn(2, 6, 3)
        expected = Householder(3)(x.movedim(1, -1)).movedim(-1, 1)
        torch.testing.assert_close(Householder(3, dim=1)(x), expected)
        assert Householder()(x.movedim(1, -1).bfloat16()).dtype == torch.bfloat16

    def test_bad_input(self):
        with pytest.raises(CamberError, match="groups of 3 neighbours"):
            Householder(3)(torch.zeros(4))
        with pytest.raises(CamberError, match="groups must be"):
            Householder(groups=0)


class TestTopK:
    def test_known_answers(self):
        assert TopK(2)(torch.tensor([0.1, 3, 2, 0.5])).tolist() == [0, 3, 2, 0]
        assert TopK(1)(torch.tensor([-1.0, -2, -3])).tolist() == [-1, 0, 0]
        assert TopK(2)(torch.zeros(4)).tolist() == [0, 0, 0, 0]

    def test_gradient_flows_to_survivors_only(self):
        x = torch.tensor([0.1, 3, 2, 0.5], requires_grad=True)
        TopK(2)(x).sum().backward()
        assert x.grad.tolist() == [0, 1, 1, 0]

    @given(st.lists(st.sampled_from([-1.0, 1.0, 2.0]), min_size=1, max_size=8), st.integers(1, 10))
    def test_exactly_k_survive_also_on_ties(self, values, k):
        x = torch.tensor(values)
        y = TopK(k)(x)
        kept = y != 0
        assert kept.sum() == min(k, len(values))
        assert torch.equal(y[kept], x[kept])
        if 0 < kept.sum() < len(values):
            assert x[kept].min() >= x[~kept].max()

    def test_k_of_the_width_or_more_is_the_identity(self):
        x = torch.randn(3, 5)
        for k in (5, 6, 100):
            assert torch.equal(TopK(k)(x), x)

    def test_each_row_and_any_axis(self):
        x = torch.randn(4, 7, 3)
        y = TopK(2, dim=1)(x)
        assert ((y != 0).sum(1) == 2).all()
        assert torch.equal(y, top_k(x, 2, dim=1))
        assert torch.equal(TopK(2)(x.movedim(1, -1)).movedim(-1, 1), y)

    def test_after_relu_magnitudes_and_values_agree(self):
        x = torch.relu(torch.randn(5, 20))
        y = activation("topk", k=4)(x)
        assert ((y > 0).sum(-1) <= 4).all()

    @pytest.mark.parametrize("k", [0, -1])
    def test_bad_k(self, k):
        with pytest.raises(CamberError, match="k must be a positive integer"):
            TopK(k)

    @pytest.mark.parametrize("k", [1.0, "2", None, True])
    def test_k_of_another_type(self, k):
        with pytest.raises(TypeError, match="k must be a positive integer"):
            TopK(k)

    def test_nan_counts_as_the_largest(self):
        y = TopK(1)(torch.tensor([1.0, math.nan, 3.0]))
        assert torch.isnan(y).tolist() == [False, True, False]
