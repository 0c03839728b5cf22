"""What every HTML report is made of: escaped text, tables, and one page that needs nothing else.

A page holds its own style and script, forbids itself every request by a content security policy,
and follows the reader's choice of light or dark. Whatever a user wrote passes through :func:`text`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import Final

#: What would act on the reader instead of being read: control and format characters (which turn
#: the direction of writing or hide text), halves of surrogate pairs, line separators.
_UNSEEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
#: Joiners stand inside words of several languages and inside emoji.
_JOINERS: Final = "\u200c\u200d"
_PRINTABLE: Final = re.compile(r"[ -~]*")


def text(value: object) -> str:
    """Return ``str(value)`` as HTML text, for elements and for quoted attributes.

    Characters that act instead of being seen (control, bidirectional overrides, unpaired
    surrogates) are shown by their number.

    Example:
        >>> text('<b>"&')
        '&lt;b&gt;&quot;&amp;'
        >>> text("a" + chr(0x202E) + "b" + chr(7))
        'a⟨U+202E⟩b⟨U+0007⟩'
    """
    return escape(visible(str(value)), quote=True)


def visible(written: str) -> str:
    """Return ``written`` with the characters that act instead of being seen shown by number."""
    if _PRINTABLE.fullmatch(written):
        return written
    return "".join(
        f"⟨U+{ord(sign):04X}⟩"
        if unicodedata.category(sign) in _UNSEEN and sign not in _JOINERS
        else sign
        for sign in written
    )


def name(value: object) -> str:
    """Return ``str(value)`` as text that keeps its direction of writing to itself.

    Example:
        >>> name("gelu")
        '<bdi>gelu</bdi>'
    """
    return f"<bdi>{text(value)}</bdi>"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that scrolls by itself where it is too wide.

    Args:
        columns: headings, text.
        rows: cells, HTML.

    Example:
        >>> table(("a & b",), [["<b>1</b>"]]).count("<td><b>1</b></td>")
        1
    """
    head = "".join(f'<th scope="col">{text(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return wide(f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>")


def pairs(record: Mapping[str, object]) -> str:
    """Return names and values as a table of two columns without a head.

    Example:
        >>> "<th scope=\\"row\\">seed</th><td>3</td>" in pairs({"seed": 3})
        True
    """
    body = "".join(
        f'<tr><th scope="row">{text(key)}</th><td>{text(value)}</td></tr>\n'
        for key, value in record.items()
    )
    return wide(f'<table class="pairs"><tbody>{body}</tbody></table>')


def wide(content: str, label: str = "") -> str:
    """Return ``content`` in a box that scrolls sideways, by keyboard too where it has a label."""
    if not label:
        return f'<div class="wide">{content}</div>'
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{text(label)}">{content}</div>'
    )


def page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """Return a whole page, which no browser lets load or send anything.

    Args:
        title: text.
        body: HTML.
        style: CSS beside the style that all pages share.
        script: JavaScript, run when the page stands; the only one that may run.

    Example:
        >>> page("a < b", "<p>yes</p>").startswith("<!doctype html>")
        True
    """
    style = f"{_shared_style()}{style}"
    allowed = [
        "default-src 'none'",
        f"style-src {_hash(style)}",
        # Figures carry their lines' widths and colours in style attributes.
        "style-src-attr 'unsafe-inline'",
        *([f"script-src {_hash(script)}"] if script else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(allowed)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{text(title)}</title>",
            f"<style>{style}</style></head><body>",
            body,
            *([f"<script>{script}</script>"] if script else []),
            "</body></html>",
            "",
        ]
    )


@cache
def _shared_style() -> str:
    return resources.files("camber.train").joinpath("page.css").read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
