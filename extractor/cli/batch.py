"""`extractor batch`: a job through its provider's batch endpoint, at half the price."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from extractor.cli import batch_steps as steps
from extractor.cli import options
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES
from extractor.cli.job_options import JobOptions
from extractor.cli.terminal import say

if TYPE_CHECKING:
    from extractor.jobs.batch_folder import Part, Plan

batch = typer.Typer(
    help="""Send a job through its provider's batch endpoint, at half the price and within a day.

    `extractor run --batch` does it all and waits; here are its steps. All state is in the job's folder, so another machine
    can go on with a copy of it and the key. Providers: openai and what speaks its API (--base-url), azure, anthropic.

    Example: extractor batch submit abstracts.txt -o claims --model openai/gpt-4o-mini

    Example: extractor batch collect claims
    """,
    no_args_is_help=True,
)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The job's folder.", show_default=False)]


@batch.command("submit")
def submit(
    inputs: options.Inputs,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", envvar="EXTRACTOR_OUTPUT", help="The job's folder.")],
    model: options.Model,
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    narrow_schema: options.NarrowSchema = options.Narrow.auto,
    price: options.Price = None,
    max_cost: options.MaxCost = None,
    no_cache: options.NoCache = False,
    fields: options.Fields = "",
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
        narrow=narrow_schema.value,
        price=price,
        max_cost=max_cost,
        cache=not no_cache,
    )
    _send(output, JobOptions(tuple(inputs), asked, fields, batch=True), fresh)


@batch.command("status")
def status(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", envvar="EXTRACTOR_JSON", help="Print JSON instead.")] = False,
) -> None:
    """Show how far the batches of a job are. Changes nothing.

    Example: extractor batch status claims
    """
    import asyncio
    from dataclasses import asdict

    from extractor.jobs.batch_folder import Store

    store = Store(folder)
    plan = store.need()
    if any(part.is_open for part in plan.batches):
        asyncio.run(_look(plan))
    if as_json:
        rows = [{**asdict(part), "outputs": len(part.outputs)} for part in plan.batches]
        typer.echo(json.dumps({"documents": plan.documents, "finished": plan.closed, "batches": rows}, indent=1))
        return
    typer.echo(f"{'batch':>5}  {'state':<12}{'requests':>10}{'answered':>10}{'failed':>8}  id")
    for part in plan.batches:
        figures = f"{part.requests:>10,}{part.completed:>10,}{part.failed:>8,}"
        typer.echo(f"{part.number:>5}  {part.state.replace('_', ' '):<12}{figures}  {part.id or '-'}{_asides(part)}")
    waiting = sum(part.requests for part in plan.pending)
    typer.echo(f"{plan.documents:,} documents, {waiting:,} requests not collected yet")
    if plan.queued:
        typer.echo(steps.no_room_yet(folder, plan.queued))


def _asides(part: "Part") -> str:
    return (", collected" if part.collected else "") + (f" ({part.cause})" if part.cause else "")


async def _look(plan: "Plan") -> None:
    """Bring the plan up to date, in memory alone."""
    from extractor.jobs.batch_queue import take
    from extractor.llm.batch import service_for
    from extractor.llm.endpoints import resolve

    service = service_for(resolve(plan.model["model"], plan.model["base_url"]))
    try:
        for part in plan.batches:
            if part.is_open and part.id is not None:
                take(plan, part, await service.look(part.id))
    finally:
        await service.close()


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
    steps.go_on(folder, steps.fetch_and_write, retry_online)


@batch.command("cancel")
def cancel(folder: Folder) -> None:
    """Stop the batches of a job. What was answered by then is billed, and can be collected.

    Example: extractor batch cancel claims
    """
    steps.go_on(folder, steps.cancelled, False)


@batch.command("export")
def export(
    folder: Folder,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT", help="For a new job: files, folders or globs.", show_default=False),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            envvar="EXTRACTOR_REQUESTS",
            help="The requests file; several get a number each: -o ask.jsonl.",
        ),
    ] = Path("requests.jsonl"),
    model: options.Model = "rules",
    base_url: options.BaseUrl = None,
    prompt: options.Prompt = None,
    narrow_schema: options.NarrowSchema = options.Narrow.auto,
    price: options.Price = None,
    fields: options.Fields = "",
) -> None:
    """Write the requests of a job to a file, for a place without a connection to the provider.

    Nothing is sent, and no key is needed. A new job needs its inputs and its model; they are read into its folder. Upload the
    file where there is a connection, and bring the results back with `extractor batch import`.

    Example: extractor batch export claims abstracts.txt --model openai/gpt-4o-mini -o requests.jsonl
    """
    import asyncio

    from extractor.jobs.batch import export as write_requests
    from extractor.jobs.batch_folder import Store
    from extractor.labelling.models import ModelOptions

    store = Store(folder)
    asked = ModelOptions(model=model, base_url=base_url, prompt=prompt, narrow=narrow_schema.value, price=price)

    async def planned() -> "Plan":
        if not inputs:
            return store.need()
        job, items, chosen = steps.job_of(JobOptions(tuple(inputs), asked, fields, batch=True))
        async with steps.begun(store, chosen, needs_key=False) as life:
            return await steps.planned(life, job, items, asked, fresh=False, try_one=False)

    with store.locked():
        plan = asyncio.run(planned())
        for file in write_requests(store, plan, output) if plan.pending or not inputs else ():
            typer.echo(str(file))
    say(f"{sum(part.requests for part in plan.pending):,} requests for {plan.documents:,} documents")


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
    from extractor.errors import UsageError
    from extractor.jobs.batch_folder import Store
    from extractor.jobs.batch_results import import_results

    store = Store(folder)
    plan = store.need()
    if missing := [str(file) for file in results if not file.is_file()]:
        raise UsageError(f"{missing[0]} does not exist. Name the results files of the provider.")
    with store.locked():
        for file in results:
            say(f"{file}: {import_results(store, plan, file):,} results")
    steps.go_on(folder, steps.written, retry_online)


def _send(folder: Path, asked: JobOptions, fresh: bool) -> NoReturn:
    from extractor.cli.run import exit_code
    from extractor.jobs.batch_folder import Store

    job, items, chosen = steps.job_of(asked)
    counts, stopped = steps.run_in_batches(
        folder, job, items, chosen, asked.model, fresh=fresh, retry_online=False, to_the_end=False
    )
    if stopped is not None:
        raise typer.Exit(exit_code(counts, stopped))
    queued = Store(folder).need().queued
    if queued:
        say(steps.no_room_yet(folder, queued))
    say(f"Look at them with `extractor batch status {folder}`, fetch the answers with `extractor batch collect {folder}`.")
    raise typer.Exit(DONE_WITH_FAILURES if queued else ALL_DONE)
