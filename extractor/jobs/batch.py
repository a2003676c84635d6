"""The life of a job's batches: planned from the input, sent, waited for, collected, and written as records.

Each step leaves the folder so that it can be done again after `kill -9`: a plan is whole or not there, what is about to be
sent is written down before it is, results are whole or not there, and records are written as any job's are.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from extractor.documents import Document
from extractor.errors import BudgetError, CallError, JobError, UsageError
from extractor.jobs.batch_folder import Part, Plan, Planned, Store, copy
from extractor.jobs.batch_queue import next_batch, refuse, take
from extractor.jobs.batch_results import BatchAnswers, is_ours, is_torn, questions
from extractor.jobs.journal import Journal
from extractor.jobs.local import run_job
from extractor.labelling.base import Labels
from extractor.labelling.llm import ModelLabeller
from extractor.labelling.models import Chosen
from extractor.labelling.prompts import load_prompt
from extractor.llm.batch import ENDED, PRICE, Batch, BatchService, Label, QueueFullError
from extractor.llm.client import ModelClient
from extractor.llm.clock import Clock
from extractor.llm.endpoints import Endpoint
from extractor.llm.pricing import Budget
from extractor.sources import BadRecord, Sourced
from extractor.spotting import Mentions, spot

_GRACE = 30.0
"""Seconds until a request that was under way when its process was killed shows in the provider's list, if it arrived."""
_POLL, _SLOW_POLL = 10.0, 60.0
"""Seconds between two looks at batches under way, in the first two minutes and later."""
_FULL_POLL, _PATIENCE = 600.0, 86_400.0
"""Seconds between two tries where the queue is full of others' batches, and until none is worth it: a batch ends in a day."""
_DOWNLOADS = 3
_ROUND_OFF = 1_000
"""Bytes that a batch stays below its provider's limit, for what is around the requests."""
Notice = Callable[[str], None]


class _Questioner(ModelLabeller):
    """The job's labeller, which also tells what it would ask."""

    def question(self, document: Document, mentions: Mentions) -> tuple[Sequence[Any], dict[str, Any] | None]:
        """The messages about a document and the schema of the reply, if it is the document's own."""
        messages, schema = self._question(document, mentions)
        return messages, schema


