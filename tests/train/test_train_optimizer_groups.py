"""Optimiser groups: who decays, who does not, and who learns at a rate of its own."""

import pytest
import torch
from torch import nn

import camber
from camber.errors import CamberError
from camber.train import optimizer_groups


def _model() -> nn.Module:
    return nn.Sequential(
        nn.Linear(4, 6),
        camber.activation("polynorm"),
        nn.LayerNorm(6),
        camber.activation("rational"),
        nn.Linear(6, 2, bias=False),
        nn.PReLU(),
    )


def _by_name(groups: list[dict[str, object]]) -> dict[str, list[str]]:
    return {str(group["name"]): list(group["param_names"]) for group in groups}  # type: ignore[call-overload]


def test_matrices_decay_and_coefficients_and_vectors_do_not() -> None:
    model = _model()
    groups = optimizer_groups(model, weight_decay=0.3, learning_rate=1e-3)
    names = _by_name(groups)
    assert names["matrices"] == ["0.weight", "4.weight"]
    assert names["vectors"] == ["0.bias", "2.weight", "2.bias", "5.weight"]
    # whatever their shape (a rational's coefficients have two axes)
    own = [name for name, _ in model.named_parameters() if name[0] in "13"]
    assert names["coefficients"] == own
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0, 0.0]
    assert {group["lr"] for group in groups} == {1e-3}
    everything = [parameter for group in groups for parameter in group["params"]]
    assert {id(p) for p in everything} == {id(p) for p in model.parameters()}
    assert len(everything) == len(list(model.parameters()))


def test_overrides() -> None:
    groups = optimizer_groups(
        _model(), weight_decay=0.3, coefficient_learning_rate=1e-2,
        decay_coefficients=True, decay_vectors=True,
    )  # fmt: skip
    assert [group["weight_decay"] for group in groups] == [0.3] * 3
    assert [group.get("lr") for group in groups] == [None, None, 1e-2]
    optimizer = torch.optim.SGD(groups, lr=0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5, 1e-2]


def test_decay_moves_matrices_only() -> None:
    model = _model()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(optimizer_groups(model, weight_decay=0.5), lr=0.1)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        factor = 0.95 if name in ("0.weight", "4.weight") else 1.0  # 1 - lr * decay
        torch.testing.assert_close(parameter.detach(), factor * before[name])


def test_shared_and_frozen_parameters() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    second.bias.requires_grad_(False)
    names = _by_name(optimizer_groups(nn.Sequential(first, second)))
    assert names == {"matrices": ["0.weight"], "vectors": ["0.bias"]}
    assert _by_name(optimizer_groups(camber.activation("polynorm"))).keys() == {"coefficients"}


def test_bad_arguments_are_named() -> None:
    for name in ("weight_decay", "learning_rate", "coefficient_learning_rate"):
        with pytest.raises(CamberError, match=f"{name} is -1: give a finite number >= 0"):
            optimizer_groups(_model(), **{name: -1})  # type: ignore[arg-type]  # by name
    with pytest.raises(CamberError, match="ReLU has no parameter that wants a gradient"):
        optimizer_groups(nn.ReLU())
