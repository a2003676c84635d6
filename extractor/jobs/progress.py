"""How far a job is, for people and for `job.json`: counts, what its flow tells meanwhile, and what it has come to."""

from collections import deque
from dataclasses import asdict, dataclass, field, fields
from time import monotonic
from typing import Any, get_args

from extractor.errors import JobError, Spent
from extractor.records import Extraction, Kind
from extractor.sources import Gauge

_MINUTE = 60.0
"""Seconds over which the rate is taken: long enough for slow models, short enough to show that a server has slowed."""


@dataclass(slots=True)
class Counts:
    """Sums over the records of a job. `documents` counts every input record; `failed` of them have no extraction.

    `uncalled` documents took no call because nothing was spotted in them (or rules labelled them), `cached` ones because
    their replies were kept. Calls, tokens and cost include those of the documents that failed. `cost_usd` is None once the
    price of a single document is not known.
    """

    documents: int = 0
    failed: int = 0
    claims: dict[str, int] = field(default_factory=lambda: dict.fromkeys(get_args(Kind), 0))
    hardware: int = 0
    rejected: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    uncalled: int = 0
    cached: int = 0
    calls: int = 0
    reasks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0

    @property
    def extracted(self) -> int:
        """Documents that have an extraction."""
        return self.documents - self.failed

    def add(self, record: Extraction, times: int = 1) -> None:
        """Count an extraction; with -1, take one out that was counted before."""
        self.documents += times
        for claim in record.claims:
            self.claims[claim.kind] += times
        self.hardware += times * len(record.hardware)
        self.rejected += times * len(record.rejected)
        for rejection in record.rejected:
            left = self.rejected_by_reason.pop(rejection.reason, 0) + times
            if left:
                self.rejected_by_reason[rejection.reason] = left
        made = record.provenance
        self.cached += times * made.cached
        self.uncalled += times * (not (made.calls or made.cached))
        self._spend(Spent(made.calls, made.attempts, made.input_tokens, made.output_tokens, made.cost_usd), times)

    def fail(self, spent: Spent | None = None) -> None:
        """Count an input without an extraction, and what was spent on it."""
        self.documents += 1
        self.failed += 1
        if spent is not None:
            self._spend(spent)

    def merge(self, other: "Counts") -> None:
        """Add the counts of other records."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, dict):
                for name, number in theirs.items():
                    mine[name] = mine.get(name, 0) + number
            else:
                setattr(self, each.name, None if mine is None or theirs is None else mine + theirs)

    def _spend(self, spent: Spent, times: int = 1) -> None:
        self.calls += times * spent.calls
        self.reasks += times * max(0, spent.attempts - 1)
        self.input_tokens += times * spent.input_tokens
        self.output_tokens += times * spent.output_tokens
        known = None not in (self.cost_usd, spent.cost_usd)
        self.cost_usd = (self.cost_usd or 0.0) + times * (spent.cost_usd or 0.0) if known else None

    def as_json(self) -> dict[str, Any]:
        """The counts as they stand in `job.json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job has come to. `counts` cover its folder, earlier runs included.

    `stopped` is what no later document could have done without, `interrupted` says that its `Stop` was asked. `changed`
    documents had another text before and were done anew, `kept` ones are no longer in the input. Of a job in batches, `waiting`
    requests are not answered yet, `queued` ones of them wait for room at the provider. `calls` says that a model was asked.
    The files `skipped` were passed over because they are not recognised, `repeated` documents were read before.
    """

    counts: Counts
    seconds: float = 0.0
    stopped: JobError | None = None
    interrupted: bool = False
    changed: int = 0
    kept: int = 0
    waiting: int = 0
    queued: int = 0
    calls: bool = True
    skipped: tuple[str, ...] = ()
    repeated: int = 0

    @property
    def answered(self) -> int:
        """Documents that were labelled: where a wrong key stops a job with a model, those that need no call are no success."""
        return self.counts.extracted - (self.counts.uncalled if self.calls else 0)


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a job. `done` and `failed` count the folder, earlier runs included.

    `pending` documents are neither; it is an estimate by the bytes read until the input has been `read_through`, and None where
    the size of the input is not known, as that of a pipe. `in_flight` of them are under way. `rate` is in documents a second,
    over the last minute; `eta` in seconds from now.
    """

    done: int
    failed: int
    pending: int | None
    read_through: bool
    in_flight: int
    rate: float
    eta: float | None

    def as_json(self) -> dict[str, Any]:
        """As it stands in `job.json`."""
        return asdict(self) | {"rate": round(self.rate, 3), "eta": None if self.eta is None else round(self.eta, 1)}


@dataclass(slots=True)
class Watch:
    """What a job's flow tells while it runs. Another thread may ask for the progress at any time.

    `read` counts the records of the input so far, `skipped` those of them that were
    done before, `settled` those that are written now.
    """

    gauge: Gauge = field(default_factory=Gauge)
    read: int = 0
    skipped: int = 0
    settled: int = 0
    read_through: bool = False
    _written: deque[tuple[float, int]] = field(default_factory=deque, init=False, repr=False)

    def __post_init__(self) -> None:
        self._written.append((monotonic(), 0))

    def progress(self, counts: Counts, before: int = 0) -> Progress:
        """The progress right now. `before` documents of the counts were done when the job began."""
        now, settled = monotonic(), self.settled
        self._written.append((now, settled))
        while now - self._written[0][0] > _MINUTE and len(self._written) > 2:
            self._written.popleft()
        began, first = self._written[0]
        rate = (settled - first) / (now - began) if now > began else 0.0
        in_flight = max(0, self.read - self.skipped - settled)
        pending: int | None = None
        if self.read_through:
            pending = in_flight
        elif self.read and (part := self.gauge.part()):
            unread = round(self.read * (1 - part) / part) - max(0, before - self.skipped)
            pending = in_flight + max(0, unread)
        eta = pending / rate if pending is not None and rate > 0 else None
        return Progress(counts.extracted, counts.failed, pending, self.read_through, in_flight, rate, eta)
