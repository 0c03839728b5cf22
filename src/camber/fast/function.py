"""The autograd function behind every fused operation: it saves its inputs and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from camber.fast.blocks import BlockBodies
from camber.fast.dispatch import Backend, Choice, choose, definition_reason
from camber.fast.native.bodies import KernelBodies, obstacle
from camber.fast.operation import Operation, Prepared


class Bodies(Protocol):
    """How a call is computed: forward, and backward from the inputs alone."""

    def forward(
        self, operation: Operation[Prepared], inputs: Sequence[Tensor], coefficients: Tensor
    ) -> Tensor: ...

    def backward(
        self,
        operation: Operation[Prepared],
        upstream: Tensor,
        inputs: Sequence[Tensor],
        coefficients: Tensor,
    ) -> tuple[list[Tensor], Tensor]: ...


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        operation: Operation[Prepared],
        bodies: Bodies,
        coefficients: Tensor,
        *inputs: Tensor,
    ) -> Tensor:
        ctx.operation, ctx.bodies = operation, bodies
        ctx.save_for_backward(coefficients, *inputs)
        return bodies.forward(operation, inputs, coefficients)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        coefficients, *inputs = ctx.saved_tensors
        # With create_graph the gradient itself must have a graph: the definition's. The same for
        # a batched or compiled backward, which no body can take.
        if torch.is_grad_enabled() or definition_reason(upstream, *inputs) is not None:
            return (None, None, *_differentiate(ctx, upstream, coefficients, inputs))
        operation: Operation[object] = ctx.operation
        slopes, share = ctx.bodies.backward(operation, upstream, inputs, coefficients)
        return (None, None, share, *slopes)


def _differentiate(
    ctx: FunctionCtx, upstream: Tensor, coefficients: Tensor, inputs: Sequence[Tensor]
) -> list[Tensor | None]:
    """Gradients through the definition; differentiable again where grad mode is on."""
    graph = torch.is_grad_enabled()
    needed: Sequence[bool] = ctx.needs_input_grad[2:]  # type: ignore[attr-defined]  # set by torch
    with torch.enable_grad():
        sources = [coefficients, *inputs]
        if not graph:
            sources = [t.detach().requires_grad_(t.requires_grad) for t in sources]
        # A view, so that the gradient stops here although the source may have a history.
        leaves = [t.view_as(t) if wish else t for t, wish in zip(sources, needed, strict=True)]
        result = ctx.operation.definition(leaves[1:], leaves[0])  # type: ignore[attr-defined]
        chosen = [leaf for leaf, wish in zip(leaves, needed, strict=True) if wish]
        slopes = iter(torch.autograd.grad(result, chosen, upstream, create_graph=graph))
    return [next(slopes) if wish else None for wish in needed]


_BODIES: dict[str, Bodies] = {"compile": KernelBodies(), "fused": BlockBodies()}


def run(
    operation: Operation[Prepared], inputs: Sequence[Tensor], coefficients: Tensor, backend: Backend
) -> Tensor:
    """Compute ``operation`` with the body that :func:`~camber.fast.dispatch.choose` picks."""
    choice = select(operation, inputs, coefficients, backend)
    if choice.backend == "reference":
        return operation.definition(inputs, coefficients)
    bodies = _BODIES[choice.backend]
    if torch.is_grad_enabled() and any(t.requires_grad for t in (coefficients, *inputs)):
        result: Tensor = _Fused.apply(operation, bodies, coefficients, *inputs)
        return result
    return bodies.forward(operation, inputs, coefficients)


def select(
    operation: Operation[Prepared], inputs: Sequence[Tensor], coefficients: Tensor, backend: Backend
) -> Choice:
    """Say which body :func:`run` would take for this call."""
    return choose(backend, *inputs, coefficients, obstacle=lambda: obstacle(operation, inputs[0]))
