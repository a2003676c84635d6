"""A job's folder: what ran, what is done, what failed. Opened again by the same command, it goes on where it stopped."""

import io
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, BinaryIO, Self

from pydantic import ValidationError

from extractor._version import __version__
from extractor.documents import Document
from extractor.errors import Spent, UsageError
from extractor.jobs.counts import Counts
from extractor.jobs.places import Place, Places
from extractor.jobs.progress import Watch
from extractor.jobs.sinks import Portion
from extractor.outputs.jsonl import EXTRACTIONS, FAILURES, to_line
from extractor.records import Extraction, Failure

JOB = "job.json"
_SYNC = 1.0
"""Seconds of records that a power cut may take back. A sync of what a second brings takes 3 ms on an SSD."""
_SYNC_SHARE = 20.0
"""Times a sync's own duration that passes before the next: a slow disk takes a twentieth of the time, not all of it."""
_LOCK_TRIES = 10
_LOCK_PAUSE = 0.02
"""Seconds between two tries for the lock, which `extractor status` holds for a moment."""


@dataclass(frozen=True, slots=True)
class Job:
    """What decides the content of a job's folder, and how it was asked for.

    `fields` holds the names by which input records go, `asking` what a model's answers depend on beside its name. `options`
    are those of the command line and `directory` is where it was given, for `extractor retry`; two runs may differ in them.
    """

    inputs: tuple[str, ...]
    model: str
    fields: Mapping[str, Sequence[str]]
    extractor: str = __version__
    asking: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    directory: str = ""


