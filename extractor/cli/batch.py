"""`extractor batch`: a job through its provider's batch endpoint, at half the price."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES
from extractor.cli.commands import Commands
from extractor.cli.run import STREAM, sent_goes_on
from extractor.cli.terminal import leave, mishaps, out, say, width
from extractor.errors import UsageError

if TYPE_CHECKING:
    from extractor.jobs.batch.plan import PlannedBatch
    from extractor.jobs.job import Outcome
    from extractor.jobs.runner import Runner
    from extractor.labelling.models import ModelOptions

batch = Commands(
    help="""Send a job in batches, at half the price and within a day.

    `extractor run --batch` sends a job through its provider's batch endpoint and waits; here are its steps. All state is in
    the job's folder, so another machine can go on with a copy of it and the key. Providers: openai and what speaks its API
    (--base-url), azure, anthropic.

    Example: extractor batch submit abstracts.txt -o claims --model openai/gpt-4o-mini

    Example: extractor batch collect claims
    """
)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The job's folder.", show_default=False)]


@batch.command("submit")
def submit(
    inputs: options.Inputs,
    output: options.Output = Path("claims"),
    model: options.Model = "rules",
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    narrow_schema: options.NarrowSchema = "auto",
    price: options.Price = None,
    max_cost: options.MaxCost = None,
    max_output_tokens: options.MaxOutputTokens = None,
    fallback: options.Fallback = None,
    when_unsure: options.WhenUnsure = None,
    no_cache: options.NoCache = False,
    fields: options.Fields = "",
    keep: options.Keep = None,
    as_format: options.Format = None,
    max_characters: options.MaxCharacters = options.MAX_CHARACTERS,
    fresh: options.Fresh = False,
) -> None:
    """Send the questions of a job and come back at once.

    The first abstract is asked online, so that a wrong key, model or setting shows at once. What needs no call, or has its
    reply in the cache, is written at once. The same command again sends what is not sent yet, and nothing twice. What the
    provider's queue has no room for waits in the folder.

    Example: extractor batch submit abstracts.txt -o claims --model openai/gpt-4o-mini --max-cost 5

    Exit codes: 0 all is sent, 1 nothing could be sent, 2 wrong usage, 3 sent in part.
    """
    from extractor.labelling.models import ModelOptions

    asked = ModelOptions(
        model=model,
        base_url=base_url,
        prompt=prompt,
        narrow=narrow_schema,
        price=price,
        max_cost=max_cost,
        max_output_tokens=max_output_tokens,
        fallbacks=tuple(fallback or ()),
        when_unsure=when_unsure,
        cache=not no_cache,
    )
    if str(output) == STREAM:
        raise UsageError("Batches need a folder to keep their state in. Name one with -o.")
    runner = _runner(inputs, asked, fields, keep, as_format, max_characters)
    interrupted = sent_goes_on(output)
    with mishaps(str(output), interrupted):
        outcome = runner.run(output, fresh=fresh, to_the_end=False)
    if outcome.stopped is not None:
        leave(outcome, output, interrupted)
    if outcome.queued:
        say(_no_room_yet(output, outcome.queued))
    say(f"Look at them with `extractor batch status {output}`, fetch the answers with `extractor batch collect {output}`.")
    raise typer.Exit(DONE_WITH_FAILURES if outcome.queued else ALL_DONE)


def _runner(
    inputs: list[str], asked: "ModelOptions", fields: str, keep: list[str] | None, as_format: str | None, max_characters: int
) -> "Runner":
    from extractor.jobs.job import Job
    from extractor.jobs.runner import Runner

    job = Job(tuple(inputs), asked, fields, batch=True, keep=tuple(keep or ()), format=as_format, max_characters=max_characters)
    return Runner(job, say, stdin=sys.stdin.buffer)


@batch.command("status")
def status(folder: Folder, as_json: options.Json = False) -> None:
    """Show how far the batches of a job are. Changes nothing.

    Example: extractor batch status claims
    """
    from dataclasses import asdict

    from extractor.cli.table import table
    from extractor.jobs.batch.steps import look

    plan = look(folder)
    if as_json:
        batches = [{**asdict(each), "outputs": len(each.outputs)} for each in plan.batches]
        typer.echo(json.dumps({"documents": plan.documents, "finished": plan.closed, "batches": batches}, indent=1))
        return
    rows = [
        (
            str(each.number),
            each.state.replace("_", " "),
            *(f"{figure:,}" for figure in (each.requests, each.completed, each.failed)),
            f"{each.id or '-'}{_asides(each)}",
        )
        for each in plan.batches
    ]
    for lines in table(("batch", "state", "requests", "answered", "failed", "id"), rows, width(), right={0, 2, 3, 4}):
        for line in lines:
            out(line)
    waiting = sum(each.requests for each in plan.pending)
    out(f"{plan.documents:,} documents, {waiting:,} requests not collected yet")
    if plan.queued:
        out(_no_room_yet(folder, plan.queued))


def _asides(planned: "PlannedBatch") -> str:
    return (", collected" if planned.collected else "") + (f" ({planned.cause})" if planned.cause else "")


def _no_room_yet(folder: Path, queued: int) -> str:
    """How many requests wait for room in the provider's queue, and what sends them."""
    return f"{queued:,} requests wait for room at the provider; `extractor batch collect {folder}` sends what has room then."


