"""Any pointwise or gated formula, fused: what autograd would save is recomputed from the inputs.

The definition is the formula's own torch form. The compiled body is generated from the formula;
the eager body runs the definition under autograd a block at a time, so no intermediate outlives
its block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from camber.errors import CamberError
from camber.fast.coefficients import rows_of, split_channels, stack
from camber.fast.dispatch import Backend, accumulator, check_floating
from camber.fast.function import run
from camber.fast.native.elementwise import Loop, source
from camber.fast.native.emit import body
from camber.fast.native.kernel import Kernel, kernel
from camber.fast.operation import Arrangement, Operation, spread
from camber.formula import Formula
from camber.formula.torch_interpreter import to_torch


class FormulaOperation(Operation[list[Tensor]]):
    """A pointwise or gated formula; coefficients are its parameters in order of appearance."""

    def __init__(self, formula: Formula) -> None:
        self.name = str(formula) if len(str(formula)) <= 80 else "a formula"
        self.formula = formula
        # Tuples, not a dict: torch.compile reads them from an object it takes as a constant.
        self.families = tuple(formula.parameters.items())
        self.slots: list[tuple[str, int | None]] = []
        for name, size in self.families:
            self.slots += [(name, None)] if size is None else [(name, k) for k in range(size)]
        self._evaluate = to_torch(formula)
        # As written, not canonical: equal functions may differ in rounding and at kinks.
        self._key = (formula.root, formula.inputs)

    def arrangement(self, coefficients: Tensor) -> Arrangement:
        return "flat" if coefficients.shape[1] == 1 else "grouped"

    def definition(self, inputs: Sequence[Tensor], coefficients: Tensor) -> Tensor:
        return self._at(inputs, spread(coefficients))

    def _at(self, inputs: Sequence[Tensor], values: Sequence[Tensor]) -> Tensor:
        following = iter(values)
        named = {
            name: next(following) if size is None else [next(following) for _ in range(size)]
            for name, size in self.families
        }
        return self._evaluate(*inputs, **named)

    def prepare(self, coefficients: Tensor) -> list[Tensor]:
        return spread(coefficients)

    def forward_block(self, inputs: Sequence[Tensor], prepared: list[Tensor], out: Tensor) -> None:
        out.copy_(self._at(inputs, prepared))

    def backward_block(
        self,
        upstream: Tensor,
        inputs: Sequence[Tensor],
        prepared: list[Tensor],
        outs: Sequence[Tensor],
    ) -> Tensor:
        leaves = [tensor.detach().requires_grad_() for tensor in (*inputs, *prepared)]
        count = len(inputs)
        with torch.enable_grad():
            result = self._at(leaves[:count], leaves[count:])
        if result.requires_grad:
            found = torch.autograd.grad(
                result, leaves, upstream, allow_unused=True, materialize_grads=True
            )
        else:
            found = tuple(torch.zeros_like(leaf) for leaf in leaves)
        for out, slope in zip(outs, found[:count], strict=True):
            out.copy_(slope)
        if not prepared:
            return upstream.new_zeros(0, 1)
        return torch.stack([share.reshape(-1) for share in found[count:]])

    def kernel(self, dtype: torch.dtype, *, lanes: bool = False) -> Kernel:
        def make() -> Kernel:
            loop: Loop = "lanes" if lanes else "rows"
            single = dtype != torch.float64
            text = source(body(self.formula, self.slots), loop, single=single)
            return Kernel(text, dtype, len(self.slots), lanes=lanes)

        return kernel((self._key, dtype, lanes), make)


def _remember(formula: Formula) -> bool:
    """Put a formula's operation beside its own cached values, where ``torch.compile`` can see it.

    A function with a cache would be traced through; an object returned as a constant cannot be
    read by the tracer. An attribute of the formula can.
    """
    if formula.kind not in {"pointwise", "gated"}:
        raise CamberError(f"{formula!r} is of kind {formula.kind!r}, not pointwise or gated")
    if "_fused" not in formula.__dict__:
        formula.__dict__["_fused"] = FormulaOperation(formula)
    return True


# What torch.compiler.assume_constant_result does; calling it would import the whole compiler, a
# second and a half, for users who never compile.
_remember._dynamo_marked_constant = True  # type: ignore[attr-defined]


def operation(formula: Formula) -> FormulaOperation:
    """The operation of a formula, made once.

    Raises:
        CamberError: for a formula with statistics, whose elements are not independent.
    """
    _remember(formula)
    found: FormulaOperation = getattr(formula, "_fused")  # noqa: B009 - not declared by Formula
    return found


def pointwise(
    formula: Formula,
    x: Tensor,
    parameters: Mapping[str, Tensor],
    *,
    channel_dim: int = -1,
    backend: Backend = "auto",
) -> Tensor:
    """Evaluate a pointwise formula with learnable parameters, saving only ``x``.

    Args:
        formula: of kind pointwise, one input.
        x: any shape and floating dtype, C channels on ``channel_dim``.
        parameters: a tensor for each parameter: ``()`` or ``(n,)``, where each of n values serves
            C / n contiguous channels (n = 1: all); a family ``weight[0..k-1]`` is ``(k,)`` or
            ``(k, n)``.
        channel_dim: the axis of the channels; of no consequence where every n is 1.
        backend: see :mod:`camber.fast.dispatch`.

    Returns:
        Tensor of the shape and dtype of ``x``; computed in float32 (float64 for float64).

    Raises:
        CamberError: a formula of another kind, wrong names or shapes of parameters.
        DtypeError: integer or complex tensors.

    Example:
        >>> swish = Formula.parse("x*sigmoid(beta*x)")
        >>> pointwise(swish, torch.tensor([0.0, 1.0]), {"beta": torch.tensor([2.0])})
        tensor([0.0000, 0.8808])
    """
    if len(formula.inputs) != 1:
        raise CamberError(f"pointwise needs a formula of one input, not {formula.inputs}")
    return _evaluate(formula, (x,), parameters, channel_dim, backend)


def gated(
    formula: Formula,
    x: Tensor,
    g: Tensor,
    parameters: Mapping[str, Tensor],
    *,
    channel_dim: int = -1,
    backend: Backend = "auto",
) -> Tensor:
    """Evaluate a formula of a value ``x`` and a gate ``g``, saving only the two.

    The two have one shape, dtype and device; halves of one tensor are read in place. All else as
    in :func:`pointwise`, with ``formula.inputs`` naming the value first.

    Example:
        >>> swiglu = Formula.parse("x*g*sigmoid(g)", inputs=("x", "g"))
        >>> gated(swiglu, torch.tensor([2.0]), torch.tensor([1.0]), {})
        tensor([1.4621])
    """
    if len(formula.inputs) != 2:
        raise CamberError(f"gated needs a formula of two inputs, not {formula.inputs}")
    if x.shape != g.shape or x.dtype != g.dtype or x.device != g.device:
        raise CamberError(
            f"the value is {tuple(x.shape)} {x.dtype} on {x.device} and the gate "
            f"{tuple(g.shape)} {g.dtype} on {g.device}; they must agree"
        )
    return _evaluate(formula, (x, g), parameters, channel_dim, backend)


def _evaluate(
    formula: Formula,
    inputs: tuple[Tensor, ...],
    parameters: Mapping[str, Tensor],
    channel_dim: int,
    backend: Backend,
) -> Tensor:
    found = operation(formula)
    x = inputs[0]
    check_floating(found.name, *inputs, *parameters.values())
    rows = rows_of(parameters, found.families, found.name)
    coefficients = stack(rows, x, accumulator(x.dtype))
    groups = coefficients.shape[1]
    parts = [split_channels(tensor, groups, channel_dim, found.name) for tensor in inputs]
    return run(found, parts, coefficients, backend).reshape(x.shape)
