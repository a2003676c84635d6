"""`extractor batch` and `extractor run --batch`: a job through its provider's batch endpoint, at half the price."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from extractor.cli import options
from extractor.cli.codes import ALL_DONE, DONE_WITH_FAILURES
from extractor.cli.job_options import JobOptions
from extractor.cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from extractor.jobs.batch import BatchJob
    from extractor.jobs.batch_folder import Part, Plan, Store
    from extractor.jobs.counts import Counts
    from extractor.jobs.journal import Job, Journal
    from extractor.labelling.models import Chosen, ModelOptions
    from extractor.llm.failures import JobError
    from extractor.sources import BadRecord, Sourced

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
        typer.echo(_waiting(folder, plan.queued))


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
    _go_on(folder, _fetch_and_write, retry_online)


@batch.command("cancel")
def cancel(folder: Folder) -> None:
    """Stop the batches of a job. What was answered by then is billed, and can be collected.

    Example: extractor batch cancel claims
    """
    _go_on(folder, _cancel, False)


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
        job, items, chosen = _job(JobOptions(tuple(inputs), asked, fields, batch=True))
        async with _begun(store, chosen, needs_key=False) as life:
            return await _planned(life, job, items, asked, fresh=False, try_one=False)

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
    _go_on(folder, _written, retry_online)


def run_in_batches(
    folder: Path,
    job: "Job",
    items: "Iterable[Sourced | BadRecord]",
    chosen: "Chosen",
    asked: "ModelOptions",
    *,
    fresh: bool,
    retry_online: bool,
    to_the_end: bool = True,
) -> "tuple[Counts, JobError | None]":
    """Send a job in batches; `to_the_end` waits for them and writes the records. Goes on where an earlier run stopped.

    Returns the counts of the folder, and what stopped the job if it was stopped.
    """
    from extractor.cli.run import report
    from extractor.errors import UsageError
    from extractor.jobs.batch_folder import Store
    from extractor.jobs.journal import Journal
    from extractor.llm.failures import JobError

    began = monotonic()
    if chosen.client is None:
        raise UsageError("The built-in rules need no batches. Run without --batch, or name a --model.")
    if asked.votes > 1:
        raise UsageError(
            "A batch holds each question once, so it cannot be put to the vote. Run without --batch, or without --votes."
        )
    store = Store(folder)

    async def life() -> "tuple[Journal, JobError | None]":
        async with _begun(store, chosen) as step:
            plan = None
            try:
                plan = await _planned(step, job, items, asked, fresh=fresh, try_one=True)
                if plan.model["max_cost"] != asked.max_cost:
                    plan.model["max_cost"] = asked.max_cost
                    store.save(plan)
                if not to_the_end:
                    await step.look(plan)  # what was refused meanwhile is sent anew
                spent = Journal(folder, plan.job).look().spent
                await step.submit(plan, spent)
                if not to_the_end:
                    return Journal(folder, job).look(), None
                await step.wait(plan, spent)
            except JobError as error:
                if plan is not None and any(part.collected and not part.written for part in plan.batches):
                    await _written(step, plan, retry_online)
                return Journal(folder, job).look(), error
            return await _written(step, plan, retry_online)

    goes_on = (
        f"Interrupted: what was sent goes on at the provider. Run the same command again, or `extractor batch status {folder}`."
    )
    with store.locked():
        journal, stopped = _guarded(folder, life(), goes_on)
    if to_the_end or stopped is not None:
        report(folder, journal, stopped, monotonic() - began, calls=True)
    return journal.counts, stopped


def _send(folder: Path, asked: JobOptions, fresh: bool) -> NoReturn:
    from extractor.cli.run import exit_code
    from extractor.jobs.batch_folder import Store

    job, items, chosen = _job(asked)
    counts, stopped = run_in_batches(folder, job, items, chosen, asked.model, fresh=fresh, retry_online=False, to_the_end=False)
    if stopped is not None:
        raise typer.Exit(exit_code(counts, stopped))
    queued = Store(folder).need().queued
    if queued:
        say(_waiting(folder, queued))
    say(f"Look at them with `extractor batch status {folder}`, fetch the answers with `extractor batch collect {folder}`.")
    raise typer.Exit(DONE_WITH_FAILURES if queued else ALL_DONE)


def _waiting(folder: Path, queued: int) -> str:
    return f"{queued:,} requests wait for room at the provider; `extractor batch collect {folder}` sends what has room then."


def _job(asked: JobOptions) -> "tuple[Job, Iterable[Sourced | BadRecord], Chosen]":
    import sys

    from extractor.labelling.models import choose
    from extractor.sources import read

    chosen = choose(asked.model, say)
    return asked.job(chosen), read(list(asked.inputs), asked.names, sys.stdin.buffer), chosen


@asynccontextmanager
async def _begun(store: "Store", chosen: "Chosen", *, needs_key: bool = True) -> "AsyncIterator[BatchJob]":
    """A job's batches, with the model and the connections open."""
    from pydantic import SecretStr

    from extractor.errors import UsageError
    from extractor.jobs.batch import BatchJob
    from extractor.llm.batch import service_for

    if chosen.client is None:
        raise UsageError("The built-in rules need no batches. Name a --model.")
    service = service_for(chosen.client.endpoint, None if needs_key else SecretStr("none"))
    try:
        async with chosen:
            yield BatchJob(store, chosen, service, say)
    finally:
        await service.close()


