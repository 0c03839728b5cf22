"""Where a nonlinearity comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A publication or program that defines a nonlinearity.

    Attributes:
        authors: names as the field writes them, "First and Second", "First et al.".
        title: the title in full.
        year: year of first publication.
        arxiv: arXiv number such as ``"2411.03884"``, or None where there is none.
        url: where to find it when it is not on arXiv.

    Example:
        >>> print(Source(authors="Misra", title="Mish", year=2019, arxiv="1908.08681"))
        Misra, "Mish", 2019, arXiv:1908.08681
    """

    authors: str
    title: str
    year: int
    arxiv: str | None = None
    url: str | None = None

    def __str__(self) -> str:
        place = f", arXiv:{self.arxiv}" if self.arxiv else f", {self.url}" if self.url else ""
        return f'{self.authors}, "{self.title}", {self.year}{place}'
