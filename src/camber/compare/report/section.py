"""A section of the report: a heading that can be linked to, and what stands under it."""

from dataclasses import dataclass

from camber.train.html import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One entry of the table of contents.

    Args:
        key: its anchor, a word of letters, digits and hyphens.
        title: its heading, text.
        order: sections are sorted by it; figures bring their own.
        body: HTML.

    Example:
        >>> print(Section(key="notes", title="Notes", order=1, body="<p>None.</p>").html())
        <section aria-labelledby="notes"><h2 id="notes">Notes</h2>
        <p>None.</p>
        </section>
    """

    key: str
    title: str
    order: float
    body: str

    def html(self) -> str:
        """Return the section as HTML."""
        return (
            f'<section aria-labelledby="{text(self.key)}">'
            f'<h2 id="{text(self.key)}">{text(self.title)}</h2>\n{self.body}\n</section>'
        )

    def link(self) -> str:
        """Return its line in the table of contents."""
        return f'<li><a href="#{text(self.key)}">{text(self.title)}</a></li>'
