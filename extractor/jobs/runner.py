"""Runs a job from its description, for whoever asks: the command line, a service, a cluster.

Nothing is printed, no signal is bound and no terminal is known here. What a user should know goes to `notice`, one line each;
its `Stop` ends a job early, and an `Outcome` tells what came of it.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self

from extractor.errors import JobError, UsageError
from extractor.jobs.flow import Item, Stop, run_job, run_together
from extractor.jobs.job import Job, Outcome, Watch
from extractor.jobs.journal import Journal
from extractor.jobs.sinks import BulkSink, Streams
from extractor.labelling.models import RULES, Labelling, Terms, choose
from extractor.sources import BadRecord, Gauge, read

if TYPE_CHECKING:
    from extractor.jobs.batch.steps import NewJob
    from extractor.jobs.workers import WorkOff
    from extractor.llm.pricing import Price

_STDIN = "-"
_PAYS = 4_000_000
"""Bytes of an input, 2,500 abstracts, from which several processes are worth starting: each takes 0.4 s of a core to start, as
long as labelling 800 abstracts does, so that two are even with one at 1,600."""
_MOST = 8
"""Processes of a job that nobody has told how many: reading and writing for one takes a tenth of what it does."""
_BEAT = 1.0
"""Seconds between two looks at a job that may wait for its server."""


class Runner:
    """A job that can run: its options fit together, its model is known and its inputs are there. Nothing is open yet.

    `stdin` is what `-` among the inputs reads; `work_off` has the rules work in processes that jobs share. `items` are read
    already: a part of the job, which is done on the same `terms` as its others. `stop` may be asked at any time, from any
    thread. Raises `UsageError` for a job that cannot run as asked.
    """

    def __init__(
        self,
        job: Job,
        notice: Callable[[str], None] = lambda _line: None,
        *,
        stdin: BinaryIO | None = None,
        work_off: "WorkOff | None" = None,
        items: Iterable[Item] | None = None,
        terms: Terms | None = None,
    ) -> None:
        if job.engine == "local" and (job.workers or 1) > 1 and job.model.model != RULES:
            raise UsageError(
                "--workers is for the rules; a model's calls wait for its server. Give --concurrency to have more."
            )
        self.job = job
        self.notice = notice
        self.stop = Stop(notice)
        names = job.names
        self.chosen = choose(job.model, notice)
        self.gauge = Gauge()
        self._shared = work_off if not self.chosen.calls else None
        self._terms = terms
        self._is_part = items is not None
        if items is None:
            items = read(list(job.inputs), names, stdin, self.gauge, job.format, job.max_characters)
        self.items = items

    def run(
        self,
        target: Path | Streams,
        *,
        fresh: bool = False,
        watching: Callable[[Journal], AbstractContextManager[None]] = lambda _journal: nullcontext(),
        to_the_end: bool = True,
    ) -> Outcome:
        """Run the job into its folder, where it goes on if it was begun there, or into streams.

        `fresh` drops what the folder holds of earlier runs; `watching` is entered while documents are worked off. A job in
        batches waits for them if it is to run `to_the_end`. Raises `UsageError` for a folder that is another job's or in use,
        and what reading the input and writing raise.
        """
        if self.job.batch:
            from extractor.jobs.batch.steps import send

            if isinstance(target, Streams):
                raise UsageError("Batches need a folder to keep their state in. Name one with -o.")
            return self._with_reading(send(target, self.new_job(), fresh=fresh, to_the_end=to_the_end))
        if self.job.retry_online:
            raise UsageError("--retry-online is for what batches left. Give it with --batch, or leave it out.")
        return self._with_reading(self._fill(target, fresh, watching) if isinstance(target, Path) else self._stream(target))

    def _with_reading(self, outcome: Outcome) -> Outcome:
        """An outcome that also tells what was not read."""
        return replace(outcome, skipped=tuple(self.gauge.skipped), repeated=self.gauge.repeated)

    def new_job(self) -> "NewJob":
        """What the steps of a job in batches take."""
        from extractor.jobs.batch.steps import NewJob

        return NewJob(self.job, self.chosen, self.items, self.notice)

    def _stream(self, streams: Streams) -> Outcome:
        began = monotonic()

        async def work() -> bool:
            async with self.chosen.open() as labelling:
                return await self._work_off(labelling, streams, Watch(self.gauge), self.job.order == "input")

        stopped, interrupted = ended(work())
        return Outcome(streams.counts, monotonic() - began, stopped, interrupted, calls=self.chosen.calls)

    def _fill(self, folder: Path, fresh: bool, watching: Callable[[Journal], AbstractContextManager[None]]) -> Outcome:
        if (folder / "batch").exists():
            from extractor.jobs.batch.store import Store

            Store(folder).make_way(fresh=fresh)
        began, calls, sort = monotonic(), self.chosen.calls, self.job.order == "input"
        watch = Watch(self.gauge)
        journal = Journal(folder, self.job, self.chosen.settings, fresh=fresh, sort=sort, scattered=calls, watch=watch)

        async def work() -> bool:
            async with self.chosen.open(journal.spent, terms=self._terms) as labelling:
                beating = asyncio.create_task(_beat(labelling, journal))
                try:
                    # What a model has answered is written at once, whatever comes before it: it was paid for.
                    return await self._work_off(labelling, journal, watch, sort and not calls)
                finally:
                    beating.cancel()
                    _charge(journal, labelling)

        with journal:
            if journal.resumed and not self._is_part:
                self.notice(f"{journal.resumed:,} done before")
            with watching(journal):
                stopped, interrupted = ended(work())
            if stopped is None and not interrupted:
                try:
                    with self.stop.shielded():
                        journal.finish()
                except JobError as error:
                    stopped = error
            journal.stopped = None if stopped is None else str(stopped)
        seconds = monotonic() - began
        return Outcome(journal.counts, seconds, stopped, interrupted, journal.changed, journal.kept, calls=calls)

    async def _work_off(self, labelling: Labelling, sink: BulkSink, watch: Watch, in_order: bool) -> bool:
        """Work off the input; whether it was to the end."""
        chosen = self.chosen
        workers = self.job.workers or (processes_for(self.gauge.total) if self.job.model.model == RULES else 1)
        if workers > 1 or self._shared:
            from extractor.jobs.workers import run_workers

            shared = self._shared
            return await run_workers(self.items, workers, sink, watch, self.stop, in_order=in_order, work_off=shared)
        if not chosen.calls and (self._is_part or self.gauge.total is not None):  # of a pipe, each record is wanted at once
            return await run_together(self.items, labelling.labeller, sink, watch, self.stop)
        # In order, one slow answer holds back those after it; else there need only be a few more than calls.
        few = chosen.concurrency + chosen.concurrency // 4 + 1
        return await run_job(
            self.items,
            labelling.labeller,
            sink,
            watch,
            chosen.window if in_order or not chosen.calls else few,
            in_order=in_order,
            beside=_STDIN in self.job.inputs and chosen.calls,  # the rules never wait for an answer
            stop=self.stop,
            on_stop=labelling.stop,
        )

    def estimate(
        self, folder: Path | None = None, *, fresh: bool = False, kept_by: "Callable[..., Kept]" = Journal
    ) -> "Estimate":
        """Read the whole input and count what the model would be asked, and what is done in the folder, which is `kept_by` one.

        Nothing is written. Of a folder that the job itself would be refused, nothing is counted, and `notice` is told why.
        """
        kept = None
        items: Iterable[tuple[Item, bool]] = ((item, False) for item in self.items)
        if folder is not None:
            try:
                kept = kept_by(folder, self.job, self.chosen.settings, fresh=fresh).look()
                items = kept.with_done(self.items)
            except (UsageError, OSError) as error:
                self.notice(f"As if {folder} were empty: {error}")
        total = asyncio.run(self._estimate(items))
        total.spent = 0.0 if kept is None else kept.spent
        return total

    async def _estimate(self, items: Iterable[tuple[Item, bool]]) -> "Estimate":
        from extractor.labelling.rules import RulesLabeller
        from extractor.llm.cache import default_path
        from extractor.spotting import spot

        options = self.chosen.options
        keeps = options.cache and default_path().exists()  # looking into a cache would make one
        total, rules = Estimate(), RulesLabeller()
        async with replace(self.chosen, options=replace(options, cache=keeps)).open() as labelling:
            samples = labelling.samples
            for item, done in items:
                total.documents += 1
                if isinstance(item, BadRecord):
                    total.unreadable += 1
                elif done:
                    total.done += 1
                elif not ((mentions := spot(item.document.text)).quantities or mentions.hardware):
                    total.uncalled += 1
                elif calls := sum(not sample.is_answered(item.document, mentions) for sample in samples):
                    read = calls * samples[0].expected_input(item.document, mentions)
                    labels = rules.labels(item.document, mentions)
                    written = calls * (len(labels.model_dump_json()) // 3)
                    if await labelling.settles(item.document, mentions):
                        total.sure += 1
                        total.saved_tokens = (total.saved_tokens[0] + read, total.saved_tokens[1] + written)
                        continue
                    total.asked += 1
                    total.calls += calls
                    total.input_tokens += read
                    total.fixed_tokens += calls * samples[0].fixed_input
                    total.output_tokens += written
                else:
                    total.cached += 1
        return total


class Kept(Protocol):
    """What has kept a job's folder, for whoever looks at it and writes nothing."""

    @property
    def spent(self) -> float:
        """US dollars that all runs have cost."""
        ...

    def look(self) -> Self:
        """Read what the folder holds. Raises `UsageError` for one that the job would be refused."""
        ...

    def with_done(self, items: Iterable[Item]) -> Iterable[tuple[Item, bool]]:
        """Each of the input's items with whether its extraction is there."""
        ...


