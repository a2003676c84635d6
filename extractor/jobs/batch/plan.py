"""The plan of a job in batches: which there are, how far each is, and how they fit into their provider's queue.

The queue holds only so many tokens of a model, or requests, at a time. How much that is shows when a batch is refused. What is
larger is split into batches that fit, and no more is handed over at a time than there is room for; the rest waits in the
folder. A refused batch was not begun, so nothing of it was paid.
"""

import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from extractor.documents import Document
from extractor.jobs.job import Job
from extractor.llm.batch import ENDED, Batch, Full
from extractor.llm.batch import State as ProviderState
from extractor.sources import BadRecord, Location, Sourced

_MARGIN = 0.9
"""What of the limit is used: the tokens of requests are estimates, and the organisation may have other batches queued."""
_SMALLEST = 16
"""A batch is not made smaller than this part of what fits: it is the organisation's other batches that are in its way then."""
_ACCEPTED = frozenset(["in_progress", "finalizing", "completed"])


@dataclass(slots=True)
class PlannedBatch:
    """One batch of a job. `planned` ones are not sent yet, `exported` ones wait for their results to be imported.

    `since` is when sending began (seconds since the epoch), written before anything is sent. `collected` batches have their
    results in the folder; `written` ones have their records written, or their failures. `cost_usd` is what it may cost at most,
    about, and `tokens` how many there are in its requests, about.

    A `piece_of` a batch that was too large for the provider's queue holds the requests of it from number `first` on.
    """

    number: int
    requests: int
    bytes: int
    cost_usd: float | None
    tokens: int = 0
    piece_of: int | None = None
    first: int = 0
    state: ProviderState | Literal["planned", "exported"] = "planned"
    since: float | None = None
    file: str | None = None
    id: str | None = None
    completed: int = 0
    failed: int = 0
    outputs: list[str] = field(default_factory=list)
    cause: str | None = None
    presumed: bool = False
    collected: bool = False
    written: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the provider has it and has not ended it."""
        return self.id is not None and self.state not in ENDED

    def update(self, told: Batch) -> None:
        """Take over what the provider tells."""
        self.id, self.state, self.outputs, self.cause = told.id, told.state, list(told.outputs), told.cause
        self.completed, self.failed, self.presumed = told.completed, told.failed, self.presumed or told.presumed

    def as_batch(self) -> Batch:
        """As its service knows it."""
        assert self.id is not None  # noqa: S101 (it was sent)
        return Batch(self.id, "completed", outputs=tuple(self.outputs))


@dataclass(slots=True)
class Plan:
    """The batches of a job, and what it takes to go on with them. `key` names the job at the provider.

    `model` holds the fields of `ModelOptions` on which answers and costs depend, `asking` the settings of `Chosen`,
    `options` and `directory` how it was started, `mode` the way in which structure was asked for. `strangers` are batches at
    the provider that do not belong to the plan: other jobs', and those that were refused. `limit` is how many tokens
    the provider's queue holds, where a refusal has told, and `room` how many of them this job may try to have, about. A
    `closed` plan has all its records written.
    """

    inputs: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    model: dict[str, Any]
    asking: dict[str, Any]
    mode: str
    options: Mapping[str, Any] = field(default_factory=dict)
    directory: str = ""
    documents: int = 0
    batches: list[PlannedBatch] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    limit: int | None = None
    room: int | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    closed: bool = False

    @property
    def job(self) -> Job:
        """The job as it was asked for when it was planned."""
        return Job.of(self.inputs, self.options, self.directory)

    @property
    def unsent(self) -> list[PlannedBatch]:
        """The batches that are to be sent."""
        return [batch for batch in self.batches if batch.state == "planned" and not batch.collected]

    @property
    def pending(self) -> list[PlannedBatch]:
        """The batches whose results are not here yet."""
        return [batch for batch in self.batches if not batch.collected]

    @property
    def under_way(self) -> int:
        """The tokens of the batches that the provider has and has not ended, about."""
        return sum(batch.tokens for batch in self.batches if batch.is_open)

    @property
    def queued(self) -> int:
        """How many requests wait for room at the provider."""
        return 0 if self.room is None else sum(batch.requests for batch in self.unsent)

    def send_anew(self, batch: PlannedBatch, id: str | None, cause: str | None = None) -> None:
        """Plan a batch again that was sent: what the provider calls `id` is not the job's."""
        if id is not None:
            self.strangers.append(id)
        batch.state, batch.cause, batch.since, batch.file, batch.id = "planned", cause, None, None, None
        batch.completed, batch.failed, batch.presumed, batch.outputs = 0, 0, False, []


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """A record of the input and what the plan is for it: its question and its batch, None where it needs none.

    `repeat` marks a document whose question an earlier one has put already.
    """

    item: Sourced | BadRecord
    question: str | None = None
    batch: int | None = None
    repeat: bool = False

    def to_line(self) -> bytes:
        """As a line of `documents.jsonl`."""
        item = self.item
        raw: dict[str, Any] = {"source": item.location.path, "line": item.location.line}
        if isinstance(item, BadRecord):
            raw |= {"bad": item.id, "cause": item.cause, "fix": item.fix}
        else:
            document = item.document
            raw |= {"id": document.id, "title": document.title, "abstract": document.abstract}
            raw |= {"known": document.source} if document.source else {}
            raw |= {"question": self.question, "batch": self.batch, "repeat": self.repeat}
        return json.dumps(raw).encode("ascii") + b"\n"

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "PlannedDocument":
        """From a line of `documents.jsonl`."""
        location = Location(raw["source"], raw["line"])
        if "bad" in raw:
            return cls(BadRecord(location, raw["bad"], raw["cause"], raw["fix"]))
        document = Document(raw["id"], raw["title"], raw["abstract"], source=raw.get("known", {}))
        return cls(Sourced(document, location), raw["question"], raw["batch"], raw["repeat"])


def take(plan: Plan, batch: PlannedBatch, told: Batch) -> bool:
    """Take over what the provider tells of a batch. Returns whether its queue is full of what is not this job's."""
    if told.full is not None:
        return refuse(plan, batch, told.full, told.id)
    if plan.room is not None and batch.state in {"planned", "validating"} and told.state in _ACCEPTED:
        plan.room = min(plan.room + batch.tokens, plan.limit or sys.maxsize)  # maybe there is room for another
    batch.update(told)
    return False


def refuse(plan: Plan, batch: PlannedBatch, full: Full, id: str | None = None) -> bool:
    """Take note that the queue had no room for a batch: it is to be sent anew. `id` is what the provider calls the refused one.

    Returns whether nothing that this job does can make room.
    """
    others = plan.under_way - (batch.tokens if batch.is_open else 0)
    asked = others + batch.tokens
    told = full.tokens if full.requests is None else full.requests * batch.tokens // batch.requests
    plan.limit = None if told is None else int(told * _MARGIN)
    if plan.limit is not None and asked > plan.limit:
        room = plan.limit
    else:  # It is less than the limit: by the estimate, or because of batches that are not this job's.
        room = max(others, batch.tokens) if others else batch.tokens // 2
        room = max(room, 1 if plan.limit is None else plan.limit // _SMALLEST)
    plan.room = room if plan.room is None else min(room, plan.room)
    plan.send_anew(batch, id, full.cause)
    if others or (batch.requests > 1 and batch.tokens > plan.room):
        return False
    if plan.limit is not None and batch.tokens > plan.limit:  # it is one request
        batch.state, batch.collected = "failed", True
        return False
    return True
