"""What a watch has seen: one line per site."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from camber.sites.tables import number, table


@dataclass(frozen=True, slots=True)
class SiteReport:
    """The measurements at one site.

    Args:
        path: where it stands. activation: what it is.
        measured: which values were taken: its output, or the product of a gated network.
        tokens: rows seen, padding left out. neurons: size of the channel axis.
        values: the numbers of the meters by name; empty where no value was seen.
    """

    path: str
    activation: str
    measured: str
    tokens: int
    neurons: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class WatchReport:
    """All sites; prints as a table."""

    sites: tuple[SiteReport, ...]

    def __getitem__(self, path: str) -> SiteReport:
        """The report of one path; ``KeyError`` where it was not watched."""
        return {site.path: site for site in self.sites}[path]

    def __str__(self) -> str:
        columns = list(dict.fromkeys(name for site in self.sites for name in site.values))
        headings = [
            "path",
            "activation",
            "tokens",
            "neurons",
            *(c.replace("_", " ") for c in columns),
        ]
        rows = [
            [site.path, site.activation, str(site.tokens), str(site.neurons)]
            + [number(site.values[c]) if c in site.values else "—" for c in columns]
            for site in self.sites
        ]
        notes = [
            f"{site.path}: measured at the {site.measured}"
            for site in self.sites
            if site.measured != "output"
        ]
        return "\n".join([table(headings, rows), *notes])

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)
