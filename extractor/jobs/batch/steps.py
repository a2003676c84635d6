"""The steps of a job in batches, each from its folder: planned, sent, looked at, collected, cancelled, exported, imported."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import SecretStr

from extractor.documents import Document
from extractor.errors import JobError, UsageError
from extractor.jobs.batch.batches import Batches
from extractor.jobs.batch.plan import Plan, PlannedBatch, PlannedDocument, take
from extractor.jobs.batch.store import Store, export_requests, import_results
from extractor.jobs.flow import Item, run_job
from extractor.jobs.job import Job, Outcome, written_whole
from extractor.jobs.journal import Journal
from extractor.labelling.models import Chosen, Labelling, choose
from extractor.llm.batch import PRICE, BatchService, service_for
from extractor.llm.endpoints import resolve
from extractor.sources import BadRecord, Sourced
from extractor.spotting import spot

Notice = Callable[[str], None]
"""Gets what a user should know, one line each."""
_Done = tuple[Journal, JobError | None]
_ROUND_OFF = 1_000
"""Bytes that a batch stays below its provider's limit, for what is around the requests."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that may have no folder yet: as it was asked for, who labels it, its input, who is told of it."""

    job: Job
    chosen: Chosen
    items: Iterable[Item]
    notice: Notice


def send(folder: Path, new: NewJob, *, fresh: bool = False, to_the_end: bool = True) -> Outcome:
    """Send a job in batches; `to_the_end` waits for them and writes the records. Goes on where an earlier run stopped.

    Raises `UsageError` for a job that no batch can do, and for a folder that is another job's or in use.
    """
    began = monotonic()
    job, chosen, store = new.job, new.chosen, Store(folder)
    if not chosen.calls:
        raise UsageError("The built-in rules need no batches. Run without --batch, or name a --model.")
    if job.model.votes > 1:
        raise UsageError(
            "A batch holds each question once, so it cannot be put to the vote. Run without --batch, or without --votes."
        )

    async def sent() -> tuple[Plan | None, _Done]:
        async with _opened(store, chosen, new.notice) as batches:
            plan = None
            try:
                plan = await _plan(batches, new, fresh=fresh, try_one=True)
                if plan.model["max_cost"] != job.model.max_cost:
                    plan.model["max_cost"] = job.model.max_cost
                    store.save(plan)
                if not to_the_end:
                    await batches.look(plan)  # what was refused meanwhile is sent anew
                spent = _journal(store, plan).look().spent
                await batches.submit(plan, spent)
                if not to_the_end:
                    return plan, (_journal(store, plan).look(), None)
                await batches.wait(plan, spent)
            except JobError as error:
                if plan is not None and any(batch.collected and not batch.written for batch in plan.batches):
                    await _write(batches, plan, job.retry_online)
                return plan, (Journal(folder, job, chosen.settings).look(), error)
            return plan, await _write(batches, plan, job.retry_online)

    with store.locked():
        plan, done = asyncio.run(sent())
    return _outcome(done, plan, began)


def collect(folder: Path, notice: Notice, *, online: bool) -> Outcome:
    """Write the records of what is answered by now, and send what has room then. `online` asks for the rest by calls."""

    async def step(batches: Batches, plan: Plan) -> _Done:
        await batches.fetch(plan)
        journal, stopped = await _write(batches, plan, online)
        if stopped is None and plan.queued:
            try:
                await batches.submit(plan, _journal(batches.store, plan).look().spent)
            except JobError as error:
                stopped = error
        return journal, stopped

    return _go_on(folder, notice, step, online)


def cancel(folder: Path, notice: Notice) -> Outcome:
    """Stop the batches of a job. What was answered by then can be collected."""

    async def step(batches: Batches, plan: Plan) -> _Done:
        await batches.cancel(plan)
        return _journal(batches.store, plan).look(), None

    return _go_on(folder, notice, step, False)


def take_in(folder: Path, files: Sequence[Path], notice: Notice, *, online: bool) -> Outcome:
    """Take results that came by file, and write the records. Raises `UsageError` for a file that does not exist."""
    store = Store(folder)
    plan = store.need()
    if missing := [str(file) for file in files if not file.is_file()]:
        raise UsageError(f"{missing[0]} does not exist. Name the results files of the provider.")
    with store.locked():
        for file in files:
            notice(f"{file}: {import_results(store, plan, file):,} results")

    async def step(batches: Batches, plan: Plan) -> _Done:
        return await _write(batches, plan, online)

    return _go_on(folder, notice, step, online)


