"""What `extractor batch` does step by step and `extractor run --batch` from end to end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import typer

from extractor.cli.codes import DONE_WITH_FAILURES
from extractor.cli.job_options import JobOptions
from extractor.cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from extractor.errors import JobError
    from extractor.jobs.batch import BatchJob
    from extractor.jobs.batch_folder import Plan, Store
    from extractor.jobs.counts import Counts
    from extractor.jobs.journal import Job, Journal
    from extractor.labelling.models import Chosen, ModelOptions
    from extractor.sources import BadRecord, Sourced


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
    from extractor.errors import JobError, UsageError
    from extractor.jobs.batch_folder import Store
    from extractor.jobs.journal import Journal

    began = monotonic()
    if chosen.client is None:
        raise UsageError("The built-in rules need no batches. Run without --batch, or name a --model.")
    if asked.votes > 1:
        raise UsageError(
            "A batch holds each question once, so it cannot be put to the vote. Run without --batch, or without --votes."
        )
    store = Store(folder)

    async def life() -> "tuple[Journal, JobError | None]":
        async with begun(store, chosen) as step:
            plan = None
            try:
                plan = await planned(step, job, items, asked, fresh=fresh, try_one=True)
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
                    await written(step, plan, retry_online)
                return Journal(folder, job).look(), error
            return await written(step, plan, retry_online)

    goes_on = (
        f"Interrupted: what was sent goes on at the provider. Run the same command again, or `extractor batch status {folder}`."
    )
    with store.locked():
        journal, stopped = _guarded(folder, life(), goes_on)
    if to_the_end or stopped is not None:
        report(folder, journal, stopped, monotonic() - began, calls=True)
    return journal.counts, stopped


def no_room_yet(folder: Path, queued: int) -> str:
    """How many requests wait for room in the provider's queue, and what sends them."""
    return f"{queued:,} requests wait for room at the provider; `extractor batch collect {folder}` sends what has room then."


def job_of(asked: JobOptions) -> "tuple[Job, Iterable[Sourced | BadRecord], Chosen]":
    """The job that was asked for, its input and its model."""
    import sys

    from extractor.labelling.models import choose
    from extractor.sources import read

    chosen = choose(asked.model, say)
    return asked.job(chosen), read(list(asked.inputs), asked.names, sys.stdin.buffer), chosen


@asynccontextmanager
async def begun(store: "Store", chosen: "Chosen", *, needs_key: bool = True) -> "AsyncIterator[BatchJob]":
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


async def planned(
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


async def written(life: "BatchJob", plan: "Plan", online: bool) -> "tuple[Journal, JobError | None]":
    """The step that writes the records of what is here."""
    from extractor.errors import JobError
    from extractor.jobs.journal import Journal

    stopped = None
    with Journal(life.store.job, plan.job) as journal:
        try:
            await life.write(plan, journal, online)
        except JobError as error:
            stopped = error
    return journal, stopped


async def fetch_and_write(life: "BatchJob", plan: "Plan", online: bool) -> "tuple[Journal, JobError | None]":
    """The step that fetches and writes what is answered, and sends what has room then."""
    from extractor.errors import JobError
    from extractor.jobs.journal import Journal

    await life.fetch(plan)
    journal, stopped = await written(life, plan, online)
    if stopped is None and plan.queued:
        try:
            await life.submit(plan, Journal(life.store.job, plan.job).look().spent)
        except JobError as error:
            stopped = error
    return journal, stopped


async def cancelled(life: "BatchJob", plan: "Plan", online: bool) -> None:  # noqa: ARG001 (a step like the others)
    """The step that stops all that is under way."""
    await life.cancel(plan)


def go_on(folder: Path, step: Any, online: bool) -> None:
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
            async with begun(store, chosen, needs_key=needs_key) as opened:
                return await step(opened, plan, online)

        done = _guarded(folder, life(), f"Interrupted: {folder} is as the last whole step left it. Run the same command again.")
    if done is None:
        return
    journal, stopped = done
    if plan.pending and stopped is None:
        waiting = sum(part.requests for part in plan.pending)
        say(f"{journal.counts.extracted:,} documents are written; {waiting:,} requests are not answered yet. Collect later.")
        if plan.queued:
            say(no_room_yet(folder, plan.queued))
        raise typer.Exit(DONE_WITH_FAILURES)
    report(folder, journal, stopped, monotonic() - began, calls=True)
    raise typer.Exit(exit_code(journal.counts, stopped))


def _guarded(folder: Path, life: "Coroutine[Any, Any, Any]", interrupted: str) -> Any:
    import asyncio

    from extractor.cli.run import mishaps

    with mishaps(str(folder), interrupted):
        return asyncio.run(life)
