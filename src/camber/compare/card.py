"""The card of one nonlinearity: everything known about it, on one page.

Formula as written and in canonical form, derivative, source, facts with their provenance, gains,
Hermite coefficients, and the lines of Python that use it; for the terminal, as plain data, and as a
drawing.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, TypeVar

from camber.activations import Activation, activation, lookup
from camber.compare.entries import Entry
from camber.errors import CamberError, UnknownNameError
from camber.facts import NAMES, Fact, hermite_coefficients, of
from camber.formula import Formula, to_latex

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from camber.activations import Entry as CatalogueEntry

#: Headings of facts whose name does not say it all.
HEADINGS: Final = {
    "slope": "slopes",
    "lipschitz": "Lipschitz constant",
    "slopes_at_zero": "slopes at 0, left and right",
    "zero_set": "zeros",
    "mean": "E[s(z)], z ~ N(0, 1)",
    "second_moment": "E[s(z)²]",
    "slope_mean": "E[s'(z)]",
    "slope_second_moment": "E[s'(z)²]",
    "value_slope_moment": "E[s(z) s'(z)]",
    "curvature_mean": "E[s''(z)]",
    "gain": "gain: std = gain / √fan_in",
    "variance_gain": "variance gain: gain²",
}

HERMITE_DEGREE: Final = 6
#: Longer texts (a derivative of a normalised polynomial) are cut on the terminal, not in data.
LONGEST: Final = 300

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Card:
    """What :func:`card` returns: it prints as text; ``to_dict()`` gives plain data.

    Facts are those at the activation's current coefficients. A question that has no answer for
    this kind of nonlinearity is a dash.
    """

    title: str
    activation: Activation = field(repr=False)
    usage: str = field(repr=False)

    @property
    def formula(self) -> Formula:
        """The formula as written."""
        return self.activation.formula

    @cached_property
    def entry(self) -> CatalogueEntry | None:
        """The catalogue's entry, None for a formula that has no name."""
        try:
            return lookup(self.activation.name or "")
        except UnknownNameError:
            return None

    @cached_property
    def facts(self) -> dict[str, Fact[object] | None]:
        """Fact by name; None where the kind has no such fact."""
        known = of(self.activation)
        return {name: _answer(partial(getattr, known, name)) for name in NAMES}

    @cached_property
    def derivatives(self) -> dict[str, Formula]:
        """Input -> derivative along it; empty where the formula looks at whole rows."""
        slopes = {}
        for name in self.formula.inputs:
            slope = _answer(partial(self.formula.derivative, name))
            if slope is not None:
                slopes[name] = slope
        return slopes

    @cached_property
    def hermite(self) -> list[float] | None:
        """Coefficients in the normalised Hermite polynomials, degrees 0 to 6."""
        found = _answer(lambda: hermite_coefficients(self.activation, HERMITE_DEGREE))
        return None if found is None or found.ndim != 1 else [float(value) for value in found]

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data: the object that ``--json`` prints."""
        entry = self.entry
        return {
            "name": self.activation.name,
            "aliases": list(entry.aliases) if entry else [],
            "kind": self.activation.kind,
            "summary": entry.summary if entry else "",
            "source": str(self.activation.source) if self.activation.source else None,
            "formula": str(self.formula),
            "canonical": str(self.formula.canonical()),
            "digest": self.formula.digest(),
            "latex": _answer(lambda: to_latex(self.formula)),
            "derivatives": {name: str(slope) for name, slope in self.derivatives.items()},
            "parameters": {
                name: value if isinstance(value, float) else value.tolist()
                for name, value in self.activation.parameter_values().items()
            },
            "facts": {
                name: None if fact is None else {**fact.to_dict(), "text": str(fact)}
                for name, fact in self.facts.items()
            },
            "gain": self._number("gain"),
            "variance_gain": self._number("variance_gain"),
            "hermite": self.hermite,
            "usage": self.usage,
        }

    def table(self) -> Group:
        """Return the card for the terminal: ``rich.print(card.table())``."""
        from rich.console import Group
        from rich.text import Text

        return Group(
            Text(self.title, style="bold"), self._identity(), self._facts(), Text(self.usage)
        )

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw function and derivative, kinks marked, into a .svg, .png or .pdf file.

        Raises:
            MissingExtraError: matplotlib is not installed (the extra ``plot``).
            CamberError: the file's ending is another, or there is no curve to draw.
        """
        from camber.compare.plot import draw

        draw(
            self.activation,
            self.title,
            path,
            kinks=self._points("kinks"),
            jumps=self._points("jumps"),
        )

    def _number(self, name: str) -> float | None:
        fact = self.facts[name]
        return fact.value if fact is not None and isinstance(fact.value, float) else None

    def _points(self, name: str) -> tuple[float, ...]:
        fact = self.facts[name]
        value = () if fact is None else fact.value
        return tuple(value) if isinstance(value, tuple) else ()

    def __str__(self) -> str:
        from rich.console import Console

        plain = Console(width=100, color_system=None, highlight=False)
        with plain.capture() as captured:
            plain.print(self.table())
        return captured.get()

    def _identity(self) -> Table:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        entry, module = self.entry, self.activation
        parameters = ", ".join(
            f"{name} = {value}" for name, value in module.parameter_values().items()
        )
        lines = {
            "formula": str(self.formula),
            "canonical": str(self.formula.canonical()),
            **{f"d/d{name}": str(slope) for name, slope in self.derivatives.items()},
            "kind": module.kind,
            "learnable": parameters or "nothing",
            "aliases": ", ".join(entry.aliases) if entry else "",
            "what it is": entry.summary if entry else "",
            "source": str(module.source or ""),
            "also in": ", ".join(entry.tags) if entry else "",
        }
        for heading, text in lines.items():
            if text:
                table.add_row(heading, _cut(text))
        return table

    def _facts(self) -> Table:
        from rich.markup import escape
        from rich.table import Table

        table = Table("fact", "value", "how it is known")
        for name, fact in self.facts.items():
            if fact is not None:
                heading = HEADINGS.get(name, name.replace("_", " "))
                table.add_row(escape(heading), _cut(str(fact)), _cut(fact.how))
        if self.hermite is not None:
            text = "  ".join(f"{round(value, 5) + 0.0:.5f}" for value in self.hermite)
            table.add_row("Hermite coefficients, 0 to 6", text, "normalised, probabilists'")
        return table


