"""`extractor run`: abstracts in, claims out."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES, INTERRUPTED, NOTHING_DONE
from extractor.cli.terminal import TALK, say, silence
from extractor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import BinaryIO

    from extractor.cli.job_options import JobOptions
    from extractor.errors import JobError
    from extractor.jobs.counts import Counts
    from extractor.jobs.journal import Job, Journal
    from extractor.jobs.progress import Watch
    from extractor.jobs.sinks import BulkSink
    from extractor.jobs.stopping import Stop
    from extractor.labelling.models import Chosen
    from extractor.sources import BadRecord, Gauge, Sourced

STREAM = STDIN = "-"
_BEAT = 1.0
"""Seconds between two looks at a job that may wait for its server."""


class Order(str, Enum):  # noqa: UP042 (typer takes the values of a str enumeration)
    """The values of `--order`."""

    input = "input"
    completion = "completion"


class LogFormat(str, Enum):  # noqa: UP042
    """The values of `--log-format`."""

    text = "text"
    json = "json"


LogFormatOption = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        envvar="EXTRACTOR_LOG_FORMAT",
        help="What is said on standard error: lines for people, or a JSON object a line.",
    ),
]


def run(
    inputs: options.Inputs,
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
    concurrency: options.Concurrency = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    price: options.Price = None,
    max_cost: options.MaxCost = None,
    votes: options.Votes = 1,
    fallback: options.Fallback = None,
    no_cache: options.NoCache = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.001,
            envvar="EXTRACTOR_TIMEOUT",
            help="Seconds until a call is given up and tried again; without it, 300 for the answer to begin, 600 in all.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            envvar="EXTRACTOR_WORKERS",
            help="Processes for the rules, one for each core at most.",
        ),
    ] = 1,
    order: Annotated[
        Order,
        typer.Option(
            "--order",
            envvar="EXTRACTOR_ORDER",
            help="The order of the records: the input's, or that in which they were done, which takes no sorting at the end.",
        ),
    ] = Order.input,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            envvar="EXTRACTOR_DRY_RUN",
            help="Say how many abstracts need a call, how many tokens and what cost, about; send and write nothing.",
        ),
    ] = False,
    fields: options.Fields = "",
    fresh: options.Fresh = False,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            envvar="EXTRACTOR_BATCH",
            help="Send the questions through the provider's batch endpoint, at half the price, and wait for the answers.",
        ),
    ] = False,
    retry_online: options.RetryOnline = False,
    log_format: LogFormatOption = LogFormat.text,
) -> None:
    """Extract the claims of every abstract.

    Reads JSON Lines, JSON arrays and plain text with a title line above each abstract. Writes extractions.jsonl (one
    record an abstract, in the order of the input), failures.jsonl (what gave no record, and why) and job.json (what ran,
    with counts, cost and time) into the job's folder. The same command again resumes: what is done is not done again,
    what failed is tried again. Ctrl-C ends what is under way and saves it, twice stops at once.

    Example: extractor run abstracts.txt -o claims

    Example: cat more.jsonl | extractor run - -o - | jq .claims

    Example: extractor run abstracts.txt --model openai/qwen2.5-7b --base-url http://127.0.0.1:8080/v1

    Example: extractor run abstracts.txt --model openai/gpt-4o-mini --dry-run

    Example: extractor run abstracts.txt --model openai/gpt-4o-mini --batch

    Exit codes: 0 all done, 1 nothing could be done, 2 wrong usage, 3 done with failures or stopped on the way, 130
    interrupted.
    """
    from extractor.cli.job_options import JobOptions
    from extractor.labelling.models import ModelOptions

    TALK.as_json = log_format is LogFormat.json
    asked = ModelOptions(
        model=model,
        base_url=base_url,
        prompt=prompt,
        narrow=narrow_schema.value,
        concurrency=concurrency,
        requests_per_minute=rpm,
        tokens_per_minute=tpm,
        timeout=timeout,
        price=price,
        max_cost=max_cost,
        votes=votes,
        fallbacks=tuple(fallback or ()),
        cache=not no_cache,
    )
    start(JobOptions(tuple(inputs), asked, fields, workers, order.value, batch, retry_online), output, fresh, dry_run)


def start(options: "JobOptions", output: str, fresh: bool = False, dry_run: bool = False) -> NoReturn:
    """Do the job that was asked for, and leave with its code."""
    from extractor.labelling.models import RULES, choose
    from extractor.sources import Gauge, read

    asked, inputs = options.model, list(options.inputs)
    if options.workers > 1 and asked.model != RULES:
        raise UsageError("--workers is for the rules; a model's calls wait for its server. Give --concurrency to have more.")
    chosen = choose(replace(asked, cache=False) if dry_run and _no_cache_yet() else asked, say)
    gauge = Gauge()
    # One process with the rules never waits for an answer, so it need not read beside it.
    beside = STDIN in inputs and (asked.model != RULES or options.workers > 1)
    items = read(inputs, options.names, _unlocked_stdin() if beside else sys.stdin.buffer, gauge)
    job = options.job(chosen)
    if dry_run:
        from extractor.cli.foresee import foresee

        foresee(items, chosen, job, None if output == STREAM else Path(output), fresh, asked.max_cost, options.batch)
        raise typer.Exit(ALL_DONE)
    if options.batch:
        from extractor.cli.batch_steps import run_in_batches

        if output == STREAM:
            raise UsageError("Batches need a folder to keep their state in. Name one with -o.")
        counts, stopped = run_in_batches(
            Path(output), job, items, chosen, asked, fresh=fresh, retry_online=options.retry_online
        )
        raise typer.Exit(exit_code(counts, stopped))
    if options.retry_online:
        raise UsageError("--retry-online is for what batches left. Give it with --batch, or leave it out.")
    if output != STREAM and (Path(output) / "batch").exists():
        from extractor.jobs.batch_folder import Store

        Store(Path(output)).make_way(fresh=fresh)
    task = _Task(items, chosen, gauge, options.workers, options.order == Order.input, beside, asked.max_cost)
    if output == STREAM:
        counts, stopped = _stream(task)
    else:
        counts, stopped = _fill(Path(output), job, task, fresh)
    raise typer.Exit(exit_code(counts, stopped))


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be done, and how; `beside` says that the input is read on a thread because it may keep the job waiting."""

    items: "Iterable[Sourced | BadRecord]"
    chosen: "Chosen"
    gauge: "Gauge"
    workers: int
    sort: bool
    beside: bool
    max_cost: float | None


