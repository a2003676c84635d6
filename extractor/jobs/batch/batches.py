"""A job's batches at their provider: sent, looked at, waited for, fetched, cancelled, and written down as records.

Each step leaves the folder so that it can be done again after `kill -9`: a plan is whole or not there, what is about to be
sent is written down before it is, results are whole or not there, and records are written as any job's are.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

from extractor.errors import BudgetError, CallError, JobError
from extractor.jobs.batch.plan import Plan, PlannedBatch, refuse, take
from extractor.jobs.batch.store import BatchAnswers, Store, is_ours, is_torn, next_batch, questions
from extractor.jobs.flow import Item, run_job
from extractor.jobs.journal import Journal
from extractor.labelling.models import Chosen
from extractor.llm.batch import ENDED, Batch, BatchHandle, BatchService, QueueFullError
from extractor.llm.limits import Clock
from extractor.sources import Sourced

_GRACE = 30.0
"""Seconds until a request that was under way when its process was killed shows in the provider's list, if it arrived."""
_POLL, _SLOW_POLL = 10.0, 60.0
"""Seconds between two looks at batches under way, in the first two minutes and later."""
_FULL_POLL, _PATIENCE = 600.0, 86_400.0
"""Seconds between two tries where the queue is full of others' batches, and until none is worth it: a batch ends in a day."""
_DOWNLOADS = 3