@dataclass(slots=True)
class Journal:
    """Writes a job's folder. Each record is handed to the system when it is added, so a killed process loses at most the line
    that it was writing; about once a second the disk has it too, and `job.json` says how far the job is.

    With `sort`, `finish` brings the records into the order of the input; `scattered` says that they may come in another.
    `counts` covers the folder, earlier runs included. `resumed` records were there already; `changed` ones of them had another
    text than the input has now, and `kept` ones belong to documents that the input no longer holds. `spent` is what all runs
    have cost in US dollars, as far as prices are known, also for what failed or was done anew. `watch` tells `job.json` of the
    progress. Raises `UsageError` if the folder is another job's or in use, `OSError` as the system does.
    """

    folder: Path
    job: Job
    fresh: bool = False
    sort: bool = True
    scattered: bool = True
    counts: Counts = field(default_factory=Counts, init=False)
    watch: Watch | None = field(default=None, init=False)
    resumed: int = field(default=0, init=False)
    changed: int = field(default=0, init=False)
    kept: int = field(default=0, init=False)
    spent: float = field(default=0.0, init=False)
    _extractions: io.BufferedRandom = field(init=False, repr=False)
    _failures: io.BufferedWriter = field(init=False, repr=False)
    _sorted: io.BufferedWriter | None = field(default=None, init=False, repr=False)
    _places: Places | None = field(default=None, init=False, repr=False)
    _before: dict[str, Any] = field(init=False, repr=False)
    _began: float = field(init=False, repr=False)
    _next_sync: float = field(default=0.0, init=False, repr=False)
    _finished: bool = field(default=False, init=False, repr=False)

    def __enter__(self) -> Self:
        self._began = perf_counter()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.fresh:
            self._earlier()  # a folder that is refused is left as it is
        self._extractions = self._locked()
        try:
            self._before = {} if self.fresh else self._earlier()  # no other run can change it any more
            for name in (EXTRACTIONS, JOB):
                (self.folder / f"{name}.new").unlink(missing_ok=True)  # of a run that was killed while it wrote one
            if self.fresh:
                self._extractions.truncate(0)
            self._extractions.seek(0)
            self._extractions.truncate(self._index(self._extractions))
            self._extractions.seek(0, io.SEEK_END)
            if self._places is None and self.sort and self.scattered:
                self._places = Places()
            self._failures = (self.folder / FAILURES).open("wb")
            self._describe()
            _sync_folder(self.folder)
        except BaseException:
            self._extractions.close()
            raise
        self._next_sync = perf_counter() + _SYNC
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if not self._finished and self._places is not None and self._places.broken:
                self._rewrite(self._places, by_input=False)
            self._sync()
        except OSError:
            if error is None:
                raise  # else the error that is on its way says more
        finally:
            for file in (self._extractions, self._failures, self._sorted):
                if file is not None:
                    with suppress(OSError):  # closing flushes anew what a full disk refused; that write has reported it
                        file.close()
            if self._places is not None:
                self._places.close()

    def look(self) -> Self:
        """Read what the folder holds and write nothing, in place of entering it; `is_done` and `spent` are known then."""
        self._before = {} if self.fresh else self._earlier()
        if not self.fresh and (self.folder / EXTRACTIONS).exists():
            with (self.folder / EXTRACTIONS).open("rb") as lines:
                self._index(lines)
        return self

    def is_done(self, document: Document) -> bool:
        """Whether the folder holds the extraction of this document, word for word the same.

        To be asked in the order of the input, which is the order that `finish` brings the records into.
        """
        if self._places is None:
            return False
        done, stale = self._places.ask(document.id, _content(document.title, document.abstract))
        if stale is not None:
            self._discount(stale)
            self.changed += 1
        return done

    def add(self, record: Extraction) -> None:
        """Write down an extraction."""
        self._write({record.id: to_line(record)})
        self.counts.add(record)
        self.spent += record.provenance.cost_usd or 0.0
        self._sync_now_and_then()

    def fail(self, failure: Failure, spent: Spent | None = None) -> None:
        """Write down an input that gave no extraction."""
        self._write_failures([failure])
        self.counts.fail(spent)
        self.spent += (spent and spent.cost_usd) or 0.0
        self._sync_now_and_then()

    def take(self, portion: Portion) -> None:
        """Write down what several documents came to."""
        self._write(portion.lines)
        self._write_failures(portion.failures)
        self.counts.merge(portion.counts)
        self.spent += portion.counts.cost_usd or 0.0
        self._sync_now_and_then()

    def refresh(self) -> None:
        """Bring `job.json` up to date while nothing comes to be written. To be called about once a second."""
        with suppress(OSError):  # the next record meets it as well, and loses nothing
            self._sync_now_and_then()

    def finish(self) -> None:
        """Bring the records into the order of the input and close the books. To be called when the input is at its end."""
        if self._places is not None:
            self.kept = self._places.unasked()
            if self._places.broken or (self.sort and not self._places.in_order()):
                self._rewrite(self._places, by_input=self.sort)
        self._finished = True

    def _write(self, lines: Mapping[str, bytes]) -> None:
        if self._places is not None:
            offset = self._extractions.tell()
            for name, line in lines.items():
                if old := self._places.put(name, offset, len(line)):
                    self._discount(old)
                offset += len(line)
        self._extractions.write(b"".join(lines.values()))
        self._extractions.flush()

    def _write_failures(self, failures: Sequence[Failure]) -> None:
        if self._places is not None:
            for failure in failures:
                if failure.id is not None and (old := self._places.drop(failure.id)):
                    self._discount(old)
        self._failures.write(b"".join(map(to_line, failures)))
        self._failures.flush()

    def _discount(self, place: Place) -> None:
        """Take a line that no longer counts out of the counts; it leaves the file later."""
        with (self.folder / EXTRACTIONS).open("rb") as file:
            self.counts.add(Extraction.model_validate_json(place.read(file)), -1)

    def _earlier(self) -> dict[str, Any]:
        """What `job.json` says of earlier runs; empty for a new folder. Raises `UsageError` if they were of another job."""
        file = self.folder / JOB
        if not file.exists():
            extractions = self.folder / EXTRACTIONS
            if extractions.exists() and extractions.stat().st_size:  # an empty one is from a run that was killed at its start
                raise UsageError(f"{extractions} has no {JOB} that says what made it. {_WAYS_OUT}")
            return {}
        before = read_description(self.folder)
        try:
            asking = dict(before["settings"])
            fields = asking.pop("fields")
            earlier = Job(tuple(before["inputs"]), before["model"], fields, before["extractor"], asking)
        except (ValueError, KeyError, TypeError):
            raise UsageError(f"{file} is not the description of a job. {_WAYS_OUT}") from None
        if differences := _differences(earlier, self.job):
            raise UsageError(f"{self.folder} holds another job: {differences}. {_WAYS_OUT}")
        return before

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
        raise UsageError(f"Another run is writing to {self.folder}. Wait for it, or choose another -o.")

    def _index(self, lines: BinaryIO) -> int:
        """Index and count the records of earlier runs, and return where the last whole one ends."""
        end = 0
        written = self._before.get("written", {}).get("extractions", 0)
        late = 0.0
        for line in lines:
            if not line.endswith(b"\n"):
                break
            if self._places is None:
                self._places = Places()
            places = self._places
            try:
                record = Extraction.model_validate_json(line)
            except ValidationError:
                places.broken = True  # the document is done anew, and the line is dropped
            else:
                content = _content(record.title, record.abstract)
                if old := places.put(record.id, end, len(line), content):
                    self._discount(old)
                self.counts.add(record)
                late += (record.provenance.cost_usd or 0.0) if end >= written else 0.0
            end += len(line)
        self.resumed = self.counts.documents
        # A killed run could not write down what it had spent since its last sync; its records say it.
        self.spent = max(self._before.get("spent_usd", 0.0) + late, self.counts.cost_usd or 0.0)
        return end

    def _rewrite(self, places: Places, *, by_input: bool) -> None:
        """Write the lines that count into a new file, in the given order. The old file stays until the new one is whole."""
        new = self.folder / f"{EXTRACTIONS}.new"
        try:
            self._sorted = new.open("wb")
            with (self.folder / EXTRACTIONS).open("rb") as source:
                for place in places.lines(by_input=by_input):
                    self._sorted.write(place.read(source))
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
        now = datetime.now(UTC).isoformat(timespec="seconds")
        seconds = self._before.get("seconds", 0.0) + perf_counter() - self._began
        description = {
            "inputs": self.job.inputs,
            "model": self.job.model,
            "extractor": self.job.extractor,
            "settings": {"fields": self.job.fields, **self.job.asking},
            "options": self.job.options,
            "directory": self.job.directory,
            "counts": self.counts.as_json(),
            "progress": None if self.watch is None else self.watch.progress().as_json(),
            "spent_usd": round(self.spent, 6),
            "written": {"extractions": _size(self._sorted or self._extractions), "failures": _size(self._failures)},
            "started": self._before.setdefault("started", now),
            "updated": now,
            "finished": now if self._finished else None,
            "seconds": round(seconds, 3),
        }
        new = self.folder / f"{JOB}.new"
        try:
            with new.open("w", encoding="ascii") as file:
                file.write(json.dumps(description, indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.folder / JOB)
        except OSError:
            new.unlink(missing_ok=True)
            raise


_WAYS_OUT = "Choose another folder with -o, or start over with --fresh."


def read_description(folder: Path, fix: str = _WAYS_OUT) -> dict[str, Any]:
    """What a folder's `job.json` says. Raises `UsageError` if it is none, as that of another program."""
    file = folder / JOB
    try:
        description = json.loads(file.read_bytes())
    except ValueError:
        description = None
    parts = ("settings", "counts", "written")
    if not isinstance(description, dict) or not all(isinstance(description.get(part), dict) for part in parts):
        raise UsageError(f"{file} is not the description of a job. {fix}")
    return description


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


def _differences(earlier: Job, now: Job) -> str:
    """What keeps two jobs from sharing a folder, in words; empty if nothing does. Inputs may be added, not taken away."""
    pairs: dict[str, tuple[Any, Any]] = {
        "model": (earlier.model, now.model),
        "extractor": (earlier.extractor, now.extractor),
        "fields": (_listed(earlier.fields), _listed(now.fields)),
    }
    if earlier.model == now.model:  # else it goes without saying
        names = sorted({*earlier.asking, *now.asking})
        pairs |= {name: (earlier.asking.get(name), now.asking.get(name)) for name in names}
        if earlier.asking.get("prompt") != now.asking.get("prompt"):
            pairs.pop("prompt_sha256", None)
    if gone := [name for name in earlier.inputs if name not in now.inputs]:
        pairs["inputs"] = (" ".join(gone), " ".join(now.inputs))
    return "; ".join(_difference(name, before, after) for name, (before, after) in pairs.items() if before != after)


def _difference(name: str, before: object, after: object) -> str:
    if name.endswith("_sha256"):  # nobody compares hashes by eye
        return f"the {name.removesuffix('_sha256')} has changed"
    return f"{name} was {before}, is now {after}"


def _listed(fields: Mapping[str, Sequence[str]]) -> str:
    return ",".join(f"{name}={'|'.join(names)}" for name, names in sorted(fields.items()))
