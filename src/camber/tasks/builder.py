"""The builder of a user's task: found by its address, called, and its answer checked.

::

    def build(activation, seed):
        model = nn.Sequential(nn.Linear(64, 128), activation(), nn.Linear(128, 10))
        return model, train_loader, validation_loader, loss     # loss(model, batch) -> 0-d tensor
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from torch import Tensor, nn

from camber.errors import CamberError, unknown_name
from camber.layers import ActivationChoice
from camber.tasks.foreign_code import guarded, one_thread, random_numbers, seed_from
from camber.tasks.loader import Loader, check_loader, named
from camber.tasks.places import Factory, check_model, settle_places
from camber.tasks.source_hash import source_files, source_hash

WANTED: Final = (
    "it must return model, train_loader, validation_loader, loss and, if you like, "
    '(metric, "higher")'
)

#: Hash of the source that each imported module was found with.
_IMPORTED: Final[WeakKeyDictionary[ModuleType, str]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """What one call of a builder returned beside the model.

    Args:
        train, validation: loaders, not read yet.
        loss: of (model, batch).
        measure: of (model, loader), or None to judge by the validation loss.
        metric, better: the metric's name, and which values of it win.
    """

    train: Loader
    validation: Loader
    loss: Callable[[nn.Module, Any], Tensor]
    measure: Callable[[nn.Module, Any], object] | None
    metric: str
    better: Literal["lower", "higher"]


class Builder:
    """The function at ``"package.module:build"``.

    Args:
        address: module and function; the current directory is looked in first.

    Attributes:
        files: the user's own source files by dotted name. source_sha256: their content.
        options: names of the builder's further parameters, set by ``--set name=value``.
        settings: its attribute of that name: the author's settings of the task.

    Raises:
        CamberError: there is no such module or function, importing it fails, or it cannot be
            called with (activation, seed).
    """

    def __init__(self, address: str) -> None:
        self.address = address
        module_name, _, name = address.partition(":")
        self._check_address(module_name, name)
        module = self._import(module_name)
        self.files = source_files(module)
        self.source_sha256 = source_hash(self.files)
        self._check_age(module)
        self._function: Any = self._find(module, name)
        self.options = self._check_signature()
        settings = getattr(self._function, "settings", {})
        if not isinstance(settings, Mapping):
            raise CamberError(
                f"{address}: its attribute 'settings' is a {type(settings).__name__}; "
                f'give a dict, such as {{"steps": 500}}'
            )
        self.settings: dict[str, Any] = dict(settings)

    def guard(self, what: str, remedy: str = "") -> contextlib.AbstractContextManager[None]:
        """Return what surrounds each call of the user's code; ``what`` names the part."""
        files = list(self.files.values())
        return guarded(self.address, what, files=files, remedy=remedy)

    def __call__(
        self, choice: ActivationChoice, seed: int, options: Mapping[str, Any]
    ) -> tuple[nn.Module, Built]:
        """Build with ``choice`` at the model's places; everything random follows from ``seed``.

        Returns:
            The model, on the CPU, in training mode; and what belongs to it.
        """
        factory = Factory(choice, seed)
        with (
            self.guard(f"build(activation, {seed})", remedy=factory.remedy),
            contextlib.chdir("."),  # wherever it goes, the runs are written here
            one_thread(),
            random_numbers(seed_from("build", seed)),
        ):
            returned = self._function(factory, seed, **options)
        model, built = self._read(returned)
        check_model(model, factory, self.address)
        settle_places(model, factory, self.address)
        return model.to("cpu").train(), built

    def _check_address(self, module: str, name: str) -> None:
        if module.endswith(".py") or "/" in module:
            dotted = module.removesuffix(".py").removeprefix("./").strip("/").replace("/", ".")
            raise CamberError(
                f"{self.address!r} names a file; write the module as Python imports it: "
                f"{dotted}:{name or 'build'}"
            )
        parts = [*module.split("."), *name.split(".")]
        if not all(part.isidentifier() for part in parts):
            raise CamberError(
                f"{self.address!r} is no builder's address; write package.module:function, such "
                f"as my_task:build for the function build in my_task.py"
            )

    def _import(self, name: str) -> ModuleType:
        # The console script does not look in the current directory by itself; what Python does for
        # a script and for -m is done here, and worker processes are given the same path.
        here = str(Path.cwd())
        if "" not in sys.path and here not in sys.path:
            sys.path.insert(0, here)
        importlib.invalidate_caches()  # the file may be younger than the last look
        with (
            guarded(self.address, f"importing {name}", files=_likely_files(name)),
            contextlib.chdir("."),
        ):
            try:
                return importlib.import_module(name)
            except ModuleNotFoundError as error:
                missing = error.name or ""
                if missing != name and not name.startswith(f"{missing}."):
                    raise  # the module is there, and imports another that is not
        near = sorted(path.stem for path in Path.cwd().glob("*.py"))
        if near:
            raise unknown_name(f"module in {self.address!r}:", missing, near)
        raise CamberError(
            f"there is no module {missing!r} for {self.address!r}: run the command in the folder "
            f"that holds {missing}.py, or install the package"
        )

    def _check_age(self, module: ModuleType) -> None:
        """Raise where the files were edited after this process imported them, as in a notebook."""
        known = _IMPORTED.setdefault(module, self.source_sha256)
        if known != self.source_sha256:
            raise CamberError(
                f"{self.address}: its source was edited after this Python imported it, so that "
                f"worker processes would run other code; start Python anew"
            )

    def _find(self, module: ModuleType, name: str) -> object:
        found: Any = module
        for part in name.split("."):
            if not hasattr(found, part):
                known = [
                    key
                    for key, item in vars(found).items()
                    if callable(item) and not key.startswith("_")
                ]
                if not known:
                    raise CamberError(f"{self.address!r}: {module.__name__} defines no {part!r}")
                where = getattr(module, "__file__", module.__name__)
                raise unknown_name(f"function of {where}:", part, known)
            found = getattr(found, part)
        if not callable(found):
            raise CamberError(
                f"{self.address!r} is a {type(found).__name__}, not a function; "
                f"write def build(activation, seed)"
            )
        return found

    def _check_signature(self) -> tuple[str, ...]:
        """Return the names of the parameters beyond activation and seed."""
        try:
            signature = inspect.signature(self._function)
        except (TypeError, ValueError):  # written in C: calling it will tell
            return ()
        try:
            signature.bind("relu", 0)
        except TypeError as error:
            raise CamberError(
                f"{self.address} cannot be called with (activation, seed): {error}; "
                f"write def {self.address.partition(':')[2]}(activation, seed), and give further "
                f"parameters defaults"
            ) from error
        parameters = list(signature.parameters.values())
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return tuple(item.name for item in parameters[2:] if item.kind in named)

    def _read(self, returned: object) -> tuple[nn.Module, Built]:
        say = f"{self.address} returned "
        if not isinstance(returned, tuple | list):
            raise CamberError(f"{say}{named(returned)}; {WANTED}")
        if len(returned) not in (4, 5):
            kinds = ", ".join(type(item).__name__ for item in returned)
            raise CamberError(f"{say}{len(returned)} things ({kinds:.200}); {WANTED}")
        model, train, validation, loss = returned[:4]
        if not isinstance(model, nn.Module):
            raise CamberError(f"{say}{named(model)} as its model; {WANTED}")
        check_loader(train, f"the training loader of {self.address}")
        check_loader(validation, f"the validation loader of {self.address}")
        self._check_function(loss, "loss", "(model, batch)")
        measure, metric, better = None, "validation_loss", "lower"
        if len(returned) == 5 and returned[4] is not None:
            measure, better = self._metric(returned[4])
            metric = getattr(measure, "__name__", type(measure).__name__)
            metric = metric if metric.isidentifier() else "metric"  # "<lambda>"
        return model, Built(train, validation, loss, measure, metric, better)  # type: ignore[arg-type]  # checked in _metric

    def _metric(self, given: object) -> tuple[Any, str]:
        remedy = 'return it as (metric, "higher") or (metric, "lower")'
        if callable(given):
            raise CamberError(
                f"the metric of {self.address} does not say which values win; {remedy}"
            )
        if not (isinstance(given, tuple | list) and len(given) == 2):
            raise CamberError(f"{self.address} returned {named(given)} as its metric; {remedy}")
        measure, better = given
        if better not in ("lower", "higher"):
            raise CamberError(
                f"the metric of {self.address} says that {better!r:.60} values win; {remedy}"
            )
        self._check_function(measure, "metric", "(model, validation_loader)")
        return measure, better

    def _check_function(self, function: object, what: str, takes: str) -> None:
        name = f"the {what} of {self.address}"
        if isinstance(function, nn.modules.loss._Loss):
            kind = type(function).__name__
            raise CamberError(
                f"{name} is {kind}, which takes outputs and targets; give a function of {takes}, "
                f"such as lambda model, batch: {kind}()(model(batch[0]), batch[1])"
            )
        if not callable(function):
            raise CamberError(f"{name} is {named(function)}, not a function of {takes}")
        try:
            inspect.signature(function).bind(None, None)
        except TypeError as error:
            raise CamberError(f"{name} cannot be called with {takes}: {error}") from error
        except ValueError:  # written in C: calling it will tell
            return


def _likely_files(module: str) -> list[Path]:
    """Where the module would be: named in the sentence if importing it fails."""
    stem = Path.cwd().joinpath(*module.split("."))
    return [stem.with_suffix(".py"), stem / "__init__.py"]