@dataclass(slots=True)
class Batches:
    """The batches of a job in its folder, and the service of its provider."""

    store: Store
    chosen: Chosen
    service: BatchService
    notice: Callable[[str], None] = lambda _line: None
    clock: Clock = field(default_factory=Clock)
    full: bool = field(default=False, init=False)
    """Whether the provider's queue is full and nothing that this job does makes room."""

    async def submit(self, plan: Plan, spent: float) -> None:
        """Send the batches that are not sent yet and have room; `spent` is what the job has cost so far.

        A batch that may have been sent by a process that was killed is looked for first. Raises `BudgetError` before the one
        that could cost more than is left, and what the service raises.
        """
        while not self.full and (batch := next_batch(self.store, plan)) is not None:
            self._afford(batch, plan, spent)
            may_be_sent = batch.since is not None
            if not may_be_sent:
                batch.since = self.clock.time()
                self.store.save(plan)
            if not (may_be_sent and await self._found(batch, plan)):
                requests = self.store.requests_of(batch)
                if batch.file is None:
                    batch.file = await self.service.upload(requests, _handle(batch, plan))
                    self.store.save(plan)
                try:
                    self._take(batch, plan, await self.service.create(requests, _handle(batch, plan)))
                except QueueFullError as error:
                    self._took(batch, plan, refuse(plan, batch, error.full))
            if batch.id is not None:
                self.notice(f"batch {batch.number} of {len(plan.batches)}: sent, {batch.requests:,} requests, {batch.id}")

    def _take(self, batch: PlannedBatch, plan: Plan, told: Batch) -> None:
        """Take over what the provider tells of a batch."""
        self._took(batch, plan, take(plan, batch, told))

    def _took(self, batch: PlannedBatch, plan: Plan, full: bool) -> None:
        self.full = full
        self.store.save(plan)
        if batch.id is None:
            what = f"no room in the provider's queue for {batch.requests:,} requests ({batch.cause})"
            self.notice(f"batch {batch.number} of {len(plan.batches)}: {what}")

    def _afford(self, batch: PlannedBatch, plan: Plan, spent: float) -> None:
        cap = self.chosen.options.max_cost
        if cap is None or batch.cost_usd is None:
            return
        under_way = sum(other.cost_usd or 0.0 for other in plan.batches if other.id is not None and not other.written)
        if spent + under_way + batch.cost_usd > cap:
            cause = f"${spent + under_way:.4f} of the ${cap:g} cap is spent or under way and batch {batch.number}"
            fix = "Run the same command with a higher --max-cost to go on from here."
            raise BudgetError(f"{cause} may cost ${batch.cost_usd:.4f}", fix)

    async def _found(self, batch: PlannedBatch, plan: Plan) -> bool:
        """Whether the provider has a batch whose sending had begun; it is taken over then."""
        since = cast(float, batch.since)
        if (age := self.clock.time() - since) < _GRACE:
            await self.clock.sleep(_GRACE - max(0.0, age))
        told = await self.service.find(_handle(batch, plan))
        if told is None:
            return False
        self._take(batch, plan, told)
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
            told = "; ".join(_told(batch, len(plan.batches)) for batch in plan.batches if batch.is_open)
            if not plan.unsent and all(batch.id is None for batch in plan.pending):
                return
            if told and told != before:
                self.notice(told)
                before = told
            pause = _FULL_POLL if self.full else _POLL if waited < 120 else _SLOW_POLL
            count = sum(batch.id is not None and batch.state != "validating" for batch in plan.batches)
            held, accepted = (held + pause * self.full if count == accepted else 0.0), count
            if held > _PATIENCE:
                raise _no_room(plan)
            await self.clock.sleep(pause)
            waited += pause
            self.full = False

    async def look(self, plan: Plan) -> None:
        """Look at the batches under way: which have ended, and which were refused."""
        for batch in plan.pending:
            await self._look(batch, plan)

    async def _look(self, batch: PlannedBatch, plan: Plan) -> None:
        if batch.id is not None and batch.state not in ENDED:
            self._take(batch, plan, await self.service.look(batch.id))

    async def fetch(self, plan: Plan) -> None:
        """Look at the batches under way, and fetch the results of those that have ended."""
        for batch in plan.pending:
            await self._look(batch, plan)
            if batch.id is not None and batch.state in ENDED:
                await self._download(batch, plan)
                self.store.save(plan)

    async def _download(self, batch: PlannedBatch, plan: Plan) -> None:
        file = self.store.results / f"{batch.number}.jsonl"
        new = file.with_suffix(".new")
        torn = False
        if batch.outputs:
            for _ in range(_DOWNLOADS):
                with new.open("w+b") as stream:
                    await self.service.download(batch.as_batch(), stream)
                    torn = is_torn(stream)
                    stream.flush()
                    os.fsync(stream.fileno())
                if not torn:
                    break
        if batch.presumed and not is_ours(new, questions(self.store, plan, {batch.number})):
            new.unlink(missing_ok=True)
            self.notice(f"batch {batch.number}: {batch.id} turned out to be another job's; it is sent anew")
            plan.send_anew(batch, batch.id)
            return
        if batch.outputs:
            new.replace(file)
        if torn:
            self.notice(f"batch {batch.number}: the results break off in the middle of a line; what is whole is used")
        batch.collected = True
        self.store.requests(batch.number).unlink(missing_ok=True)
        self.notice(_told(batch, len(plan.batches)))

    async def cancel(self, plan: Plan) -> None:
        """Ask the provider to stop every batch that it has; those that were never sent never will be."""
        for batch in plan.pending:
            if batch.id is None and batch.since is not None:
                await self._found(batch, plan)
            if batch.id is not None and batch.state not in ENDED:
                self._take(batch, plan, await self.service.cancel(batch.id))
            if batch.id is None:
                batch.state, batch.collected = "cancelled", True
            self.store.save(plan)
            self.notice(_told(batch, len(plan.batches)))

    async def write(self, plan: Plan, journal: Journal, online: bool) -> None:
        """Write the records of all documents whose batch is collected, and the failures.

        `online` asks again, by calls, for what has no answer or a faulty one. Raises `JobError` as `run_job` does.
        """
        answers = BatchAnswers(self.store, plan, self.chosen.price, online)
        if answers.left_over:
            self.notice(answers.left_over)

        def items() -> Iterator[Item]:
            for planned in self.store.read():
                if planned.question is not None:
                    batch = answers.batch(planned.question)
                    if batch is None:
                        continue
                    if isinstance(planned.item, Sourced) and (batch.written or journal.is_done(planned.item.document)):
                        answers.count(planned.question)
                yield planned.item

        async with self.chosen.open(journal.spent + answers.unwritten(self.store, journal), answers) as labelling:
            try:
                await run_job(items(), labelling.labeller, journal, window=self.chosen.window)
            except JobError:
                if labelling.budget is not None:  # calls for documents that it stopped in the middle of are paid for, too
                    journal.charge(labelling.budget.spent - answers.unwritten(self.store, journal))
                raise
        for batch in plan.batches:
            batch.written = batch.collected
        if not plan.pending:
            journal.finish()
            plan.closed = True
            self.store.drop_requests()
        self.store.save(plan)


def _no_room(plan: Plan) -> JobError:
    [waiting, *_] = plan.unsent
    cause = f"the provider's queue has had no room for batch {waiting.number} for {_PATIENCE / 3600:.0f} hours: {waiting.cause}"
    return JobError(cause, "Run the same command again when other batches of the organisation have ended, or without --batch.")


def _handle(batch: PlannedBatch, plan: Plan) -> BatchHandle:
    known = frozenset([*(other.id for other in plan.batches if other.id), *plan.strangers])
    return BatchHandle(plan.key, batch.number, batch.requests, batch.bytes, cast(float, batch.since), batch.file, known)


def _told(batch: PlannedBatch, of: int) -> str:
    state = batch.state.replace("_", " ")
    cause = f" ({batch.cause})" if batch.cause else ""
    failed = f", {batch.failed:,} failed" if batch.failed else ""
    return f"batch {batch.number} of {of}: {state}{cause}, {batch.completed:,} of {batch.requests:,} answered{failed}"
