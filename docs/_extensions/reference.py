"""The reference: one page per package, from its ``__all__`` and docstrings.

The examples in these docstrings are executed by the test suite.
"""

import importlib
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx

#: In the order of the floors; ``camber`` itself first.
PACKAGES: Final = (
    "camber",
    "camber.formula",
    "camber.algebra",
    "camber.fast",
    "camber.facts",
    "camber.activations",
    "camber.layers",
    "camber.models",
    "camber.sites",
    "camber.tasks",
    "camber.train",
    "camber.compare",
    "camber.errors",
)
#: Names that a package passes on from another one, which lists them.
PASSED_ON: Final = {"camber.formula": ("FormulaError",)}


def write(application: Sphinx) -> None:
    """Write ``reference/<package>.md`` and their index; unchanged files are left alone."""
    folder = Path(application.srcdir) / "reference"
    folder.mkdir(exist_ok=True)
    rows = []
    for package in PACKAGES:
        summary = (importlib.import_module(package).__doc__ or "").strip().splitlines()[0]
        rows.append(f"| [`{package}`]({package}.md) | {summary} |")
        _write(folder / f"{package}.md", _page(package))
    listing = "\n".join(PACKAGES)
    _write(
        folder / "index.md",
        "# Reference\n\nEvery public name, by package. All examples are executed by the test "
        "suite.\n\n| package | what it is |\n| --- | --- |\n"
        + "\n".join(rows)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{listing}\n```\n",
    )


def _page(package: str) -> str:
    if package == "camber":
        # its names live in the packages below; listing them twice would give two targets
        module = importlib.import_module(package)
        names = [name for name in module.__all__ if not name.startswith("_")]
        lines = []
        for name in names:
            home = _home(getattr(module, name), name)
            lines.append(f"- `camber.{name}`, of [`{home}`]({home}.md)")
        return "# camber\n\nThe names one types most, imported on first use.\n\n" + "\n".join(lines)
    lines = [f".. automodule:: {package}", "   :members:"]
    if package in PASSED_ON:
        lines.append(f"   :exclude-members: {', '.join(PASSED_ON[package])}")
    return "\n".join([f"# {package}", "", "```{eval-rst}", *lines, "```", ""])


def _home(value: object, name: str) -> str:
    """The package of the reference that lists ``name``."""
    for package in PACKAGES[1:]:
        module = importlib.import_module(package)
        if getattr(module, name, None) is value:
            return package
    raise LookupError(f"no package of the reference lists {name}")


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(application: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    application.connect("builder-inited", write)
    return {"parallel_read_safe": True}
