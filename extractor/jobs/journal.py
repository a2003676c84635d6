"""A job's folder: what ran, what is done, what failed. Opened again by the same command, it goes on where it stopped."""

import io
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, BinaryIO, Self

from pydantic import ValidationError

from extractor.documents import Document
from extractor.errors import JobError, Spent, UsageError
from extractor.jobs.job import JOB, WAYS_OUT, Counts, Description, Job, Progress, Watch, earlier, file_of, written_whole
from extractor.jobs.lines import KnownRecord, Line, Lines
from extractor.jobs.sinks import Portion
from extractor.outputs.jsonl import EXTRACTIONS, FAILURES, SHARDS, to_line
from extractor.records import Extraction, Failure
from extractor.sources import BadRecord, Sourced

_SYNC = 1.0
"""Seconds of records that a power cut may take back. A sync of what a second brings takes 3 ms on an SSD."""
_SYNC_SHARE = 20.0
"""Times a sync's own duration that passes before the next: a slow disk takes a twentieth of the time, not all of it."""
_LOCK_TRIES = 10
_LOCK_PAUSE = 0.02
"""Seconds between two tries for the lock, which `extractor status` holds for a moment."""


class InUseError(UsageError):
    """Another run writes to the folder."""


@dataclass(slots=True)
class Journal:
    """Writes a job's folder. Each record is handed to the system when it is added, so a killed process loses at most the line
    that it was writing; about once a second the disk has it too, and `job.json` says how far the job is.

    With `sort`, `finish` brings the records into the order of the input; `scattered` says that they may come in another.
    `settings` are what a model's answers depend on beside its name; `watch` is told how far the job is.
    `counts` covers the folder, earlier runs included. `resumed` records were there already; `changed` ones of them had another
    text than the input has now, and `kept` ones belong to documents that the input no longer holds. `stopped` is the cause and
    the fix of what ends this run before its time.
    Raises `UsageError` if the folder is another job's or in use, `JobError` if another program changes its files, `OSError` as
    the system does.
    """

    folder: Path
    job: Job
    settings: Mapping[str, Any] = field(default_factory=dict)
    fresh: bool = False
    sort: bool = True
    scattered: bool = True
    watch: Watch | None = None
    counts: Counts = field(default_factory=Counts, init=False)
    resumed: int = field(default=0, init=False)
    changed: int = field(default=0, init=False)
    kept: int = field(default=0, init=False)
    stopped: str | None = field(default=None, init=False)
    _recorded: float = field(default=0.0, init=False, repr=False)
    _charged: float = field(default=0.0, init=False, repr=False)
    _extractions: io.BufferedRandom = field(init=False, repr=False)
    _failures: io.BufferedWriter = field(init=False, repr=False)
    _sorted: io.BufferedWriter | None = field(default=None, init=False, repr=False)
    _lines: Lines | None = field(default=None, init=False, repr=False)
    heading: dict[str, Any] = field(init=False, repr=False)
    _before: Description | None = field(default=None, init=False, repr=False)
    _began: float = field(init=False, repr=False)
    _started: str = field(init=False, repr=False)
    _sizes: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _lost: bool = field(default=False, init=False, repr=False)
    _next_sync: float = field(default=0.0, init=False, repr=False)
    _finished: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        self.heading = self.job.as_json(self.settings)

    def __enter__(self) -> Self:
        self._began, self._started = perf_counter(), utc_now()
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in (EXTRACTIONS, FAILURES, *([JOB] if self.fresh else [])):
            file_of(self.folder, name)
        self._refuse_shards()
        if not self.fresh:
            self._earlier()  # a folder that is refused is left as it is
        with ExitStack() as opened:
            self._extractions = opened.enter_context(self._locked())
            self._before = None if self.fresh else self._earlier()  # no other run can change it any more
            for name in (EXTRACTIONS, JOB):
                (self.folder / f"{name}.new").unlink(missing_ok=True)  # of a run that was killed while it wrote one
            if self.fresh:
                self._extractions.truncate(0)
            self._extractions.seek(0)
            self._extractions.truncate(self._index(self._extractions))
            self._sizes = {EXTRACTIONS: self._extractions.seek(0, io.SEEK_END), FAILURES: 0}
            if self._lines is None and self.sort and self.scattered:
                self._lines = Lines()
            self._failures = opened.enter_context((self.folder / FAILURES).open("wb"))
            self._describe()
            _sync_folder(self.folder)
            opened.pop_all()  # they stay open until the job ends
        self._next_sync = perf_counter() + _SYNC
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if not self._finished and self._lines is not None and self._lines.broken and self._changed() is None:
                self._rewrite(self._lines, by_input=False)
            self._sync()
        except OSError:
            if error is None and not self._lost:
                raise  # else the error that is on its way says more
        finally:
            for file in (self._extractions, self._failures, self._sorted):
                if file is not None:
                    with suppress(OSError):  # closing flushes anew what a full disk refused; that write has reported it
                        file.close()
            if self._lines is not None:
                self._lines.close()

    def look(self) -> Self:
        """Read what the folder holds and write nothing, in place of entering it; what is done and `spent` are known then."""
        self._refuse_shards()
        self._before = None if self.fresh else self._earlier()
        if not self.fresh and (extractions := file_of(self.folder, EXTRACTIONS)).exists():
            with extractions.open("rb") as lines:
                self._index(lines)
        return self

    def is_done(self, document: Document) -> bool:
        """Whether the folder holds the extraction of this document, word for word the same.

        To be asked in the order of the input, which is the order that `finish` brings the records into.
        """
        if self._lines is None:
            return False
        done, stale = self._lines.ask(document.id, _content(document.title, document.abstract))
        if stale is not None:
            self._discount(stale)
            self.changed += 1
        return done

    def with_done(self, items: Iterable[Sourced | BadRecord]) -> Iterator[tuple[Sourced | BadRecord, bool]]:
        """Each of the input's items with whether its extraction is there."""
        return ((item, isinstance(item, Sourced) and self.is_done(item.document)) for item in items)

    def holds(self, document: Document) -> bool:
        """Whether the folder holds an extraction of this id."""
        return self._lines is not None and self._lines.has(document.id)

    def add(self, record: Extraction) -> None:
        """Write down an extraction."""
        self._write([(record.id, to_line(record))])
        self.counts.add(record)
        self._recorded += record.provenance.cost_usd or 0.0
        self._sync_now_and_then()

    def fail(self, failure: Failure, spent: Spent | None = None) -> None:
        """Write down an input that gave no extraction."""
        self._write_failures([failure])
        self.counts.fail(spent)
        self._recorded += (spent and spent.cost_usd) or 0.0
        self._sync_now_and_then()

    def take(self, portion: Portion) -> None:
        """Write down what several documents came to."""
        self._write(portion.lines)
        if portion.failures:
            self._write_failures(portion.failures)
        self.counts.merge(portion.counts)
        self._recorded += portion.counts.cost_usd or 0.0
        self._sync_now_and_then()

    @property
    def spent(self) -> float:
        """US dollars that all runs have cost, as far as prices are known, also for what failed or was done anew."""
        return max(self._recorded, self._charged)

    def progress(self) -> Progress | None:
        """How far the job is right now; None where nobody watches it."""
        return None if self.watch is None else self.watch.progress(self.counts, self.resumed)

    def charge(self, spent: float) -> None:
        """Take note of what all runs have cost in US dollars: calls for a document that got no record are paid for, too."""
        self._charged = max(self._charged, spent)

    def refresh(self) -> None:
        """Bring `job.json` up to date while nothing comes to be written. To be called about once a second."""
        with suppress(OSError, JobError):  # the next record meets it as well, and loses nothing
            self._sync_now_and_then()

    def finish(self) -> None:
        """Bring the records into the order of the input and close the books. To be called when the input is at its end.

        Raises `JobError` as writing does, if another program has changed the files meanwhile.
        """
        self._check()
        if self._lines is not None:
            self.kept = self._lines.unasked()
            if self._lines.broken or (self.sort and not self._lines.in_order()):
                self._rewrite(self._lines, by_input=self.sort)
        self._finished = True

    def _changed(self) -> Path | None:
        """The file that is no longer what was written, if there is one: it was cut, taken away or written to."""
        for name, file in ((EXTRACTIONS, self._extractions), (FAILURES, self._failures)):
            path = self.folder / name
            try:
                there = path.stat()
            except FileNotFoundError:
                return path
            if not os.path.samestat(there, os.fstat(file.fileno())) or there.st_size != self._sizes[name]:
                return path
        return None

    def _look_at(self, name: str, file: io.BufferedIOBase) -> None:
        """Check the files where one has another size than was written.

        That is asked for each record. To ask each time where the paths lead, too, takes a sixtieth of the time of the rules.
        """
        if _size(file) != self._sizes[name]:
            self._check()

    def _check(self) -> None:
        """Raise `JobError` if a file is no longer what was written."""
        if path := self._changed():
            self._lost = True
            fix = "Look what does so, then run the same command again: what is lost is done anew."
            raise JobError(f"{path} was changed by another program while the job ran", fix)

    def _append(self, name: str, file: io.BufferedIOBase, lines: bytes) -> None:
        file.write(lines)
        file.flush()
        self._sizes[name] += len(lines)

    def _write(self, lines: Sequence[tuple[str, bytes]]) -> None:
        self._look_at(EXTRACTIONS, self._extractions)
        if self._lines is not None:
            offset = self._sizes[EXTRACTIONS]
            for name, line in lines:
                if old := self._lines.put(name, offset, len(line)):
                    self._discount(old)
                offset += len(line)
        self._append(EXTRACTIONS, self._extractions, b"".join(line for _, line in lines))

    def _write_failures(self, failures: Sequence[Failure]) -> None:
        self._look_at(FAILURES, self._failures)
        if self._lines is not None:
            for failure in failures:
                if failure.id is not None and (old := self._lines.drop(failure.id)):
                    self._discount(old)
        self._append(FAILURES, self._failures, b"".join(map(to_line, failures)))

    def _discount(self, line: Line) -> None:
        """Take a line that no longer counts out of the counts; it leaves the file later."""
        if self._sizes:
            self._check()
        with (self.folder / EXTRACTIONS).open("rb") as file:
            self.counts.add(Extraction.model_validate_json(line.read(file)), -1)

    def _earlier(self) -> Description | None:
        """What `job.json` says of earlier runs; None for a new folder. Raises `UsageError` if they were of another job."""
        if not os.path.lexists(self.folder / JOB):
            extractions = file_of(self.folder, EXTRACTIONS)
            if extractions.exists() and extractions.stat().st_size:  # an empty one is from a run that was killed at its start
                raise UsageError(f"{extractions} has no {JOB} that says what made it. {WAYS_OUT}")
            return None
        return earlier(self.folder, self.heading)

    def _refuse_shards(self) -> None:
        if (self.folder / SHARDS).is_dir():
            raise UsageError(f"{self.folder} holds a job in shards. Run it with --engine ray, or choose another -o.")

    def _locked(self) -> io.BufferedRandom:
        """Open the records and keep a second run out; the system releases the lock when the process ends, however it ends."""
        path = self.folder / EXTRACTIONS
        for _ in range(_LOCK_TRIES):
            file = path.open("a+b")
            if not lock(file):
                time.sleep(_LOCK_PAUSE)
            elif os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
            file.close()  # or another run has just put the sorted records in the place of what was opened
        raise InUseError(f"Another run is writing to {self.folder}. Wait for it, or choose another -o.")

    def _index(self, lines: BinaryIO) -> int:
        """Index and count the records of earlier runs, and return where the last whole one ends.

        They are examined whole, unless nobody has written to the file since this program did.
        """
        end = 0
        before = self._before
        written = (before.written.extractions or 0) if before is not None else 0
        there = os.fstat(lines.fileno())
        untouched = before is not None and (there.st_size, _modified(there)) == (written, before.written.modified)
        model: type[Extraction | KnownRecord] = KnownRecord if untouched else Extraction
        late = 0.0
        for line in lines:
            if not line.endswith(b"\n"):
                break
            if self._lines is None:
                self._lines = Lines()
            index = self._lines
            try:
                record = model.model_validate_json(line)
            except ValidationError:
                index.broken = True  # the document is done anew, and the line is dropped
            else:
                content = _content(record.title, record.abstract)
                if old := index.put(record.id, end, len(line), content):
                    self._discount(old)
                self.counts.add(record)
                late += (record.provenance.cost_usd or 0.0) if end >= written else 0.0
            end += len(line)
        self.resumed = self.counts.documents
        # A killed run could not write down what it had spent since its last sync; its records say it.
        self._recorded = max((0.0 if before is None else before.spent_usd) + late, self.counts.cost_usd or 0.0)
        return end

    def _rewrite(self, lines: Lines, *, by_input: bool) -> None:
        """Write the lines that count into a new file, in the given order. The old file stays until the new one is whole."""
        new = self.folder / f"{EXTRACTIONS}.new"
        try:
            self._sorted = new.open("wb")
            with (self.folder / EXTRACTIONS).open("rb") as source:
                for line in lines.that_count(by_input=by_input):
                    self._sorted.write(line.read(source))
            self._sorted.flush()
            os.fsync(self._sorted.fileno())
        except BaseException:
            new.unlink(missing_ok=True)  # a full disk needs the room
            raise
        lock(self._sorted)  # before others can open it
        new.replace(self.folder / EXTRACTIONS)
        _sync_folder(self.folder)

    def _sync_now_and_then(self) -> None:
        if (began := perf_counter()) >= self._next_sync:
            self._check()
            self._sync()
            now = perf_counter()
            self._next_sync = now + max(_SYNC, _SYNC_SHARE * (now - began))

    def _sync(self) -> None:
        """Bring the records to the disk, and `job.json` up to date."""
        for file in (self._sorted or self._extractions, self._failures):
            file.flush()
            os.fsync(file.fileno())
        self._describe()

    def _describe(self) -> None:
        """Write `job.json`, whole or not at all."""
        records = (self._sorted or self._extractions).fileno()
        if os.utime in os.supports_fd:
            # The system's own stamp stays the same for milliseconds, in which another program may write.
            os.utime(records, ns=(time.time_ns(), time.time_ns()))
        there = os.fstat(records)
        describe(
            self.folder,
            self.heading,
            self._before,
            counts=self.counts.as_json(),
            progress=None if (progress := self.progress()) is None else progress.as_json(),
            spent_usd=round(self.spent, 6),
            written={"extractions": there.st_size, "modified": _modified(there), "failures": _size(self._failures)},
            started=self._started,
            finished=self._finished,
            stopped=self.stopped,
            seconds=perf_counter() - self._began,
        )


