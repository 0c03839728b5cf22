"""Formulas on torch tensors: plain torch operations, in a numerically stable order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from camber.errors import DtypeError, FormulaError
from camber.formula.formula import Formula
from camber.formula.numpy_operations import constant_value
from camber.formula.stable import stable
from camber.formula.tape import Tape, compile_tape
from camber.formula.torch_operations import TORCH
from camber.formula.torch_statistics import Value, tensor
from camber.formula.tree import Constant, Input, Node, Number, Parameter

_HALF: Final = (torch.float16, torch.bfloat16)

Given = Tensor | float | Sequence[Tensor | float]


def to_torch(formula: Formula) -> Callable[..., Tensor]:
    """Return ``fn(*inputs, **parameters) -> Tensor`` that evaluates ``formula``.

    Inputs are floating tensors that broadcast together. A parameter is a number or a tensor that
    broadcasts against them (0-d for one shared value, ``(C,)`` or ``(C, 1, 1)`` per channel); an
    indexed family ``weight[0..n-1]`` is a sequence of n such values, or one tensor whose first
    axis is the index.

    Returns:
        A tensor of the inputs' broadcast shape and dtype. float16 and bfloat16 are computed in
        float32 and cast back once.

    Raises:
        DtypeError: for integer, boolean or complex inputs.
        FormulaError: for missing or unknown parameters.

    Example:
        >>> import torch
        >>> swish = to_torch(Formula.parse("x*sigmoid(beta*x)"))
        >>> swish(torch.tensor([0.0, 1.0]), beta=2.0)
        tensor([0.0000, 0.8808])
    """
    return _compiled(formula.root, formula.inputs, tuple(formula.parameters.items()))


@lru_cache(maxsize=1024)
def _compiled(
    root: Node, inputs: tuple[str, ...], families: tuple[tuple[str, int | None], ...]
) -> Callable[..., Tensor]:
    # Keyed by the tree as written: equal canonical forms may differ in rounding and at kinks.
    tape = compile_tape(stable(root))
    names = tuple(name for name, _ in families)

    def evaluate(*values: Tensor, **parameters: Given) -> Tensor:
        if len(values) != len(inputs):
            raise FormulaError(f"the formula takes inputs {inputs}, not {len(values)} tensors")
        if len(parameters) != len(names) or any(name not in parameters for name in names):
            raise FormulaError(
                f"the formula has parameters {list(names)}; given were {sorted(parameters)}"
            )
        result = values[0].dtype
        for value in values:
            if not value.dtype.is_floating_point:
                raise DtypeError(f"a formula takes floating tensors, not {value.dtype}")
            result = torch.promote_types(result, value.dtype)
        inside = torch.float32 if result in _HALF else result
        like = values[0] if values[0].dtype == inside else values[0].to(inside)
        known: dict[Node, Value] = {Input(inputs[0]): like}
        for name, value in zip(inputs[1:], values[1:], strict=True):
            known[Input(name)] = value.to(inside)
        for name, size in families:
            _unpack(known, name, size, parameters[name], like)
        answer = _run(tape, known, like)
        # broadcast_shapes is slow Python: asked only where the shapes differ
        if any(value.shape != answer.shape for value in values):
            shapes = (value.shape for value in values)
            answer = answer.expand(torch.broadcast_shapes(answer.shape, *shapes))
        return answer.to(result)

    return evaluate


def _unpack(
    known: dict[Node, Value], name: str, size: int | None, given: Given, like: Tensor
) -> None:
    """Enter a parameter, or each entry of a family, in the dtype of the computation."""
    if size is None:
        if isinstance(given, Sequence):
            raise FormulaError(f"parameter {name!r} is one value, not a sequence")
        known[Parameter(name)] = _enter(given, like)
        return
    if isinstance(given, float | int) or len(given) != size:
        raise FormulaError(f"parameter {name!r} is a family of {size} values")
    for index in range(size):
        known[Parameter(name, index)] = _enter(given[index], like)


def _enter(value: Tensor | float, like: Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value if value.dtype == like.dtype else value.to(like.dtype)
    return like.new_full((), float(value))


def _run(tape: Tape, known: dict[Node, Value], like: Tensor) -> Tensor:
    registers: list[Value] = [0.0] * tape.registers
    for place, leaf in tape.leaves:
        if isinstance(leaf, Number | Constant):
            registers[place] = constant_value(leaf)
        else:
            registers[place] = known[leaf]
    for step in tape.steps:
        arguments = [registers[source] for source in step.sources]
        if step.mixes:
            z = tensor(arguments[0], like)
            arguments[0] = z.expand(torch.broadcast_shapes(z.shape, like.shape))
        registers[step.target] = TORCH[step.call.operation](like, step.call, *arguments)
        for place in step.freed:
            registers[place] = 0.0
    answer = registers[tape.result]
    return answer if isinstance(answer, Tensor) else like.new_full((), answer)