@dataclass(slots=True)
class BatchJob:
    """A job whose questions go to the provider in batches. `chosen` is the job's model, to be entered by the caller."""

    store: Store
    chosen: Chosen
    service: BatchService
    notice: Notice = lambda _line: None
    clock: Clock = field(default_factory=Clock)
    full: bool = field(default=False, init=False)
    """Whether the provider's queue is full and nothing that this job does makes room."""

    @property
    def endpoint(self) -> Endpoint:
        """The model and its server."""
        return self._client.endpoint

    @property
    def _client(self) -> ModelClient[Labels]:
        return cast("ModelClient[Labels]", self.chosen.client)

    @property
    def _budget(self) -> Budget:
        return cast(Budget, self.chosen.budget)

    async def plan(
        self, items: Iterable[Sourced | BadRecord], journal: Journal, model: dict[str, Any], prompt: Path | None, try_one: bool
    ) -> Plan:
        """Read the input, write the records of what needs no call, and put the questions of the rest into batches.

        `model` holds the fields of `ModelOptions` to go on with. With `try_one` the first question is asked online, so that
        a wrong key, model or setting shows now and not in the results. Raises `JobError` if it does.
        """
        self.store.drop()
        if prompt is not None:
            self.store.keep_prompt(prompt)
        self._budget.spent = journal.spent
        job = journal.job
        plan = Plan(job.inputs, dict(job.fields), model, dict(job.asking), "", job.options, job.directory)
        asker = _Questioner(self._client, load_prompt(prompt), narrow=bool(job.asking["narrow_schema"]))
        parts = _Parts(self.store, self.service)
        new = self.store.documents.with_suffix(".new")
        with new.open("wb") as documents, parts:
            for item in items:
                plan.documents += 1
                planned = Planned(item)
                if isinstance(item, BadRecord) or not self._needs_call(item.document, asker, journal):
                    await run_job([item], asker, journal)
                elif try_one:
                    try_one = False
                    await run_job([item], asker, journal)
                else:
                    planned = await self._ask(item, asker, parts)
                documents.write(planned.to_line())
            documents.flush()
            os.fsync(documents.fileno())
        new.replace(self.store.documents)
        plan.batches = parts.done
        plan.mode = self._client.template().mode.value if parts.done else ""
        self.store.save(plan)
        return plan

    @staticmethod
    def _needs_call(document: Document, asker: ModelLabeller, journal: Journal) -> bool:
        return not journal.is_done(document) and not asker.is_answered(document, spot(document.text))

    async def _ask(self, item: Sourced, asker: _Questioner, parts: "_Parts") -> Planned:
        messages, schema = asker.question(item.document, spot(item.document.text))
        question = self._client.question(messages, schema)
        if (before := parts.asked.get(bytes.fromhex(question))) is not None:
            return Planned(item, question, before, repeat=True)
        line = await self.service.line(question, self._client.template(), messages, schema)
        expected = self._client.expected(messages)
        cost = None if expected.cost_usd is None else expected.cost_usd * PRICE
        return Planned(item, question, parts.add(question, line, cost, expected.input_tokens))

    async def submit(self, plan: Plan, spent: float) -> None:
        """Send the batches that are not sent yet and have room; `spent` is what the job has cost so far.

        A batch that may have been sent by a process that was killed is looked for first. Raises `BudgetError` before the one
        that could cost more than is left, and what the service raises.
        """
        while not self.full and (part := next_batch(self.store, plan)) is not None:
            self._afford(part, plan, spent)
            begun = part.since is not None
            if not begun:
                part.since = self.clock.time()
                self.store.save(plan)
            if not (begun and await self._found(part, plan)):
                requests = self.store.requests_of(part)
                if part.file is None:
                    part.file = await self.service.upload(requests, _label(part, plan))
                    self.store.save(plan)
                try:
                    self._take(part, plan, await self.service.create(requests, _label(part, plan)))
                except QueueFullError as error:
                    self._took(part, plan, refuse(plan, part, error.full))
            if part.id is not None:
                self.notice(f"batch {part.number} of {len(plan.batches)}: sent, {part.requests:,} requests, {part.id}")

    def _take(self, part: Part, plan: Plan, batch: Batch) -> None:
        """Take over what the provider tells of a batch."""
        self._took(part, plan, take(plan, part, batch))

    def _took(self, part: Part, plan: Plan, full: bool) -> None:
        self.full = full
        self.store.save(plan)
        if part.id is None:
            what = f"no room in the provider's queue for {part.requests:,} requests ({part.cause})"
            self.notice(f"batch {part.number} of {len(plan.batches)}: {what}")

    def _afford(self, part: Part, plan: Plan, spent: float) -> None:
        cap = self._budget.max_cost
        if cap is None or part.cost_usd is None:
            return
        under_way = sum(other.cost_usd or 0.0 for other in plan.batches if other.id is not None and not other.written)
        if spent + under_way + part.cost_usd > cap:
            cause = f"${spent + under_way:.4f} of the ${cap:g} cap is spent or under way and batch {part.number}"
            fix = "Run the same command with a higher --max-cost to go on from here."
            raise BudgetError(f"{cause} may cost ${part.cost_usd:.4f}", fix)

    async def _found(self, part: Part, plan: Plan) -> bool:
        """Whether the provider has a batch whose sending had begun; it is taken over then."""
        since = cast(float, part.since)
        if (age := self.clock.time() - since) < _GRACE:
            await self.clock.sleep(_GRACE - max(0.0, age))
        batch = await self.service.find(_label(part, plan))
        if batch is None:
            return False
        self._take(part, plan, batch)
        return True

    async def wait(self, plan: Plan, spent: float) -> None:
        """Fetch results as batches end and send what has room then, until all are here. What is passing is waited out.

        Raises what `submit` does, and `JobError` where the provider's queue is full of other batches for a day.
        """
        waited, before = 0.0, ""
        held, accepted = 0.0, 0
        while True:
            try:
                await self.fetch(plan)
                await self.submit(plan, spent)
            except JobError:
                raise
            except CallError as error:
                self.notice(f"{error.cause}. Asking again.")
            told = "; ".join(_told(part, len(plan.batches)) for part in plan.batches if part.is_open)
            if not plan.unsent and all(part.id is None for part in plan.pending):
                return
            if told and told != before:
                self.notice(told)
                before = told
            pause = _FULL_POLL if self.full else _POLL if waited < 120 else _SLOW_POLL
            count = sum(part.id is not None and part.state != "validating" for part in plan.batches)
            held, accepted = (held + pause * self.full if count == accepted else 0.0), count
            if held > _PATIENCE:
                raise _no_room(plan)
            await self.clock.sleep(pause)
            waited += pause
            self.full = False

    async def look(self, plan: Plan) -> None:
        """Look at the batches under way: which have ended, and which were refused."""
        for part in plan.pending:
            await self._look(part, plan)

    async def _look(self, part: Part, plan: Plan) -> None:
        if part.id is not None and part.state not in ENDED:
            self._take(part, plan, await self.service.look(part.id))

    async def fetch(self, plan: Plan) -> None:
        """Look at the batches under way, and fetch the results of those that have ended."""
        for part in plan.pending:
            await self._look(part, plan)
            if part.id is not None and part.state in ENDED:
                await self._download(part, plan)
                self.store.save(plan)

    async def _download(self, part: Part, plan: Plan) -> None:
        file = self.store.results / f"{part.number}.jsonl"
        new = file.with_suffix(".new")
        torn = False
        if part.outputs:
            for _ in range(_DOWNLOADS):
                with new.open("w+b") as stream:
                    await self.service.download(part.as_batch(), stream)
                    torn = is_torn(stream)
                    stream.flush()
                    os.fsync(stream.fileno())
                if not torn:
                    break
        if part.presumed and not is_ours(new, questions(self.store, plan, {part.number})):
            new.unlink(missing_ok=True)
            self.notice(f"batch {part.number}: {part.id} turned out to be another job's; it is sent anew")
            plan.send_anew(part, part.id)
            return
        if part.outputs:
            new.replace(file)
        if torn:
            self.notice(f"batch {part.number}: the results break off in the middle of a line; what is whole is used")
        part.collected = True
        self.store.requests(part.number).unlink(missing_ok=True)
        self.notice(_told(part, len(plan.batches)))

    async def cancel(self, plan: Plan) -> None:
        """Ask the provider to stop every batch that it has; those that were never sent never will be."""
        for part in plan.pending:
            if part.id is None and part.since is not None:
                await self._found(part, plan)
            if part.id is not None and part.state not in ENDED:
                self._take(part, plan, await self.service.cancel(part.id))
            if part.id is None:
                part.state, part.collected = "cancelled", True
            self.store.save(plan)
            self.notice(_told(part, len(plan.batches)))

    async def write(self, plan: Plan, journal: Journal, online: bool) -> None:
        """Write the records of all documents whose batch is collected, and the failures.

        `online` asks again, by calls, for what has no answer or a faulty one. Raises `JobError` as `run_job` does.
        """
        answers = BatchAnswers(self.store, plan, self._client, online)
        self._budget.spent = journal.spent + answers.unwritten_usd
        if answers.left_over:
            self.notice(answers.left_over)

        def items() -> Iterator[Sourced | BadRecord]:
            for planned in self.store.read():
                if planned.question is not None:
                    part = answers.batch(planned.question)
                    if part is None:
                        continue
                    if isinstance(planned.item, Sourced) and (part.written or journal.is_done(planned.item.document)):
                        answers.counted.add(planned.question)
                yield planned.item

        self._client.answers = answers
        try:
            await run_job(items(), self.chosen.labeller, journal, window=self.chosen.window)
        finally:
            self._client.answers = None
        for part in plan.batches:
            part.written = part.collected
        if not plan.pending:
            journal.finish()
            plan.closed = True
            self.store.drop_requests()
        self.store.save(plan)


