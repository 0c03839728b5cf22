"""The catalogue: one page per registered activation, from its card, with its drawing.

Nothing here is typed by hand: formula, source and facts are those of ``camber card NAME``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from latex2mathml.converter import convert

from camber.activations import lookup, names
from camber.compare import Card, card
from camber.compare.card import HEADINGS
from camber.errors import CamberError
from camber.formula import to_latex

if TYPE_CHECKING:
    from sphinx.application import Sphinx

KINDS: Final = {
    "pointwise": "Pointwise: each number alone",
    "gated": "Gated: a value and a gate",
    "along": "Along: a whole feature axis",
    "normed": "Normed: several axes, or running state",
}
#: Longer formulas are shown as text only: typeset, they would run off the page.
TYPESET: Final = 160


def write(application: Sphinx) -> None:
    """Write ``catalogue/<name>.md`` with ``<name>.svg``, and the index."""
    folder = Path(application.srcdir) / "catalogue"
    folder.mkdir(exist_ok=True)
    index = ["# Catalogue", "", f"{len(names())} nonlinearities, each a name for one function.", ""]
    for kind, heading in KINDS.items():
        members = [name for name in names() if lookup(name).kind == kind]
        if not members:
            continue
        index += [f"## {heading}", "", "| name | | formula | what it is |"]
        index.append("| --- | --- | --- | --- |")
        for name in members:
            entry = lookup(name)
            link, formula = f"[`{name}`]({name}.md)", _code(str(entry.formula), 60)
            drawing = f"![{name}]({name}.svg){{width=110px}}" if _page(folder, name) else ""
            index.append(f"| {link} | {drawing} | {formula} | {_cell(entry.summary)} |")
        index.append("")
    listing = "\n".join(names())
    index += ["```{toctree}", ":hidden:", "", listing, "```", ""]
    _write(folder / "index.md", "\n".join(index))


def _page(folder: Path, name: str) -> bool:
    """Write one page; whether it has a drawing."""
    found = card(name)
    entry = lookup(name)
    lines = [f"# {name}", "", entry.summary, ""]
    lines += ["```text", _wrapped(str(found.formula)), "```", ""]
    if len(str(found.formula)) <= TYPESET:
        # MathML, which browsers draw by themselves: no script, no request, and it prints
        mathematics = convert(to_latex(found.formula), display="block")
        lines += ["```{raw} html", mathematics, "```", ""]
    drawn = _drawn(found, folder / f"{name}.svg")
    if drawn:
        lines += [f"![{name} and its derivative]({name}.svg)", ""]
    about = {
        "kind": found.activation.kind,
        "learnable": ", ".join(found.activation.parameter_values()) or "nothing",
        "aliases": ", ".join(entry.aliases),
        "source": str(found.activation.source or ""),
        "also in": ", ".join(entry.tags),
    }
    lines += ["| | |", "| --- | --- |"]
    lines += [f"| {key} | {_cell(text)} |" for key, text in about.items() if text]
    known = {key: fact for key, fact in found.facts.items() if fact is not None}
    if known:
        lines += ["", "## Facts", "", "| fact | value | how it is known |", "| --- | --- | --- |"]
        for key, fact in known.items():
            heading = HEADINGS.get(key, key.replace("_", " "))
            lines.append(f"| {_cell(heading)} | {_cell(str(fact))} | {_cell(fact.how)} |")
    lines += ["", "## Use it", "", "```python", found.usage.splitlines()[0], "```", ""]
    lines += ["```sh", found.usage.splitlines()[-1], "```", ""]
    _write(folder / f"{name}.md", "\n".join(lines))
    return drawn


def _drawn(found: Card, path: Path) -> bool:
    """Whether the activation is a curve; draws it if it is."""
    try:
        found.plot(path)
    except CamberError:
        return False
    return True


def _code(text: str, longest: int) -> str:
    short = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return f"`{short}`".replace("|", "\\|")


def _wrapped(text: str, width: int = 96) -> str:
    """Break a long formula after operators, so that it can be read without scrolling."""
    lines, rest = [], text
    while len(rest) > width:
        cut = max(rest.rfind(sign, 0, width) for sign in (" + ", " - ", ", ", " * "))
        if cut <= 0:
            break
        lines.append(rest[: cut + 2].rstrip())
        rest = rest[cut + 2 :].lstrip()
    return "\n  ".join([*lines, rest])


def _cell(text: str) -> str:
    """Text that Markdown leaves as it is."""
    for sign in "\\`*_|<>[]$":
        text = text.replace(sign, f"\\{sign}")
    return text


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(application: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    application.connect("builder-inited", write)
    return {"parallel_read_safe": True}
