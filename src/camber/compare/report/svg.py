"""A matplotlib figure as SVG that may stand in a page beside others.

Ids get a prefix of their own, so that no figure uses another's clip paths; metadata, fonts and the
rules that would reach the whole page go; text stays text, which a reader can search and select;
coordinates keep two decimals, a fiftieth of the thinnest line.
"""

from __future__ import annotations

import io
import re
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
#: What XML 1.0 cannot hold even as a reference.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FONT: Final = re.compile(r"font: ((?:[a-z]+ |\d00 )*)([\d.]+px) [^;]*")


def svg(figure: Figure, prefix: str, description: str) -> str:
    """Return ``figure`` as SVG for the body of an HTML page.

    Args:
        figure: drawn; series keep the ids (``gid``) they were given.
        prefix: letters, digits and hyphens, different for every figure of a page. All ids start
            with it but those that already do.
        description: text, what a reader who does not see it is told.

    Example:
        >>> from matplotlib.figure import Figure
        >>> drawing = Figure()
        >>> _ = drawing.add_subplot().plot([0, 1], [0, 1], gid="loss-e0-mean")
        >>> picture = svg(drawing, "loss", "the loss falls")
        >>> 'id="loss-e0-mean"' in picture, "xmlns" in picture
        (True, False)
    """
    from matplotlib import rc_context

    stream = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix, "path.simplify": True}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(_NOT_XML.sub("\ufffd", stream.getvalue()))
    _clean(root, prefix)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.attrib.pop("version", None)
    root.attrib |= {"role": "img", "aria-label": description}
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _clean(element: ElementTree.Element, prefix: str) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for key, value in list(element.attrib.items()):
        if key == "id":
            element.set("id", _own(value, prefix))
        elif key == _LINK:
            del element.attrib[key]
            element.set("href", f"#{_own(value.removeprefix('#'), prefix)}")
        elif key in _NUMERIC:
            element.set(key, _NUMBER.sub(_short, value))
        if "url(#" in value:
            found = _REFERENCE.sub(lambda match: f"url(#{_own(match[1], prefix)})", value)
            element.set(key, found)
    if "style" in element.attrib:
        element.set("style", _FONT.sub(_system_font, element.attrib["style"]))
    if element.text is not None and element.tag != "text" and element.tag != "tspan":
        element.text = None  # white space between elements
    for child in list(element):
        child.tail = None
        if child.tag.rpartition("}")[2] in _DROPPED:
            element.remove(child)
        else:
            _clean(child, prefix)
    if element.tag == "defs" and not len(element):
        element.set("hidden", "")


def _own(name: str, prefix: str) -> str:
    return name if name.startswith(f"{prefix}-") else f"{prefix}-{name}"


def _short(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _system_font(match: re.Match[str]) -> str:
    weight = match[1].strip()
    return f"font-size: {match[2]}{f'; font-weight: {weight}' if weight else ''}"
