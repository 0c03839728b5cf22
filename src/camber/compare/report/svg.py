"""A matplotlib figure as SVG that may stand in a page beside others.

Ids get a prefix of their own, so that no figure uses another's clip paths; metadata, fonts and the
rules that would reach the whole page go; text stays text, which a reader can search and select;
coordinates keep two decimals, a fiftieth of the thinnest line; groups and ids without use go.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_DROPPED: Final = {"metadata", "style", "title"}
#: Attributes that hold coordinates.
_NUMERIC: Final = {"d", "points", "transform", "x", "y", "width", "height", "viewBox"}
_NUMBER: Final = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE: Final = re.compile(r"url\(#([^)]*)\)")
#: White space that a path needs nowhere: around its letters, and twice.
_LOOSE: Final = re.compile(r"\s*([A-Za-z])\s*|\s+")
#: What XML 1.0 cannot hold even as a reference.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Older versions of matplotlib write the font in one property, newer ones in several.
_FAMILY: Final = re.compile(r"font-family: [^;]*(; )?")
_FONT: Final = re.compile(r"font: ((?:[a-z]+ |\d00 )*)([\d.]+px) [^;]*")
_UPRIGHT: Final = re.compile(r"rotate\(-?0 [^)]*\)\s*")


def svg(figure: Figure, prefix: str, description: str) -> str:
    """Return ``figure`` as SVG for the body of an HTML page.

    Args:
        figure: drawn; series keep the ids (``gid``) they were given.
        prefix: letters, digits and hyphens, different for every figure of a page. All ids that
            stay start with it; those that already do are kept as they are.
        description: text, what a reader who does not see it is told.

    Example:
        >>> from matplotlib.figure import Figure
        >>> drawing = Figure()
        >>> _ = drawing.add_subplot().plot([0, 1], [0, 1], gid="loss-e0-mean")
        >>> picture = svg(drawing, "loss", "the loss falls")
        >>> 'id="loss-e0-mean"' in picture, "xmlns" in picture
        (True, False)
    """
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context(), letters_of_any_font():
        matplotlib.rcdefaults()  # the user's own settings are for the user's own figures
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": prefix})
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(_NOT_XML.sub("\ufffd", stream.getvalue()))
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    _Cleaner(prefix, _referenced(root)).clean(root)
    root.attrib |= {"role": "img", "aria-label": description}
    return ElementTree.tostring(root, encoding="unicode")


@contextlib.contextmanager
def letters_of_any_font() -> Iterator[None]:
    """Let matplotlib meet letters that its font lacks: the reader's browser draws the text."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def _referenced(root: ElementTree.Element) -> set[str]:
    """The ids that something in the picture refers to."""
    found: set[str] = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            found.update(_REFERENCE.findall(value))
            if key == _LINK:
                found.add(value.removeprefix("#"))
    return found


@dataclass(slots=True)
class _Cleaner:
    """Makes one picture fit for a page; ``names`` are the short ids given so far."""

    prefix: str
    referenced: set[str]
    names: dict[str, str] = field(default_factory=dict)

    def clean(self, element: ElementTree.Element) -> None:
        element.tag = element.tag.rpartition("}")[2]
        self._attributes(element)
        if element.tag not in ("text", "tspan"):
            element.text = None  # white space between elements
        kept: list[ElementTree.Element] = []
        for child in element:
            if child.tag.rpartition("}")[2] not in _DROPPED:
                self.clean(child)
                child.tail = None
                if child.tag in ("g", "defs") and not child.attrib and not len(child):
                    continue
                if child.tag == "g" and not child.attrib:
                    kept += child  # a group that says nothing: its content stays
                else:
                    kept.append(child)
        element[:] = kept

    def _attributes(self, element: ElementTree.Element) -> None:
        for key, value in list(element.attrib.items()):
            del element.attrib[key]
            if key == "id":
                if value in self.referenced or value.startswith(f"{self.prefix}-"):
                    element.set("id", self._own(value))
                continue
            if key == _LINK:
                element.set("href", f"#{self._own(value.removeprefix('#'))}")
                continue
            if key in _NUMERIC:
                value = _NUMBER.sub(_short, value)
            if key == "d":
                value = _LOOSE.sub(lambda match: match[1] or " ", value)
            elif key == "transform":
                value = _UPRIGHT.sub("", value)
            elif key == "style":
                value = _FONT.sub(_system_font, _FAMILY.sub("", value))
                value = value.replace("; ", ";").replace(": ", ":")
            if value:
                linked = _REFERENCE.sub(lambda match: f"url(#{self._own(match[1])})", value)
                element.set(key, linked)

    def _own(self, name: str) -> str:
        """The id on the page: a gid as it is, what matplotlib made up as a short one."""
        if name.startswith(f"{self.prefix}-"):
            return name
        return self.names.setdefault(name, f"{self.prefix}--{len(self.names)}")


def _short(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _system_font(match: re.Match[str]) -> str:
    weight = match[1].strip()
    return f"font-size: {match[2]}{f'; font-weight: {weight}' if weight else ''}"