def card(spec: str | Formula | Activation) -> Card:
    """Return everything known about one nonlinearity.

    Args:
        spec: a registered name or formula text, with options after a colon as in
            :func:`camber.compare.run` (``"leaky_relu:negative_slope=0.2"``); a formula; or an
            activation, whose current coefficients count.

    Raises:
        UnknownNameError: for an unknown name, with the three nearest.
        FormulaError: for a malformed formula, with a caret under the place.

    Example:
        >>> found = card("gelu")
        >>> found.facts["slope"].provenance in ("exact", "certified")
        True
        >>> print(found.facts["gain"])
        1.53353044
    """
    if isinstance(spec, str):
        entry = Entry.parse(spec)
        module, title, usage = entry.activation(), entry.written, entry.usage()
    elif isinstance(spec, Activation):
        module, title = spec, spec.label
        usage = Entry(spec.label).usage()
    else:
        module, title, usage = activation(spec), str(spec), Entry(str(spec)).usage()
    against = " ".join(name for name in ("gelu", "relu", "swiglu") if name != title)
    return Card(title, module, f"{usage}\ncamber compare {shlex.quote(title)} {against}")


def _answer(question: Callable[[], Answer]) -> Answer | None:
    """The answer, or None where this kind of nonlinearity has none."""
    try:
        return question()
    except CamberError:
        return None


def _cut(text: str) -> str:
    from rich.markup import escape

    return escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")
