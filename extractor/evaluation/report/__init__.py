"""The report of an evaluation: `report.json`, `report.md` for a pull request, `report.html` for reading."""

from pathlib import Path

from extractor.errors import UsageError
from extractor.evaluation.report.assembling import assemble
from extractor.evaluation.report.format import Report, report_schema

__all__ = ["Report", "assemble", "report_schema", "write"]


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write the three forms of a report into a folder, which is made if need be; their paths.

    The same report gives the same bytes. Raises `UsageError` if a package that draws the page is missing, or the folder
    cannot be written.
    """
    from extractor.evaluation.report.markdown import markdown
    from extractor.evaluation.report.page import page

    forms = {
        "report.json": report.model_dump_json(indent=1) + "\n",
        "report.md": markdown(report),
        "report.html": page(report),
    }
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in forms.items():
            path = folder / name
            path.write_text(text, encoding="utf-8", newline="\n")
            paths.append(path)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}); name another folder with --report DIR") from None
    return tuple(paths)
