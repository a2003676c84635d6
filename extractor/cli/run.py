"""`extractor run`: abstracts in, claims out."""

import sys
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, INTERRUPTED, NOTHING_DONE
from extractor.cli.terminal import console, say, silence

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator
    from typing import Any

    from extractor.jobs.counts import Counts
    from extractor.jobs.journal import Job
    from extractor.labelling.base import Labeller
    from extractor.sources import BadRecord, Sourced

STREAM = "-"
_LISTED_FAILURES = 10
_REDRAW = 0.1
"""Seconds between two pictures of the progress line."""
_PLAIN_LINE = 10.0
"""Seconds between two progress lines where standard error is no terminal."""


def run(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Files, folders or globs; - reads standard input.", show_default=False),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="DIR", envvar="EXTRACTOR_OUTPUT", help="The job's folder; - streams to standard output."
        ),
    ] = "claims",
    model: Annotated[
        str, typer.Option("-m", "--model", metavar="NAME", envvar="EXTRACTOR_MODEL", help="Who labels; rules is built in.")
    ] = "rules",
    fields: Annotated[
        str,
        typer.Option(
            "--fields",
            metavar="NAME=FIELD,...",
            envvar="EXTRACTOR_FIELDS",
            help="What the input calls title, abstract and id, where it has other names: title=headline,abstract=body.",
            show_default=False,
        ),
    ] = "",
    fresh: Annotated[
        bool, typer.Option("--fresh", envvar="EXTRACTOR_FRESH", help="Start over: drop what the folder holds of earlier runs.")
    ] = False,
) -> None:
    """Extract the claims of every abstract.

    Reads JSON Lines, JSON arrays and plain text with a title line above each abstract. Writes extractions.jsonl (one
    record an abstract, in the order of the input), failures.jsonl (what gave no record, and why) and job.json (what ran,
    with counts, cost and time) into the job's folder. The same command again resumes: what is done is not done again,
    what failed is tried again.

    Example: extractor run abstracts.txt -o claims

    Example: cat more.jsonl | extractor run - -o - | jq .claims

    Exit codes: 0 all done, 1 nothing could be done, 2 wrong usage, 3 done with failures, 130 interrupted.
    """
    from dataclasses import asdict

    from extractor.jobs.journal import Job
    from extractor.labelling.models import labeller_for
    from extractor.sources import Fields, read

    labeller = labeller_for(model)
    names = Fields.parse(fields) if fields else Fields()
    items = read(inputs, names, sys.stdin.buffer)
    if output == STREAM:
        counts = _stream(items, labeller)
    else:
        named = {name: [value] if isinstance(value, str) else [*value] for name, value in asdict(names).items()}
        counts = _fill(Path(output), Job(tuple(inputs), model, named), items, labeller, fresh)
    raise typer.Exit(ALL_DONE if not counts.failed else DONE_WITH_FAILURES if counts.extracted else NOTHING_DONE)


def _stream(items: "Iterable[Sourced | BadRecord]", labeller: "Labeller") -> "Counts":
    """Run a job whose records go to standard output, and whose failures to standard error."""
    from extractor.jobs.local import run_job
    from extractor.jobs.sinks import Streams

    began = monotonic()
    streams = Streams(sys.stdout.buffer, sys.stderr.buffer)
    with _mishaps("standard output", "Interrupted: standard output ends here."):
        _complete(run_job(items, labeller, streams))
    _summarise(streams.counts, monotonic() - began)
    return streams.counts


def _fill(folder: Path, job: "Job", items: "Iterable[Sourced | BadRecord]", labeller: "Labeller", fresh: bool) -> "Counts":
    """Run a job into its folder."""
    from extractor.jobs.journal import Journal
    from extractor.jobs.local import run_job

    began = monotonic()
    resume = f"Interrupted: what is done is in {folder}. Run the same command again for the rest."
    with _mishaps(str(folder), resume), Journal(folder, job, fresh=fresh) as journal:
        if journal.resumed:
            say(f"{journal.resumed:,} done before")
        with _progress() as progress:
            _complete(run_job(items, labeller, journal, progress))
        journal.finish()
    _summarise(journal.counts, monotonic() - began)
    _list_failures(folder / "failures.jsonl", journal.counts.failed)
    if journal.kept:
        say(f"{journal.kept:,} of the documents are no longer in the input; --fresh drops them")
    say(str(folder / "extractions.jsonl"))
    return journal.counts


def _complete(job: "Coroutine[Any, Any, None]") -> None:
    """Run a job to its end, with Ctrl-C at once: `asyncio.run` would hold it back until the job waits, and rules never do."""
    import asyncio

    with asyncio.Runner() as runner:
        runner.get_loop().run_until_complete(job)


@contextmanager
def _mishaps(target: str, interrupted: str) -> "Iterator[None]":
    """Say in one line what stopped a job from outside, and leave with the code for it."""
    try:
        yield
    except KeyboardInterrupt:
        say(interrupted)
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        say(f"extractor: Cannot write {error.filename or target}: {error.strerror}. Mend that or choose another -o.")
        raise typer.Exit(NOTHING_DONE) from None


@contextmanager
def _progress() -> "Iterator[Callable[[Counts], None]]":
    """Shows how far a job is: a line that moves on a terminal, else a plain line now and then."""
    if sys.stderr.isatty():
        from rich.progress import Progress, SpinnerColumn, TextColumn
        from rich.table import Column

        columns = SpinnerColumn(), TextColumn("{task.description}", table_column=Column(no_wrap=True))
        with Progress(*columns, console=console(stderr=True), transient=True, redirect_stdout=False) as bar:
            task = bar.add_task("")
            yield _Throttle(_REDRAW, lambda counts: bar.update(task, description=_line(counts)))
    else:
        yield _Throttle(_PLAIN_LINE, lambda counts: say(_line(counts)))


class _Throttle:
    """Passes a call on when the last one that it passed on is long enough ago."""

    def __init__(self, seconds: float, show: "Callable[[Counts], None]") -> None:
        self._seconds, self._show, self._next = seconds, show, monotonic() + seconds

    def __call__(self, counts: "Counts") -> None:
        if (now := monotonic()) >= self._next:
            self._next = now + self._seconds
            self._show(counts)


def _line(counts: "Counts") -> str:
    return f"{counts.documents:,} documents, {sum(counts.claims.values()):,} claims, {counts.failed:,} failed"


def _summarise(counts: "Counts", seconds: float) -> None:
    rows = [
        ("documents", f"{counts.documents:,}"),
        ("claims", f"{sum(counts.claims.values()):,}"),
        *((f"  {kind}", f"{number:,}") for kind, number in counts.claims.items()),
        ("hardware", f"{counts.hardware:,}"),
        ("rejected", f"{counts.rejected:,}"),
        ("failed", f"{counts.failed:,}"),
        ("seconds", f"{seconds:.1f}"),
    ]
    width = max(len(number) for _, number in rows)
    for name, number in rows:
        say(f"{name:<12}{number:>{width}}")


def _list_failures(file: Path, failed: int) -> None:
    """One line for each of the first failures."""
    from itertools import islice

    from extractor.records import Failure

    with file.open("rb") as lines:
        for line in islice(lines, _LISTED_FAILURES):
            failure = Failure.model_validate_json(line)
            place = failure.source if failure.line is None else f"{failure.source}:{failure.line}"
            say(f"{place}: {failure.cause.rstrip('.')}. {failure.fix}")
    if failed > _LISTED_FAILURES:
        say(f"and {failed - _LISTED_FAILURES:,} more in {file}")
