"""The report of a comparison: one HTML file that opens offline and holds all that was found."""

from camber.compare.report.page import report_html, write_report

__all__ = ["report_html", "write_report"]
