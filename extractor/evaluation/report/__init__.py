"""The report of an evaluation: `report.json`, `report.md` for a pull request, `report.html` for reading."""

from extractor.evaluation.report.assembling import assemble, write
from extractor.evaluation.report.format import Report, report_schema

__all__ = ["Report", "assemble", "report_schema", "write"]