def exit_code(counts: "Counts", stopped: "JobError | None") -> int:
    """How a job has ended."""
    from extractor.errors import BudgetError

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


def _stream(task: _Task) -> "tuple[Counts, JobError | None]":
    """Run a job whose records go to standard output, and whose failures to standard error."""
    from extractor.cli.summary import summarise
    from extractor.jobs.progress import Watch
    from extractor.jobs.sinks import Streams
    from extractor.jobs.stopping import Stop

    began = monotonic()
    streams = Streams(sys.stdout.buffer, sys.stderr.buffer)
    stop = Stop(say)
    with mishaps("standard output", "Interrupted: standard output ends here."), stop.on_signals():
        stopped = _complete(task, streams, Watch(streams.counts), stop, in_order=task.sort)
    if stopped is None or _answered(streams.counts) or streams.counts.failed:
        summarise(streams.counts, monotonic() - began, calls=task.chosen.client is not None)
    if stopped is not None:
        say(f"extractor: {stopped}")
    return streams.counts, stopped


def _fill(folder: Path, job: "Job", task: _Task, fresh: bool) -> "tuple[Counts, JobError | None]":
    """Run a job into its folder."""
    from extractor.cli import progress
    from extractor.jobs.journal import Journal
    from extractor.jobs.progress import Watch
    from extractor.jobs.stopping import Stop
    from extractor.llm.pricing import Budget

    began = monotonic()
    resume = f"Interrupted: what is done is in {folder}. Run the same command again for the rest."
    calls = task.chosen.client is not None
    stop = Stop(say)
    journal = Journal(folder, job, fresh=fresh, sort=task.sort, scattered=calls)
    with mishaps(str(folder), resume), stop.on_signals(), journal:
        if journal.resumed:
            say(f"{journal.resumed:,} done before")
        budget = task.chosen.budget or Budget()
        budget.spent = journal.spent
        journal.watch = watch = Watch(journal.counts, journal.resumed, task.gauge)
        try:
            with progress.shown(watch, lambda: max(budget.spent, journal.spent), task.max_cost, calls=calls):
                # What a model has answered is written at once, whatever comes before it: it was paid for.
                stopped = _complete(task, journal, watch, stop, journal.refresh, in_order=task.sort and not calls)
        finally:
            # Calls for documents that the job stopped in the middle of are in no record, and are paid for all the same.
            journal.spent = max(budget.spent, journal.spent)
        if stopped is None:
            with stop.shielded():
                journal.finish()
    report(folder, journal, stopped, monotonic() - began, calls=calls)
    return journal.counts, stopped


def report(folder: Path, journal: "Journal", stopped: "JobError | None", seconds: float, *, calls: bool) -> None:
    """Say what a job has come to."""
    from extractor.cli.summary import list_failures, summarise

    counts = journal.counts
    if stopped is None or _answered(counts) or counts.failed:
        summarise(counts, seconds, calls=calls)
    if counts.failed:
        list_failures(folder / "failures.jsonl", counts.failed)
    if journal.changed:
        say(f"{journal.changed:,} of the documents had another text before and were done anew")
    if journal.kept:
        say(f"{journal.kept:,} of the documents are no longer in the input; --fresh drops them")
    if stopped is None:
        say(str(folder / "extractions.jsonl"))
    else:
        goes_on = f" What is done is in {folder}; the same command goes on from there." if _answered(counts) else ""
        say(f"extractor: {stopped}{goes_on}")


def _complete(
    task: _Task, sink: "BulkSink", watch: "Watch", stop: "Stop", beat: "Callable[[], None]" = lambda: None, *, in_order: bool
) -> "JobError | None":
    """Run a job to its end, or return what no later document could have done without. `beat` is called once a second."""
    import asyncio

    from extractor.errors import JobError
    from extractor.jobs.ahead import Ahead
    from extractor.jobs.local import run_job

    async def beats() -> None:
        while True:
            await asyncio.sleep(_BEAT)
            beat()

    async def job() -> bool:
        beating = asyncio.create_task(beats())
        try:
            return await work()
        finally:
            beating.cancel()

    async def work() -> bool:
        async with task.chosen as labeller:
            if task.workers > 1:
                from extractor.jobs.workers import run_workers

                return await run_workers(task.items, task.workers, sink, watch, stop, in_order=in_order)
            # In order, one slow answer holds back those after it; else there need only be a few more than calls.
            few = task.chosen.concurrency + task.chosen.concurrency // 4 + 1
            window = task.chosen.window if in_order or task.chosen.client is None else few
            items = Ahead(task.items) if task.beside else task.items
            return await run_job(items, labeller, sink, watch, window, in_order=in_order, stop=stop)

    stop.in_vain = lambda: any(client.limiter.away for client in task.chosen.clients)
    with asyncio.Runner() as runner:
        try:
            whole = runner.run(job())
        except JobError as error:
            return error
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    if not whole:
        raise KeyboardInterrupt
    return None


@contextmanager
def mishaps(target: str, interrupted: str) -> Iterator[None]:
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