@batch.command("collect")
def collect(folder: Folder, retry_online: options.RetryOnline = False) -> None:
    """Write the records of what is answered by now.

    Batches under way are left for later, and what waits for room in the provider's queue is sent. Abstracts without an
    answer (expired, cancelled, refused) and those whose answer does not fit become failures; what is wrong in part is
    rejected and the rest kept. With --retry-online they are asked again by calls, at the usual price.

    Example: extractor batch collect claims

    Example: extractor batch collect claims --retry-online

    Exit codes: 0 all done, 1 nothing could be done, 2 wrong usage, 3 done with failures or not all collected yet.
    """
    from extractor.jobs.batch import steps

    with mishaps(str(folder), _as_it_was(folder)):
        outcome = steps.collect(folder, say, online=retry_online)
    _leave(outcome, folder)


@batch.command("cancel")
def cancel(folder: Folder) -> None:
    """Stop the batches of a job. What was answered by then is billed, and can be collected.

    Example: extractor batch cancel claims
    """
    from extractor.jobs.batch import steps

    with mishaps(str(folder), _as_it_was(folder)):
        steps.cancel(folder, say)


@batch.command("export")
def export(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT", help="For a new job: files, folders or globs; - reads standard input.", show_default=False
        ),
    ] = None,
    output: options.Output = Path("claims"),
    requests: Annotated[
        Path,
        options.option(
            "--requests", metavar="FILE", help="Where the requests go; those of several batches get a number each: ask.jsonl."
        ),
    ] = Path("requests.jsonl"),
    model: options.Model = "rules",
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    narrow_schema: options.NarrowSchema = "auto",
    price: options.Price = None,
    max_output_tokens: options.MaxOutputTokens = None,
    fallback: options.Fallback = None,
    when_unsure: options.WhenUnsure = None,
    no_cache: options.NoCache = False,
    fields: options.Fields = "",
    keep: options.Keep = None,
    as_format: options.Format = None,
    max_characters: options.MaxCharacters = options.MAX_CHARACTERS,
    fresh: options.Fresh = False,
) -> None:
    """Write the requests to a file, to be sent from elsewhere.

    For a place without a connection to the provider: nothing is sent, and no key is needed. A new job takes its inputs and
    options as `extractor run` does; one that has its batches already needs its folder only. Upload the file where there is
    a connection, and bring the results back with `extractor batch import`.

    Example: extractor batch export abstracts.txt -o claims --model openai/gpt-4o-mini

    Example: extractor batch export -o claims --requests ask.jsonl
    """
    from extractor.jobs.batch import steps
    from extractor.labelling.models import ModelOptions

    asked = ModelOptions(
        model=model,
        base_url=base_url,
        prompt=prompt,
        narrow=narrow_schema,
        price=price,
        max_output_tokens=max_output_tokens,
        fallbacks=tuple(fallback or ()),
        when_unsure=when_unsure,
        cache=not no_cache,
    )
    new = _runner(inputs, asked, fields, keep, as_format, max_characters).new_job() if inputs else None
    files, plan = steps.export(output, requests, new, fresh=fresh)
    for file in files:
        typer.echo(str(file))
    say(f"{sum(each.requests for each in plan.pending):,} requests for {plan.documents:,} documents")


@batch.command("import")
def import_(
    folder: Folder,
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS", help="Results files of the provider.", show_default=False)
    ],
    retry_online: options.RetryOnline = False,
) -> None:
    """Read results that came by file, and write the records.

    Takes what OpenAI and Anthropic give for the requests of the job: output and error files, in any order. Abstracts of a
    batch without a line in the files become failures until another import brings it.

    Example: extractor batch import claims results.jsonl errors.jsonl
    """
    from extractor.jobs.batch import steps

    with mishaps(str(folder), _as_it_was(folder)):
        outcome = steps.take_in(folder, results, say, online=retry_online)
    _leave(outcome, folder)


def _as_it_was(folder: Path) -> str:
    return f"Interrupted: {folder} is as the last whole step left it. Run the same command again."


def _leave(outcome: "Outcome", folder: Path) -> NoReturn:
    """Leave with the exit code of a job in batches, which may not be answered to the end yet."""
    if outcome.waiting and outcome.stopped is None:
        told = f"{outcome.waiting:,} requests are not answered yet. Collect later."
        say(f"{outcome.counts.extracted:,} documents are written; {told}")
        if outcome.queued:
            say(_no_room_yet(folder, outcome.queued))
        raise typer.Exit(DONE_WITH_FAILURES)
    leave(outcome, folder, _as_it_was(folder))
