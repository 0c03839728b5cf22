"""Checkpoints: safetensors with what is needed to go on, and to know what one holds.

Weights stand under the names of the model's ``state_dict`` (a plain safetensors reader finds them);
a checkpoint holds the optimiser's tensors beside them as ``optimizer::<key>::<parameter>``. The
metadata says schema and library version, step, and name and formula of the activation at each
site, so that a file cannot be loaded into a model with another nonlinearity unnoticed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from camber._version import __version__
from camber.activations.state import describe
from camber.errors import CamberError, RunError
from camber.train.atomic import read_error, replacing, write_error

#: Raised when the meaning of a stored checkpoint changes.
CHECKPOINT_SCHEMA: Final = 1

_OPTIMIZER: Final = "optimizer::"


@dataclass(frozen=True)
class Stored:
    """A checkpoint as read: its tensors and what its metadata say."""

    path: Path
    tensors: Mapping[str, Tensor]
    formulas: Mapping[str, object]
    progress: Mapping[str, object]


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of ``model.state_dict()``, a shared one once, under its first name.

    Raises:
        CamberError: the state holds something that is no tensor.
    """
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in model.state_dict(keep_vars=True).items():
        if not isinstance(value, Tensor):
            raise CamberError(
                f"the state of the model holds {name!r}, a {type(value).__name__}: "
                "a checkpoint holds tensors only"
            )
        if id(value) not in seen:
            seen.add(id(value))
            tensors[name] = value.detach()
    return tensors


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    progress: Mapping[str, object] | None = None,
) -> None:
    """Write the model, and the optimiser's state where given, to ``path``, atomically.

    Args:
        path: the file, by habit ``*.safetensors``; an old one stays until the new one is whole.
        model: its parameters and persistent buffers are written.
        optimizer: one whose groups carry ``param_names`` (see ``optimizer_groups``).
        progress: plain data that a resumed run needs, such as the step.

    Raises:
        RunError: the disk is full or the place cannot be written.
    """
    tensors = model_tensors(model)
    if optimizer is not None:
        tensors |= {
            f"{_OPTIMIZER}{key}::{name}": value
            for name, parameter in _named(optimizer)
            for key, value in optimizer.state[parameter].items()
        }
    metadata = {
        "format": "pt",
        "schema": str(CHECKPOINT_SCHEMA),
        "library": f"camber {__version__}",
        "formulas": json.dumps(describe(model)),
        "progress": json.dumps(dict(progress or {}), allow_nan=False),
    }
    with replacing(path) as temporary:
        try:
            save_file({n: t.contiguous() for n, t in tensors.items()}, temporary, metadata)
        except SafetensorError as error:
            raise write_error(path, error) from error


def read_checkpoint(path: Path, *, remedy: str, device: str = "cpu") -> Stored | None:
    """Read what :func:`save_checkpoint` wrote; None where there is no such file.

    Args:
        path: the file.
        remedy: what the user can do about a bad one, for the error sentence.
        device: where the tensors go.

    Raises:
        RunError: the file is damaged, of another schema version, or not of camber.
    """
    try:
        with safe_open(path, framework="pt", device=device) as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except FileNotFoundError:
        return None
    except OSError as error:
        raise read_error(path, error) from error
    except SafetensorError as error:
        raise RunError(f"{path} is damaged ({error}): {remedy}") from error
    if "schema" not in metadata or "formulas" not in metadata:
        raise RunError(f"{path} was not written by camber (it has no schema version): {remedy}")
    if metadata["schema"] != str(CHECKPOINT_SCHEMA):
        raise RunError(
            f"{path} has schema version {metadata['schema']!r} and this camber reads "
            f"{CHECKPOINT_SCHEMA}: {remedy}"
        )
    try:
        formulas = json.loads(metadata["formulas"])
        progress = json.loads(metadata["progress"])
    except (KeyError, ValueError) as error:
        raise RunError(f"{path} has damaged metadata: {remedy}") from error
    return Stored(path, tensors, formulas, progress)


@torch.no_grad()
def restore_model(model: nn.Module, stored: Stored, *, remedy: str) -> None:
    """Copy the weights of ``stored`` into ``model``.

    Raises:
        RunError: a formula, a name or a shape differs; the first difference is named.
    """
    here = describe(model)
    for site in sorted(here.keys() | dict(stored.formulas).keys()):
        there, ours = stored.formulas.get(site), here.get(site)
        if there != ours:
            raise RunError(
                f"{stored.path} was written with {_called(there)} at {site or 'the top'} and the "
                f"model has {_called(ours)} there: {remedy}"
            )
    targets = model_tensors(model)
    weights = {n: t for n, t in stored.tensors.items() if not n.startswith(_OPTIMIZER)}
    if extra := sorted(weights.keys() - targets.keys()):
        raise RunError(f"{stored.path} holds {extra[0]!r}, which the model has not: {remedy}")
    if missing := sorted(targets.keys() - weights.keys()):
        raise RunError(f"{stored.path} has no {missing[0]!r}, which the model wants: {remedy}")
    for name, target in targets.items():
        if weights[name].shape != target.shape:
            raise RunError(
                f"{stored.path} holds {name!r} of shape {tuple(weights[name].shape)}, and the "
                f"model's has {tuple(target.shape)}: {remedy}"
            )
    for name, target in targets.items():
        target.copy_(weights[name])


def restore_optimizer(optimizer: torch.optim.Optimizer, stored: Stored) -> None:
    """Give ``optimizer`` the state it had when ``stored`` was written.

    A parameter without state in the file had none: it had not met a gradient yet.
    """
    state: dict[str, dict[str, Tensor]] = {}
    for name, tensor in stored.tensors.items():
        if name.startswith(_OPTIMIZER):
            key, _, parameter_name = name.removeprefix(_OPTIMIZER).partition("::")
            state.setdefault(parameter_name, {})[key] = tensor
    for name, parameter in _named(optimizer):
        if name in state:
            optimizer.state[parameter] = state[name]


def load_weights(model: nn.Module, path: Path | str) -> None:
    """Load weights that a fit or :func:`save_checkpoint` wrote into ``model``.

    Raises:
        RunError: there is no such file, it is damaged, or it belongs to a model with other
            formulas, names or shapes (the first difference is named).
    """
    remedy = "build the model as it was trained, or choose another file"
    stored = read_checkpoint(Path(path), remedy=remedy)
    if stored is None:
        raise RunError(f"there is no file {path}: {remedy}")
    restore_model(model, stored, remedy=remedy)


def _called(activation: object) -> str:
    if not isinstance(activation, dict):
        return "no activation"
    return f"{activation.get('name') or 'the formula'} {activation.get('formula') or ''}".rstrip()


def _named(optimizer: torch.optim.Optimizer) -> list[tuple[str, nn.Parameter]]:
    return [
        pair
        for group in optimizer.param_groups
        for pair in zip(group["param_names"], group["params"], strict=True)
    ]
