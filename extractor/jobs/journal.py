"""A job's folder: what ran, what is done, what failed. Opened again by the same command, it goes on where it stopped."""

import io
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from extractor._version import __version__
from extractor.documents import Document
from extractor.errors import UsageError
from extractor.jobs.counts import Counts
from extractor.llm.failures import Spent
from extractor.outputs.jsonl import EXTRACTIONS, FAILURES, to_line
from extractor.records import Extraction, Failure

JOB = "job.json"


@dataclass(frozen=True, slots=True)
class Job:
    """What decides the content of a job's folder.

    `fields` holds the names by which input records go, `asking` what a model's answers depend on beside its name.
    """

    inputs: tuple[str, ...]
    model: str
    fields: Mapping[str, Sequence[str]]
    extractor: str = __version__
    asking: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Line:
    """A record in `extractions.jsonl`. `content` tells whether the document of that id still reads the same."""

    offset: int
    length: int
    content: int


@dataclass(slots=True)
class Journal:
    """Writes a job's folder. Each record is flushed when it is added, so a killed run loses at most the line it was writing.

    `counts` covers the folder, earlier runs included. `resumed` records were there already; `kept` ones belong to
    documents that the input no longer holds. `spent` is what all runs have cost in US dollars, as far as prices are known,
    also for what failed or was done anew. Raises `UsageError` if the folder is another job's or in use, `OSError` as
    the system does.
    """

    folder: Path
    job: Job
    fresh: bool = False
    counts: Counts = field(default_factory=Counts, init=False)
    resumed: int = field(default=0, init=False)
    kept: int = field(default=0, init=False)
    spent: float = field(default=0.0, init=False)
    _extractions: io.BufferedWriter = field(init=False, repr=False)
    _failures: io.BufferedWriter = field(init=False, repr=False)
    _before: dict[str, Any] = field(init=False, repr=False)
    _began: float = field(init=False, repr=False)
    _lines: dict[str, _Line] = field(default_factory=dict, init=False, repr=False)
    _order: dict[str, bool] = field(default_factory=dict, init=False, repr=False)
    _failed: set[str] = field(default_factory=set, init=False, repr=False)
    _wasted: list[Spent | None] = field(default_factory=list, init=False, repr=False)
    _again: bool = field(default=False, init=False, repr=False)
    _untidy: bool = field(default=False, init=False, repr=False)
    _finished: bool = field(default=False, init=False, repr=False)

    def __enter__(self) -> Self:
        self._began = perf_counter()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._before = {} if self.fresh else self._earlier()
        self._extractions = (self.folder / EXTRACTIONS).open("ab")
        try:
            self._lock()
            if self.fresh:
                self._extractions.truncate(0)
            self._scan()
            self._failures = (self.folder / FAILURES).open("wb")
            self._describe()
        except BaseException:
            self._extractions.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._describe()
        except OSError:
            if error is None:
                raise  # else the error that is on its way says more
        finally:
            for file in (self._extractions, self._failures):
                with suppress(OSError):  # closing flushes anew what a full disk refused; that write has reported it
                    file.close()

    def look(self) -> Self:
        """Read what the folder holds and write nothing, in place of entering it; `is_done` and `spent` are known then."""
        self._before = {} if self.fresh else self._earlier()
        if not self.fresh:
            self._index()
        return self

    def is_done(self, document: Document) -> bool:
        """Whether the folder holds the extraction of this document, word for word the same.

        To be asked in the order of the input, which is the order that `finish` brings the records into.
        """
        line = self._lines.get(document.id)
        done = line is not None and line.content == _content(document.title, document.abstract)
        if self._again:
            self._order[document.id] = done
        return done

    def add(self, record: Extraction) -> None:
        """Write down an extraction."""
        line = to_line(record)
        if self._again:
            self._place(record, self._extractions.tell(), len(line))
            self._order[record.id] = True
        self._extractions.write(line)
        self._extractions.flush()
        self.counts.add(record)
        self.spent += record.provenance.cost_usd or 0.0

    def fail(self, failure: Failure, spent: Spent | None = None) -> None:
        """Write down an input that gave no extraction."""
        self._failures.write(to_line(failure))
        self._failures.flush()
        self.counts.fail(spent)
        self._wasted.append(spent)
        self.spent += (spent and spent.cost_usd) or 0.0
        if self._again and failure.id is not None:
            self._failed.add(failure.id)

    def finish(self) -> None:
        """Bring the records into the order of the input and close the books. To be called when the input is at its end."""
        if self._again:
            left = [name for name in self._lines if name not in self._order and name not in self._failed]
            self.kept = len(left)
            wanted = [*(name for name, done in self._order.items() if done), *left]
            if self._untidy or wanted != [*self._lines]:
                self._rewrite(wanted)
        self._finished = True

    def _earlier(self) -> dict[str, Any]:
        """What `job.json` says of earlier runs; empty for a new folder. Raises `UsageError` if they were of another job."""
        file = self.folder / JOB
        if not file.exists():
            if (self.folder / EXTRACTIONS).exists():
                raise UsageError(f"{self.folder / EXTRACTIONS} has no {JOB} that says what made it. {_WAYS_OUT}")
            return {}
        try:
            before: dict[str, Any] = json.loads(file.read_bytes())
            asking = dict(before["settings"])
            fields = asking.pop("fields")
            earlier = Job(tuple(before["inputs"]), before["model"], fields, before["extractor"], asking)
        except (ValueError, KeyError, TypeError):
            raise UsageError(f"{file} is not the description of a job. {_WAYS_OUT}") from None
        if differences := _differences(earlier, self.job):
            raise UsageError(f"{self.folder} holds another job: {differences}. {_WAYS_OUT}")
        return before

    def _lock(self) -> None:
        """Keep a second run out of the folder; the system releases the lock when the process ends, however it ends."""
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._extractions, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"Another run is writing to {self.folder}. Wait for it, or choose another -o.") from None
        except OSError:  # a file system without locks
            return

    def _scan(self) -> None:
        """Index the records of earlier runs and cut off a half-written last line."""
        end = self._index()
        self._extractions.truncate(end)
        self._extractions.seek(end)

    def _index(self) -> int:
        """Index the records of earlier runs and return where the last whole one ends."""
        file = self.folder / EXTRACTIONS
        end = 0
        if not file.exists():
            return end
        with file.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                try:
                    self._place(record := Extraction.model_validate_json(line), end, len(line))
                    self.counts.add(record)
                except ValidationError:
                    self._untidy = True  # the document is done anew, and `finish` drops the line
                end += len(line)
        self._again = end > 0
        self.resumed = len(self._lines)
        # A killed run could not write down what it had spent; its records say it.
        self.spent = max(self._before.get("spent_usd", 0.0), self.counts.cost_usd or 0.0)
        return end

    def _place(self, record: Extraction, offset: int, length: int) -> None:
        self._untidy |= self._lines.pop(record.id, None) is not None  # an older line of this id is superseded
        self._lines[record.id] = _Line(offset, length, _content(record.title, record.abstract))

    def _rewrite(self, wanted: list[str]) -> None:
        """Put the records into the given order. The old file stays until the new one is whole."""
        counts = Counts()
        new = self.folder / f"{EXTRACTIONS}.new"
        with (self.folder / EXTRACTIONS).open("rb") as source, new.open("wb") as target:
            for name in wanted:
                place = self._lines[name]
                source.seek(place.offset)
                line = source.read(place.length)
                target.write(line)
                counts.add(Extraction.model_validate_json(line))
        for spent in self._wasted:
            counts.fail(spent)
        new.replace(self.folder / EXTRACTIONS)
        self.counts = counts

    def _describe(self) -> None:
        """Write `job.json`, whole or not at all."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        seconds = self._before.get("seconds", 0.0) + perf_counter() - self._began
        description = {
            "inputs": self.job.inputs,
            "model": self.job.model,
            "extractor": self.job.extractor,
            "settings": {"fields": self.job.fields, **self.job.asking},
            "counts": self.counts.as_json(),
            "spent_usd": round(self.spent, 6),
            "started": self._before.get("started", now),
            "finished": now if self._finished else None,
            "seconds": round(seconds, 3),
        }
        new = self.folder / f"{JOB}.new"
        new.write_text(json.dumps(description, indent=1) + "\n", encoding="ascii")
        new.replace(self.folder / JOB)


_WAYS_OUT = "Choose another folder with -o, or start over with --fresh."


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
    if gone := [name for name in earlier.inputs if name not in now.inputs]:
        pairs["inputs"] = (" ".join(gone), " ".join(now.inputs))
    return "; ".join(f"{name} was {before}, is now {after}" for name, (before, after) in pairs.items() if before != after)


def _listed(fields: Mapping[str, Sequence[str]]) -> str:
    return ",".join(f"{name}={'|'.join(names)}" for name, names in sorted(fields.items()))