def export(folder: Path, target: Path, new: NewJob | None = None, *, fresh: bool = False) -> tuple[list[Path], Plan]:
    """Write the requests that are not sent to files, one a batch, for a place without a connection to the provider.

    A `new` job is planned first; `fresh` drops what the folder holds of earlier runs. Raises `UsageError` where all are sent.
    """
    store = Store(folder)

    async def planned(new: NewJob) -> Plan:
        async with _opened(store, new.chosen, new.notice, needs_key=False) as batches:
            return await _plan(batches, new, fresh=fresh, try_one=False)

    if new is None:
        store.need()  # before the lock makes the folder
    with store.locked():
        plan = store.need() if new is None else asyncio.run(planned(new))
        return (export_requests(store, plan, target) if plan.pending or new is None else []), plan


def look(folder: Path) -> Plan:
    """The batches of a job as their provider has them now. Nothing is written."""
    plan = Store(folder).need()

    async def looked() -> None:
        service = service_for(resolve(plan.model["model"], plan.model["base_url"]))
        try:
            for batch in plan.batches:
                if batch.is_open and batch.id is not None:
                    take(plan, batch, await service.look(batch.id))
        finally:
            await service.close()

    if any(batch.is_open for batch in plan.batches):
        asyncio.run(looked())
    return plan


def _go_on(folder: Path, notice: Notice, step: Callable[[Batches, Plan], Awaitable[_Done]], online: bool) -> Outcome:
    """Take a step with a job that has its batches."""
    began = monotonic()
    store = Store(folder)
    store.need()  # before the lock makes the folder
    with store.locked():
        plan = store.need()
        chosen = choose(store.options(plan), notice)

        async def stepped() -> _Done:
            needs_key = online or bool(plan.queued) or any(batch.is_open for batch in plan.batches)
            async with _opened(store, chosen, notice, needs_key=needs_key) as batches:
                return await step(batches, plan)

        return _outcome(asyncio.run(stepped()), plan, began)


@asynccontextmanager
async def _opened(store: Store, chosen: Chosen, notice: Notice, *, needs_key: bool = True) -> AsyncIterator[Batches]:
    """A job's batches, with the connection to their provider."""
    if not chosen.calls:
        raise UsageError("The built-in rules need no batches. Name a --model.")
    service = service_for(chosen.endpoint, None if needs_key else SecretStr("none"))
    try:
        yield Batches(store, chosen, service, notice)
    finally:
        await service.close()


async def _plan(batches: Batches, new: NewJob, *, fresh: bool, try_one: bool) -> Plan:
    """The job's open plan, or a new one."""
    store, job, settings = batches.store, new.job, new.chosen.settings
    plan = store.load()
    if plan is not None and fresh and any(batch.is_open for batch in plan.batches):
        raise UsageError(f"{store.job} has batches under way. Run `extractor batch cancel {store.job}` first.")
    if plan is None or plan.closed or fresh:
        with Journal(store.job, job, settings, fresh=fresh) as journal:
            return await make_plan(new.items, journal, store, new.chosen, batches.service, try_one=try_one)
    Journal(store.job, job, settings).look()  # refuses another job's folder
    if try_one and any(batch.state == "exported" for batch in plan.pending):
        fix = f"Import them with `extractor batch import {store.job} RESULTS`, or start over with --fresh."
        raise UsageError(f"The requests of {store.job} were exported and wait for their results. {fix}")
    batches.notice(f"going on with the {plan.documents:,} documents that were read before")
    return plan


async def _write(batches: Batches, plan: Plan, online: bool) -> _Done:
    """Write the records of what is here."""
    with _journal(batches.store, plan) as journal:
        try:
            await batches.write(plan, journal, online)
        except JobError as error:
            journal.stopped = str(error)
            return journal, error
    return journal, None


def _journal(store: Store, plan: Plan) -> Journal:
    return Journal(store.job, plan.job, plan.asking)


