"""`extractor run`: abstracts in, claims out."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, INTERRUPTED, NOTHING_DONE
from extractor.cli.terminal import console, say, silence

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Iterator
    from typing import BinaryIO, TypeAlias

    from extractor.jobs.counts import Counts
    from extractor.jobs.journal import Job
    from extractor.jobs.sinks import Sink
    from extractor.labelling.models import Chosen
    from extractor.llm.failures import JobError
    from extractor.sources import BadRecord, Sourced

    _Items: TypeAlias = Iterable[Sourced | BadRecord] | AsyncIterable[Sourced | BadRecord]

STREAM = STDIN = "-"
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
    model: options.Model = "rules",
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    narrow_schema: options.NarrowSchema = options.Narrow.auto,
    concurrency: options.Concurrency = 32,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    price: options.Price = None,
    max_cost: options.MaxCost = None,
    no_cache: options.NoCache = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            envvar="EXTRACTOR_DRY_RUN",
            help="Say how many abstracts need a call, how many tokens and what cost, about; send and write nothing.",
        ),
    ] = False,
    fields: options.Fields = "",
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

    Example: extractor run abstracts.txt --model openai/qwen2.5-7b --base-url http://127.0.0.1:8080/v1

    Example: extractor run abstracts.txt --model openai/gpt-4o-mini --dry-run

    Exit codes: 0 all done, 1 nothing could be done, 2 wrong usage, 3 done with failures or stopped on the way, 130
    interrupted.
    """
    from dataclasses import asdict

    from extractor.jobs.ahead import Ahead
    from extractor.jobs.journal import Job
    from extractor.labelling.models import RULES, ModelOptions, choose
    from extractor.sources import Fields, read

    chosen = choose(
        ModelOptions(
            model=model,
            base_url=base_url,
            prompt=prompt,
            narrow=narrow_schema.value,
            concurrency=concurrency,
            requests_per_minute=rpm,
            tokens_per_minute=tpm,
            price=price,
            max_cost=max_cost,
            cache=not no_cache and not (dry_run and _no_cache_yet()),
        ),
        say,
    )
    names = Fields.parse(fields) if fields else Fields()
    waits = STDIN in inputs and model != RULES  # rules never wait for an answer, so they need not read beside it
    items = read(inputs, names, _unlocked_stdin() if waits else sys.stdin.buffer)
    named = {name: [value] if isinstance(value, str) else [*value] for name, value in asdict(names).items()}
    job = Job(tuple(inputs), model, named, asking=chosen.settings)
    if dry_run:
        _foresee(items, chosen, job, None if output == STREAM else Path(output), fresh, max_cost)
        return
    source = Ahead(items) if waits else items
    if output == STREAM:
        counts, stopped = _stream(source, chosen)
    else:
        counts, stopped = _fill(Path(output), job, source, chosen, fresh)
    raise typer.Exit(_code(counts, stopped))


def _code(counts: "Counts", stopped: "JobError | None") -> int:
    from extractor.llm.failures import BudgetError

    if stopped is None:
        return ALL_DONE if not counts.failed else DONE_WITH_FAILURES if counts.extracted else NOTHING_DONE
    return DONE_WITH_FAILURES if _answered(counts) or isinstance(stopped, BudgetError) else NOTHING_DONE


def _answered(counts: "Counts") -> int:
    """Documents that the model has labelled: where a wrong key stops a job, those that need no call are no success."""
    return counts.extracted - counts.uncalled


def _no_cache_yet() -> bool:
    from extractor.llm.cache import default_path

    return not default_path().exists()


def _unlocked_stdin() -> "BinaryIO":
    """Standard input for a thread that may still wait for it when the process ends, which must not wait for the thread."""
    try:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb", closefd=False)
    except (OSError, ValueError):
        return sys.stdin.buffer  # no file, so it never waits


def _foresee(
    items: "Iterable[Sourced | BadRecord]",
    chosen: "Chosen",
    job: "Job",
    folder: Path | None,
    fresh: bool,
    max_cost: float | None,
) -> None:
    """Print what the job would take."""
    import asyncio

    from extractor.jobs.journal import Journal

    if chosen.client is None:
        typer.echo("The built-in rules make no call and cost nothing.")
        return

    from extractor.jobs.estimate import estimate

    journal = None if folder is None else Journal(folder, job, fresh=fresh).look()
    is_done = (lambda _document: False) if journal is None else journal.is_done
    total = asyncio.run(estimate(items, chosen, is_done))
    rows = [("documents", total.documents)]
    rows += [
        (name, number)
        for name, number in (("done before", total.done), ("unreadable", total.unreadable), ("in the cache", total.cached))
        if number
    ]
    rows += [("without a number or hardware", total.uncalled), ("need a call", total.calls)]
    rows += [("input tokens, about", total.input_tokens), ("output tokens, about", total.output_tokens)]
    for name, number in rows:
        typer.echo(f"{name:<30}{number:>12,}")
    cost = total.cost(chosen.client.price)
    if cost is None:
        typer.echo(f"cost unknown: no price is known for {job.model}. Give --price IN,OUT to see it.")
        return
    typer.echo(f"{'cost in US dollars, about':<30}{cost:>12.4f}")
    spent = 0.0 if journal is None else journal.spent
    if max_cost is not None and spent + cost > max_cost:
        typer.echo(f"The job would stop at its cap of ${max_cost:g}" + (f", ${spent:.4f} of it spent." if spent else "."))


