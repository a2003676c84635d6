"""What is answered at once: documents in, the lines that a job would write out, from the labeller that all clients share."""

import asyncio
import io
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

from extractor.documents import Document
from extractor.jobs.flow import Item, work_off
from extractor.jobs.job import Counts
from extractor.jobs.loop import EventLoop
from extractor.jobs.sinks import Portion
from extractor.jobs.workers import PORTION, Workers
from extractor.labelling.models import Labelling, choose
from extractor.records import Failure
from extractor.service.settings import Settings
from extractor.service.turns import Key, Turns
from extractor.sources import BadRecord, Fields, Sourced
from extractor.sources.base import Fault, Location, Paper
from extractor.sources.json_records import read_json_array

_INPUT = "documents"
"""What messages and ids call the documents of a request."""


def read_documents(body: bytes, longest: int) -> list[Item]:
    """The documents of a request: one JSON object or an array of them, read as `extractor run` reads a JSON file."""
    return [_item(found, n, longest) for n, found in enumerate(read_json_array(io.BytesIO(body), Fields()), 1)]


def _item(found: Paper | Fault, n: int, longest: int) -> Item:
    here = Location(_INPUT, n)
    if isinstance(found, Fault):
        return BadRecord(here, found.id, found.cause, found.fix)
    document = Document(found.id or f"{_INPUT}#{n}", found.title, found.abstract, source=found.source)
    if (length := len(document.text)) > longest:
        cause = f"the record has {length:,} characters, more than the {longest:,} of an abstract"
        return BadRecord(here, document.id, cause, "Give the abstract alone.")
    return Sourced(document, here)


_WARM = Document("1", "Tern", "Tern is 2x faster than Gull on a Jetson Nano.")
"""Has a process load all that it needs, before the first request comes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the documents of a request, in their order: lines of `extractions.jsonl`, and failures with the number of
    their document as line."""

    lines: list[bytes] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def add(self, portion: Portion) -> None:
        """Take what the next documents came to."""
        self.lines.extend(line for _, line in portion.lines)
        self.failures.extend(portion.failures)
        self.counts.merge(portion.counts)


class Extracts:
    """The labeller of a service and the turns that its clients take; its jobs share them where the rules label.

    An async context manager.
    """

    def __init__(self, settings: Settings, notice: Callable[[str], None]) -> None:
        self.chosen = choose(settings.for_extracts, notice)
        self._workers = settings.workers
        self._room = settings.limits.waiting
        self._size = 1 if self.chosen.calls else PORTION
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        work, threads = await (self._model() if self.chosen.calls else self._rules())
        self.turns = Turns(work, threads, most=self._size, waiting=self._room)
        self._open.callback(self.turns.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _rules(self) -> tuple[Callable[[list[Item]], Portion], int]:
        """In processes of their own, so that they keep no one waiting who only asks whether the service is well."""
        workers = await self._open.enter_async_context(Workers(self._workers))
        here = Location(_INPUT, 1)
        await asyncio.gather(*(workers.work_off([Sourced(_WARM, here)]) for _ in range(self._workers)))
        return workers.work, self._workers

    async def _model(self) -> tuple[Callable[[list[Item]], Portion], int]:
        """On an event loop of its own: spotting and grounding take their time."""
        loop = self._open.enter_context(EventLoop())
        opened = self.chosen.open()
        labelling: Labelling = await asyncio.to_thread(loop.run, opened.__aenter__())
        self._open.callback(lambda: loop.run(opened.__aexit__(None, None, None)))
        self._open.callback(lambda: loop.run(_stop(labelling)))
        labeller, calls = labelling.labeller, self.chosen.concurrency
        return lambda items: loop.run(work_off(labeller, items)), calls + calls // 4 + 1

    async def answer(self, client: str, items: list[Item]) -> Answer:
        """What becomes of documents. Raises `CrowdedError` and, where no document can fare better, `JobError`."""
        key: Key = (client, "extracts")
        portions = [items[n : n + self._size] for n in range(0, len(items), self._size)]
        answer = Answer()
        for portion in await asyncio.gather(*self.turns.put(key, portions, whole=False)):
            answer.add(portion)
        return answer


async def _stop(labelling: Labelling) -> None:
    labelling.stop()