def _outcome(done: _Done, plan: Plan | None, began: float) -> Outcome:
    journal, stopped = done
    waiting = 0 if plan is None else sum(batch.requests for batch in plan.pending)
    return Outcome(
        journal.counts,
        monotonic() - began,
        stopped,
        changed=journal.changed,
        kept=journal.kept,
        waiting=waiting,
        queued=0 if plan is None else plan.queued,
    )


async def make_plan(
    items: Iterable[Item], journal: Journal, store: Store, chosen: Chosen, service: BatchService, *, try_one: bool
) -> Plan:
    """Read the input, write the records of what needs no call, and put the questions of the rest into batches.

    With `try_one` the first question is asked online, so that a wrong key, model or setting shows now and not in the results.
    Raises `JobError` if it does.
    """
    store.drop()
    asked = chosen.options
    if asked.prompt is not None:
        store.prompt.write_bytes(asked.prompt.read_bytes())  # so that another machine has it
    heading = journal.heading
    model = {**asdict(asked), "base_url": chosen.endpoint.base_url, "prompt": asked.prompt is not None}
    fields, options, directory = heading["settings"]["fields"], heading["options"], heading["directory"]
    plan = Plan(heading["inputs"], fields, model, dict(chosen.settings), "", options, directory)
    async with chosen.open(journal.spent) as labelling:
        requests = _Requests(store, service, labelling)
        asker = labelling.samples[0] if labelling.draft is None else labelling.labeller
        with written_whole(store.documents) as documents, requests:
            for item in items:
                plan.documents += 1
                planned = PlannedDocument(item)
                if isinstance(item, BadRecord) or not await _needs_call(item.document, labelling, journal):
                    await run_job([item], asker, journal)
                elif try_one:
                    try_one = False
                    await run_job([item], asker, journal)
                else:
                    planned = await requests.ask(item)
                documents.write(planned.to_line())
        plan.batches = requests.batches
        plan.mode = labelling.clients[0].template().mode.value if plan.batches else ""
    store.save(plan)
    return plan


async def _needs_call(document: Document, labelling: Labelling, journal: Journal) -> bool:
    if journal.is_done(document) or labelling.samples[0].is_answered(document, mentions := spot(document.text)):
        return False
    return not await labelling.settles(document, mentions)


class _Requests:
    """Requests on their way into the files of batches, each as full as the provider allows. A question is put once."""

    def __init__(self, store: Store, service: BatchService, labelling: Labelling) -> None:
        self._store, self._service = store, service
        self._labeller, self._client = labelling.samples[0], labelling.clients[0]
        self.batches: list[PlannedBatch] = []
        self._asked: dict[bytes, int] = {}
        self._file: Any = None

    def __enter__(self) -> "_Requests":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    async def ask(self, item: Sourced) -> PlannedDocument:
        """Put the question about a document into a batch. Raises `UsageError` for one that no batch has room for."""
        messages, schema = self._labeller.question(item.document, spot(item.document.text))
        question = self._client.question(messages, schema)
        if (before := self._asked.get(bytes.fromhex(question))) is not None:
            return PlannedDocument(item, question, before, repeat=True)
        line = await self._service.line(question, self._client.template(), messages, schema)
        expected = self._client.expected(messages)
        cost = None if expected.cost_usd is None else expected.cost_usd * PRICE
        number = self._add(line, cost, expected.input_tokens)
        self._asked[bytes.fromhex(question)] = number
        return PlannedDocument(item, question, number)

    def _add(self, line: bytes, cost: float | None, tokens: int) -> int:
        room = self._service.capacity.bytes - _ROUND_OFF
        if len(line) > room:
            raise UsageError(f"one request has {len(line):,} bytes, a batch {room:,}. Run without --batch.")
        batch = self.batches[-1] if self.batches else None
        if batch is None or batch.requests == self._service.capacity.requests or batch.bytes + len(line) > room:
            if self._file is not None:
                self._file.close()
            batch = PlannedBatch(len(self.batches) + 1, 0, 0, 0.0)
            self.batches.append(batch)
            self._file = self._store.requests(batch.number).open("wb")
        self._file.write(line)
        batch.requests += 1
        batch.bytes += len(line)
        batch.tokens += tokens
        batch.cost_usd = None if batch.cost_usd is None or cost is None else batch.cost_usd + cost
        return batch.number
