"""HTML that every report is made of: escaped text, and a page that may not load anything."""

import base64
import hashlib
import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camber.train.html import name, page, pairs, table, text, wide


@given(st.text())
def test_text_shows_what_was_written_and_nothing_acts(written: str) -> None:
    shown = text(written)
    assert not set(shown) & set("<>\"'")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    shown.encode()  # whatever it was, it can be written to a file
    if all(character.isprintable() for character in written):
        assert html.unescape(shown) == written


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('"><img src=x>', "&quot;&gt;&lt;img src=x&gt;"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\ud800b", "a⟨U+D800⟩b"),
        ("\u2028", "⟨U+2028⟩"),
        ("σ(x) – 活性化 👩\u200d🔬", "σ(x) – 活性化 👩\u200d🔬"),
    ],
)
def test_single_cases(written: str, shown: str) -> None:
    assert text(written) == shown


def test_names_keep_their_direction_to_themselves() -> None:
    assert name("سلام <b>") == "<bdi>سلام &lt;b&gt;</bdi>"


def test_tables_escape_headings_and_take_cells_as_they_are() -> None:
    made = table(("<a>", "b"), [["<b>1</b>", "2"]])
    assert "&lt;a&gt;" in made
    assert "<td><b>1</b></td>" in made
    assert "<td>&lt;i&gt;</td>" in pairs({"key": "<i>"})
    assert 'aria-label="&quot;x&quot;"' in wide("", '"x"')


def test_the_policy_allows_this_style_and_this_script_alone() -> None:
    made = page("a < b", "<p>body</p>", style="p { color: red }", script="let a = 1;")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', made)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy[1].split("; "))
    assert rules["default-src"] == "'none'"
    for rule, tag in (("style-src", "style"), ("script-src", "script")):
        content = re.search(f"<{tag}>(.*)</{tag}>", made, re.DOTALL)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert "script-src" not in page("a", "b")
    assert "<title>a &lt; b</title>" in made
