"""``camber doctor``: is this machine ready, and what would make it better?"""

from __future__ import annotations

import importlib.util
import math
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal

import typer

from camber.cli.verb import REFUTED, Json, console, print_json

if TYPE_CHECKING:
    from camber.fast import Backend

#: The coefficients 1/3 are stored in float32.
TOLERANCE: Final = 1e-7

#: Extra -> (the modules that show it is installed, what it is for).
EXTRAS = {
    "plot": (("matplotlib",), "pictures: figures of a report, drawings of camber card"),
    "tasks": (("sklearn", "PIL"), "the digits, and folders of images"),
    "hub": (("transformers",), "models and activations of Hugging Face"),
    "symbolic": (("sympy",), "export of formulas to SymPy"),
    "ray": (("ray",), "camber compare --executor ray"),
    "slurm": (("submitit",), "camber compare --executor slurm"),
}

#: Modules whose package has another name.
PACKAGES = {"sklearn": "scikit-learn", "PIL": "pillow"}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``status``: "ok", "missing" (optional, with a remedy) or "wrong"."""

    name: str
    status: Literal["ok", "missing", "wrong"]
    detail: str
    remedy: str = ""


def doctor(json: Json = False) -> None:
    """Check versions, compiler, back ends, extras, and a few values that are known exactly."""
    compiler = _compiler()
    backends: list[Backend] = ["reference", "fused"]
    if compiler.status == "ok":
        backends.append("compile")
    checks = [
        *_versions(),
        _threads(),
        _accelerator(),
        compiler,
        *_extras(),
        *_self_tests(backends),
    ]
    healthy = all(check.status != "wrong" for check in checks)
    if json:
        print_json({"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        _print(checks)
    if not healthy:
        raise typer.Exit(REFUTED)


def _versions() -> list[Check]:
    import camber

    found = [
        Check("camber", "ok", camber.__version__),
        Check("python", "ok", f"{sys.version.split()[0]} on {sys.platform}"),
    ]
    for name in ("torch", "numpy", "scipy", "safetensors", "rich", "typer"):
        try:
            found.append(Check(name, "ok", metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append(Check(name, "wrong", "not installed", f"pip install {name}"))
    return found


def _threads() -> Check:
    import torch

    from camber.train import environment

    cpus = environment()["cpus"]
    return Check("processors", "ok", f"{cpus} usable, torch uses {torch.get_num_threads()} threads")


def _accelerator() -> Check:
    import torch

    if torch.cuda.is_available():
        return Check("accelerator", "ok", torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return Check("accelerator", "ok", "Apple GPU (mps)")
    return Check("accelerator", "ok", "none; everything runs on the CPU")


def _compiler() -> Check:
    from camber.fast.native.toolchain import BuildError, find_compiler

    try:
        found = find_compiler()
    except BuildError as error:
        return Check(
            "compiler",
            "missing",
            f"{error}: activations run in row blocks instead, correct and slower",
            "install gcc or clang",
        )
    return Check("compiler", "ok", f"{found.path} ({found.version})")


def _extras() -> list[Check]:
    found = []
    for extra, (modules, purpose) in EXTRAS.items():
        absent = [module for module in modules if importlib.util.find_spec(module) is None]
        if absent:
            names = " and ".join(PACKAGES.get(module, module) for module in absent)
            detail, remedy = f"{names} not installed", f"pip install 'camber[{extra}]'"
            found.append(Check(f"extra {extra}", "missing", f"{detail}: {purpose}", remedy))
        else:
            versions = ", ".join(_version(PACKAGES.get(module, module)) for module in modules)
            found.append(Check(f"extra {extra}", "ok", f"{versions}: {purpose}"))
    return found


def _version(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:  # importable from a path, and never installed
        return package


def _self_tests(backends: Sequence[Backend]) -> list[Check]:
    """Values with closed forms, from every back end of this machine."""
    # gelu(1) is the normal distribution function at 1. PolyNorm of 1 2 3 4 with weights 1/3:
    # (1/3) sum over k of x^k / sqrt(mean(x^2k) + eps), written out here.
    powers = [
        [x**k / math.sqrt(sum(y ** (2 * k) for y in range(1, 5)) / 4 + 1e-6) for k in (1, 2, 3)]
        for x in range(1, 5)
    ]
    known = {
        "gelu": ([1.0], [0.5 * (1 + math.erf(math.sqrt(0.5)))]),
        "polynorm": ([1.0, 2.0, 3.0, 4.0], [sum(terms) / 3 for terms in powers]),
    }
    return [
        _self_test(name, backend, *values) for backend in backends for name, values in known.items()
    ]


def _self_test(name: str, backend: Backend, x: list[float], expected: list[float]) -> Check:
    import torch

    from camber import activation

    title = f"{name}, {backend}"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("error")  # a back end that steps aside says so by a warning
        try:
            got = activation(name, backend=backend).double()(torch.tensor(x).double())
        except Warning as warning:
            return Check(title, "missing", str(warning))
    error = float((got - torch.tensor(expected, dtype=torch.float64)).abs().max())
    if error <= TOLERANCE:
        return Check(title, "ok", f"known value, error {error:.0e}")
    return Check(title, "wrong", f"off by {error:.1e}", "reinstall torch and camber")


def _print(checks: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "missing": "yellow", "wrong": "red"}
    table = Table("", "check", "finding", "remedy")
    for check in checks:
        table.add_row(
            Text(check.status, style=styles[check.status]),
            check.name,
            Text(check.detail),
            Text(check.remedy),
        )
    console().print(table)
