"""How far a job is: what its flow tells, and what follows from it for people and for `job.json`."""

from collections import deque
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

from extractor.jobs.counts import Counts
from extractor.sources import Gauge

_MINUTE = 60.0
"""Seconds over which the rate is taken: long enough for slow models, short enough to show that a server has slowed."""


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

    `before` documents were done when it began. `read` counts the records of the input so far, `skipped` those of them that were
    done before, `settled` those that are written now.
    """

    counts: Counts
    before: int = 0
    gauge: Gauge = field(default_factory=Gauge)
    read: int = 0
    skipped: int = 0
    settled: int = 0
    read_through: bool = False
    _written: deque[tuple[float, int]] = field(default_factory=deque, init=False, repr=False)

    def __post_init__(self) -> None:
        self._written.append((monotonic(), 0))

    def progress(self) -> Progress:
        """The progress right now."""
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
        elif part := self.gauge.part():
            unread = round(self.read * (1 - part) / part) - max(0, self.before - self.skipped)
            pending = in_flight + max(0, unread)
        eta = pending / rate if pending is not None and rate > 0 else None
        return Progress(self.counts.extracted, self.counts.failed, pending, self.read_through, in_flight, rate, eta)
