"""`extractor explore`: what jobs found, as a page to look at."""

from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.options import option
from extractor.cli.terminal import out, say
from extractor.errors import UsageError

PAGE = "explorer.html"


def explore(
    jobs: Annotated[list[Path], typer.Argument(metavar="DIR", help="Jobs' folders, or files of records.", show_default=False)],
    output: Annotated[
        Path | None,
        option(
            "--output",
            "-o",
            metavar="FILE",
            envvar="EXTRACTOR_PAGE",
            help=f"The page's file; without it, {PAGE} in the job's folder.",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        str,
        option(
            "--where",
            metavar="FILTER",
            help="Only some of the claims, as the page's address says it: --where 'kind=speedup&q=latency'.",
        ),
    ] = "",
    show: Annotated[bool, option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write a page on which to sort, filter, chart and read claims.

    It is one file that needs no network. Its address holds what is looked at, so that a view can be sent to others.
    docs/explorer.md says what it does. A page that is there is replaced when the new one is whole.

    Example: extractor explore claims --open

    Example: extractor explore monday tuesday -o both.html
    """
    from extractor.outputs.explorer import page_of_jobs, write_page

    if output is None:
        if len(jobs) > 1:
            raise UsageError("Several jobs become one page. Say where with -o.")
        output = (jobs[0] if jobs[0].is_dir() else jobs[0].parent) / PAGE
    written = write_page(output, page_of_jobs(jobs, where))
    out(str(written))
    if show:
        import webbrowser

        if not webbrowser.open(written.resolve().as_uri()):
            say(f"No browser could be started. Open {written.resolve().as_uri()} in one.")
