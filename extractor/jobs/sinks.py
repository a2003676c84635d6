"""Where a job's records go: a folder (`Journal`) or a stream."""

from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from extractor.documents import Document
from extractor.errors import Spent
from extractor.jobs.job import Counts, Progress
from extractor.outputs.jsonl import to_line
from extractor.records import Extraction, Failure


@dataclass(slots=True)
class Portion:
    """What several documents came to in another process: ids and lines of their extractions, their failures, their counts."""

    lines: list[tuple[str, bytes]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)


class Sink(Protocol):
    """Takes each record once. `counts` are the sums so far."""

    counts: Counts

    def is_done(self, document: Document) -> bool:
        """Whether an earlier run wrote down this document's extraction."""
        ...

    def add(self, record: Extraction) -> None:
        """Write down an extraction."""
        ...

    def fail(self, failure: Failure, spent: Spent | None = None) -> None:
        """Write down an input that gave no extraction, and count what was spent on it."""
        ...


class BulkSink(Sink, Protocol):
    """A sink that also takes what other processes have made."""

    def take(self, portion: Portion) -> None:
        """Write down what several documents came to."""
        ...


class Watched(Protocol):
    """A job that runs, for whoever shows how far it is. May be asked on another thread."""

    @property
    def counts(self) -> Counts:
        """The sums so far."""
        ...

    @property
    def spent(self) -> float:
        """US dollars that all runs have cost."""
        ...

    def progress(self) -> Progress | None:
        """How far the job is right now; None where nobody watches it."""
        ...


@dataclass(slots=True)
class Streams:
    """Sends extractions to one stream and failures to another, one line each, flushed: a reader downstream waits for them."""

    extractions: BinaryIO
    failures: BinaryIO
    counts: Counts = field(default_factory=Counts, init=False)

    def is_done(self, document: Document) -> bool:  # noqa: ARG002 (a stream has no memory)
        """Never: a stream starts anew each time."""
        return False

    def add(self, record: Extraction) -> None:
        """Send an extraction."""
        self.extractions.write(to_line(record))
        self.extractions.flush()
        self.counts.add(record)

    def fail(self, failure: Failure, spent: Spent | None = None) -> None:
        """Send an input that gave no extraction."""
        self.failures.write(to_line(failure))
        self.failures.flush()
        self.counts.fail(spent)

    def take(self, portion: Portion) -> None:
        """Send what several documents came to."""
        for stream, lines in (
            (self.extractions, (line for _, line in portion.lines)),
            (self.failures, map(to_line, portion.failures)),
        ):
            stream.write(b"".join(lines))
            stream.flush()
        self.counts.merge(portion.counts)
