"""``camber doctor``: is this machine ready, and what would make it better?"""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Literal

import typer

from camber.cli.verb import REFUTED, Json, console, print_json

#: Extra -> (the module that shows it is installed, what it is for).
EXTRAS = {
    "plot": ("matplotlib", "drawings of camber card"),
    "symbolic": ("sympy", "export of formulas to SymPy"),
    "hub": ("transformers", "activations of Hugging Face models"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``status``: "ok", "missing" (optional, with a remedy) or "wrong"."""

    name: str
    status: Literal["ok", "missing", "wrong"]
    detail: str
    remedy: str = ""


def doctor(json: Json = False) -> None:
    """Check versions, compiler, back ends, extras, and a few values that are known exactly."""
    checks = [*_versions(), _threads(), _accelerator(), _compiler(), *_extras(), *_self_tests()]
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
    # The order in which torch's inductor looks: CXX, then these.
    wanted = [name for name in (os.environ.get("CXX"), "g++", "clang++", "c++") if name]
    for name in wanted:
        if path := shutil.which(name):
            return Check("compiler", "ok", f"{path}: activations run compiled")
    return Check(
        "compiler",
        "missing",
        "no C++ compiler found: activations run in row blocks instead, correct and slower",
        "install g++ or clang++, or set CXX",
    )


def _extras() -> list[Check]:
    found = []
    for extra, (module, purpose) in EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            remedy = f"pip install 'camber[{extra}]'"
            found.append(Check(f"extra {extra}", "missing", f"{module}, for {purpose}", remedy))
        else:
            version = metadata.version(module)
            found.append(Check(f"extra {extra}", "ok", f"{module} {version}, for {purpose}"))
    return found


def _self_tests() -> list[Check]:
    """Values with closed forms, through the same path that training takes."""
    import torch

    from camber import activation

    one = torch.ones(1, dtype=torch.float64)
    ramp = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    # gelu(1) is the normal distribution function at 1. PolyNorm of 1 2 3 4 with weights 1/3:
    # (1/3) sum over k of x^k / sqrt(mean(x^2k) + eps), written out here.
    powers = [
        [x**k / math.sqrt(sum(y ** (2 * k) for y in range(1, 5)) / 4 + 1e-6) for k in (1, 2, 3)]
        for x in range(1, 5)
    ]
    expected = {
        "gelu": (one, [0.5 * (1 + math.erf(math.sqrt(0.5)))]),
        "polynorm": (ramp, [sum(terms) / 3 for terms in powers]),
    }
    found = []
    for name, (x, values) in expected.items():
        with torch.no_grad():
            got = activation(name).double()(x)
        error = float((got - torch.tensor(values, dtype=torch.float64)).abs().max())
        if error <= 1e-7:  # coefficients 1/3 are stored in float32
            found.append(Check(f"self-test {name}", "ok", f"error {error:.1e}"))
        else:
            found.append(
                Check(
                    f"self-test {name}",
                    "wrong",
                    f"is off by {error:.1e}",
                    "reinstall torch and camber",
                )
            )
    return found


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