def _stream(items: "_Items", chosen: "Chosen") -> "tuple[Counts, JobError | None]":
    """Run a job whose records go to standard output, and whose failures to standard error."""
    from extractor.jobs.sinks import Streams

    began = monotonic()
    streams = Streams(sys.stdout.buffer, sys.stderr.buffer)
    with _mishaps("standard output", "Interrupted: standard output ends here."):
        stopped = _complete(items, chosen, streams)
    if stopped is None or _answered(streams.counts) or streams.counts.failed:
        _summarise(streams.counts, monotonic() - began, chosen)
    if stopped is not None:
        say(f"extractor: {stopped}")
    return streams.counts, stopped


def _fill(folder: Path, job: "Job", items: "_Items", chosen: "Chosen", fresh: bool) -> "tuple[Counts, JobError | None]":
    """Run a job into its folder."""
    from extractor.jobs.journal import Journal

    began = monotonic()
    resume = f"Interrupted: what is done is in {folder}. Run the same command again for the rest."
    with _mishaps(str(folder), resume), Journal(folder, job, fresh=fresh) as journal:
        if journal.resumed:
            say(f"{journal.resumed:,} done before")
        if chosen.budget is not None:
            chosen.budget.spent = journal.spent
        with _progress() as progress:
            stopped = _complete(items, chosen, journal, progress)
        if stopped is None:
            journal.finish()
    counts = journal.counts
    if stopped is None or _answered(counts) or counts.failed:
        _summarise(counts, monotonic() - began, chosen)
    _list_failures(folder / "failures.jsonl", counts.failed)
    if journal.kept:
        say(f"{journal.kept:,} of the documents are no longer in the input; --fresh drops them")
    if stopped is None:
        say(str(folder / "extractions.jsonl"))
    else:
        kept = f" What is done is in {folder}; the same command goes on from there." if _answered(counts) else ""
        say(f"extractor: {stopped}{kept}")
    return counts, stopped


def _complete(
    items: "_Items", chosen: "Chosen", sink: "Sink", progress: "Callable[[Counts], None]" = lambda _: None
) -> "JobError | None":
    """Run a job to its end, or return what no later document could have done without."""
    import asyncio

    from extractor.jobs.local import run_job
    from extractor.llm.failures import JobError

    async def job() -> JobError | None:
        async with chosen as labeller:
            try:
                await run_job(items, labeller, sink, progress, chosen.window)
            except JobError as error:
                return error
        return None

    with asyncio.Runner() as runner:
        if chosen.client is None:
            # With Ctrl-C at once: `run` would hold it back until the job waits, and rules never do.
            return runner.get_loop().run_until_complete(job())
        return runner.run(job())


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


def _summarise(counts: "Counts", seconds: float, chosen: "Chosen") -> None:
    rows = [
        ("documents", f"{counts.documents:,}"),
        ("claims", f"{sum(counts.claims.values()):,}"),
        *((f"  {kind}", f"{number:,}") for kind, number in counts.claims.items()),
        ("hardware", f"{counts.hardware:,}"),
        ("rejected", f"{counts.rejected:,}"),
        *((f"  {reason}", f"{number:,}") for reason, number in sorted(counts.rejected_by_reason.items())),
        ("failed", f"{counts.failed:,}"),
        ("seconds", f"{seconds:.1f}"),
    ]
    if chosen.client is not None:
        rows[-1:-1] = [
            ("calls", f"{counts.calls:,}"),
            ("  re-asked", f"{counts.reasks:,}"),
            ("no call", f"{counts.uncalled:,}"),
            ("cached", f"{counts.cached:,}"),
            ("tokens in", f"{counts.input_tokens:,}"),
            ("tokens out", f"{counts.output_tokens:,}"),
            ("cost", "unknown" if counts.cost_usd is None else f"${counts.cost_usd:.4f}"),
        ]
    first, second = (max(len(row[n]) for row in rows) for n in (0, 1))
    for name, number in rows:
        say(f"{name:<{max(12, first + 2)}}{number:>{second}}")


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
