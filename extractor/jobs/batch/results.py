"""The results of a job's batches: found by question, checked, imported."""

import json
import os
from collections.abc import Collection, Iterator
from hashlib import sha256
from itertools import chain, repeat
from pathlib import Path
from typing import Any, cast

from extractor.errors import CallError, DataError
from extractor.jobs.batch.plan import Plan, PlannedBatch
from extractor.jobs.batch.store import Store
from extractor.llm.answers import KnownAnswer
from extractor.llm.batch import ENDED, PRICE, Result, read_result
from extractor.llm.pricing import Ledger, Price
from extractor.llm.structured import Mode


class BatchAnswers:
    """The results in the folder, by question. Their lines stay on the disk; 250 bytes each are held to find them.

    Of several lines for one question the first that holds an answer counts. `unwritten_usd` is what results cost of which no
    record is written. `left_over` says which lines are of no use.
    """

    def __init__(self, store: Store, plan: Plan, price: Price | None, online: bool) -> None:
        self._files = store.result_files()
        self._online = online
        self._mode = Mode(plan.mode or Mode.JSON_SCHEMA.value)
        self._batches = {batch.number: batch for batch in plan.batches}
        self._wanted = questions(store, plan, {batch.number for batch in plan.batches if batch.collected})
        self._lines: dict[str, tuple[int, int, bool]] = {}
        self._counted: set[str] = set()
        self.unwritten_usd = 0.0
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
                    ledger = Ledger()
                    ledger.add(result.completion, 0)
                    self.unwritten_usd += ledger.cost(price) or 0.0
        kinds = ((unknown, "of no request of this job"), (doubled, "of requests answered before"), (unreadable, "unreadable"))
        told = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
        self.left_over = f"lines of the results that are of no use: {told}" if told else ""

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
