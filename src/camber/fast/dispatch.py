"""Which body computes a call: the definition, a compiled kernel or row-blocked eager code.

The *definition* of every operation here is plain PyTorch. It alone works under ``torch.compile``,
``torch.export``, ``torch.func`` transforms, forward-mode AD, tensor subclasses and dispatch modes,
so any of these selects it, whatever was asked for. Everywhere else an ``autograd.Function`` that
saves only its inputs runs one of two bodies:

- ``compile``: one C kernel per formula and dtype, built by this machine's C compiler in about a
  third of a second and cached on disk (CPU only; kernels for other devices take this place);
- ``fused``: the same mathematics in eager PyTorch, a cache-sized block of rows at a time.

``auto`` takes ``compile`` from :data:`COMPILE_THRESHOLD` elements on where a compiler exists, else
``fused``. The choice depends only on the call and the machine, never on what ran before, so that a
resumed run repeats an uninterrupted one bit for bit. ``CAMBER_BACKEND`` replaces ``auto``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import Buffer, Parameter

from camber.errors import CamberError

Backend = Literal["auto", "reference", "compile", "fused"]
Body = Literal["reference", "compile", "fused"]

#: Below this many elements ``auto`` builds no kernel: a few dozen small operations are quick too.
COMPILE_THRESHOLD: Final = 16_384

_PLAIN_TYPES: Final = (Tensor, Parameter, Buffer)
_said: set[str] = set()


def _traced() -> bool:
    # Through getattr: torch.jit defines these without exporting them to type checkers.
    return bool(getattr(torch.jit, "is_tracing")())  # noqa: B009


@dataclass(frozen=True)
class Choice:
    """The body that a call gets, and why in one sentence."""

    backend: Body
    reason: str


def definition_reason(*tensors: Tensor) -> str | None:
    """Say why only the definition can compute a call on ``tensors``, or None where any body can."""
    if torch.compiler.is_compiling() or _traced():
        return "the call is being compiled, exported or traced"
    # Private in torch 2.8 to 2.13; there is no public way to ask.
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "a torch.func transform is active"
    if torch._C._len_torch_dispatch_stack():
        return "a dispatch mode is active"
    for tensor in tensors:
        if type(tensor) not in _PLAIN_TYPES or _is_batched(tensor):
            return f"a {type(tensor).__name__} is not a plain tensor"
        if tensor.layout is not torch.strided or tensor.device.type == "meta":
            return "the tensor has no strided data"
        if tensor.is_neg() or tensor.is_conj():
            return "the tensor is a lazy view"
        if forward_ad.unpack_dual(tensor).tangent is not None:
            return "forward-mode AD is active"
    return None


def _is_batched(tensor: Tensor) -> bool:
    # A gradient asked for with is_grads_batched=True comes as a tensor of the older kind.
    functorch = torch._C._functorch
    return functorch.is_batchedtensor(tensor) or functorch.is_legacy_batchedtensor(tensor)


def wanted(backend: str) -> Backend:
    """Check a backend name and let ``CAMBER_BACKEND`` replace ``auto``."""
    if backend == "auto":
        backend = os.environ.get("CAMBER_BACKEND") or "auto"
    if backend not in get_args(Backend):
        raise CamberError(f"unknown backend {backend!r}; the backends are {get_args(Backend)}")
    return cast(Backend, backend)


def choose(
    backend: Backend, *tensors: Tensor, obstacle: Callable[[], str | None] = lambda: None
) -> Choice:
    """Decide which body computes a call.

    Args:
        backend: what the caller asked for.
        tensors: the inputs of the call.
        obstacle: says why no compiled kernel can serve this call, or None; asked only when a
            kernel is about to be chosen, because finding out may build it.

    Returns:
        The body and the reason.

    Raises:
        CamberError: for an unknown backend name.

    Example:
        >>> choose("auto", torch.zeros(3)).backend
        'fused'
        >>> choose("reference", torch.zeros(3))
        Choice(backend='reference', reason='asked for')
    """
    asked = wanted(backend)
    if asked == "reference":
        return Choice("reference", "asked for")
    reason = definition_reason(*tensors)
    if reason is not None:
        return Choice("reference", reason)
    if asked == "fused":
        return Choice("fused", "asked for")
    if asked == "auto":
        if tensors[0].device.type != "cpu":
            return Choice("fused", f"no kernel of its own for {tensors[0].device.type} yet")
        if tensors[0].numel() < COMPILE_THRESHOLD:
            return Choice("fused", f"fewer than {COMPILE_THRESHOLD} elements")
    missing = obstacle()
    if missing is None:
        return Choice("compile", "asked for" if asked == "compile" else "a compiler is installed")
    if asked == "compile":
        say_once(
            f"backend='compile' is not available ({missing}); running the row-blocked eager body "
            "instead. Install a C compiler with OpenMP (for example gcc), or ask for 'fused'."
        )
    return Choice("fused", missing)


def say_once(message: str) -> None:
    """Warn with ``message`` the first time it is said in this process."""
    if message not in _said:
        _said.add(message)
        warnings.warn(message, RuntimeWarning, stacklevel=3)


def accumulator(dtype: torch.dtype) -> torch.dtype:
    """The dtype of powers and statistics: float64 for float64, float32 for everything below."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def check_floating(name: str, *tensors: Tensor) -> None:
    """Refuse integer, boolean and complex tensors with a sentence that names the operation."""
    from camber.errors import DtypeError

    for tensor in tensors:
        if not tensor.dtype.is_floating_point:
            raise DtypeError(
                f"{name} needs a real floating tensor, not {tensor.dtype}; convert with .float()"
            )


def same_device(tensors: Sequence[Tensor]) -> bool:
    """Whether all tensors live on one device."""
    return len({tensor.device for tensor in tensors}) == 1
