"""Where a number stopped being finite: the first module that made it so.

One more pass over the batch at fault, with hooks: the culprit is the first module, in the order of
execution, whose input is finite and whose output is not; in the backward pass, the first whose
incoming gradient is finite and whose outgoing one is not.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from camber.activations.base import Activation
from camber.errors import CamberError
from camber.tasks.task import Batch


@dataclass(frozen=True)
class Culprit:
    """A module whose output, or gradient, is not finite although what it was given is.

    Args:
        path: its path in the model.
        what: how a sentence calls it: the activation's label, or the class.
        formula: the activation's formula, "" for other modules.
        fault: what it did, such as "gives nan for finite input between -1.2 and 3".
    """

    path: str
    what: str
    formula: str
    fault: str

    def __str__(self) -> str:
        formula = f" = {self.formula}" if self.formula not in ("", self.what) else ""
        return f"{self.what}{formula} at {self.path or 'the top of the model'} {self.fault}"


def find_culprit(
    model: nn.Module, batch: Batch, loss: Callable[[nn.Module, Batch], Tensor]
) -> Culprit | None:
    """Run ``loss(model, batch)`` again, forward and backward, and name the first module at fault.

    Args:
        model: in the state in which the loss or a gradient was not finite. Gradients are
            overwritten; nothing else changes.
        batch: the batch at fault, on the model's device.
        loss: the task's loss.

    Returns:
        The culprit; None where every module's output and gradient is finite, or where the model
        cannot be hooked (in-place operations forbid it).

    Example:
        >>> import torch, camber
        >>> model = torch.nn.Sequential(camber.activation("log(x)"))
        >>> batch = (torch.tensor([2.0, -0.5]),)
        >>> print(find_culprit(model, batch, lambda model, batch: model(batch[0]).sum()))
        log(x) at 0 gives nan for finite input between -0.5 and 2
    """
    found: list[Culprit] = []
    model.zero_grad()
    # Hooks added after a module was compiled fire only when it runs eagerly.
    with torch.compiler.set_stance("force_eager"), torch.enable_grad():
        with _hooks(model, lambda path, module: _forward_hooks(path, module, found)):
            value = loss(model, batch)
        if not found and torch.isfinite(value).all():
            with (
                contextlib.suppress(RuntimeError, CamberError),  # a user's loss wraps its errors
                warnings.catch_warnings(action="ignore"),  # of hooks on what sees the data first
                _hooks(model, lambda path, module: _backward_hooks(path, module, found)),
            ):
                loss(model, batch).backward()
            if not found:
                found += _bad_parameters(model)
    model.zero_grad()
    return found[0] if found else None


@contextlib.contextmanager
def _hooks(
    model: nn.Module, attach: Callable[[str, nn.Module], list[RemovableHandle]]
) -> Iterator[None]:
    handles = [
        handle
        for path, module in model.named_modules()
        # An activation is one thing, whatever it is made of; other modules are asked in parts.
        if isinstance(module, Activation) or not any(module.children())
        for handle in attach(path, module)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _forward_hooks(path: str, module: nn.Module, found: list[Culprit]) -> list[RemovableHandle]:
    def look(module: nn.Module, inputs: object, output: object) -> None:
        if not found and _finite(inputs) and not _finite(output):
            found.append(_culprit(path, module, f"gives {_worst(output)} for {_range(inputs)}"))

    return [module.register_forward_hook(look)]


def _backward_hooks(path: str, module: nn.Module, found: list[Culprit]) -> list[RemovableHandle]:
    seen: list[object] = []

    def remember(module: nn.Module, inputs: object) -> None:
        seen[:] = [inputs]

    def look(module: nn.Module, outgoing: object, incoming: object) -> None:
        if not found and _finite(incoming) and not _finite(outgoing):
            fault = f"has the gradient {_worst(outgoing)} for {_range(seen)}"
            found.append(_culprit(path, module, fault))

    return [
        module.register_forward_pre_hook(remember),
        module.register_full_backward_hook(look),
    ]


def _bad_parameters(model: nn.Module) -> list[Culprit]:
    """Name the owner of the last parameter whose gradient is not finite, nearest to the loss."""
    for name, parameter in reversed(list(model.named_parameters())):
        if parameter.grad is not None and not _finite(parameter.grad):
            path, _, own = name.rpartition(".")
            fault = f"has the gradient {_worst(parameter.grad)} in its parameter {own!r}"
            return [_culprit(path, model.get_submodule(path), fault)]
    return []


def _culprit(path: str, module: nn.Module, fault: str) -> Culprit:
    if isinstance(module, Activation):
        formula = ""
        with contextlib.suppress(CamberError):  # built from a Python function, it has none
            formula = str(module.formula)
        return Culprit(path, module.label, formula, fault)
    return Culprit(path, type(module).__name__, "", fault)


def _tensors(value: object) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value.detach()] if value.is_floating_point() else []
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    return []


def _finite(value: object) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in _tensors(value))


def _worst(value: object) -> str:
    tensors = _tensors(value)
    if any(bool(torch.isnan(tensor).any()) for tensor in tensors):
        return "nan"
    return "an infinite value"


def _range(value: object) -> str:
    tensors = [tensor for tensor in _tensors(value) if tensor.numel()]
    if not tensors:
        return "its input"
    low = min(float(tensor.min()) for tensor in tensors)
    high = max(float(tensor.max()) for tensor in tensors)
    return f"finite input between {low:.6g} and {high:.6g}"