class _Parts:
    """Requests on their way into the files of batches, each as full as the provider allows."""

    def __init__(self, store: Store, service: BatchService) -> None:
        self._store, self._room = store, service.room
        self.done: list[Part] = []
        self.asked: dict[bytes, int] = {}
        self._file: Any = None

    def __enter__(self) -> "_Parts":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, question: str, line: bytes, cost: float | None, tokens: int) -> int:
        """Put a request into a batch and return its number. Raises `UsageError` for one that no batch has room for."""
        room = self._room.bytes - _ROUND_OFF
        if len(line) > room:
            raise UsageError(f"one request has {len(line):,} bytes, a batch {room:,}. Run without --batch.")
        part = self.done[-1] if self.done else None
        if part is None or part.requests == self._room.requests or part.bytes + len(line) > room:
            if self._file is not None:
                self._file.close()
            part = Part(len(self.done) + 1, 0, 0, 0.0)
            self.done.append(part)
            self._file = self._store.requests(part.number).open("wb")
        self._file.write(line)
        part.requests += 1
        part.bytes += len(line)
        part.tokens += tokens
        part.cost_usd = None if part.cost_usd is None or cost is None else part.cost_usd + cost
        self.asked[bytes.fromhex(question)] = part.number
        return part.number


def export(store: Store, plan: Plan, target: Path) -> list[Path]:
    """Copy the requests that are not sent to files, one a batch, and wait for their results. Raises `UsageError` if all are."""
    parts = [part for part in plan.pending if part.state in {"planned", "exported"} and part.since is None]
    if not parts:
        raise UsageError(
            f"{store.job} has no request that is not sent yet. Collect with `extractor batch collect {store.job}`."
        )
    files = [target] if len(parts) == 1 else [target.with_stem(f"{target.stem}-{part.number}") for part in parts]
    for part, file in zip(parts, files, strict=True):
        new = file.with_name(f"{file.name}.new")
        with store.requests_of(part).open("rb") as source, new.open("wb") as target_file:
            copy(source, target_file, part.bytes)
        new.replace(file)
        part.state = "exported"
    store.save(plan)
    return files


def _no_room(plan: Plan) -> JobError:
    [waiting, *_] = plan.unsent
    cause = f"the provider's queue has had no room for batch {waiting.number} for {_PATIENCE / 3600:.0f} hours: {waiting.cause}"
    return JobError(cause, "Run the same command again when other batches of the organisation have ended, or without --batch.")


def _label(part: Part, plan: Plan) -> Label:
    known = frozenset([*(other.id for other in plan.batches if other.id), *plan.strangers])
    return Label(plan.key, part.number, part.requests, part.bytes, cast(float, part.since), part.file, known)


def _told(part: Part, of: int) -> str:
    state = part.state.replace("_", " ")
    cause = f" ({part.cause})" if part.cause else ""
    failed = f", {part.failed:,} failed" if part.failed else ""
    return f"batch {part.number} of {of}: {state}{cause}, {part.completed:,} of {part.requests:,} answered{failed}"