async def _planned(
    life: "BatchJob",
    job: "Job",
    items: "Iterable[Sourced | BadRecord]",
    asked: "ModelOptions",
    *,
    fresh: bool,
    try_one: bool,
) -> "Plan":
    """The job's open plan, or a new one."""
    from dataclasses import asdict

    from extractor.errors import UsageError
    from extractor.jobs.journal import Journal

    store = life.store
    plan = store.load()
    if plan is not None and fresh and any(part.is_open for part in plan.batches):
        raise UsageError(f"{store.job} has batches under way. Run `extractor batch cancel {store.job}` first.")
    if plan is None or plan.closed or fresh:
        model = {**asdict(asked), "base_url": life.endpoint.base_url, "prompt": asked.prompt is not None}
        with Journal(store.job, job, fresh=fresh) as journal:
            return await life.plan(items, journal, model, asked.prompt, try_one)
    Journal(store.job, job).look()  # refuses another job's folder
    if try_one and any(part.state == "exported" for part in plan.pending):
        fix = f"Import them with `extractor batch import {store.job} RESULTS`, or start over with --fresh."
        raise UsageError(f"The requests of {store.job} were exported and wait for their results. {fix}")
    say(f"going on with the {plan.documents:,} documents that were read before")
    return plan


async def _written(life: "BatchJob", plan: "Plan", online: bool) -> "tuple[Journal, JobError | None]":
    from extractor.jobs.journal import Journal
    from extractor.llm.failures import JobError

    stopped = None
    with Journal(life.store.job, plan.job) as journal:
        try:
            await life.write(plan, journal, online)
        except JobError as error:
            stopped = error
    return journal, stopped


async def _fetch_and_write(life: "BatchJob", plan: "Plan", online: bool) -> "tuple[Journal, JobError | None]":
    from extractor.jobs.journal import Journal
    from extractor.llm.failures import JobError

    await life.fetch(plan)
    journal, stopped = await _written(life, plan, online)
    if stopped is None and plan.queued:
        try:
            await life.submit(plan, Journal(life.store.job, plan.job).look().spent)
        except JobError as error:
            stopped = error
    return journal, stopped


async def _cancel(life: "BatchJob", plan: "Plan", online: bool) -> None:  # noqa: ARG001 (a step like the others)
    await life.cancel(plan)


def _go_on(folder: Path, step: Any, online: bool) -> None:
    """Take a step with a job that has its batches, and leave with its code."""
    from extractor.cli.run import exit_code, report
    from extractor.jobs.batch_folder import Store
    from extractor.labelling.models import choose

    began = monotonic()
    store = Store(folder)
    store.need()  # before the lock makes the folder
    with store.locked():
        plan = store.need()
        chosen = choose(store.options(plan), say)

        async def life() -> Any:
            needs_key = online or bool(plan.queued) or any(part.is_open for part in plan.batches)
            async with _begun(store, chosen, needs_key=needs_key) as begun:
                return await step(begun, plan, online)

        done = _guarded(folder, life(), f"Interrupted: {folder} is as the last whole step left it. Run the same command again.")
    if done is None:
        return
    journal, stopped = done
    if plan.pending and stopped is None:
        waiting = sum(part.requests for part in plan.pending)
        say(f"{journal.counts.extracted:,} documents are written; {waiting:,} requests are not answered yet. Collect later.")
        if plan.queued:
            say(_waiting(folder, plan.queued))
        raise typer.Exit(DONE_WITH_FAILURES)
    report(folder, journal, stopped, monotonic() - began, calls=True)
    raise typer.Exit(exit_code(journal.counts, stopped))


def _guarded(folder: Path, life: "Coroutine[Any, Any, Any]", interrupted: str) -> Any:
    import asyncio

    from extractor.cli.run import mishaps

    with mishaps(str(folder), interrupted):
        return asyncio.run(life)
