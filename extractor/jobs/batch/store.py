"""What a job's folder holds of its batches: the folder `batch` with `batches.json`, the documents, requests and results.

`batches.json` is the whole plan, replaced in one step; it exists when the plan is whole. With it and the environment's key
any machine can go on. `documents.jsonl` is the input as it was read when the job was planned.
"""

import json
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from itertools import chain, repeat
from pathlib import Path
from typing import Any, BinaryIO, cast

from pydantic import BaseModel, ConfigDict

from extractor.errors import CallError, DataError, Spent, UsageError
from extractor.jobs.batch.plan import Plan, PlannedBatch, PlannedDocument
from extractor.jobs.job import Job, file_of, written_whole
from extractor.jobs.journal import Journal
from extractor.labelling.models import ModelOptions
from extractor.llm.answers import KnownAnswer
from extractor.llm.batch import ENDED, PRICE, Result, read_result
from extractor.llm.pricing import Ledger, Price
from extractor.llm.structured import Mode
from extractor.sources import Sourced

FOLDER = "batch"
_STATE = "batches.json"
_VERSION = 1


class _Planned(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    plan: Plan


class Store:
    """The folder `batch` of a job's folder."""

    def __init__(self, job: Path) -> None:
        self.job = job
        self.folder = job / FOLDER
        self.documents = self.folder / "documents.jsonl"
        self.prompt = self.folder / "prompt.md"
        self.results = self.folder / "results"

    def requests(self, number: int) -> Path:
        """The file with the requests of a batch; it goes when they are answered."""
        return self.folder / f"requests-{number}.jsonl"

    def requests_of(self, batch: PlannedBatch) -> Path:
        """The file with the requests of a batch, without those that were split off."""
        file = file_of(self.folder, self.requests(batch.number).name)
        if file.stat().st_size > batch.bytes:
            os.truncate(file, batch.bytes)
        return file

    def drop_requests(self) -> None:
        """Let go of all requests: they are answered, or never will be."""
        for file in self.folder.glob("requests-*"):
            file.unlink(missing_ok=True)

    def load(self) -> Plan | None:
        """The plan, or None if the folder has none. Raises `UsageError` for a file that is not a plan."""
        file = file_of(self.folder, _STATE)
        try:
            raw = json.loads(file.read_bytes())
            if raw.pop("version") != _VERSION:
                raise ValueError("another version")
            named = {name: raw.pop(name) for name in ("inputs", "options", "directory")}
            bare = {"inputs": [], "options": {}, "directory": ""}
            plan = _Planned.model_validate_json(json.dumps({"plan": {**raw, **bare}})).plan
            plan = replace(plan, **named)  # names of files that are not UTF-8 pass no validation
            if plan.model:
                Job.of(plan.inputs, {"model": {**plan.model, "prompt": None}}, plan.directory)
            if plan.options != {}:
                _ = plan.job
            return plan
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            fix = f"Restore {file} from a copy, or start over with --fresh; batches under way are then paid for in vain."
            raise UsageError(f"{file} does not tell a job's batches. {fix}") from None

    def need(self) -> Plan:
        """The plan. Raises `UsageError` if the folder has none."""
        plan = self.load()
        if plan is None:
            raise UsageError(f"{self.job} holds no batches. Send some with `extractor batch submit INPUT... -o {self.job}`.")
        return plan

    def save(self, plan: Plan) -> None:
        """Write the state, whole or not at all, so that it outlives the process and the power."""
        raw = {"version": _VERSION, **asdict(plan)}
        with written_whole(self.folder / _STATE) as file:
            file.write((json.dumps(raw, indent=1) + "\n").encode())

    def make_way(self, fresh: bool) -> None:
        """Refuse a job by calls while batches are not collected: it would pay for them again. Forget them for a fresh start."""
        plan = self.load()
        if plan is not None and not plan.closed:
            fix = f"Run with --batch, or `extractor batch cancel {self.job}` and then `extractor batch collect {self.job}`."
            raise UsageError(f"{self.job} has batches that are not collected. {fix}")
        if fresh:
            self.drop()

    def drop(self) -> None:
        """Forget all of it, the state first."""
        if self.folder.is_dir():
            (self.folder / _STATE).unlink(missing_ok=True)
            for file in [*self.folder.glob("*.jsonl*"), *self.results.glob("*"), self.prompt]:
                file.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from the batches; the system releases the lock when the process ends, however it ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.results.mkdir(exist_ok=True)
        with file_of(self.folder, "lock").open("ab") as lock:
            if sys.platform != "win32":
                import fcntl

                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    fix = "Wait for it, or end it."
                    raise UsageError(f"Another process is at work on the batches of {self.job}. {fix}") from None
                except OSError:
                    pass  # a file system without locks
            yield

    def options(self, plan: Plan, **more: Any) -> ModelOptions:
        """How the job's model is asked, on this machine."""
        prompt = self.prompt if plan.model["prompt"] else None
        return ModelOptions(**{**plan.model, "fallbacks": tuple(plan.model["fallbacks"]), "prompt": prompt, **more})

    def read(self) -> "Iterator[PlannedDocument]":
        """The records of the input, one by one, in its order."""
        with file_of(self.folder, self.documents.name).open("rb") as lines:
            for line in lines:
                yield PlannedDocument.of(json.loads(line))

    def result_files(self) -> list[Path]:
        """The results that are here, the provider's and imported ones."""
        return sorted(self.results.glob("*.jsonl"))


def next_batch(store: Store, plan: Plan) -> PlannedBatch | None:
    """The next batch to send; None if all are sent, or the next has no room. A batch that is larger than the room is split."""
    for batch in plan.unsent:
        if batch.since is not None or plan.room is None:
            return batch
        if plan.under_way and plan.under_way + min(batch.tokens, plan.room) > plan.room:
            continue
        return _split(store, plan, batch) if batch.tokens > plan.room and batch.requests > 1 else batch
    return None


def _split(store: Store, plan: Plan, batch: PlannedBatch) -> PlannedBatch:
    """Make batches that fit of one that does not, and return the first, which has its number; the others come last in the plan.

    Their files are whole before the state knows of them. Its own is cut after that.
    """
    file = store.requests_of(batch)
    room = batch.bytes * cast(int, plan.room) // batch.tokens
    sizes: list[tuple[int, int]] = []  # requests and bytes
    with file.open("rb") as lines:
        requests = size = 0
        for line in lines:
            if requests and size + len(line) > room:
                sizes.append((requests, size))
                requests = size = 0
            requests, size = requests + 1, size + len(line)
        sizes.append((requests, size))

    def piece(number: int, requests: int, size: int, first: int) -> PlannedBatch:
        cost = None if batch.cost_usd is None else batch.cost_usd * size / batch.bytes
        tokens = max(1, batch.tokens * size // batch.bytes)
        return PlannedBatch(number, requests, size, cost, tokens, batch.piece_of or batch.number, first)

    pieces = [piece(batch.number, *sizes[0], batch.first)]
    with file.open("rb") as source:
        source.seek(sizes[0][1])
        for requests, size in sizes[1:]:
            number, first = len(plan.batches) + len(pieces), pieces[-1].first + pieces[-1].requests
            with store.requests(number).open("wb") as target:
                copy(source, target, size)
                target.flush()
                os.fsync(target.fileno())
            pieces.append(piece(number, requests, size, first))
    plan.batches[plan.batches.index(batch)] = pieces[0]
    plan.batches += pieces[1:]
    store.save(plan)
    store.requests_of(pieces[0])
    return pieces[0]


def copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """Copy so many bytes."""
    while size and (block := source.read(min(size, 1 << 20))):
        target.write(block)
        size -= len(block)


def export_requests(store: Store, plan: Plan, target: Path) -> list[Path]:
    """Copy the requests that are not sent to files, one a batch, and wait for their results. Raises `UsageError` if all are."""
    batches = [batch for batch in plan.pending if batch.state in {"planned", "exported"} and batch.since is None]
    if not batches:
        raise UsageError(
            f"{store.job} has no request that is not sent yet. Collect with `extractor batch collect {store.job}`."
        )
    files = [target] if len(batches) == 1 else [target.with_stem(f"{target.stem}-{batch.number}") for batch in batches]
    for batch, file in zip(batches, files, strict=True):
        with store.requests_of(batch).open("rb") as source, written_whole(file) as target_file:
            copy(source, target_file, batch.bytes)
        batch.state = "exported"
    store.save(plan)
    return files


class BatchAnswers:
    """The results in the folder, by question. Their lines stay on the disk; 250 bytes each are held to find them.

    Of several lines for one question the first that holds an answer counts. `left_over` says which lines are of no use.
    """

    def __init__(self, store: Store, plan: Plan, price: Price | None, online: bool) -> None:
        self._files = store.result_files()
        self._online = online
        self._mode = Mode(plan.mode or Mode.JSON_SCHEMA.value)
        self._batches = {batch.number: batch for batch in plan.batches}
        self._wanted = questions(store, plan, {batch.number for batch in plan.batches if batch.collected})
        self._lines: dict[str, tuple[int, int, bool]] = {}
        self._counted: set[str] = set()
        self._costs: dict[str, float] = {}
        price = price.times(PRICE) if price else None
        unknown = unreadable = doubled = 0
        for number, (offset, result) in ((n, each) for n, file in enumerate(self._files) for each in _results(file)):
            if result is None:
                unreadable += 1
            elif result.question not in self._wanted:
                unknown += 1
            else:
                before = self._lines.get(result.question)
                doubled += before is not None and before[2]
                if before is not None and (before[2] or result.completion is None):
                    continue
                self._lines[result.question] = (number, offset, result.completion is not None)
                if result.completion is not None and not self._batches[self._wanted[result.question]].written:
                    most = Spent(output_tokens=len(result.completion.text) // 3)
                    self._costs[result.question] = Ledger().add(result.completion, most, price)[1]
        kinds = ((unknown, "of no request of this job"), (doubled, "of requests answered before"), (unreadable, "unreadable"))
        told = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
        self.left_over = f"lines of the results that are of no use: {told}" if told else ""

    def unwritten(self, store: Store, journal: Journal) -> float:
        """What answers of batches cost, in US dollars, that stand in no record of the journal."""
        asked = {
            each.question for each in store.read() if isinstance(each.item, Sourced) and not journal.holds(each.item.document)
        }
        return sum(cost for question, cost in self._costs.items() if question in asked)

    def batch(self, question: str) -> PlannedBatch | None:
        """The batch of a question; None while it is not collected."""
        number = self._wanted.get(question)
        return None if number is None else self._batches[number]

    def count(self, question: str) -> None:
        """Take note that the cost of a question stands in a record already."""
        self._counted.add(question)

    def find(self, question: str) -> KnownAnswer | None:
        """The answer to a question; None where it was put in no batch, or is to be asked online."""
        number = self._wanted.get(question)
        if number is None:
            return None
        result = self._read(question)
        if result is None or result.completion is None:
            if self._online:
                return None
            said = result or _unanswered(question, self._batches[number])
            raise CallError(said.cause, said.fix)
        counted = question in self._counted
        self.count(question)
        return KnownAnswer(result.completion, self._mode, PRICE, reask=self._online, counted=counted)

    def _read(self, question: str) -> Result | None:
        place = self._lines.get(question)
        if place is None:
            return None
        with self._files[place[0]].open("rb") as lines:
            lines.seek(place[1])
            return read_result(lines.readline())


def import_results(store: Store, plan: Plan, file: Path) -> int:
    """Take over the lines of a results file that answer requests of the job, and return how many there are.

    A batch of which a line has come counts as collected. Raises `DataError` if no line does.
    """
    wanted = questions(store, plan, {batch.number for batch in plan.batches})
    digest = sha256()
    kept = others = 0
    new = store.results / "import.new"
    came: set[int] = set()
    with file.open("rb") as lines, new.open("wb") as copy:
        for line in lines:
            result = read_result(line)
            if result is not None and result.question in wanted:
                kept += 1
                came.add(wanted[result.question])
                copy.write(line if line.endswith(b"\n") else line + b"\n")
                digest.update(line)
            elif not line.isspace():
                others += 1
        copy.flush()
        os.fsync(copy.fileno())
    if not kept:
        new.unlink()
        fix = "Import the file that the provider gave for the requests of `extractor batch export`."
        raise DataError(f"{file}: none of its {others:,} lines answers a request of {store.job}. {fix}")
    new.replace(store.results / f"import-{digest.hexdigest()[:16]}.jsonl")
    for batch in plan.batches:
        if batch.number in came:
            batch.collected, batch.written = True, False
            if batch.state not in ENDED:
                batch.state = "completed"
    plan.closed = False
    store.save(plan)
    return kept


def _unanswered(question: str, batch: PlannedBatch) -> Result:
    """Why a question has no line in the results of its batch."""
    if batch.state == "failed":
        cause = (
            f"the provider refused the batch: {batch.cause.rstrip('.')}" if batch.cause else "the provider refused the batch"
        )
        fix = "Mend that, or have the quota raised, and run the same command again; or ask by calls, with --retry-online."
        return Result(question, None, cause, fix)
    if batch.state in {"expired", "cancelled"}:
        ended = "expired" if batch.state == "expired" else "was cancelled"
        return Result(question, None, f"the batch {ended} before it was answered")
    return Result(question, None, "the results of the batch hold no line for it")


def questions(store: Store, plan: Plan, batches: Collection[int]) -> dict[str, int]:
    """The questions in these batches, each with the number of its batch.

    The documents name the batch as it was planned; the pieces of one that was split hold its questions one after the other.
    """
    pieces: dict[int, list[Iterator[int]]] = {}
    for batch in sorted(plan.batches, key=lambda batch: batch.first):
        pieces.setdefault(batch.piece_of or batch.number, []).append(repeat(batch.number, batch.requests))
    numbers = {planned_as: chain.from_iterable(each) for planned_as, each in pieces.items()}
    asked = (planned for planned in store.read() if planned.batch is not None and not planned.repeat)
    found = ((planned.question, next(numbers[cast(int, planned.batch)])) for planned in asked)
    return {question: batch for question, batch in found if question is not None and batch in batches}


def _results(file: Path) -> Iterator[tuple[int, Result | None]]:
    offset = 0
    with file.open("rb") as lines:
        for line in lines:
            if not line.isspace():
                yield offset, read_result(line)
            offset += len(line)


def is_torn(stream: Any) -> bool:
    """Whether a results file ends in the middle of a line; the last line may lack its end."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - (1 << 20)))
    last = stream.read().rpartition(b"\n")[2]
    stream.seek(0, os.SEEK_END)
    if not last.strip():
        return False
    try:
        json.loads(last)
    except ValueError:
        return True
    return False


def is_ours(results: Path, asked: dict[str, int]) -> bool:
    """Whether a results file answers any of these questions."""
    return results.exists() and any(result is not None and result.question in asked for _, result in _results(results))
