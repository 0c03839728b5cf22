"""The pictures: one section for each figure that has something to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from camber.compare.report.section import Section

if TYPE_CHECKING:
    from camber.compare.comparison import Comparison

ORDER: Final = 1


def figure_sections(comparison: Comparison) -> list[Section]:
    return []