def describe(
    folder: Path,
    heading: Mapping[str, Any],
    before: Description | None,
    *,
    started: str,
    finished: bool,
    stopped: str | None,
    seconds: float,
    **facts: Any,
) -> None:
    """Write a `job.json`, whole or not at all: what was asked for, and how far this run of it is after the one `before`."""
    now = utc_now()
    description = {
        **heading,
        **facts,
        "started": (before and before.started) or started,
        "updated": now,
        "finished": now if finished else None,
        "stopped": stopped,
        "seconds": round((0.0 if before is None else before.seconds) + seconds, 3),
    }
    with written_whole(folder / JOB) as file:
        file.write((json.dumps(description, indent=1) + "\n").encode())


def lock(file: io.BufferedIOBase, *, shared: bool = False) -> bool:
    """Try to lock a job's `extractions.jsonl`; whether no other process has. True where the system knows no locks."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def utc_now() -> str:
    """This second, as `job.json` has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _modified(file: os.stat_result) -> int:
    """When a file was written to, in microseconds: nanoseconds would be too large for a number of JSON."""
    return file.st_mtime_ns // 1000


def _size(file: io.BufferedIOBase) -> int:
    return os.fstat(file.fileno()).st_size


def _sync_folder(folder: Path) -> None:
    """Bring the names of new files to the disk, where the system can."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        with suppress(OSError):
            os.fsync(descriptor)
        os.close(descriptor)


def _content(title: str, abstract: str) -> int:
    return hash((title, abstract))
