"""From the input to a plan: what needs no call is written at once, the rest goes into batches as full as they may be."""

import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from extractor.documents import Document
from extractor.errors import UsageError
from extractor.jobs.batch.plan import Plan, PlannedBatch, PlannedDocument
from extractor.jobs.batch.store import Store
from extractor.jobs.flow import Item, run_job
from extractor.jobs.journal import Journal
from extractor.labelling.llm import ModelLabeller
from extractor.labelling.models import Chosen, Labelling
from extractor.llm.batch import PRICE, BatchService
from extractor.sources import BadRecord, Sourced
from extractor.spotting import spot

_ROUND_OFF = 1_000
"""Bytes that a batch stays below its provider's limit, for what is around the requests."""


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
        store.keep_prompt(asked.prompt)
    heading = journal.heading
    model = {**asdict(asked), "base_url": chosen.endpoint.base_url, "prompt": asked.prompt is not None}
    fields, options, directory = heading["settings"]["fields"], heading["options"], heading["directory"]
    plan = Plan(heading["inputs"], fields, model, dict(chosen.settings), "", options, directory)
    new = store.documents.with_suffix(".new")
    async with chosen.open(journal.spent) as labelling:
        asker, requests = labelling.samples[0], _Requests(store, service, labelling)
        with new.open("wb") as documents, requests:
            for item in items:
                plan.documents += 1
                planned = PlannedDocument(item)
                if isinstance(item, BadRecord) or not _needs_call(item.document, asker, journal):
                    await run_job([item], asker, journal)
                elif try_one:
                    try_one = False
                    await run_job([item], asker, journal)
                else:
                    planned = await requests.ask(item)
                documents.write(planned.to_line())
            documents.flush()
            os.fsync(documents.fileno())
        new.replace(store.documents)
        plan.batches = requests.batches
        plan.mode = labelling.clients[0].template().mode.value if plan.batches else ""
    store.save(plan)
    return plan


def _needs_call(document: Document, asker: ModelLabeller, journal: Journal) -> bool:
    return not journal.is_done(document) and not asker.is_answered(document, spot(document.text))


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