def processes_for(size: int | None) -> int:
    """How many processes label an input of so many bytes by the rules; None for one whose size is not known, as a pipe's."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST) if size is not None and size >= _PAYS else 1


@dataclass(slots=True)
class Estimate:
    """What a job would take. Of the `documents` of the input `done` are in the job's folder, `unreadable` ones give no
    document, `uncalled` ones hold nothing to label, `cached` ones have their replies in the cache, and `asked` ones need calls.

    Tokens are those of the calls; labels are taken to be as long as those of the rules. `fixed_tokens` are those of the input
    with which all calls begin alike. What a fallback would cost is not in it, as nobody knows how much fails. `spent` is what
    earlier runs have cost, in US dollars. The rules are `sure` of some that would need a call, which saves `saved_tokens`, read
    and written.
    """

    documents: int = 0
    unreadable: int = 0
    done: int = 0
    uncalled: int = 0
    cached: int = 0
    asked: int = 0
    calls: int = 0
    input_tokens: int = 0
    fixed_tokens: int = 0
    output_tokens: int = 0
    spent: float = 0.0
    sure: int = 0
    saved_tokens: tuple[int, int] = (0, 0)

    def saved(self, price: "Price | None") -> float | None:
        """US dollars that the calls would cost which the rules make needless; None where no price is known."""
        return None if price is None else price.of(*self.saved_tokens)

    def cost(self, price: "Price | None") -> float | None:
        """US dollars, None where no price is known. Re-asks are not in it."""
        return None if price is None else price.of(self.input_tokens, self.output_tokens)

    def cached_cost(self, price: "Price | None") -> float | None:
        """The same where the provider keeps the fixed part after the first call; None where it has no price for that."""
        if price is None or price.cached_input is None or not self.calls:
            return None
        return price.of(self.input_tokens, self.output_tokens, self.fixed_tokens - self.fixed_tokens // self.calls)


async def _beat(labelling: Labelling, journal: Journal) -> None:
    while True:
        await asyncio.sleep(_BEAT)
        _charge(journal, labelling)
        journal.refresh()


def _charge(journal: Journal, labelling: Labelling) -> None:
    """Calls for documents that the job stopped in the middle of are in no record, and are paid for all the same."""
    if labelling.budget is not None:
        journal.charge(labelling.budget.spent)


def ended(work: Coroutine[Any, Any, bool]) -> tuple[JobError | None, bool]:
    """What stopped the work, and whether it was interrupted."""
    with asyncio.Runner() as runner:
        try:
            return None, not runner.run(work)
        except JobError as error:
            return error, False
        except asyncio.CancelledError:
            return None, True
